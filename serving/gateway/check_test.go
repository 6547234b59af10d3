package gateway_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
)

// untouched is an upstream that must not be called.
func untouched(t *testing.T) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the upstream was called") })
}

func withToken(s string) func(*gateway.Call) { return func(c *gateway.Call) { c.Token = s } }

func atPath(name string) func(*gateway.Call) {
	return func(c *gateway.Call) {
		c.Endpoint = name
		c.Surface = gateway.Surface{APIType: "mlflow/v1/invocations", Dialect: apierr.Databricks, ByBody: true, DataOnly: true}
	}
}

func TestRefusals(t *testing.T) {
	zero, one := int64(0), int64(1)
	tests := []struct {
		name    string
		body    string
		change  func(*gateway.Call)
		setup   setup
		want    string // summary
		text    string // part of the body
		payload bool   // the row has a payload
	}{
		{name: "no key", body: ask, change: withToken(""), want: "refused 401 UNAUTHENTICATED usage=none", text: "has no API key"},
		{name: "wrong key", body: ask, change: withToken("lg-x"), want: "refused 401 UNAUTHENTICATED usage=none", text: "not valid"},
		{name: "not allowed", body: ask, change: withToken("lg-none"), want: "refused 403 PERMISSION_DENIED usage=none", text: `may not call endpoint \"chat\"`},
		{name: "not allowed by path", body: "never read", change: func(c *gateway.Call) { c.Token = "lg-none"; atPath("chat")(c) }, want: "refused 403 PERMISSION_DENIED usage=none", text: `"error_code":"PERMISSION_DENIED"`},
		{name: "unknown endpoint", body: `{"model":"nope"}`, want: "refused 404 ENDPOINT_NOT_FOUND usage=none", text: `"code":"model_not_found"`},
		{name: "unknown endpoint by path", body: "never read", change: atPath("nope"), want: "refused 404 ENDPOINT_NOT_FOUND usage=none", text: `"error_code":"ENDPOINT_NOT_FOUND"`},
		{name: "no model", body: `{}`, want: "refused 400 INVALID_PARAMETER_VALUE usage=none", text: `\"model\" is missing`},
		{name: "not JSON", body: `hello`, want: "refused 400 BAD_REQUEST usage=none", text: "must be a JSON object"},
		{name: "not JSON by path", body: `hello`, change: atPath("chat"), want: "refused 400 BAD_REQUEST usage=none", text: "must be a JSON object", payload: true},
		{name: "wrong type", body: `{"model":"chat","stream":"yes"}`, want: "refused 400 INVALID_PARAMETER_VALUE usage=none", text: `"param":"stream"`},
		{name: "too large", body: `{"a":"` + strings.Repeat("x", 1000) + `"}`, setup: func(l *lab, _ *endpoint.Endpoint) { l.config.MaxBody = 100 }, want: "refused 413 REQUEST_TOO_LARGE usage=none", text: "larger than 100 bytes"},
		{name: "bad tags header", body: ask, change: func(c *gateway.Call) { c.Tags = []string{`{"a":1}`} }, want: "refused 400 INVALID_PARAMETER_VALUE usage=none", text: "must be a string, not a number", payload: true},
		{name: "no tags header", body: ask, change: func(c *gateway.Call) { c.Tags = []string{`team=a`} }, want: "refused 400 INVALID_PARAMETER_VALUE usage=none", text: "must be a JSON object of strings", payload: true},
		{name: "too many tags", body: ask, change: func(c *gateway.Call) { c.Tags = []string{`{"a":"1","b":"2","c":"3"}`} }, setup: func(l *lab, _ *endpoint.Endpoint) { l.config.MaxTags = 2 }, want: "refused 400 INVALID_PARAMETER_VALUE usage=none", text: "has 3 tags", payload: true},
		{name: "long tag", body: ask, change: func(c *gateway.Call) { c.Tags = []string{`{"a":"` + strings.Repeat("x", 2000) + `"}`} }, want: "refused 400 INVALID_PARAMETER_VALUE usage=none", text: `value of tag \"a\" is longer`, payload: true},
		{name: "wrong task", body: `{"model":"chat","input":"x"}`, change: func(c *gateway.Call) { c.Surface.Format = wire.OpenAIEmbeddings }, want: "refused 400 INVALID_PARAMETER_VALUE usage=none", text: `serves llm/v1/chat, not llm/v1/embeddings`, payload: true},
		{name: "limit of zero", body: ask, setup: limit(endpoint.RateLimit{Key: endpoint.PerEndpoint, Calls: &zero}), want: "refused 403 PERMISSION_DENIED usage=none", text: "rate limit of 0", payload: true},
		{name: "tokens", body: `{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat("x", 99) + `"}]}`, setup: limit(endpoint.RateLimit{Key: endpoint.PerEndpoint, Tokens: &one, Calls: &zero}), want: "refused 403 PERMISSION_DENIED usage=none", text: "rate limit of 0", payload: true},
		{name: "unsupported surface", body: ask, change: func(c *gateway.Call) {
			c.Surface.Refusal = apierr.New(apierr.NotImplemented, "not supported yet")
		}, want: "refused 501 NOT_IMPLEMENTED usage=none", text: "not supported yet"},
		{name: "unsupported surface without key", body: ask, change: func(c *gateway.Call) {
			c.Token, c.Surface.Refusal = "", apierr.New(apierr.NotImplemented, "not supported yet")
		}, want: "refused 401 UNAUTHENTICATED usage=none", text: "no API key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			setups := []setup{}
			if tt.setup != nil {
				setups = append(setups, tt.setup)
			}
			l := newLab(t, []http.Handler{untouched(t)}, setups...)
			change := tt.change
			if change == nil {
				change = func(*gateway.Call) {}
			}
			c := l.do(tt.body, change)
			r := l.recorder.One()
			if got := summary(r); got != tt.want || !strings.Contains(c.body, tt.text) || c.head.Status != r.Status {
				t.Errorf("row %s\nwant %s\nclient %d %s\nwant ...%s", got, tt.want, c.head.Status, c.body, tt.text)
			}
			if hasTable, hasBody := r.Payload.Table != "", string(r.Payload.Request) == tt.body; hasTable != tt.payload || tt.payload != hasBody {
				t.Errorf("payload %v in table %q, want %v", hasBody, r.Payload.Table, tt.payload)
			}
			if r.ErrorMessage == "" || r.APIType == "" || r.URL == "" || r.UserAgent != "test/1" || r.RemoteIP != "192.0.2.7" || r.Latency < 0 {
				t.Errorf("row lacks something: %s", asText(r))
			}
			if known := r.Status != 401; known != (r.Principal.Name != "") {
				t.Errorf("requester is %q", r.Principal.Name)
			}
		})
	}
}

func limit(limits ...endpoint.RateLimit) setup {
	return func(_ *lab, e *endpoint.Endpoint) {
		for _, r := range limits {
			r.Period = 60e9
			e.RateLimits = append(e.RateLimits, r)
		}
	}
}

func TestRateLimit(t *testing.T) {
	one := int64(1)
	l := newLab(t, []http.Handler{sends(200, "application/json", answer)}, limit(endpoint.RateLimit{Key: endpoint.PerUser, Calls: &one}))
	if c := l.do(ask); c.head.Status != 200 {
		t.Fatalf("first call: %d %s", c.head.Status, c.body)
	}
	c := l.do(ask)
	if c.head.Status != 429 || c.head.RetryAfter == "" || !strings.Contains(c.body, "User defined rate limit(s) exceeded for 'chat'") || !strings.Contains(c.body, `"code":"rate_limit_exceeded"`) {
		t.Errorf("second call: %+v %s", c.head, c.body)
	}
	c = l.do(ask, atPath("chat"))
	if c.head.Status != 429 || !strings.Contains(c.body, `"error_code":"REQUEST_LIMIT_EXCEEDED"`) {
		t.Errorf("third call: %+v %s", c.head, c.body)
	}
	if got := summary(l.recorder.Records()[2]); got != "refused 429 REQUEST_LIMIT_EXCEEDED usage=none" {
		t.Error(got)
	}
}

func TestTokenLimitIsSettledWithTheRealUse(t *testing.T) {
	most := int64(20)
	l := newLab(t, []http.Handler{sends(200, "application/json", answer)}, limit(endpoint.RateLimit{Key: endpoint.PerEndpoint, Tokens: &most}))
	var got []int
	for range 3 { // 12 tokens each: after the second 24 are used
		got = append(got, l.do(ask).head.Status)
	}
	if d := cmp.Diff([]int{200, 200, 429}, got); d != "" {
		t.Error(d)
	}
}

func TestAttribution(t *testing.T) {
	l := newLab(t, []http.Handler{sends(200, "application/json", answer)})
	l.do(`{"model":"chat","messages":[],"client_request_id":"cr-1","usage_context":{"a":"body","b":"body"},"metadata":{"a":"meta","b":"meta","c":"meta","d":"meta","n":1}}`,
		func(c *gateway.Call) { c.Tags = []string{`{"b":"header","c":"header"}`} })
	r := l.recorder.One()
	want := map[string]string{"a": "body", "b": "body", "c": "header", "d": "meta"}
	if d := cmp.Diff(want, r.UsageContext); d != "" {
		t.Error(d)
	}
	if r.ClientRequestID != "cr-1" || r.Principal.Name != "ann@example.com" || r.Principal.KeyID != "ann-key" || r.Principal.KeyTags["cost_center"] != "7" || r.RequestedModel != "chat" {
		t.Errorf("row: %s", asText(r))
	}
}

func TestRecorderFailures(t *testing.T) {
	full := errors.New("disk full")
	t.Run("admit", func(t *testing.T) {
		l := newLab(t, []http.Handler{untouched(t)})
		l.recorder.AdmitErr = full
		c := l.do(ask)
		if c.head.Status != 503 || c.head.RetryAfter == "" || !strings.Contains(c.body, "can't record") || strings.Contains(c.body, "disk") {
			t.Errorf("client: %+v %s", c.head, c.body)
		}
		if d := cmp.Diff([]string{"admit"}, l.meter.unrecorded); d != "" {
			t.Error(d)
		}
	})
	for _, strict := range []bool{false, true} {
		for _, body := range []string{ask, askStream} {
			name := map[bool]string{false: "relaxed", true: "strict"}[strict] + map[bool]string{false: " whole", true: " stream"}[body == askStream]
			t.Run("finish "+name, func(t *testing.T) {
				upstream := sends(200, "application/json", answer)
				if body == askStream {
					upstream = streams(hel, lo, stop, usage, doneEvent)
				}
				l := newLab(t, []http.Handler{upstream}, func(_ *lab, e *endpoint.Endpoint) { e.Strict = strict })
				l.recorder.FinishErr = full
				c := l.do(body)
				complete := strings.Contains(c.body, `"hello"`) || strings.HasSuffix(c.body, doneEvent)
				if complete == strict || strict != strings.Contains(c.body, "could not be recorded") {
					t.Errorf("client got %s", c.body)
				}
				if d := cmp.Diff([]string{"finish"}, l.meter.unrecorded); d != "" {
					t.Error(d)
				}
				if l.recorder.Strict()[0] != strict {
					t.Errorf("finished with strict %v", l.recorder.Strict()[0])
				}
			})
		}
	}
	t.Run("record", func(t *testing.T) {
		l := newLab(t, []http.Handler{untouched(t)})
		l.recorder.RecordErr = full
		if c := l.do(ask, withToken("")); c.head.Status != 401 || len(l.meter.unrecorded) != 1 {
			t.Errorf("client: %+v %s, unrecorded %v", c.head, c.body, l.meter.unrecorded)
		}
	})
}

func TestEndpointThatKeepsNothing(t *testing.T) {
	l := newLab(t, []http.Handler{sends(200, "application/json", answer)}, func(_ *lab, e *endpoint.Endpoint) { e.UsageTracking, e.Payload = false, nil })
	if c := l.do(ask); c.head.Status != 200 {
		t.Errorf("client: %+v", c.head)
	}
	if len(l.recorder.Records()) != 0 || strings.Contains(l.journal.String(), "admit") {
		t.Errorf("records were made:\n%s", l.journal)
	}
}

func TestSamplingIsLeftToTheTable(t *testing.T) {
	l := newLab(t, []http.Handler{sends(200, "application/json", answer)}, func(_ *lab, e *endpoint.Endpoint) { e.Payload.SamplingFraction = 0.25 })
	l.do(ask)
	if p := l.recorder.One().Payload; p.Table == "" || p.SamplingFraction != 0.25 || p.Request == nil || p.Response == nil {
		t.Errorf("payload %+v", p)
	}
}
