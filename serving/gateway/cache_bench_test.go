package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
	"github.com/lakegate/lakegate/serving/prompt"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/openai"
	"github.com/lakegate/lakegate/serving/wire"
)

// instant is a transport whose provider answers at once, so that what is measured is the gateway.
type instant struct{}

func (instant) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)),
	}, nil
}

// forgetful records nothing, and hears nothing.
type forgetful struct{}

func (forgetful) Admit(*inference.Record) (gateway.Ticket, error)      { return 1, nil }
func (forgetful) Finish(gateway.Ticket, *inference.Record, bool) error { return nil }
func (forgetful) Record(*inference.Record, bool) error                 { return nil }
func (forgetful) Translated(wire.Format, wire.Format, int)             {}
func (forgetful) Started()                                             {}
func (forgetful) Finished(*inference.Record)                           {}
func (forgetful) Comparison(*inference.Comparison) error               { return nil }
func (forgetful) Compared(string, inference.Side)                      {}
func (forgetful) NotMade(string, string, string)                       {}
func (forgetful) Unrecorded(string)                                    {}
func (forgetful) Answer(*gateway.Head, []byte) error                   { return nil }
func (forgetful) Start(*gateway.Head) error                            { return nil }
func (forgetful) Send([]byte) error                                    { return nil }
func (forgetful) Abort()                                               {}

// BenchmarkCache is a call from its key to its record: without a cache, with one that does not have
// the answer and keeps it, and with one that has it, in the shape asked for or in another.
func BenchmarkCache(b *testing.B) {
	for _, c := range []struct {
		name   string
		on     bool
		first  string // asked before
		change func(*gateway.Call)
	}{
		{"off", false, "", nil},
		{"miss", true, "", func(c *gateway.Call) { c.NoCache = true }},
		{"hit", true, cold, nil},
		{"hit as a stream", true, cold, func(c *gateway.Call) { c.Stream = true }},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := plainEndpoint()
			if c.on {
				e.Cache = &endpoint.ResponseCache{TTL: time.Hour, MaxEntries: 100, MaxBytes: 1 << 20, Scope: endpoint.CachePerPrincipal}
			}
			ask := instantly(b, e)
			if c.first != "" {
				ask([]byte(c.first), nil)
			}
			body := []byte(cold)
			b.ReportAllocs()
			for b.Loop() {
				ask(body, c.change)
			}
		})
	}
}

func plainEndpoint() *endpoint.Endpoint {
	return &endpoint.Endpoint{
		Name: "chat", Task: endpoint.Chat, UsageTracking: true, Weights: []int{100}, Timeout: time.Minute,
		Entities: []*endpoint.Entity{{Name: "a", Model: "gpt-4o", Task: endpoint.Chat, Provider: openai.Name, BaseURL: &url.URL{Scheme: "http", Host: "up", Path: "/v1"}}},
	}
}

// instantly returns how a gateway of one endpoint, whose provider answers at once, is asked.
func instantly(b *testing.B, e *endpoint.Endpoint) func(body []byte, change func(*gateway.Call)) {
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
	return func(body []byte, change func(*gateway.Call)) {
		call := &gateway.Call{
			Surface: gateway.Surface{APIType: "x", Dialect: apierr.OpenAI, Format: wire.OpenAIChat}, Token: token,
			Body: func(int64) ([]byte, *apierr.Error) { return body, nil },
		}
		if change != nil {
			change(call)
		}
		g.Do(context.Background(), call, forgetful{})
	}
}

// BenchmarkFlight is a miss that nothing is kept of, by itself and as the leader of a flight that nobody
// else joins.
func BenchmarkFlight(b *testing.B) {
	for _, single := range []bool{false, true} {
		b.Run(map[bool]string{false: "miss", true: "miss that leads"}[single], func(b *testing.B) {
			e := plainEndpoint()
			e.Cache = &endpoint.ResponseCache{TTL: time.Hour, MaxEntries: 100, MaxBytes: 1, Scope: endpoint.CachePerPrincipal, SingleFlight: single}
			ask := instantly(b, e)
			body := []byte(cold)
			b.ReportAllocs()
			for b.Loop() {
				ask(body, nil)
			}
		})
	}
}

// BenchmarkPrompt is a call that brings its messages, and one that brings the variables of a prompt
// which makes the same of them.
func BenchmarkPrompt(b *testing.B) {
	text := strings.Repeat("Some words of a text. ", 100)
	for name, body := range map[string]string{
		"messages":  `{"model":"chat","temperature":0,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"` + text + `"}]}`,
		"variables": `{"model":"chat","variables":{"text":"` + text + `"}}`,
	} {
		b.Run(name, func(b *testing.B) {
			e := plainEndpoint()
			if name == "variables" {
				v, faults := prompt.Compile(prompt.Spec{
					Number: 1, Parameters: json.RawMessage(`{"temperature":0}`),
					Messages: []prompt.Message{{Role: prompt.System, Content: "Be brief."}, {Role: prompt.User, Content: "{{ text }}"}},
				})
				if len(faults) > 0 {
					b.Fatal(faults)
				}
				e.Prompt = &prompt.Prompt{Versions: []*prompt.Version{v}, Active: []prompt.Share{{Version: v, Percent: 100}}}
			}
			ask := instantly(b, e)
			b.ReportAllocs()
			for b.Loop() {
				ask([]byte(body), nil)
			}
		})
	}
}
