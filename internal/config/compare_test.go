package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// compareFile is an endpoint of two entities with a block of ours.
func compareFile(task, block string) string {
	entity := func(name string) string {
		return fmt.Sprintf("{name: %s, external_model: {name: m, provider: custom, task: %s, custom_provider_config: {custom_provider_url: \"http://localhost:1\"}}}", name, task)
	}
	return fmt.Sprintf("endpoints:\n  - name: chat\n    config: {served_entities: [%s, %s], traffic_config: {routes: [{served_entity_name: gpt, traffic_percentage: 100}, {served_entity_name: claude, traffic_percentage: 0}]}}\n    lakegate: %s\n", entity("gpt"), entity("claude"), block)
}

func TestComparisonsAreCompiled(t *testing.T) {
	for block, want := range map[string]*endpoint.Compare{
		"{}": nil,
		"{compare: {baseline: claude, challenger: gpt, share: 0.05, judge: judge}}": {Name: "claude-vs-gpt", Baseline: 1, Share: 0.05, Judge: "judge"},
		"{compare: {name: a test, baseline: gpt, challenger: claude, share: 1, judge: judge, rubric: the shorter one}}": {
			Name: "a test", Challenger: 1, Share: 1, Judge: "judge", Rubric: "the shorter one",
		},
	} {
		c, err := Parse([]byte(compareFile("llm/v1/chat", block)), env)
		must(t, err)
		catalog, err := c.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
		must(t, err)
		e, _ := catalog.Lookup("chat")
		if diff := cmp.Diff(want, e.Compare); diff != "" {
			t.Errorf("%s: want -, got +\n%s", block, diff)
		}
	}
}

func TestFaultsOfComparisons(t *testing.T) {
	for _, c := range []struct{ task, block, want string }{
		{"llm/v1/chat", "{compare: {}}", "baseline: it is required\nchallenger: it is required\njudge: it is required\nshare: say which share of the calls is compared, such as 0.05"},
		{"llm/v1/chat", "{compare: {baseline: gpt, challenger: gpt, share: 0, judge: Chat}}", "challenger: it is the baseline too; compare it with another served entity\njudge: an endpoint can't judge itself: name another one\nshare: want more than 0 and at most 1, got \"0\""},
		{"llm/v1/chat", "{compare: {baseline: gpt, challenger: gtp, share: .nan, judge: a b, name: ''}}", "challenger: there is no served entity \"gtp\"; there are gpt, claude\njudge: want the name of an endpoint, got \"a b\"\nname: want 1 to 63 letters, digits, spaces, '_', '.' or '-', the first a letter or digit, got \"\"\nshare: want a number, got \".nan\""},
		{"llm/v1/chat", "{compare: {baseline: gpt, challenger: claude, share: 0.1, judge: j, rubric: " + strings.Repeat("x", maxRubric+1) + "}}", "rubric: want at most 16KiB, got 16385"},
		{"llm/v1/embeddings", "{compare: {baseline: gpt, challenger: claude, share: 0.1, judge: j}}", "compare: answers of llm/v1/embeddings can't be compared, only those of llm/v1/chat, llm/v1/completions, agent/v1/chat, agent/v1/responses"},
	} {
		_, err := Parse([]byte(compareFile(c.task, c.block)), env)
		faults, _ := err.(Faults)
		var got []string
		for _, f := range faults {
			got = append(got, f.Path[strings.LastIndexByte(f.Path, '.')+1:]+": "+f.Message)
		}
		if s := strings.Join(got, "\n"); s != c.want {
			t.Errorf("%.100s\n got %s\nwant %s", c.block, s, c.want)
		}
	}
}
