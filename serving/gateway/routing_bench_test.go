package gateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/openai"
	"github.com/lakegate/lakegate/serving/wire"
)

// BenchmarkRouting is a call of an endpoint with three entities, from its key to its record: what each
// way to choose among them takes beside a plain split.
func BenchmarkRouting(b *testing.B) {
	rules := func(n int) []endpoint.Rule {
		var list []endpoint.Rule
		for range n {
			list = append(list, endpoint.Rule{Name: "r", To: []int{1}, When: endpoint.Condition{
				Headers: named("X-Priority", "high", "urgent*"), UsageContext: named("team", "search"), Requesters: patterns("*@corp.example"),
			}})
		}
		return list
	}
	for _, c := range []struct {
		name   string
		set    func(*endpoint.Endpoint)
		header http.Header
	}{
		{"plain", func(*endpoint.Endpoint) {}, nil},
		{"sticky by header", func(e *endpoint.Endpoint) { e.StickyBy = "header.X-Session" }, http.Header{"X-Session": {"17"}}},
		{"10 rules, none met", func(e *endpoint.Endpoint) { e.Rules = rules(10) }, http.Header{"X-Priority": {"low"}}},
		{"a rule met", func(e *endpoint.Endpoint) {
			e.Rules = rules(1)
			e.Rules[0].When = endpoint.Condition{Headers: named("X-Priority", "high")}
		}, http.Header{"X-Priority": {"high"}}},
		{"least busy", func(e *endpoint.Endpoint) { e.Strategy = &endpoint.Strategy{By: endpoint.LeastBusy} }, nil},
		{"lowest latency", func(e *endpoint.Endpoint) { e.Strategy = &endpoint.Strategy{By: endpoint.LowestLatency} }, nil},
		{"lowest cost", func(e *endpoint.Endpoint) { e.Strategy = &endpoint.Strategy{By: endpoint.LowestCost} }, nil},
		{"a race that stays with one", func(e *endpoint.Endpoint) {
			e.Race = &endpoint.Race{Among: []int{0, 1, 2}, Most: 2, After: time.Minute}
		}, nil},
		{"a race of two", func(e *endpoint.Endpoint) { e.Race = &endpoint.Race{Among: []int{0, 1, 2}, Most: 2} }, nil},
		{"a shadow", func(e *endpoint.Endpoint) {
			e.Weights, e.Shadow = []int{50, 50, 0}, &endpoint.Shadow{To: 2, Share: 1}
		}, nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := &endpoint.Endpoint{Name: "chat", Task: endpoint.Chat, UsageTracking: true, Weights: []int{50, 30, 20}, Timeout: time.Minute}
			for _, name := range []string{"a", "b", "c"} {
				e.Entities = append(e.Entities, &endpoint.Entity{Name: name, Model: "gpt-4o", Task: endpoint.Chat, Provider: openai.Name, BaseURL: &url.URL{Scheme: "http", Host: "up", Path: "/v1"}})
			}
			c.set(e)
			g, body := benched(b, e), []byte(ask)
			b.ReportAllocs()
			for b.Loop() {
				g.Do(context.Background(), &gateway.Call{
					Surface: gateway.Surface{APIType: "x", Dialect: apierr.OpenAI, Format: wire.OpenAIChat}, Token: token, ClientHeader: c.header,
					Body: func(int64) ([]byte, *apierr.Error) { return body, nil },
				}, forgetful{})
			}
		})
	}
}

// benched is a gateway with nothing around it that takes time.
func benched(b *testing.B, e *endpoint.Endpoint) *gateway.Gateway {
	b.Helper()
	catalog, err := endpoint.NewCatalog([]*endpoint.Endpoint{e})
	if err != nil {
		b.Fatal(err)
	}
	keys, err := auth.NewKeys([]auth.Spec{{Name: "ann", Hash: auth.HashToken(token), Endpoints: []string{"chat"}, Principal: inference.Principal{Name: "ann"}}})
	if err != nil {
		b.Fatal(err)
	}
	g, err := gateway.New(gateway.DefaultConfig(), gateway.Parts{
		Live: gateway.NewLive(gateway.View{Catalog: catalog, Keys: keys}), Recorder: forgetful{}, Pricer: gatewaytest.Pricer{},
		Meter: forgetful{}, Transport: instant{}, Providers: map[string]provider.Provider{openai.Name: openai.New()}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return g
}
