package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
)

// retries has an endpoint ask each entity up to three times, the first wait being 50 ms of 100.
func retries(change ...func(*endpoint.Endpoint)) setup {
	return func(_ *lab, e *endpoint.Endpoint) {
		e.Weights[0] = 100
		e.Retries = endpoint.Retries{Attempts: 3, Backoff: 100 * time.Millisecond, MaxBackoff: 2 * time.Second}
		for _, f := range change {
			f(e)
		}
	}
}

func withFallback(e *endpoint.Endpoint) { e.Fallback = true }

// TestRetries: what is tried again, when, and what the row tells of it.
func TestRetries(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	failed := event(`{"error":{"message":"overloaded","code":"busy"}}`)
	role := event(`{"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`)
	all := []any{hel, lo, stop, usage, doneEvent}
	tests := []struct {
		name     string
		a, b     []step // b: there is a second entity to fall back to
		set      []func(*endpoint.Endpoint)
		stream   bool
		attempts string
		asked    string
		status   int
	}{
		{
			name: "a busy provider", a: []step{status(429), status(503), says(answer)}, status: 200,
			attempts: "a 429 provider answered 429\na 503 provider answered 503 <- provider answered 429; waited 50ms\na 200 <- provider answered 503; waited 100ms", asked: "a@0s a@50ms a@150ms",
		},
		{
			name: "busy to the end", a: []step{status(500)}, status: 500,
			attempts: "a 500 provider answered 500\na 500 provider answered 500 <- provider answered 500; waited 50ms\na 500 provider answered 500 <- provider answered 500; waited 100ms", asked: "a@0s a@50ms a@150ms",
		},
		{
			name: "then the next entity", a: []step{status(500)}, b: []step{says(answer)}, status: 200,
			attempts: "a 500 provider answered 500\na 500 provider answered 500 <- provider answered 500; waited 50ms\na 500 provider answered 500 <- provider answered 500; waited 100ms\nb 200 <- after a: provider answered 500",
			asked:    "a@0s a@50ms a@150ms b@150ms",
		},
		{
			name: "a connection that fails", a: []step{{err: errReset}, says(answer)}, status: 200,
			attempts: "a 0 the provider closed the connection without an answer\na 200 <- the provider closed the connection without an answer; waited 50ms", asked: "a@0s a@50ms",
		},
		{
			name: "an answer that breaks off", a: []step{{pieces: []any{answer[:50], errReset}}, says(answer)}, status: 200,
			attempts: "a 200 the provider's answer broke off\na 200 <- the provider's answer broke off; waited 50ms", asked: "a@0s a@50ms",
		},
		{name: "what the caller did wrong", a: []step{status(400)}, b: []step{says(answer)}, status: 400, attempts: "a 400 provider answered 400", asked: "a@0s"},
		{name: "a key that is refused", a: []step{status(401)}, status: 502, attempts: "a 401 provider answered 401", asked: "a@0s"},
		{name: "the provider says that it is no use", a: []step{status(500).with("X-Should-Retry: false")}, status: 500, attempts: "a 500 provider answered 500", asked: "a@0s"},
		{
			name: "Retry-After", a: []step{status(429).with("Retry-After: 1"), says(answer)}, status: 200,
			attempts: "a 429 provider answered 429\na 200 <- provider answered 429; waited 1.125s", asked: "a@0s a@1.125s",
		},
		{
			name: "Retry-After in milliseconds", a: []step{status(429).with("Retry-After-Ms: 400"), says(answer)}, status: 200,
			attempts: "a 429 provider answered 429\na 200 <- provider answered 429; waited 450ms", asked: "a@0s a@450ms",
		},
		{name: "Retry-After that is too long", a: []step{status(429).with("Retry-After: 3")}, status: 429, attempts: "a 429 provider answered 429", asked: "a@0s"},
		{
			name: "too long, but there is another", a: []step{status(429).with("Retry-After: 3")}, b: []step{says(answer)}, status: 200,
			attempts: "a 429 provider answered 429\nb 200 <- after a: provider answered 429", asked: "a@0s b@0s",
		},
		{
			name: "not beyond the call's time", a: []step{status(429).with("Retry-After: 1")}, set: []func(*endpoint.Endpoint){func(e *endpoint.Endpoint) { e.Timeout = s }}, status: 429,
			attempts: "a 429 provider answered 429", asked: "a@0s",
		},
		{
			name: "an attempt that takes too long", a: []step{says(answer).in(5 * s), says(answer)}, set: []func(*endpoint.Endpoint){func(e *endpoint.Endpoint) { e.AttemptTimeout = 2 * s }}, status: 200,
			attempts: "a 0 the provider did not answer in the time of an attempt\na 200 <- the provider did not answer in the time of an attempt; waited 50ms", asked: "a@0s a@2.05s",
		},
		{
			name: "an answer that takes too long to come", a: []step{{pieces: []any{answer[:50], s, answer[50:60], 5 * s}}, says(answer)}, set: []func(*endpoint.Endpoint){func(e *endpoint.Endpoint) { e.AttemptTimeout = 2 * s }}, status: 200,
			attempts: "a 200 the provider did not answer in the time of an attempt\na 200 <- the provider did not answer in the time of an attempt; waited 50ms", asked: "a@0s a@2.05s",
		},
		{
			name: "the call's time is over", a: []step{says(answer).in(5 * s)}, set: []func(*endpoint.Endpoint){func(e *endpoint.Endpoint) { e.Timeout = s }}, b: []step{says(answer)}, status: 504,
			attempts: "a 0 the provider did not finish its answer in time", asked: "a@0s",
		},

		{
			name: "a stream that begins with an error", stream: true, a: []step{events(failed), events(all...)}, status: 200,
			attempts: "a 200 provider's stream began with an error\na 200 <- provider's stream began with an error; waited 50ms", asked: "a@0s a@50ms",
		},
		{
			name: "an error before the first token", stream: true, a: []step{events(role, ": ping\n\n", failed), events(all...)}, status: 200,
			attempts: "a 200 provider's stream began with an error\na 200 <- provider's stream began with an error; waited 50ms", asked: "a@0s a@50ms",
		},
		{
			name: "broken off before the first token", stream: true, a: []step{events(role, errReset), events(all...)}, status: 200,
			attempts: "a 200 the provider's answer broke off\na 200 <- the provider's answer broke off; waited 50ms", asked: "a@0s a@50ms",
		},
		{
			name: "ended before the first token", stream: true, a: []step{events(role), events(all...)}, status: 200,
			attempts: "a 200 the provider's answer broke off\na 200 <- the provider's answer broke off; waited 50ms", asked: "a@0s a@50ms",
		},
		{
			name: "a stall before the first token", stream: true, a: []step{events(role, time.Hour)}, b: []step{events(all...)}, status: 200,
			set:      []func(*endpoint.Endpoint){func(e *endpoint.Endpoint) { e.FirstTokenTimeout, e.Retries.Attempts = 3*s, 1 }},
			attempts: "a 200 the provider did not begin to answer in time\nb 200 <- after a: the provider did not begin to answer in time", asked: "a@0s b@3s",
		},
		{
			name: "pings are no tokens", stream: true, a: []step{events(role, s, ": ping\n\n", s, ": ping\n\n", s, ": ping\n\n", time.Hour)}, b: []step{events(all...)}, status: 200,
			set:      []func(*endpoint.Endpoint){func(e *endpoint.Endpoint) { e.AttemptTimeout, e.Retries.Attempts = 2500*ms, 1 }},
			attempts: "a 200 the provider did not answer in the time of an attempt\nb 200 <- after a: the provider did not answer in the time of an attempt", asked: "a@0s b@2.5s",
		},
		{
			name: "after the first token nothing is bounded but silence and the whole", stream: true, status: 200, a: []step{events(hel, 20*s, lo, stop, usage, doneEvent)},
			set: []func(*endpoint.Endpoint){func(e *endpoint.Endpoint) { e.AttemptTimeout, e.FirstTokenTimeout = 2*s, s }}, attempts: "a 200", asked: "a@0s",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			steps := map[string][]step{"a": tt.a}
			set := tt.set
			if tt.b != nil {
				steps["b"] = tt.b
				set = append([]func(*endpoint.Endpoint){withFallback}, set...)
			}
			scripted(t, steps, retries(set...), func(t *testing.T, l *lab, up *playbook) {
				call := ask
				if tt.stream {
					call = askStream
				}
				c := l.do(call)
				r := l.recorder.One()
				if got := attempts(r); got != tt.attempts {
					t.Errorf("attempts\n%s\nwant\n%s", got, tt.attempts)
				}
				if got := strings.Join(up.asked, " "); got != tt.asked || c.head.Status != tt.status {
					t.Errorf("asked %s, want %s; status %d, want %d: %s", got, tt.asked, c.head.Status, tt.status, c.body)
				}
				if tt.status == 200 && (r.Usage.Total == nil || *r.Usage.Total != 12 || r.Payload.ErrorCodes != nil) {
					t.Errorf("row %s, %v", asText(r), r.Payload.ErrorCodes)
				}
				if tt.stream && c.body != hel+lo+stop+doneEvent {
					t.Errorf("the client got %s", c.body)
				}
			})
		})
	}
}

// TestRetryEndsWithTheCall: nobody waits for a client that left, or for a gateway that stops.
func TestRetryEndsWithTheCall(t *testing.T) {
	for name, end := range map[string]func(l *lab, leave func()){
		"the client leaves": func(_ *lab, leave func()) { leave() },
		"the gateway stops": func(l *lab, _ func()) { l.Stop() },
	} {
		set := func(l *lab, e *endpoint.Endpoint) {
			retries(func(e *endpoint.Endpoint) { e.Retries.MaxBackoff = time.Minute })(l, e)
			l.config.DrainTimeout = time.Second
		}
		scripted(t, map[string][]step{"a": {status(429).with("Retry-After: 20")}}, set, func(t *testing.T, l *lab, up *playbook) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go func() {
				time.Sleep(3 * time.Second)
				end(l, cancel)
			}()
			l.doAs(ctx, &client{}, ask)
			if took := time.Since(up.start); took != 3*time.Second || len(up.asked) != 1 {
				t.Errorf("%s: it took %s, asked %v", name, took, up.asked)
			}
			if n := len(l.recorder.One().Attempts); n != 1 {
				t.Errorf("%s: %d attempts", name, n)
			}
		})
	}
}

// TestStoredAnswersAreAskedOnce: what is asked of them may be to delete one.
func TestStoredAnswersAreAskedOnce(t *testing.T) {
	scripted(t, map[string][]step{"a": {status(500)}}, retries(), func(t *testing.T, l *lab, up *playbook) {
		l.do("", func(c *gateway.Call) {
			c.Surface.Format, c.Stored, c.Method, c.Suffix, c.Endpoint = "openai-responses", &gateway.Stored{ID: "resp_1"}, "DELETE", "/resp_1", "chat"
		})
		if l.recorder.One(); fmt.Sprint(up.asked) != "[a@0s]" {
			t.Errorf("asked %v", up.asked)
		}
	})
}
