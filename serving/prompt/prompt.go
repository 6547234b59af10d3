// Package prompt is prompt templates: messages with variables in them, in versions that don't
// change, and how a client's request becomes one with the messages of a version in it.
//
// A template's text has variables in double braces: {{ name }}. Values are inserted as text into JSON
// that was escaped when the template was compiled, so they can neither end a string nor bring in a
// variable of their own: what comes out is a JSON object whatever they are. What a version knows is
// what it is; two versions share nothing.
//
// Render adds to the client's own body, in the client's own format, and leaves the rest of it
// byte for byte. The package does no I/O. Everything is immutable or locked, and safe for
// concurrent use.
package prompt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/lakegate/lakegate/serving/wire"
)

// Spec is one version as it is written.
type Spec struct {
	Number      int64 // from 1
	Description string
	Messages    []Message // system messages first
	// Parameters is a JSON object of fields of an OpenAI chat that hold where the client says nothing
	// else, nil for none.
	Parameters json.RawMessage
	// Variables are those of the text, sorted by name, with what else callers may send.
	Variables []Variable
}

// The roles of a message.
const (
	System    = "system"
	User      = "user"
	Assistant = "assistant"
)

// Message is one message of a template.
type Message struct {
	Role    string
	Content string // may have variables
}

// Variable is a place in a template for a text of the caller's.
type Variable struct {
	Name        string
	Description string
	Default     *string // nil: the caller has to give it
}

// Version is a version that can be rendered.
type Version struct {
	Spec
	system, turns []message
	index         map[string]int // of Variables by name
	defaults      [][]byte       // their default values, as insides of JSON strings; nil for none

	params forms // of Parameters
}

type message struct {
	role string
	text text
}

// Prompt is the versions of one endpoint, sorted by number, and which of them answer.
type Prompt struct {
	Versions []*Version
	Active   []Share
}

// Share is a version's part of the calls that ask for none, in percent. Shares add up to 100.
type Share struct {
	Version *Version
	Percent int
}

// Lookup returns a version by its number, or nil.
func (p *Prompt) Lookup(number int64) *Version {
	i := slices.IndexFunc(p.Versions, func(v *Version) bool { return v.Number == number })
	if i < 0 {
		return nil
	}
	return p.Versions[i]
}

// Numbers says which versions there are, for people.
func (p *Prompt) Numbers() string {
	first, last := p.Versions[0].Number, p.Versions[len(p.Versions)-1].Number
	switch {
	case first == last:
		return fmt.Sprintf("there is version %d", first)
	case last-first == int64(len(p.Versions)-1):
		return fmt.Sprintf("there are versions %d to %d", first, last)
	}
	var b strings.Builder
	b.WriteString("there are versions")
	for i, v := range p.Versions {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %d", v.Number)
	}
	return b.String()
}

// Pick returns the version that a draw falls to, which is taken modulo 100.
func (p *Prompt) Pick(draw uint32) *Version {
	n := int(draw % 100)
	for _, s := range p.Active {
		if n < s.Percent {
			return s.Version
		}
		n -= s.Percent
	}
	return p.Active[0].Version
}

// forms is a version's parameters in the words of each format that was asked for.
type forms struct {
	mu   sync.Mutex
	made map[wire.Format]*parameters
}
