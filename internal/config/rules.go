package config

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Rule sends some calls to some of an endpoint's entities.
type Rule struct {
	Name string   `yaml:"name"`
	When RuleWhen `yaml:"when"`
	To   Texts    `yaml:"to"`
	Only bool     `yaml:"only,omitempty"`
}

// RuleWhen says which calls meet a rule: those that all of it holds of.
type RuleWhen struct {
	Headers        map[string]Texts `yaml:"headers,omitempty"`
	UsageContext   map[string]Texts `yaml:"usage_context,omitempty"`
	Requesters     Texts            `yaml:"requesters,omitempty"`
	Groups         Texts            `yaml:"groups,omitempty"`
	Models         Texts            `yaml:"models,omitempty"`
	MinInputTokens *int64           `yaml:"min_input_tokens,omitempty"`
	MaxInputTokens *int64           `yaml:"max_input_tokens,omitempty"`
	Streaming      *bool            `yaml:"streaming,omitempty"`
}

// Texts is a list of texts, which the file may also give as one text.
type Texts []string

const (
	maxRules    = 100
	maxPatterns = 1000 // of one part of a condition
	maxPattern  = 1024 // bytes
)

var (
	ruleName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_. -]{0,62}$`)
	headerToken = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")
)

// keyHeaders hold what must not be looked at, by canonical names.
var keyHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// rules checks an endpoint's rules.
func (c *checker) rules(e *Endpoint, p string) {
	if len(e.Lakegate.Rules) > maxRules {
		c.fault(p, "want at most %d rules, got %d", maxRules, len(e.Lakegate.Rules))
		return
	}
	names := map[string]string{}
	for i := range e.Lakegate.Rules {
		r, at := &e.Lakegate.Rules[i], index(p, i)
		if c.required(at+".name", r.Name) && !ruleName.MatchString(r.Name) {
			c.fault(at+".name", "want 1 to 63 letters, digits, '_', '-', '.' or spaces, the first a letter or digit, got %s", c.text(at+".name"))
		}
		c.unique(names, r.Name, at+".name", "rule")
		c.ruleWhen(&r.When, at+".when")
		c.entityNames(e, at+".to", r.To)
	}
}

func (c *checker) ruleWhen(w *RuleWhen, p string) {
	before := len(c.faults)
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		at := join(p+".headers", name)
		if c.routable(at, name) {
			c.unique(seen, http.CanonicalHeaderKey(name), at, "header")
		}
		c.patterns(at, w.Headers[name])
	}
	for name, list := range w.UsageContext {
		at := join(p+".usage_context", name)
		if name == "" {
			c.fault(at, "a tag needs a name")
		}
		c.patterns(at, list)
	}
	for _, part := range []struct {
		name string
		list Texts
	}{{"requesters", w.Requesters}, {"groups", w.Groups}, {"models", w.Models}} {
		c.patterns(p+"."+part.name, part.list)
	}
	c.notNegative(p+".min_input_tokens", w.MinInputTokens)
	c.notNegative(p+".max_input_tokens", w.MaxInputTokens)
	if a, b := w.MinInputTokens, w.MaxInputTokens; a != nil && b != nil && *a > *b {
		c.fault(p+".max_input_tokens", "it is less than min_input_tokens, which is %d", *a)
	}
	if len(c.faults) == before && w.empty() {
		c.fault(p, "it is empty: say which calls the rule is for")
	}
}

func (w *RuleWhen) empty() bool {
	return len(w.Headers)+len(w.UsageContext)+len(w.Requesters)+len(w.Groups)+len(w.Models) == 0 &&
		w.MinInputTokens == nil && w.MaxInputTokens == nil && w.Streaming == nil
}

// routable checks the name of a header that calls are routed by.
func (c *checker) routable(at, name string) bool {
	switch {
	case !headerToken.MatchString(name):
		c.fault(at, "%s is no name of a header", quote(name))
	case slices.Contains(keyHeaders, http.CanonicalHeaderKey(name)):
		c.fault(at, "calls are not routed by a header that holds a key; use requesters or groups")
	default:
		return true
	}
	return false
}

// patterns checks the alternatives of a condition.
func (c *checker) patterns(at string, list Texts) {
	if !c.given(at) || c.bad(at) {
		return
	}
	if len(list) == 0 {
		c.fault(at, "it is empty: no call would meet it")
	}
	if len(list) > maxPatterns {
		c.fault(at, "want at most %d alternatives, got %d", maxPatterns, len(list))
	}
	for i, s := range list {
		if len(s) > maxPattern {
			c.fault(index(at, i), "it is longer than %d bytes", maxPattern)
		}
	}
}

// entityNames checks a list of the endpoint's entities.
func (c *checker) entityNames(e *Endpoint, p string, names []string) {
	if c.bad(p) {
		return
	}
	if len(names) == 0 {
		c.fault(p, "name at least one of the endpoint's served entities")
	}
	seen := map[string]string{}
	for i, name := range names {
		if at := index(p, i); e.place(name) < 0 {
			c.fault(at, "there is no served entity %s; there are %s", quote(name), strings.Join(e.entityList(), ", "))
		} else {
			c.unique(seen, name, at, "entity")
		}
	}
}

// place returns where the entity of that name stands, -1 for nowhere.
func (e *Endpoint) place(name string) int { return slices.Index(e.entityList(), name) }

func (e *Endpoint) entityList() []string {
	names := make([]string, len(e.Config.ServedEntities))
	for i := range names {
		names[i] = e.Config.ServedEntities[i].Name
	}
	return names
}

// placesOf returns where the entities of those names stand; nil for no names.
func (e *Endpoint) placesOf(names []string) []int {
	var at []int
	for _, name := range names {
		at = append(at, e.place(name))
	}
	return at
}

func compileRules(from *Endpoint) []endpoint.Rule {
	var rules []endpoint.Rule
	for i := range from.Lakegate.Rules {
		r := &from.Lakegate.Rules[i]
		w := &r.When
		rules = append(rules, endpoint.Rule{
			Name: r.Name, To: from.placesOf(r.To), Only: r.Only,
			When: endpoint.Condition{
				Headers: named(w.Headers, http.CanonicalHeaderKey), UsageContext: named(w.UsageContext, strings.Clone),
				Requesters: compilePatterns(w.Requesters), Groups: compilePatterns(w.Groups), Models: compilePatterns(w.Models),
				MinInput: w.MinInputTokens, MaxInput: w.MaxInputTokens, Streaming: w.Streaming,
			},
		})
	}
	return rules
}

// named compiles conditions on what has names, sorted by them.
func named(from map[string]Texts, name func(string) string) []endpoint.Named {
	var list []endpoint.Named
	for n, texts := range from {
		list = append(list, endpoint.Named{Name: name(n), Is: compilePatterns(texts)})
	}
	slices.SortFunc(list, func(a, b endpoint.Named) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func compilePatterns(texts Texts) endpoint.Patterns {
	var list endpoint.Patterns
	for _, s := range texts {
		list = append(list, endpoint.NewPattern(s))
	}
	return list
}
