package route

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/prompt"
)

func is(list ...string) (p endpoint.Patterns) {
	for _, s := range list {
		p = append(p, endpoint.NewPattern(s))
	}
	return p
}

// TestDescribe: the whole of an endpoint's routing in one table.
func TestDescribe(t *testing.T) {
	many, yes := int64(8000), true
	e := &endpoint.Endpoint{
		Entities: []*endpoint.Entity{{Name: "gpt"}, {Name: "claude"}, {Name: "mini"}}, Weights: []int{90, 10, 0}, Fallback: true,
		StickyBy: "requester", Timeout: 2 * time.Minute, FirstTokenTimeout: 5 * time.Second, IdleTimeout: 30 * time.Second,
		Rules: []endpoint.Rule{
			{Name: "urgent", When: endpoint.Condition{Headers: []endpoint.Named{{Name: "X-Priority", Is: is("high", "urgent*")}}}, To: []int{0}},
			{Name: "long", When: endpoint.Condition{MinInput: &many, Streaming: &yes, Groups: is("vip")}, To: []int{1, 0}},
			{Name: "batch", When: endpoint.Condition{UsageContext: []endpoint.Named{{Name: "team", Is: is("*")}}}, To: []int{2}, Only: true},
		},
		Retries: endpoint.Retries{Attempts: 2, Backoff: 250 * time.Millisecond, MaxBackoff: 10 * time.Second},
		Breaker: endpoint.Breaker{Enabled: true, FailureShare: 0.5, MinCalls: 20, Window: 30 * time.Second, ConsecutiveFailures: 10, OpenFor: 15 * time.Second},
		Cache:   &endpoint.ResponseCache{TTL: time.Hour, Scope: endpoint.CachePerTag, Tag: "team"},
	}
	check(t, Describe(e), `
rule|urgent|header X-Priority is high or urgent*|gpt|the only one
rule|long|a group is vip, and input of 8000 tokens or more, and streamed|claude gpt|10 %, 90 %, sticky by requester
rule|batch|usage_context.team is *|mini|the only one; nobody else is asked, also when they fail
split||any other call|gpt claude|90 %, 10 %, sticky by requester
retry||408, 429, 5xx, connections, timeouts, before the first visible byte||the same entity up to 2 times, after up to 250ms, doubled up to 10s, or Retry-After
fallback||an entity has failed, or its circuit is open|gpt claude mini|first what is left of the rule or strategy, then these in their order; not for calls of rule batch
circuit||50 % of at least 20 attempts of 30s have failed, or 10 one after another||the entity is left out for 15s, then tried by one call at a time
time||no first token after 5s||it is broken off
time||nothing more of an answer has come after 30s||it is broken off
time||the call is not over after 2m||it is broken off
cache||the same question again||answered from memory for 1h, per key_tag team
`)
	e = &endpoint.Endpoint{
		Entities: e.Entities, Weights: e.Weights, Fallback: true, WarmUp: true, Rules: e.Rules[1:2],
		Strategy: &endpoint.Strategy{By: endpoint.LowestLatency, Among: []int{0, 1}, Explore: 0.05},
	}
	check(t, Describe(e), `
rule|long|a group is vip, and input of 8000 tokens or more, and streamed|claude gpt|the soonest first token; 5 % of the calls by the percentages
strategy||any other call|gpt claude|the soonest first token; 5 % of the calls by the percentages
warm up||before there are calls|gpt claude mini|connections are kept open
fallback||an entity has failed, or its circuit is open|gpt claude|first what is left of the rule or strategy, then these in their order
`)
}

func check(t *testing.T, lines []Line, want string) {
	t.Helper()
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "\n%s|%s|%s|%s|%s", l.Step, l.Name, l.When, strings.Join(l.To, " "), l.How)
	}
	if b.String()+"\n" != want {
		t.Errorf("got%s\nwant%s", &b, want)
	}
}

// TestDescribeMore: what stands beside a split.
func TestDescribeMore(t *testing.T) {
	v2, v3 := &prompt.Version{Spec: prompt.Spec{Number: 2}}, &prompt.Version{Spec: prompt.Spec{Number: 3}}
	e := &endpoint.Endpoint{
		Entities: []*endpoint.Entity{{Name: "gpt"}, {Name: "claude"}, {Name: "next"}}, Weights: []int{90, 10, 0},
		Prompt: &prompt.Prompt{Versions: []*prompt.Version{v2, v3}, Active: []prompt.Share{{Version: v2, Percent: 100}}},
		Rollout: &endpoint.Rollout{
			Target: 2, Stages: []endpoint.RolloutStage{{Traffic: 50, For: 10 * time.Minute}, {Traffic: 1000, For: time.Hour}},
			Stop: endpoint.RolloutBounds{ErrorShare: 0.05, FirstToken: 2 * time.Second, WorseThan: 1.5},
		},
		Race:   &endpoint.Race{Among: []int{1, 0}, After: 300 * time.Millisecond, Most: 2},
		Shadow: &endpoint.Shadow{To: 2, Share: 0.1},

		Compare: &endpoint.Compare{Name: "claude-vs-gpt", Baseline: 0, Challenger: 1, Share: 0.05, Judge: "judge"},
	}
	check(t, Describe(e), `
prompt||any call that names no version||version 2
rollout||any call|next|0.5 % for 10m, 10 % for 1h, then all; none after more than 5 % errors, or 5 % of first tokens later than 2s, or 1.5 times the others' errors or latency
split||any call|gpt claude|90 %, 10 %
race||a call that goes to one of them|claude gpt|the next after 300ms without an answer, at most 2: the first acceptable answer
shadow||10 % of the calls|next|asked the same; nobody gets the answer
compare|claude-vs-gpt|5 % of the calls that one of them has answered|gpt claude|the other is asked the same, and judge says which answer is better
`)
	e = &endpoint.Endpoint{
		Entities: e.Entities, Weights: e.Weights, Prompt: e.Prompt, Race: &endpoint.Race{Among: []int{0, 1}, Most: 3},
	}
	e.Prompt.Active = []prompt.Share{{Version: v2, Percent: 90}, {Version: v3, Percent: 10}}
	check(t, Describe(e), `
prompt||any call that names no version||version 2: 90 %, version 3: 10 %
split||any call|gpt claude|90 %, 10 %
race||a call that goes to one of them|gpt claude|at once, at most 3: the first acceptable answer
`)
}
