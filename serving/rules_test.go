package serving_test

import (
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// TestRulesSeeHeaders: a rule finds the client's header on every API.
func TestRulesSeeHeaders(t *testing.T) {
	l := newLab(t, provide)
	l.change("chat", func(e *endpoint.Endpoint) {
		vip := *e.Entities[0]
		vip.Name, vip.ID = "vip", ""
		e.Entities, e.Weights = append(e.Entities[:1:1], &vip), []int{100, 0}
		is := endpoint.Patterns{endpoint.NewPattern("high")}
		e.Rules = []endpoint.Rule{{Name: "urgent", To: []int{1}, When: endpoint.Condition{Headers: []endpoint.Named{{Name: "X-Priority", Is: is}}}}}
	})
	const messages = `"messages":[{"role":"user","content":"hi"}]`
	for path, body := range map[string]string{
		"/v1/chat/completions":                `{"model":"chat",` + messages + `}`,
		"/serving-endpoints/chat/invocations": `{` + messages + `}`,
		"/v1/messages":                        `{"model":"chat","max_tokens":9,` + messages + `}`,
		"/v1beta/models/chat:generateContent": `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
		"/v1/responses":                       `{"model":"chat","input":"hi","store":false}`,
	} {
		for value, want := range map[string]string{"high": "vip", "low": "gpt"} {
			resp, text := l.do("POST", path, key, body, "x-priority", value)
			if got := resp.Header.Get("Served-Model-Name"); got != want {
				t.Errorf("%s with %s: %d from %q, want %q: %s", path, value, resp.StatusCode, got, want, text)
			}
		}
	}
}
