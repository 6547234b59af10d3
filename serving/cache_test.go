package serving_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
)

// caching turns the response cache of a lab's endpoint on.
func (l *lab) caching(name string) {
	l.t.Helper()
	l.change(name, func(e *endpoint.Endpoint) {
		e.Cache = &endpoint.ResponseCache{TTL: time.Hour, MaxEntries: 10, MaxBytes: 1 << 20, Scope: endpoint.CachePerPrincipal}
	})
}

// change changes an endpoint of a lab, as a reload would.
func (l *lab) change(name string, change func(*endpoint.Endpoint)) {
	l.t.Helper()
	v := l.live.Load()
	var all []*endpoint.Endpoint
	for _, e := range v.Catalog.All() {
		other := *e
		if other.Name == name {
			change(&other)
		}
		all = append(all, &other)
	}
	catalog, err := endpoint.NewCatalog(all)
	if err != nil {
		l.t.Fatal(err)
	}
	l.live.Swap(gateway.View{Catalog: catalog, Keys: v.Keys})
}

// settled waits until the server has nothing in hand: an answer is kept a moment after its client has
// all of it.
func (l *lab) settled() { l.busy.Wait() }

func TestTheCacheOverHTTP(t *testing.T) {
	var calls atomic.Int64
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		provide(w, r)
	})
	l.caching("chat")
	const body = `{"model":"chat","messages":[],"temperature":0}`
	for _, c := range []struct {
		auth, control, state string
		calls                int64
	}{
		{key, "", "miss", 1},
		{key, "", "hit", 1},
		{key, "max-age=0", "hit", 1},
		{key, "private, No-Store", "bypass", 2},
		{key, "no-cache", "bypass", 3},
		{key, "", "hit", 3},
		{"Bearer lg-root", "", "miss", 4},
	} {
		l.settled()
		resp, got := l.do("POST", "/v1/chat/completions", c.auth, body, "Cache-Control", c.control)
		if s := resp.Header.Get("X-Lakegate-Cache"); resp.StatusCode != 200 || s != c.state || got != answer || calls.Load() != c.calls {
			t.Errorf("%+v: %d, %q, %d calls", c, resp.StatusCode, s, calls.Load())
		}
		if age := resp.Header.Get("Age"); (age == "0") != (c.state == "hit") {
			t.Errorf("%+v: age %q", c, age)
		}
	}
	resp, _ := l.do("POST", "/v1/embeddings", key, `{"model":"vectors","input":"x"}`)
	if _, there := resp.Header["X-Lakegate-Cache"]; there {
		t.Error("an endpoint without a cache speaks of it")
	}
	l.settled()
	out := httptest.NewRecorder()
	l.metrics.Handler().ServeHTTP(out, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`lakegate_response_cache_total{endpoint="chat",result="hit"} 3`,
		`lakegate_response_cache_total{endpoint="chat",result="miss"} 2`,
		`lakegate_response_cache_saved_usd_total{endpoint="chat"} 3`,
		"lakegate_response_cache_entries 2", `lakegate_response_cache_removed_total{reason="evicted"} 0`,
	} {
		if !strings.Contains(out.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, out.Body)
		}
	}
}

func TestTheCacheGivesStreamsOverHTTP(t *testing.T) {
	l := newLab(t, provide)
	l.caching("chat")
	const body = `{"model":"chat","messages":[],"temperature":0,"stream":true}`
	_, first := l.do("POST", "/v1/chat/completions", key, body)
	l.settled()
	resp, second := l.do("POST", "/v1/chat/completions", key, body)
	if resp.Header.Get("X-Lakegate-Cache") != "hit" || second != first || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("%v\nwant %s\ngot %s", resp.Header, first, second)
	}
}

func TestCacheSeriesGoWithTheirEndpoint(t *testing.T) {
	m := serving.NewMetrics()
	m.Configure(catalogOf(t, "chat", "code"))
	saved := int64(5)
	use := func(name string) {
		r := callOf(name, "id", "a")
		r.Cache = &inference.CacheUse{Hit: true, SavedNanoUSD: &saved}
		finish(m, r)
	}
	use("chat")
	use("code")
	m.Configure(catalogOf(t, "chat"))
	use("code") // still under way when its endpoint went
	var got []string
	for _, s := range seriesOf(t, m) {
		if strings.Contains(s, "response_cache") {
			got = append(got, s)
		}
	}
	if all := strings.Join(got, "\n"); len(got) != 4 || strings.Contains(all, "code") {
		t.Errorf("want those of chat and of no name:\n%s", all)
	}
}
