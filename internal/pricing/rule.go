package pricing

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Rule says which names something has. Exactly one of its fields is set. Names and texts are
// compared in lower case; a regular expression is one of RE2, looked for anywhere in the name.
type Rule struct {
	Equals     string `yaml:"equals,omitempty"`
	StartsWith string `yaml:"starts_with,omitempty"`
	EndsWith   string `yaml:"ends_with,omitempty"`
	Contains   string `yaml:"contains,omitempty"`
	Regex      string `yaml:"regex,omitempty"`
	Or         []Rule `yaml:"or,omitempty"`
	And        []Rule `yaml:"and,omitempty"`
	Not        *Rule  `yaml:"not,omitempty"`
}

// matcher is a rule as it is asked: does it fit a name in lower case?
type matcher func(name string) bool

func (r *Rule) compile() (matcher, error) {
	var out []matcher
	text := func(want string, test func(name, want string) bool) {
		if want != "" {
			want = strings.ToLower(want)
			out = append(out, func(name string) bool { return test(name, want) })
		}
	}
	text(r.Equals, func(name, want string) bool { return name == want })
	text(r.StartsWith, strings.HasPrefix)
	text(r.EndsWith, strings.HasSuffix)
	text(r.Contains, strings.Contains)
	if r.Regex != "" {
		re, err := regexp.Compile(r.Regex)
		if err != nil {
			return nil, fmt.Errorf("rule: %w", err)
		}
		out = append(out, re.MatchString)
	}
	alternatives, err := compileRules(r.Or)
	if err != nil {
		return nil, err
	}
	if alternatives != nil {
		out = append(out, func(name string) bool {
			for _, m := range alternatives {
				if m(name) {
					return true
				}
			}
			return false
		})
	}
	all, err := compileRules(r.And)
	if err != nil {
		return nil, err
	}
	if all != nil {
		out = append(out, func(name string) bool {
			for _, m := range all {
				if !m(name) {
					return false
				}
			}
			return true
		})
	}
	if r.Not != nil {
		not, err := r.Not.compile()
		if err != nil {
			return nil, err
		}
		out = append(out, func(name string) bool { return !not(name) })
	}
	if len(out) != 1 {
		return nil, errors.New("a rule needs exactly one of equals, starts_with, ends_with, contains, regex, or, and, not, and a text that is not empty")
	}
	return out[0], nil
}

func compileRules(rules []Rule) ([]matcher, error) {
	var out []matcher
	for i := range rules {
		m, err := rules[i].compile()
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}
