package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/prompt"
)

const promptFile = `endpoints:
  - name: sum
    config:
      served_entities:
        - {name: e, external_model: {name: m, provider: custom, task: %s, custom_provider_config: {custom_provider_url: "http://localhost:1"}}}
    lakegate:
      prompt: %s
`

func promptOf(t *testing.T, block string) (*prompt.Prompt, error) {
	t.Helper()
	c, err := Parse(fmt.Appendf(nil, promptFile, "llm/v1/chat", block), func(name string) (string, bool) { return "the " + name, true })
	if err != nil {
		return nil, err
	}
	catalog, err := c.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
	must(t, err)
	e, _ := catalog.Lookup("sum")
	return e.Prompt, nil
}

func TestPromptsAreCompiled(t *testing.T) {
	p, err := promptOf(t, `{versions: [
        {version: 3, messages: [{role: user, content: "{{ a }} ${NAME} $${x}"}], parameters: {temperature: 0.10, top_p: 1, stop: [a, "1", yes], response_format: {type: json_object}, logit_bias: {"50256": -100}, seed: 1_0}},
        {version: 1, messages: [{role: user, content: b}], variables: {a: {default: 5, description: d}}}]}`)
	must(t, err)
	if len(p.Versions) != 2 || p.Versions[0].Number != 1 || len(p.Active) != 1 || p.Active[0].Version.Number != 3 {
		t.Fatalf("%+v", p)
	}
	v := p.Versions[1]
	if got := v.Messages[0].Content; got != "{{ a }} the NAME ${x}" {
		t.Errorf("content %q", got)
	}
	if got, want := string(v.Parameters), `{"temperature":0.10,"top_p":1,"stop":["a","1","yes"],"response_format":{"type":"json_object"},"logit_bias":{"50256":-100},"seed":10}`; got != want {
		t.Errorf("parameters %s", got)
	}
	if x := p.Versions[0].Variables; len(x) != 1 || *x[0].Default != "5" || x[0].Description != "d" {
		t.Errorf("variables %+v", x)
	}
	p, err = promptOf(t, `{active: {1: 90, 2: 10, 3: 0}, versions: [{version: 1, messages: [{role: user, content: a}]}, {version: 2, messages: [{role: user, content: b}]}, {version: 3, messages: [{role: user, content: b}]}]}`)
	must(t, err)
	if len(p.Active) != 2 || p.Active[1].Percent != 10 || p.Active[1].Version.Number != 2 {
		t.Errorf("active %+v", p.Active)
	}
}

func TestPromptsAreChecked(t *testing.T) {
	one := `versions: [{version: 1, messages: [{role: user, content: a}]}]`
	for want, block := range map[string]string{
		"prompt.versions: want at least one version":           "{}",
		"versions[0].version: want a number from 1":            "{versions: [{messages: [{role: user, content: a}]}]}",
		"versions[1].version: the same version":                "{versions: [{version: 1, messages: [{role: user, content: a}]}, {version: 1, messages: [{role: user, content: a}]}]}",
		"versions[0].messages: want at least one":              "{versions: [{version: 1}]}",
		"versions[0].messages[0].content: \"{{ a b }}\"":       `{versions: [{version: 1, messages: [{role: user, content: "{{ a b }}"}]}]}`,
		"versions[0].messages[0].role: want system":            `{versions: [{version: 1, messages: [{content: a}]}]}`,
		"versions[0].parameters.temperature":                   `{versions: [{version: 1, messages: [{role: user, content: a}], parameters: {temperature: hot}}]}`,
		"versions[0].parameters.seed: it can't be said":        `{versions: [{version: 1, messages: [{role: user, content: a}], parameters: {seed: .inf}}]}`,
		"versions[0].parameters: want an object":               `{versions: [{version: 1, messages: [{role: user, content: a}], parameters: [1]}]}`,
		"prompt.active: there is no version 2":                 "{active: 2, " + one + "}",
		"prompt.active: the percentages add up to 90":          "{active: {1: 90}, " + one + "}",
		"prompt.active: want the number of a version":          "{active: newest, " + one + "}",
		"prompt.active: version 1 has 200 percent":             "{active: {1: 200, 2: -100}, " + one + "}",
		"versions[0].messages[0].content: a prompt can't have": `{versions: [{version: 1, messages: [{role: user, content: "{{secrets/a/b}}"}]}]}`,
	} {
		if _, err := promptOf(t, block); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %s, got %v", block, want, err)
		}
	}
	_, err := Parse(fmt.Appendf(nil, promptFile, "llm/v1/embeddings", "{"+one+"}"), nil)
	if err == nil || !strings.Contains(err.Error(), "prompts are for endpoints whose task is llm/v1/chat") {
		t.Errorf("an endpoint of embeddings: %v", err)
	}
}

// The example of docs/prompts.md works.
func TestTheExampleOfPromptsWorks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "prompts.md"))
	must(t, err)
	_, example, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	c, err := Parse([]byte(example), func(string) (string, bool) { return hidden, true })
	must(t, err)
	if p := c.Endpoints[0].Lakegate.Prompt; p == nil || len(p.Versions) != 2 {
		t.Errorf("the prompt is %+v", p)
	}
}
