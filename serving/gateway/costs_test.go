package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// spent tells what a row's attempts took: entity, source, tokens and cost.
func spent(r *inference.Record) string {
	n := func(p *int64) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	var lines []string
	for _, a := range r.Attempts {
		lines = append(lines, fmt.Sprintf("%s %s %s+%s=%s", a.ServedEntity, a.Source, n(a.Input), n(a.Output), n(a.CostNano)))
	}
	cost := "-"
	if r.Cost != nil {
		cost = fmt.Sprint(r.Cost.NanoUSD)
	}
	return strings.Join(lines, ", ") + "; cost " + cost + " of it " + n(r.ExtraNanoUSD)
}

// TestAttemptsHaveCosts: each attempt has what it took, and the row all that was paid.
func TestAttemptsHaveCosts(t *testing.T) {
	failed := `{"error":{"message":"no"},"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`
	unmetered := `{"id":"1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hello"}}]}`
	counted := event(`{"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":{"prompt_tokens":2,"completion_tokens":0,"total_tokens":2}}`)
	tests := []struct {
		name, model string
		a, b        step
		stream      bool
		want        string
	}{
		{name: "one", a: says(answer), want: "a provider 5+7=12; cost 12 of it -"},
		{name: "without a count", a: says(unmetered), want: "a  -+-=-; cost - of it -"},
		{name: "an error that cost nothing", a: status(500), b: says(answer), want: "a  -+-=-, b provider 5+7=12; cost 12 of it -"},
		{name: "an error that was paid for", a: says(failed), b: says(answer), want: "a provider 3+1=4, b provider 5+7=12; cost 16 of it 4"},
		{name: "then an answer without a count", a: says(failed), b: says(unmetered), want: "a provider 3+1=4, b  -+-=-; cost 4 of it 4"},
		{name: "then nothing", a: says(failed), b: status(500), want: "a provider 3+1=4, b  -+-=-; cost 4 of it 4"},
		{name: "a price that nobody knows", model: "secret", a: says(failed), b: says(answer), want: "a provider 3+1=-, b provider 5+7=12; cost 12 of it -"},
		{name: "a stream that broke off before its first token", stream: true, a: events(counted, errReset), b: events(hel, lo, stop, usage, doneEvent), want: "a partial 2+0=2, b provider 5+7=12; cost 14 of it 2"},
		{name: "a stream that broke off later", stream: true, a: events(counted, hel, errReset), want: "a partial 2+0=2; cost 2 of it -"},
	}
	for _, tt := range tests {
		steps := map[string][]step{"a": {tt.a}}
		if tt.b.pieces != nil {
			steps["b"] = []step{tt.b}
		}
		set := func(_ *lab, e *endpoint.Endpoint) {
			e.Fallback = true
			if tt.model != "" {
				e.Entities[0].Model = tt.model
			}
		}
		t.Run(tt.name, func(t *testing.T) {
			scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
				body := ask
				if tt.stream {
					body = askStream
				}
				l.do(body)
				if got := spent(l.recorder.One()); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}
