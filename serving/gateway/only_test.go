package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
)

// confines has an endpoint's calls with a header go to a and b alone, in any case.
func confines(more func(*lab, *endpoint.Endpoint)) setup {
	return func(l *lab, e *endpoint.Endpoint) {
		e.Fallback, e.Timeout = true, time.Minute
		e.Rules = []endpoint.Rule{{Name: "eu", When: endpoint.Condition{Headers: named("X-Region", "eu")}, To: []int{0, 1}, Only: true}}
		more(l, e)
	}
}

// TestOnly: of calls under such a rule nobody else sees anything, whatever fails and whatever the
// endpoint does otherwise; other calls are as ever.
func TestOnly(t *testing.T) {
	fails, ok := status(500), says(answer)
	eu := header("X-Region", "eu")
	tests := []struct {
		name    string
		a, b, c step
		set     func(*lab, *endpoint.Endpoint)
		status  int
		asked   string // by the call under the rule
		others  string // by one that is not
	}{
		{"no fallback", fails, fails, ok, func(*lab, *endpoint.Endpoint) {}, 500, "a b", "a b c"},
		{"within the rule there is", fails, ok, ok, func(*lab, *endpoint.Endpoint) {}, 200, "a b", "a b"},
		{"with retries", fails, fails, ok, func(_ *lab, e *endpoint.Endpoint) {
			e.Retries = endpoint.Retries{Attempts: 2, Backoff: time.Millisecond, MaxBackoff: time.Millisecond}
		}, 500, "a a b b", "a a b b c"},
		{"of a strategy", fails, fails, ok, func(_ *lab, e *endpoint.Endpoint) { e.Strategy = &endpoint.Strategy{By: endpoint.LeastBusy} }, 500, "a b", "a b c"},
		{"of a race", fails, fails, ok.in(time.Second), func(_ *lab, e *endpoint.Endpoint) { e.Race = &endpoint.Race{Among: []int{0, 1, 2}, Most: 3} }, 500, "a b", "a b c"},
		{"of a hedged race", fails, fails, ok, func(_ *lab, e *endpoint.Endpoint) {
			e.Race = &endpoint.Race{Among: []int{0, 2, 1}, After: time.Second, Most: 3}
		}, 500, "a b", "a c"},
		{"of a shadow", ok, ok, ok, func(_ *lab, e *endpoint.Endpoint) { e.Shadow = &endpoint.Shadow{To: 2, Share: 1} }, 200, "a", "a c"},
	}
	for _, tt := range tests {
		for _, ruled := range []bool{true, false} {
			scripted(t, map[string][]step{"a": {tt.a}, "b": {tt.b}, "c": {tt.c}}, confines(tt.set), func(t *testing.T, l *lab, up *playbook) {
				want, change := tt.others, []func(*gateway.Call){}
				if ruled {
					want, change = tt.asked, append(change, eu)
				}
				c := l.do(ask, change...)
				l.settled()
				if got := hosts(up); got != want || ruled && c.head.Status != tt.status {
					t.Errorf("%s, under the rule %v: %d, asked %s, want %s", tt.name, ruled, c.head.Status, got, want)
				}
			})
		}
	}
}

// hosts are those that were asked, by name.
func hosts(up *playbook) string {
	var list []string
	for _, x := range up.asked {
		name, _, _ := strings.Cut(x, "@")
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// TestOnlyWithOpenCircuits: the rule's entities are asked rather than others.
func TestOnlyWithOpenCircuits(t *testing.T) {
	set := confines(func(_ *lab, e *endpoint.Endpoint) {
		e.Breaker = endpoint.Breaker{Enabled: true, FailureShare: 0.5, MinCalls: 1, Window: time.Minute, OpenFor: time.Minute}
	})
	scripted(t, map[string][]step{"a": {status(500)}, "b": {status(500)}, "c": {says(answer)}}, set, func(t *testing.T, l *lab, up *playbook) {
		for range 3 {
			l.do(ask, header("X-Region", "eu"))
		}
		if got := hosts(up); got != "a a a b" {
			t.Errorf("asked %s\n%s", got, l.last())
		}
	})
}

// TestOnlyIsNotCompared: the judge would read it, whoever the two sides are.
func TestOnlyIsNotCompared(t *testing.T) {
	set := judged(t, 1, confines(func(*lab, *endpoint.Endpoint) {}))
	steps := map[string][]step{"a": {says(answer)}, "b": {says(answer)}, "judge": {verdictOf(`{"winner":1}`)}}
	scripted(t, steps, set, func(t *testing.T, l *lab, up *playbook) {
		l.do(ask, header("X-Region", "eu"))
		l.settled()
		if got := hosts(up); got != "a" || len(l.recorder.Comparisons()) > 0 {
			t.Errorf("asked %s, %s", got, l.verdicts())
		}
		l.do(ask)
		l.settled()
		if got := hosts(up); got != "a a b judge" || len(l.recorder.Comparisons()) != 1 {
			t.Errorf("without the rule: asked %s, %s", got, l.verdicts())
		}
	})
}

// TestOnlyAndStoredAnswers: what is to follow an answer that is stored elsewhere would have to go there.
func TestOnlyAndStoredAnswers(t *testing.T) {
	n := 0
	stores := func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":"resp_%d","object":"response","status":"completed","model":"m","output":[],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}`, n)
	}
	l := newLab(t, []http.Handler{http.HandlerFunc(stores), http.HandlerFunc(stores), http.HandlerFunc(stores)}, confines(func(_ *lab, e *endpoint.Endpoint) { e.Weights = []int{0, 0, 100} }))
	eu := header("X-Region", "eu")
	first := `{"model":"chat","input":"hi"}`
	follows := func(id string) string { return `{"model":"chat","input":"and?","previous_response_id":"` + id + `"}` }
	for i, step := range []struct {
		body  string
		ruled bool
		want  string
	}{
		{first, false, "200 c 200"},
		{follows("resp_1"), true, "400 "},
		{follows("resp_1"), false, "200 c 200"},
		{first, true, "200 a 200 <- rule eu"},
		{follows("resp_3"), true, "200 a 200"},
		{follows("resp_of_another_gateway"), true, "200 a 200 <- rule eu"},
	} {
		change := []func(*gateway.Call){}
		if step.ruled {
			change = append(change, eu)
		}
		c := l.do(step.body, surfaceOf(wire.OpenAIResponses, change...))
		if got := fmt.Sprintf("%d %s", c.head.Status, l.last()); got != step.want {
			t.Errorf("step %d: %s, want %s: %s", i, got, step.want, c.body)
		}
		if c.head.Status == 400 && !strings.Contains(c.body, `the answer that this one is to follow is stored at \"c\", and rule \"eu\" keeps this request from there: send the conversation itself`) {
			t.Error(c.body)
		}
	}
}
