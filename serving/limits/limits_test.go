package limits

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)} }

func n(v int64) *int64 { return &v }

func limited(limits ...endpoint.RateLimit) *endpoint.Endpoint {
	for i := range limits {
		if limits[i].Period == 0 {
			limits[i].Period = time.Minute
		}
	}
	return &endpoint.Endpoint{Name: "chat", RateLimits: limits}
}

var (
	ann = &inference.Principal{Name: "ann", Kind: inference.User, Groups: []string{"red"}}
	bob = &inference.Principal{Name: "bob", Kind: inference.User, Groups: []string{"red", "blue"}}
	bot = &inference.Principal{Name: "bot", Kind: inference.ServicePrincipal}
)

// TestWhoIsBound makes calls in order and says for each whether it passes (+) or not (-).
func TestWhoIsBound(t *testing.T) {
	calls := func(k endpoint.LimitKey, who string, most int64) endpoint.RateLimit {
		return endpoint.RateLimit{Key: k, Principal: who, Calls: n(most)}
	}
	tests := []struct {
		name   string
		limits []endpoint.RateLimit
		calls  string
		want   string
	}{
		{"none", nil, "ann ann bob", "+++"},
		{"endpoint", []endpoint.RateLimit{calls(endpoint.PerEndpoint, "", 2)}, "ann bob ann bot", "++--"},
		{"each user", []endpoint.RateLimit{calls(endpoint.PerUser, "", 1)}, "ann ann bob bob bot bot", "+-+-+-"},
		{"a user", []endpoint.RateLimit{calls(endpoint.PerUser, "ann", 1)}, "ann ann bob bob", "+-++"},
		{"a user beats the default", []endpoint.RateLimit{calls(endpoint.PerUser, "", 1), calls(endpoint.PerUser, "ann", 2)}, "ann ann ann bob bob", "++-+-"},
		{"a service principal", []endpoint.RateLimit{calls(endpoint.PerServicePrincipal, "bot", 1)}, "bot bot ann", "+-+"},
		{"a user limit is not a service principal's", []endpoint.RateLimit{calls(endpoint.PerUser, "bot", 1)}, "bot bot", "++"},
		{"a group shares", []endpoint.RateLimit{calls(endpoint.PerGroup, "red", 2)}, "ann bob ann bob bot", "++--+"},
		{"one of two groups is enough", []endpoint.RateLimit{calls(endpoint.PerGroup, "red", 1), calls(endpoint.PerGroup, "blue", 2)}, "ann bob bob bob ann", "+++--"},
		{"a group beats the default", []endpoint.RateLimit{calls(endpoint.PerGroup, "red", 2), calls(endpoint.PerUser, "", 1)}, "ann ann ann bot bot", "++-+-"},
		{"a user beats the group", []endpoint.RateLimit{calls(endpoint.PerGroup, "red", 1), calls(endpoint.PerUser, "ann", 2)}, "ann ann ann bob bob", "++-+-"},
		{"the endpoint binds all", []endpoint.RateLimit{calls(endpoint.PerEndpoint, "", 3), calls(endpoint.PerUser, "ann", 9)}, "ann ann bob ann", "+++-"},
		{"another group", []endpoint.RateLimit{calls(endpoint.PerGroup, "green", 0)}, "ann bob", "++"},
	}
	people := map[string]*inference.Principal{"ann": ann, "bob": bob, "bot": bot}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, e := New(newClock().now), limited(tt.limits...)
			var got strings.Builder
			for who := range strings.FieldsSeq(tt.calls) {
				r, err := l.Reserve(e, people[who], 0)
				if err != nil {
					got.WriteByte('-')
					continue
				}
				r.Settle(0)
				got.WriteByte('+')
			}
			if got.String() != tt.want {
				t.Errorf("%s: got %s, want %s", tt.calls, got.String(), tt.want)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	tests := []struct {
		limit   endpoint.RateLimit
		status  int
		message string
		retry   string
	}{
		{endpoint.RateLimit{Key: endpoint.PerEndpoint, Calls: n(1)}, 429, "User defined rate limit(s) exceeded for 'chat': 1 calls per minute per endpoint.", "61"},
		{endpoint.RateLimit{Key: endpoint.PerUser, Tokens: n(10)}, 429, "User defined rate limit(s) exceeded for 'chat': 10 tokens per minute per user.", "61"},
		{endpoint.RateLimit{Key: endpoint.PerGroup, Principal: "red", Calls: n(1), Period: time.Hour}, 429, "User defined rate limit(s) exceeded for 'chat': 1 calls per hour per user group.", "3660"},
		{endpoint.RateLimit{Key: endpoint.PerEndpoint, Calls: n(0)}, 403, "Endpoint 'chat' is disabled by a rate limit of 0 calls per endpoint.", ""},
		{endpoint.RateLimit{Key: endpoint.PerUser, Principal: "ann", Tokens: n(0)}, 403, "Endpoint 'chat' is disabled by a rate limit of 0 tokens per user.", ""},
	}
	for _, tt := range tests {
		l, e := New(newClock().now), limited(tt.limit)
		if r, err := l.Reserve(e, ann, 0); err == nil {
			r.Settle(10)
		}
		_, err := l.Reserve(e, ann, 0)
		if err == nil || err.Status != tt.status || err.Message != tt.message || err.RetryAfterHeader() != tt.retry {
			t.Errorf("%+v: got %v, Retry-After %s", tt.limit, err, err.RetryAfterHeader())
		}
	}
}

func TestTokens(t *testing.T) {
	c := newClock()
	l, e := New(c.now), limited(endpoint.RateLimit{Key: endpoint.PerEndpoint, Tokens: n(100)})
	a, err := l.Reserve(e, ann, 60)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Reserve(e, ann, 60) // 60 of 100 are reserved: there is room
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Reserve(e, ann, 1); err == nil || err.RetryAfterHeader() != "1" {
		t.Fatalf("120 tokens are reserved: %v", err)
	}
	a.Settle(5)
	a.Settle(1000) // counts once
	a.Keep()
	b.Cancel()
	if d, err := l.Reserve(e, ann, 60); err != nil {
		t.Fatalf("5 tokens are used: %v", err)
	} else {
		d.Keep()
	}
	c.t = c.t.Add(30 * time.Second)
	d, err := l.Reserve(e, ann, 0)
	if err != nil {
		t.Fatalf("65 tokens are used: %v", err)
	}
	d.Settle(50)
	// 115 are used; those of 30 seconds ago have to go first.
	if _, err := l.Reserve(e, ann, 0); err == nil || err.RetryAfterHeader() != "31" {
		t.Fatalf("got %v", err)
	}
	c.t = c.t.Add(31 * time.Second)
	if _, err := l.Reserve(e, ann, 0); err != nil {
		t.Fatalf("after the wait that was told: %v", err)
	}
}

// TestNeverMoreInAnyWindow makes random calls and checks every window of a minute.
func TestNeverMoreInAnyWindow(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 5))
	c := newClock()
	l, e := New(c.now), limited(endpoint.RateLimit{Key: endpoint.PerEndpoint, Calls: n(10)})
	var passed []time.Time
	for range 5000 {
		c.t = c.t.Add(time.Duration(rnd.Int64N(int64(8 * time.Second))))
		r, err := l.Reserve(e, ann, 0)
		if err != nil {
			if rnd.IntN(3) == 0 { // after the wait that was told there must be room
				c.t = c.t.Add(err.RetryAfter)
				if r, err = l.Reserve(e, ann, 0); err != nil {
					t.Fatalf("seed %d: still refused after Retry-After: %v", seed, err)
				}
			} else {
				continue
			}
		}
		r.Settle(1)
		passed = append(passed, c.t)
	}
	for i := 10; i < len(passed); i++ {
		if d := passed[i].Sub(passed[i-10]); d < time.Minute {
			t.Fatalf("seed %d: 11 calls within %v", seed, d)
		}
	}
	if len(passed) < 2000 {
		t.Errorf("seed %d: only %d of 5000 passed", seed, len(passed))
	}
}

func TestConcurrentCallsDoNotSlipThrough(t *testing.T) {
	l, e := New(newClock().now), limited(endpoint.RateLimit{Key: endpoint.PerUser, Calls: n(50)})
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 200 {
		wg.Go(func() {
			r, err := l.Reserve(e, ann, 10)
			if err != nil {
				return
			}
			mu.Lock()
			passed++
			mu.Unlock()
			r.Settle(1)
		})
	}
	wg.Wait()
	if passed != 50 {
		t.Errorf("%d of 200 passed, want 50", passed)
	}
}

func TestIdleWindowsAreForgotten(t *testing.T) {
	c := newClock()
	l, e := New(c.now), limited(endpoint.RateLimit{Key: endpoint.PerUser, Calls: n(5)})
	held, err := l.Reserve(e, ann, 5)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20000 {
		c.t = c.t.Add(50 * time.Millisecond)
		r, err := l.Reserve(e, &inference.Principal{Name: fmt.Sprint("user", i)}, 0)
		if err != nil {
			t.Fatal(err)
		}
		r.Settle(1)
	}
	if len(l.windows) > 4000 {
		t.Errorf("%d windows are kept", len(l.windows))
	}
	held.Settle(5)
	if w := l.windows[subject{"chat", endpoint.PerUser, "ann", time.Minute}]; w == nil || w.sum.tokens != 5 {
		t.Errorf("the window of a call in flight was forgotten: %+v", w)
	}
}

func TestClockGoingBack(t *testing.T) {
	c := newClock()
	l, e := New(c.now), limited(endpoint.RateLimit{Key: endpoint.PerEndpoint, Calls: n(1)})
	for _, step := range []time.Duration{0, -5 * time.Second, -24 * time.Hour, 48 * time.Hour} {
		c.t = c.t.Add(step)
		r, err := l.Reserve(e, ann, 0)
		if passes := step != -5*time.Second; (err == nil) != passes {
			t.Errorf("after a step of %v: %v", step, err)
		}
		r.Settle(0)
	}
}

func BenchmarkReserveSettle(b *testing.B) {
	l := New(nil)
	e := limited(endpoint.RateLimit{Key: endpoint.PerEndpoint, Calls: n(1 << 60)}, endpoint.RateLimit{Key: endpoint.PerUser, Tokens: n(1 << 60)})
	b.ReportAllocs()
	for b.Loop() {
		r, err := l.Reserve(e, ann, 100)
		if err != nil {
			b.Fatal(err)
		}
		r.Settle(120)
	}
}
