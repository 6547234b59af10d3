package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/prompt"
)

// Prompt is a prompt template in versions.
type Prompt struct {
	Active   json.RawMessage `yaml:"active"` // a version, or percentages by version; the newest after Parse, where nothing is said
	Versions []PromptVersion `yaml:"versions"`
}

// PromptVersion is one version of a template.
type PromptVersion struct {
	Version     int64                     `yaml:"version"`
	Description string                    `yaml:"description"`
	Messages    []PromptMessage           `yaml:"messages"`
	Parameters  json.RawMessage           `yaml:"parameters"`
	Variables   map[string]PromptVariable `yaml:"variables"`
}

// PromptMessage is one message of a template.
type PromptMessage struct {
	Role    string `yaml:"role"`
	Content string `yaml:"content"`
}

// PromptVariable is a variable that callers may give.
type PromptVariable struct {
	Default     *string `yaml:"default"`
	Description string  `yaml:"description"`
}

const maxPromptVersions = 1000

// prompt checks and compiles a prompt.
func (c *checker) prompt(e *Endpoint, p string) {
	l := e.Lakegate.Prompt
	for i := range e.Config.ServedEntities {
		if task := e.Config.ServedEntities[i].ExternalModel.Task; task != endpoint.Chat && task != "" {
			c.fault(p, "prompts are for endpoints whose task is %s, not %s", endpoint.Chat, quote(task))
			break
		}
	}
	switch n := len(l.Versions); {
	case n == 0:
		c.fault(p+".versions", "want at least one version, with version and messages")
	case n > maxPromptVersions:
		c.fault(p+".versions", "want at most %d, got %d", maxPromptVersions, n)
		return
	}
	seen := map[string]string{}
	for i := range l.Versions {
		v, at := &l.Versions[i], index(p+".versions", i)
		if v.Version < 1 {
			c.fault(at+".version", "want a number from 1, which is the version's for ever")
		} else {
			c.unique(seen, strconv.FormatInt(v.Version, 10), at+".version", "version")
		}
		_, faults := prompt.Compile(v.spec())
		for _, f := range faults {
			c.fault(at+"."+f.Path, "%s", f.Message)
		}
	}
	c.activeVersions(l, p)
}

func (v *PromptVersion) spec() prompt.Spec {
	spec := prompt.Spec{Number: v.Version, Description: v.Description, Parameters: v.Parameters}
	for _, m := range v.Messages {
		spec.Messages = append(spec.Messages, prompt.Message{Role: m.Role, Content: m.Content})
	}
	for _, name := range slices.Sorted(maps.Keys(v.Variables)) {
		x := v.Variables[name]
		spec.Variables = append(spec.Variables, prompt.Variable{Name: name, Description: x.Description, Default: x.Default})
	}
	return spec
}

// activeVersions checks which versions answer.
func (c *checker) activeVersions(l *Prompt, p string) {
	at := p + ".active"
	if len(l.Versions) == 0 || c.bad(p+".versions") || c.bad(at) {
		return
	}
	if !c.given(at) {
		newest := slices.MaxFunc(l.Versions, func(a, b PromptVersion) int { return int(a.Version - b.Version) })
		l.Active = marshal(newest.Version)
		return
	}
	shares, err := ActiveVersions(l.Active)
	if err != nil {
		c.fault(at, "%v", err)
		return
	}
	for _, n := range slices.Sorted(maps.Keys(shares)) {
		if !slices.ContainsFunc(l.Versions, func(v PromptVersion) bool { return v.Version == n }) {
			c.fault(at, "there is no version %d", n)
		}
	}
}

// ActiveVersions reads which versions of a prompt answer: one, or several with their percentages.
func ActiveVersions(active json.RawMessage) (map[int64]int, error) {
	const want = "want the number of a version, or versions with their percentages such as {1: 90, 2: 10}"
	var one int64
	if json.Unmarshal(active, &one) == nil && one > 0 {
		return map[int64]int{one: 100}, nil
	}
	var shares map[int64]int
	if err := json.Unmarshal(active, &shares); err != nil || len(shares) == 0 {
		return nil, fmt.Errorf("%s", want)
	}
	sum := 0
	for _, n := range slices.Sorted(maps.Keys(shares)) {
		if shares[n] < 0 || shares[n] > 100 {
			return nil, fmt.Errorf("version %d has %d percent, want 0 to 100", n, shares[n])
		}
		sum += shares[n]
	}
	if sum != 100 {
		return nil, fmt.Errorf("the percentages add up to %d, want 100", sum)
	}
	return shares, nil
}

func compilePrompt(from *Prompt) (*prompt.Prompt, error) {
	if from == nil {
		return nil, nil
	}
	p := &prompt.Prompt{}
	for i := range from.Versions {
		v, faults := prompt.Compile(from.Versions[i].spec())
		if len(faults) > 0 {
			return nil, fmt.Errorf("version %d of the prompt: %s: %s", from.Versions[i].Version, faults[0].Path, faults[0].Message)
		}
		p.Versions = append(p.Versions, v)
	}
	slices.SortFunc(p.Versions, func(a, b *prompt.Version) int { return int(a.Number - b.Number) })
	shares, err := ActiveVersions(from.Active)
	if err != nil {
		return nil, fmt.Errorf("active versions of the prompt: %w", err)
	}
	for _, n := range slices.Sorted(maps.Keys(shares)) {
		if shares[n] > 0 {
			p.Active = append(p.Active, prompt.Share{Version: p.Lookup(n), Percent: shares[n]})
		}
	}
	return p, nil
}
