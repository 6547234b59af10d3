package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
)

func patterns(list ...string) (p endpoint.Patterns) {
	for _, s := range list {
		p = append(p, endpoint.NewPattern(s))
	}
	return p
}

func named(name string, is ...string) []endpoint.Named {
	return []endpoint.Named{{Name: name, Is: patterns(is...)}}
}

func header(name string, values ...string) func(*gateway.Call) {
	return func(c *gateway.Call) {
		if c.ClientHeader == nil {
			c.ClientHeader = http.Header{}
		}
		c.ClientHeader[name] = append(c.ClientHeader[name], values...)
	}
}

// TestRules: which calls meet a condition, and what the row tells of it. The rule's entity, b, has no
// traffic of its own.
func TestRules(t *testing.T) {
	few, many, yes, no := int64(20), int64(21), true, false
	long := `{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat("a", 81) + `"}]}`
	urgent := endpoint.Condition{Headers: named("X-Priority", "high", "urgent*")}
	type call struct {
		body   string
		change func(*gateway.Call)
		meets  bool
	}
	tests := []struct {
		name  string
		when  endpoint.Condition
		calls []call
	}{
		{"a header", urgent, []call{
			{ask, nil, false},
			{ask, header("X-Priority", "high"), true},
			{ask, header("X-Priority", "urgently"), true},
			{ask, header("X-Priority", "low", "high"), true},
			{ask, header("X-Priority", "HIGH"), false},
			{ask, header("X-Other", "high"), false},
		}},
		{"a tag", endpoint.Condition{UsageContext: named("team", "search", "ads")}, []call{
			{ask, nil, false},
			{`{"model":"chat","messages":[],"usage_context":{"team":"ads"}}`, nil, true},
			{`{"model":"chat","messages":[],"usage_context":{"team":"shop"}}`, nil, false},
			{ask, func(c *gateway.Call) { c.Tags = []string{`{"team":"search"}`} }, true},
		}},
		{"a tag of any value", endpoint.Condition{UsageContext: named("team", "*")}, []call{
			{ask, nil, false},
			{`{"model":"chat","messages":[],"usage_context":{"team":""}}`, nil, true},
		}},
		{"a requester", endpoint.Condition{Requesters: patterns("*@example.com")}, []call{{ask, nil, true}, {ask, as("eve"), false}}},
		{"a group", endpoint.Condition{Groups: patterns("vip", "staff-*")}, []call{{ask, nil, false}, {ask, as("eve"), true}}},
		{"the model asked for", endpoint.Condition{Models: patterns("gpt-*")}, []call{
			{ask, nil, false},
			{`{"model":"gpt-9","messages":[]}`, func(c *gateway.Call) { c.Endpoint = "chat" }, true},
		}},
		{"a long input", endpoint.Condition{MinInput: &many}, []call{{ask, nil, false}, {long, nil, true}}},
		{"a short input", endpoint.Condition{MaxInput: &few}, []call{{ask, nil, true}, {long, nil, false}}},
		{"streamed", endpoint.Condition{Streaming: &yes}, []call{{ask, nil, false}, {askStream, nil, true}}},
		{"whole", endpoint.Condition{Streaming: &no}, []call{{ask, nil, true}, {askStream, nil, false}}},
		{"all of it", endpoint.Condition{Headers: urgent.Headers, Streaming: &yes, Requesters: patterns("ann*")}, []call{
			{askStream, header("X-Priority", "high"), true},
			{ask, header("X-Priority", "high"), false},
			{askStream, nil, false},
		}},
	}
	for _, tt := range tests {
		set := func(_ *lab, e *endpoint.Endpoint) {
			e.Rules = []endpoint.Rule{{Name: "never", When: endpoint.Condition{Models: patterns("no such")}, To: []int{0}}, {Name: "first", When: tt.when, To: []int{1}}, {Name: "second", When: tt.when, To: []int{0}}}
		}
		l := newLab(t, []http.Handler{http.HandlerFunc(both), http.HandlerFunc(both)}, set)
		share(t, l, auth.Spec{Name: "eve", Principal: inference.Principal{Name: "eve@elsewhere.org", Groups: []string{"users", "staff-7"}}},
			auth.Spec{Name: "ann", Principal: inference.Principal{Name: "ann@example.com"}})
		for i, c := range tt.calls {
			var change []func(*gateway.Call)
			if c.change != nil {
				change = append(change, c.change)
			}
			want := "a 200"
			if c.meets {
				want = "b 200 <- rule first"
			}
			if l.do(c.body, change...); l.last() != want {
				t.Errorf("%s, call %d: %s, want %s", tt.name, i, l.last(), want)
			}
		}
	}
}

// TestRulesAndFallback: those of the rule are tried in its order, then the others.
func TestRulesAndFallback(t *testing.T) {
	any := endpoint.Condition{Requesters: patterns("*")}
	tests := []struct {
		name, want string
		fallback   bool
		to         []int
		weights    []int
		among      []int
	}{
		{"none without fallback", "b 500 provider answered 500 <- rule r", false, []int{1, 2}, []int{100, 0, 0, 0}, nil},
		{"the rule's, then the rest", "c 500 provider answered 500 <- rule r\nb 500 provider answered 500 <- after c: provider answered 500\na 500 provider answered 500 <- after b: provider answered 500\nd 200 <- after a: provider answered 500", true, []int{2, 1}, []int{100, 0, 0, 0}, nil},
		{"by their percentages", "b 500 provider answered 500 <- rule r\nc 500 provider answered 500 <- after b: provider answered 500\na 500 provider answered 500 <- after c: provider answered 500\nd 200 <- after a: provider answered 500", true, []int{2, 1}, []int{50, 30, 20, 0}, nil},
		{"never to those that are not allowed", "b 500 provider answered 500 <- rule r\nd 200 <- after b: provider answered 500", true, []int{1}, []int{0, 0, 0, 100}, []int{3}},
	}
	for _, tt := range tests {
		steps := map[string][]step{"a": {status(500)}, "b": {status(500)}, "c": {status(500)}, "d": {says(answer)}}
		set := func(l *lab, e *endpoint.Endpoint) {
			e.Weights, e.Fallback, e.Rules = tt.weights, tt.fallback, []endpoint.Rule{{Name: "r", When: any, To: tt.to}}
			if tt.among != nil {
				e.Strategy = &endpoint.Strategy{By: endpoint.Weighted, Among: tt.among}
			}
			l.parts.Draw = func() uint32 { return 20 } // of 50 for b and c together: the first of b's 30
		}
		scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
			if l.do(ask); l.last() != tt.want {
				t.Errorf("%s:\n%s\nwant\n%s", tt.name, l.last(), tt.want)
			}
		})
	}
}

// TestStickyByHeader: the first value of the header decides; without one chance does.
func TestStickyByHeader(t *testing.T) {
	set := func(l *lab, e *endpoint.Endpoint) {
		e.Weights, e.StickyBy = []int{50, 50}, endpoint.StickyHeader+"X-Session"
		l.parts.Draw = func() uint32 { return 99 }
	}
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}}, set, func(t *testing.T, l *lab, _ *playbook) {
		went := map[string]string{}
		for range 3 {
			for _, v := range []string{"1", "2", "3", "4", "5", "6"} {
				l.do(ask, header("X-Session", v, "more"))
				if was := went[v]; was != "" && was != l.last() {
					t.Errorf("%s went to %s and %s", v, was, l.last())
				}
				went[v] = l.last()
			}
		}
		all := map[string]int{}
		for _, at := range went {
			all[at]++
		}
		if len(all) != 2 || all["a 200 <- sticky by header.X-Session"] == 0 || all["b 200 <- sticky by header.X-Session"] == 0 {
			t.Errorf("went to %v", all)
		}
		if l.do(ask); l.last() != "b 200" {
			t.Errorf("without the header: %s", l.last())
		}
	})
}

// TestCacheKnowsRules: an answer of one rule is not given to calls of another, or of none, however
// alike they are; nor that of one side of a sticky split to the other side.
func TestCacheKnowsRules(t *testing.T) {
	set := func(_ *lab, e *endpoint.Endpoint) {
		e.Rules = []endpoint.Rule{{Name: "urgent", When: endpoint.Condition{Headers: named("X-Priority", "high")}, To: []int{1}}}
	}
	steps := map[string][]step{"a": {says(answer)}, "b": {says(strings.Replace(answer, "hello", "bye", 1))}}
	high := header("X-Priority", "high")
	scripted(t, steps, func(l *lab, e *endpoint.Endpoint) { set(l, e); caching()(l, e) }, func(t *testing.T, l *lab, s *playbook) {
		plain, urgent := l.do(cold), l.do(cold, high)
		again, urgentAgain := l.do(cold, header("X-Priority", "low")), l.do(cold, high)
		if got := states(plain, urgent, again, urgentAgain); got != "miss miss hit hit" {
			t.Errorf("states are %s", got)
		}
		if !strings.Contains(again.body, "hello") || !strings.Contains(urgentAgain.body, "bye") || len(s.asked) != 2 {
			t.Errorf("asked %v: %s, %s", s.asked, again.body, urgentAgain.body)
		}
	})
	split := func(l *lab, e *endpoint.Endpoint) {
		caching()(l, e)
		e.Weights, e.StickyBy = []int{50, 50}, endpoint.StickyHeader+"X-Session"
	}
	scripted(t, steps, split, func(t *testing.T, l *lab, s *playbook) {
		for range 2 {
			for _, v := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
				l.do(cold, header("X-Session", v))
			}
		}
		if len(s.asked) != 2 {
			t.Errorf("both sides are asked once: %v", s.asked)
		}
	})
}
