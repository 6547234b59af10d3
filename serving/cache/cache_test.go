package cache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/wire"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var limits = Limits{TTL: time.Hour, MaxEntries: 100, MaxBytes: 1 << 20}

func key(n int) Key { return Key{Sum: Sum{byte(n), byte(n >> 8)}} }

func entry(size int) *Entry { return &Entry{Body: bytes.Repeat([]byte("x"), size)} }

func has(c *Cache, n int, l Limits) bool {
	_, _, ok := c.Get("e", key(n), l)
	return ok
}

func TestEntriesLiveForTheirTime(t *testing.T) {
	now := &clock{t: time.Unix(1000, 0)}
	c := New(now.now)
	c.Put("e", key(1), entry(10), limits)
	now.add(time.Hour - 1)
	if _, age, ok := c.Get("e", key(1), limits); !ok || age != time.Hour-1 {
		t.Errorf("after %v, there: %v", age, ok)
	}
	if has(c, 1, Limits{TTL: time.Minute}) {
		t.Error("a shorter time to live does not hold at once")
	}
	c.Put("e", key(1), entry(10), limits)
	now.add(time.Hour)
	if has(c, 1, limits) {
		t.Error("there when its time is over")
	}
	if s := c.Stats(); s.Entries != 0 || s.Bytes != 0 || s.Expired != 2 {
		t.Errorf("stats = %+v", s)
	}
}

func TestSweepTakesOutWhatNobodyAsksFor(t *testing.T) {
	now := &clock{t: time.Unix(1000, 0)}
	c := New(now.now)
	c.Put("e", key(1), entry(10), limits)
	now.add(30 * time.Minute)
	c.Put("e", key(2), entry(10), limits)
	now.add(30 * time.Minute)
	s := c.stores["e"]
	s.sweep(now.now())
	if has(c, 1, limits) || !has(c, 2, limits) || s.timer == nil {
		t.Error("the first is to go, the second to stay and be looked for again")
	}
	now.add(time.Hour)
	s.sweep(now.now())
	if st := c.Stats(); st.Entries != 0 || st.Bytes != 0 || s.timer != nil {
		t.Errorf("stats = %+v, timer %v", st, s.timer)
	}
}

func TestTheLeastRecentlyUsedGoesFirst(t *testing.T) {
	c := New(nil)
	l := Limits{TTL: time.Hour, MaxEntries: 3, MaxBytes: 1 << 20}
	for n := range 3 {
		c.Put("e", key(n), entry(10), l)
	}
	has(c, 0, l)
	c.Put("e", key(3), entry(10), l)
	if !has(c, 0, l) || has(c, 1, l) || !has(c, 2, l) || !has(c, 3, l) {
		t.Error("1 is to go")
	}
	if s := c.Stats(); s.Entries != 3 || s.Evicted != 1 {
		t.Errorf("stats = %+v", s)
	}
}

func TestBytesAreBounded(t *testing.T) {
	c := New(nil)
	l := Limits{TTL: time.Hour, MaxEntries: 1 << 30, MaxBytes: 100 << 10}
	c.Put("e", key(0), entry(25<<10+1), l)
	if has(c, 0, l) {
		t.Error("larger than a quarter of the store, and kept")
	}
	for n := range 5000 {
		c.Put("e", key(n%700), entry(rand.IntN(20<<10)), l)
		if s := c.Stats(); s.Bytes > l.MaxBytes {
			t.Fatalf("%d bytes after %d entries", s.Bytes, n)
		}
	}
	c.Put("other", key(1), entry(10), l)
	if !has(c, 4999%700, l) {
		t.Error("another endpoint drove out the last entry")
	}
}

func TestEndpointsShareNothing(t *testing.T) {
	c := New(nil)
	c.Put("e", key(1), entry(10), limits)
	if _, _, ok := c.Get("f", key(1), limits); ok {
		t.Error("found at another endpoint")
	}
	k := key(1)
	k.Shape = Stream
	if _, _, ok := c.Get("e", k, limits); ok {
		t.Error("found in another shape")
	}
}

func TestManyAtOnce(t *testing.T) {
	c := New(nil)
	l := Limits{TTL: time.Hour, MaxEntries: 50, MaxBytes: 64 << 10}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				n := rand.IntN(200)
				if e, _, ok := c.Get("e"+strconv.Itoa(n%3), key(n), l); ok && string(e.Body) != strconv.Itoa(n) {
					t.Errorf("entry %d is %s", n, e.Body)
				}
				c.Put("e"+strconv.Itoa(n%3), key(n), &Entry{Body: []byte(strconv.Itoa(n))}, l)
			}
		})
	}
	wg.Wait()
}

func sum(t *testing.T, q Question) Sum {
	t.Helper()
	s, ok := q.Key()
	if !ok {
		t.Fatalf("no key for %s", q.Body)
	}
	return s
}

func TestWhatIsTheSameQuestion(t *testing.T) {
	const body = `{"model":"m","messages":[{"role":"user","content":"a b"}],"temperature":0}`
	base := sum(t, Question{Body: []byte(body)})
	for _, same := range []string{
		" \n" + body + "\t",
		`{ "temperature" : 0, "messages" : [ { "content" : "a b", "role" : "user" } ], "model" : "n" }`,
		`{"messages":[{"role":"user","content":"a b"}],"temperature":0,"stream":true,"stream_options":{"include_usage":true},"user":"u","metadata":{"a":"b"},"usage_context":{"a":"b"},"client_request_id":"7","safety_identifier":"s","prompt_cache_key":"k"}`,
	} {
		if sum(t, Question{Body: []byte(same)}) != base {
			t.Errorf("another question: %s", same)
		}
	}
	seen := map[Sum]string{base: "base"}
	different := func(name string, q Question) {
		t.Helper()
		s := sum(t, q)
		if was, twice := seen[s]; twice {
			t.Errorf("%s is the same as %s", name, was)
		}
		seen[s] = name
	}
	for _, other := range []string{
		`{}`,
		`{"messages":[{"role":"user","content":"a  b"}],"temperature":0}`,
		`{"messages":[{"role":"user","content":"a b","user":"x"}],"temperature":0}`,
		`{"messages":[{"role":"user","content":"a b"}],"temperature":0,"seed":1}`,
		`{"messages":[{"role":"user","content":"a b"}],"temperature":0,"seed":null}`,
		`{"messages":[{"role":"user","content":"a b"}]}`,
		`{"messages":[[{"role":"user","content":"a b"}]],"temperature":0}`,
		`{"messages":[{"role":"user"},{"content":"a b"}],"temperature":0}`,
	} {
		different(other, Question{Body: []byte(other)})
	}
	b := []byte(body)
	different("endpoint", Question{Body: b, EndpointID: "e"})
	different("version", Question{Body: b, ConfigVersion: 1})
	different("dropping", Question{Body: b, DropUnsupported: true})
	different("data only", Question{Body: b, DataOnly: true})
	different("scope", Question{Body: b, Scope: "e"})
	different("tenant", Question{Body: b, Tenant: "e"})
	different("tenant and format", Question{Body: b, Tenant: "e", Format: "f"})
	different("tenant that looks like it", Question{Body: b, Tenant: "ef"})
	different("header", Question{Body: b, Header: http.Header{"Anthropic-Beta": {"a", "b"}}})
	different("other header", Question{Body: b, Header: http.Header{"Anthropic-Beta": {"a,b"}}})
	if sum(t, Question{Body: b, Header: http.Header{"Idempotency-Key": {"7"}}}) != base {
		t.Error("a repeated call is another question")
	}
}

// Answers of the Responses API say whose they are.
func TestWhatAnswersRepeatCounts(t *testing.T) {
	of := func(more string) Sum {
		return sum(t, Question{Format: wire.OpenAIResponses, Body: []byte(`{"model":"m","input":"a"` + more + `}`)})
	}
	for _, more := range []string{`,"user":"u"`, `,"metadata":{"a":"b"}`, `,"safety_identifier":"s"`, `,"prompt_cache_key":"k"`} {
		if of(more) == of("") {
			t.Errorf("%s does not count", more)
		}
	}
	if of(`,"stream":true,"usage_context":{"a":"b"}`) != of("") {
		t.Error("what answers don't repeat counts")
	}
}

func TestWhatIsNoObjectHasNoKey(t *testing.T) {
	for _, body := range []string{"", " ", "[]", "1", `"a"`, `{"a":1} x`} {
		if _, ok := (&Question{Body: []byte(body)}).Key(); ok {
			t.Errorf("%q has a key", body)
		}
	}
}

// BenchmarkMemory shows what an entry takes beyond its body, which perEntry allows for.
func BenchmarkMemory(b *testing.B) {
	l := Limits{TTL: time.Hour, MaxEntries: 1 << 30, MaxBytes: 1 << 40}
	var before, after runtime.MemStats
	c := New(nil)
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := max(b.N, 10_000)
	for i := range n {
		k := Key{}
		copy(k.Sum[:], fmt.Sprint(i))
		e := entry(1000)
		one, two := int64(1), int64(2)
		e.Usage.Input, e.Usage.Output, e.Usage.Total = &one, &two, &two
		e.Target.Model = fmt.Sprint("model-of-the-answer-", i)
		c.Put("e", k, e, l)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n)-1000, "extra-B/entry")
	runtime.KeepAlive(c)
}

func BenchmarkKey(b *testing.B) {
	for _, size := range []int{1 << 10, 32 << 10} {
		body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + string(bytes.Repeat([]byte("word "), size/5)) + `"}],"temperature":0}`)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				(&Question{EndpointID: "e", Tenant: "t", Body: body}).Key()
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	c := New(nil)
	for n := range 100 {
		c.Put("e", key(n), entry(1000), limits)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		c.Get("e", key(n%100), limits)
	}
}
