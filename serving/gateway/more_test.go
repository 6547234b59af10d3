package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
	"github.com/lakegate/lakegate/serving/provider"
)

func TestProviderThatIsNotThere(t *testing.T) {
	e := chatEndpoint(t, 1)
	e.Entities[0].BaseURL = parseURL(t, "http://127.0.0.1:1/v1")
	l := newLabOf(t, e)
	c := l.do(ask)
	if got := summary(l.recorder.One()); got != "upstream_error 502 BAD_GATEWAY usage=none a:0" || !strings.Contains(c.body, "the provider can't be reached") || strings.Contains(c.body, "127.0.0.1") {
		t.Errorf("row %s, client %s", got, c.body)
	}
}

func TestAnswerLargerThanAllowed(t *testing.T) {
	for name, up := range map[string]http.HandlerFunc{
		"length known": sends(200, "application/json", answer),
		"not known":    func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); sends(200, "", answer)(w, r) },
	} {
		l := newLab(t, []http.Handler{with("Content-Type", "application/json", up)}, func(l *lab, _ *endpoint.Endpoint) { l.config.MaxAnswer = 100 })
		c := l.do(ask)
		if got := summary(l.recorder.One()); got != "upstream_error 502 BAD_GATEWAY usage=none a:200" || !strings.Contains(c.body, "larger than 100 bytes") {
			t.Errorf("%s: row %s, client %s", name, got, c.body)
		}
	}
}

func TestClientGoneBeforeTheCall(t *testing.T) {
	l := newLab(t, []http.Handler{untouched(t)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.doAs(ctx, &client{}, ask)
	if got := summary(l.recorder.One()); got != "client_gone 0 CLIENT_CLOSED_REQUEST usage=none" {
		t.Error(got)
	}
}

func TestMoreRefusals(t *testing.T) {
	embeddings := func(_ *lab, e *endpoint.Endpoint) { e.Task = endpoint.Embeddings }
	l := newLab(t, []http.Handler{untouched(t)}, embeddings)
	if c := l.do(`{"input":"x","stream":true}`, atPath("chat")); c.head.Status != 400 || !strings.Contains(c.body, "can't be streamed") {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
	if c := l.do(`{"input":"x","client_request_id":"`+strings.Repeat("x", 2000)+`"}`, atPath("chat")); c.head.Status != 400 || !strings.Contains(c.body, "longer than 1024 bytes") {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
	if c := l.do("{\"input\":\"\xff\"}", atPath("chat")); c.head.Status != 400 || !strings.Contains(c.body, "not UTF-8") {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
	if r := l.recorder.Records()[2]; r.Payload.Request != nil || fmt.Sprint(r.Payload.ErrorCodes) != "[REQUEST_NOT_UTF8]" {
		t.Errorf("payload %+v", r.Payload)
	}
	if c := l.do(ask, func(c *gateway.Call) { c.Tags = []string{`{"":"x"}`} }, atPath("chat")); c.head.Status != 400 || !strings.Contains(c.body, "empty name") {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
}

// TestLongTextIsClipped: what a caller writes takes bounded room in a row.
func TestLongTextIsClipped(t *testing.T) {
	l := newLab(t, []http.Handler{untouched(t)})
	l.do(`{"model":"`+strings.Repeat("ü", 1000)+`"}`, func(c *gateway.Call) {
		c.UserAgent, c.URL = strings.Repeat("a\xff", 5000), "/"+strings.Repeat("b", 5000)
	})
	r := l.recorder.One()
	if n := len(r.Target.Endpoint); n > 256 || n < 250 || len(r.UserAgent) > 512 || len(r.URL) > 2048 || len(r.RequestedModel) > 256 || strings.Contains(r.UserAgent, "\xff") {
		t.Errorf("row %s", asText(r))
	}
}

// TestCallKeepsItsView: a new configuration does not touch a call that has begun.
func TestCallKeepsItsView(t *testing.T) {
	var l *lab
	l = newLab(t, []http.Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		empty, err := endpoint.NewCatalog(nil)
		if err != nil {
			t.Error(err)
		}
		if old := l.Live.Swap(gateway.View{Catalog: empty, Keys: &auth.Keys{}}); len(old.Catalog.All()) != 1 {
			t.Error("Swap did not return the view before")
		}
		sends(200, "application/json", answer)(w, r)
	})})
	if c := l.do(ask); c.head.Status != 200 {
		t.Errorf("the call that had begun: %d %s", c.head.Status, c.body)
	}
	if c := l.do(ask); c.head.Status != 401 {
		t.Errorf("the call after: %d %s", c.head.Status, c.body)
	}
}

func TestNewRefuses(t *testing.T) {
	good := gateway.Parts{
		Live: gateway.NewLive(gateway.View{}), Recorder: gatewaytest.NewRecorder(t), Pricer: gatewaytest.Pricer{}, Meter: &meter{},
		Providers: map[string]provider.Provider{"x": {}}, Logger: slog.New(slog.DiscardHandler),
	}
	if _, err := gateway.New(gateway.DefaultConfig(), good); err != nil {
		t.Error(err)
	}
	if _, err := gateway.New(gateway.Config{}, good); err == nil || strings.Count(err.Error(), "above zero") != 10 {
		t.Errorf("empty config: %v", err)
	}
	good.Recorder = nil
	if _, err := gateway.New(gateway.DefaultConfig(), good); err == nil {
		t.Error("no recorder is no fault")
	}
}

// TestManyAtOnce: many calls of all kinds at a time; the recorder's audit does the checking.
func TestManyAtOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 6))
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rnd.IntN(n)
	}
	all := []http.HandlerFunc{
		streams(hel, lo, stop, usage, doneEvent), streams(hel, lo, "!"), streams(hel), streams(), sends(429, "", ""),
		sends(200, "application/json", answer), sends(200, "text/html", "<html>"), cut(answer[:20]), bytewise(13, hel+lo+stop+usage+doneEvent),
	}
	up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { all[draw(len(all))](w, r) })
	l := newLab(t, []http.Handler{up, up, up}, func(_ *lab, e *endpoint.Endpoint) { e.Fallback = true })
	const calls = 400
	work := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for n := range work {
				ctx, cancel := context.WithCancel(context.Background())
				c := &client{}
				if draw(3) == 0 { // leaves after its first piece
					c.onSend = func(string) error { cancel(); return io.ErrClosedPipe }
				}
				body := askStream
				if n%4 == 0 {
					body = ask
				}
				l.doAs(ctx, c, body)
				cancel()
			}
		})
	}
	for n := range calls {
		work <- n
	}
	close(work)
	wg.Wait()
	seen := map[string]int{}
	for _, r := range l.recorder.Records() {
		if seen[r.ID.String()]++; seen[r.ID.String()] > 1 {
			t.Errorf("seed %d: two outcomes of %s", seed, r.ID)
		}
	}
	if len(seen) != calls {
		t.Errorf("seed %d: %d rows of %d calls", seed, len(seen), calls)
	}
}
