package loadgen_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/loadgen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func provider(t *testing.T) (*fakellm.Server, string) {
	t.Helper()
	p, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p)
	t.Cleanup(func() {
		_ = p.Close()
		s.Close()
	})
	return p, s.URL + "/v1/chat/completions"
}

const body = `{"model":"m","messages":[{"role":"user","content":"x-fake: tokens=20 chunks=10"}]}`

func config(url, body string) loadgen.Config {
	c := loadgen.DefaultConfig()
	c.URL, c.Bodies, c.Conns, c.Duration = url, [][]byte{[]byte(body)}, 8, 30*time.Second
	return c
}

func TestClosedLoopCountsWhatTheServerSaw(t *testing.T) {
	p, url := provider(t)
	cfg := config(url, body)
	cfg.Requests = 500
	r, err := loadgen.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.OK != 500 || r.Sent != 500 || r.Errors != 0 || r.Latency.Count != 500 || p.Stats().Chat != 500 {
		t.Errorf("%+v, the provider saw %+v", r, p.Stats())
	}
	if r.Latency.P50 <= 0 || r.Latency.P99 < r.Latency.P50 || r.Latency.Max < r.Latency.P99 || r.PerSecond() <= 0 {
		t.Errorf("latencies out of order: %+v", r.Latency)
	}
}

func TestOpenLoopStreams(t *testing.T) {
	p, url := provider(t)
	cfg := config(url, strings.TrimSuffix(body, "}")+`,"stream":true,"stream_options":{"include_usage":true}}`)
	cfg.Stream, cfg.Rate, cfg.Requests, cfg.Conns = true, 2000, 100, 2
	r, err := loadgen.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.OK != 100 || r.Whole != 100 || r.Events != 100*13 || r.First.Count != 100 || p.Stats().Chat != 100 {
		t.Errorf("%+v, the provider saw %+v", r, p.Stats())
	}
	if r.First.P50 > r.Latency.P50 {
		t.Errorf("the first event came after the last: %+v, %+v", r.First, r.Latency)
	}
}

// A server that stalls once must be seen in all the requests that were due meanwhile.
func TestNoCoordinatedOmission(t *testing.T) {
	const stall, rate = 200 * time.Millisecond, 500
	var n atomic.Int64
	gate := make(chan struct{}, 1) // one request at a time
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		gate <- struct{}{}
		if n.Add(1) == 1 {
			timer := time.NewTimer(stall)
			<-timer.C
		}
		<-gate
		w.WriteHeader(http.StatusOK)
	}))
	defer s.Close()
	cfg := config(s.URL+"/", "{}")
	cfg.Rate, cfg.Conns, cfg.MaxConns, cfg.Requests = rate, 1, 1, 100
	r, err := loadgen.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	// 100 requests are due within the 200 ms of the stall: the median waited for about half of it.
	if r.OK != 100 || r.Latency.P50 < stall/4 || r.Latency.Max < stall {
		t.Errorf("the stall was forgiven: %+v", r)
	}
}

func TestBadAnswersAreCounted(t *testing.T) {
	_, url := provider(t)
	for _, c := range []struct {
		script       string
		status       int
		errors       int64
		streamed, ok bool
	}{
		{"status=429", 429, 0, false, false},
		{"reset", 0, 40, false, false},
		{"body=cut", 0, 40, false, false},
		{"chunks=4 break=2", 0, 40, true, false},
		{"gzip", 200, 0, false, true},
	} {
		for _, rate := range []float64{0, 5000} {
			more := ""
			if c.streamed {
				more = `,"stream":true`
			}
			cfg := config(url, `{"model":"m","messages":[{"role":"user","content":"x-fake: `+c.script+`"}]`+more+"}")
			cfg.Requests, cfg.Rate, cfg.Stream = 40, rate, c.streamed
			r, err := loadgen.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if r.Sent != 40 || r.Errors != c.errors || (r.OK == 40) != c.ok || (c.status != 0 && r.Status[c.status] != 40) {
				t.Errorf("%s at rate %v: %+v", c.script, rate, r)
			}
			if c.errors > 0 && r.FirstError == "" {
				t.Errorf("%s: no first error", c.script)
			}
		}
	}
}

func TestCancelEndsARun(t *testing.T) {
	p, url := provider(t)
	for _, rate := range []float64{0, 100} {
		ctx, cancel := context.WithCancel(t.Context())
		cfg := config(url, `{"model":"m","messages":[{"role":"user","content":"x-fake: hang"}]}`)
		cfg.Rate = rate
		ended := make(chan *loadgen.Result, 1)
		go func() {
			r, err := loadgen.Run(ctx, cfg)
			if err != nil {
				t.Error(err)
			}
			ended <- r
		}()
		for p.Stats().Active == 0 {
			select {
			case <-ended:
				t.Fatal("the run ended by itself")
			default:
			}
		}
		cancel()
		if r := <-ended; r.OK != 0 || r.Errors == 0 {
			t.Errorf("rate %v: %+v", rate, r)
		}
		for p.Stats().Active > 0 {
			select {
			case <-t.Context().Done():
				t.Fatal("requests still hang")
			default:
			}
		}
	}
}

func TestStopLeavesNothingUnanswered(t *testing.T) {
	p, url := provider(t)
	for _, rate := range []float64{0, 500} {
		stop := make(chan struct{})
		cfg := config(url, strings.Replace(body, "x-fake:", "x-fake: latency=20ms", 1))
		cfg.Rate, cfg.Stop = rate, stop
		p.Reset()
		ended := make(chan *loadgen.Result, 1)
		go func() {
			r, err := loadgen.Run(t.Context(), cfg)
			if err != nil {
				t.Error(err)
			}
			ended <- r
		}()
		for p.Stats().Active == 0 {
			runtime.Gosched()
		}
		close(stop)
		if r := <-ended; r == nil || r.Errors != 0 || r.OK != r.Sent || r.Sent != p.Stats().Chat {
			t.Errorf("rate %v: %+v, the provider saw %+v", rate, r, p.Stats())
		}
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, url := range []string{"http://192.0.2.1:80/", "http://example.com/", "https://127.0.0.1:1/", "http://127.0.0.1/", "ftp://x", "%"} {
		if _, err := loadgen.Run(t.Context(), config(url, "{}")); err == nil {
			t.Errorf("%s was accepted", url)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if _, err := loadgen.Run(t.Context(), config("http://"+l.Addr().String()+"/", "{}")); err == nil {
		t.Error("a run without a server is no error")
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, change := range []func(*loadgen.Config){
		func(c *loadgen.Config) { c.Conns = 0 },
		func(c *loadgen.Config) { c.Rate = -1 },
		func(c *loadgen.Config) { c.Rate, c.MaxConns = 1, 1 },
		func(c *loadgen.Config) { c.Duration = 0 },
		func(c *loadgen.Config) { c.Requests = -1 },
	} {
		cfg := config("http://127.0.0.1:1/", "{}")
		change(&cfg)
		if err := cfg.Validate(); err == nil {
			t.Errorf("accepted %+v", cfg)
		}
	}
}

func TestDistribution(t *testing.T) {
	d := loadgen.NewDistribution()
	if d.Summary() != (loadgen.Summary{}) {
		t.Error("an empty distribution has figures")
	}
	for i := range 1000 {
		d.Add(time.Duration(i+1) * time.Millisecond)
	}
	s := d.Summary()
	if s.Count != 1000 || s.P50.Round(10*time.Millisecond) != 500*time.Millisecond || s.P99.Round(10*time.Millisecond) != 990*time.Millisecond {
		t.Errorf("%+v", s)
	}
}
