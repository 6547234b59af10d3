package pricing

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// File is a price file: docs/prices.md says what its fields mean.
type File struct {
	AsOf      Date       `yaml:"as_of"`
	Source    string     `yaml:"source,omitempty"` // what it was made from, when it was imported
	Providers []Provider `yaml:"providers"`
}

// Provider is who is paid.
type Provider struct {
	Name    string   `yaml:"name"`
	Aliases []string `yaml:"aliases,omitempty"`
	// Match finds the provider by other names of it; URL by the beginning of its base URL, a
	// regular expression.
	Match *Rule  `yaml:"match,omitempty"`
	URL   string `yaml:"url,omitempty"`
	// Fallback are providers whose models this one also sells, at their prices.
	Fallback         []string `yaml:"fallback,omitempty"`
	Checked          Date     `yaml:"checked,omitempty"`
	OpenAICompatible bool     `yaml:"openai_compatible,omitempty"`
	Sources          []string `yaml:"sources,omitempty"`
	// Searches is the price of a thousand searches with models that don't say.
	Searches *PerMillion `yaml:"searches,omitempty"`
	Models   []Model     `yaml:"models"`
}

// Model is what has one price, under all its names.
type Model struct {
	ID       string   `yaml:"id,omitempty"` // what lists show it as, when it is found by a rule
	Names    []string `yaml:"names,omitempty"`
	Prefixes []string `yaml:"prefixes,omitempty"`
	Match    *Rule    `yaml:"match,omitempty"` // rules are tried after names and prefixes, in the file's order
	Prices   []Period `yaml:"prices"`
}

// Period is what a model costs from a day on, until its next period begins.
type Period struct {
	From    Date     `yaml:"from,omitempty"`
	Unknown bool     `yaml:"unknown,omitempty"`
	Rates   Rates    `yaml:",inline"`
	Long    Bands    `yaml:"long,omitempty"`
	Peak    *Peak    `yaml:"peak,omitempty"`
	Windows []Window `yaml:"windows,omitempty"`
	Tiers   []Tier   `yaml:"tiers,omitempty"`
}

// Band replaces the rates of a whole request whose input is over so many tokens.
type Band struct {
	Over    int64 `yaml:"over"`
	Unknown bool  `yaml:"unknown,omitempty"`
	Rates   Rates `yaml:",inline"`
}

// Bands are a price's bands, the smallest first. A file may write a single one without a list.
type Bands []Band

// UnmarshalYAML reads one band or a list of them.
func (b *Bands) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		*b = make(Bands, 1)
		return strict(n, &(*b)[0])
	}
	return strict(n, (*[]Band)(b))
}

// strict decodes a node and refuses keys that aren't known: decoding from a node forgets that the
// decoder of the file was told so.
func strict(n *yaml.Node, into any) error {
	b, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	return d.Decode(into)
}

// Peak replaces the rates on Monday to Friday between the given UTC hours.
type Peak struct {
	Hours [][2]int `yaml:"hours"` // first hour included, second not
	Rates Rates    `yaml:",inline"`
}

// Window replaces the rates at some times of the day. Of several that hold the first counts.
type Window struct {
	Days  []int `yaml:"days,omitempty"` // 1 is Monday, 7 Sunday; none is every day
	At    Clock `yaml:"at"`             // UTC, included
	Until Clock `yaml:"until"`          // not included; 24:00 is the end of the day
	Rates Rates `yaml:",inline"`
	Long  Bands `yaml:"long,omitempty"`
}

// Tier replaces the rates of requests that another tier of the provider answered than its
// standard one.
type Tier struct {
	For     []string `yaml:"for"`               // the provider's names of it: batch, flex, priority, ...
	Percent Percent  `yaml:"percent,omitempty"` // of the standard rates of tokens, long ones included, instead of rates
	Rates   Rates    `yaml:",inline"`
	Long    Bands    `yaml:"long,omitempty"`
}

// Clock is a time of the day in minutes. As text it is 16:30.
type Clock int

// UnmarshalText reads a time from 00:00 to 24:00.
func (c *Clock) UnmarshalText(text []byte) error {
	s := string(text)
	if len(s) != 5 || !fits(s, "dd:dd") {
		return fmt.Errorf("%q is not a time of the day such as 16:30", s)
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	if m > 59 || h*60+m > 24*60 {
		return fmt.Errorf("%q is not a time of the day such as 16:30", s)
	}
	*c = Clock(h*60 + m)
	return nil
}

// MarshalText writes the time as UnmarshalText reads it.
func (c Clock) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%02d:%02d", c/60, c%60), nil }

// Marshal writes the file as Read reads it: YAML, one line per model and price.
func (f *File) Marshal() ([]byte, error) {
	var doc yaml.Node
	if err := doc.Encode(f); err != nil {
		return nil, err
	}
	flow(&doc, 0)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// flow writes what is inside of a model on one line each.
func flow(n *yaml.Node, depth int) {
	if depth == 5 { // file, providers, provider, models, model
		n.Style |= yaml.FlowStyle
		return
	}
	for _, c := range n.Content {
		flow(c, depth+1)
	}
}
