package prompt

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/openai"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Fault is something wrong with a Spec.
type Fault struct {
	Path    string // within the version, such as messages[0].content
	Message string
}

// The bounds of a version.
const (
	maxMessages  = 64
	maxVariables = 256
)

// Compile returns the version that s describes, or what is wrong with s. Where s has no variables,
// each that its text has is one that callers have to give.
func Compile(s Spec) (*Version, []Fault) {
	c := compiler{v: &Version{Spec: s, index: map[string]int{}}, declared: len(s.Variables) > 0}
	c.variables()
	c.messages()
	c.parameters()
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	return c.v, nil
}

type compiler struct {
	v        *Version
	declared bool // variables are: others are not there
	faults   []Fault
}

func (c *compiler) fault(path, format string, args ...any) {
	c.faults = append(c.faults, Fault{path, fmt.Sprintf(format, args...)})
}

func (c *compiler) variables() {
	v := c.v
	v.Variables = slices.Clone(v.Variables)
	slices.SortFunc(v.Variables, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	if len(v.Variables) > maxVariables {
		c.fault("variables", "want at most %d, got %d", maxVariables, len(v.Variables))
	}
	for _, x := range v.Variables {
		if !IsName(x.Name) {
			c.fault("variables", "%q is no name of a variable: want at most %d letters, digits and _, the first no digit", clip(x.Name), maxName)
		}
		c.add(x)
	}
}

func (c *compiler) add(x Variable) int {
	v := c.v
	i := len(v.defaults)
	v.index[x.Name] = i
	var inside []byte
	if x.Default != nil {
		inside = appendInside([]byte{}, *x.Default)
	}
	v.defaults = append(v.defaults, inside)
	return i
}

func (c *compiler) messages() {
	v := c.v
	switch n := len(v.Messages); {
	case n == 0:
		c.fault("messages", "want at least one message, with role and content")
	case n > maxMessages:
		c.fault("messages", "want at most %d, got %d", maxMessages, n)
	}
	for i, m := range v.Messages {
		at := fmt.Sprintf("messages[%d]", i)
		t := c.text(at+".content", m.Content)
		switch m.Role {
		case System:
			if len(v.turns) > 0 {
				c.fault(at+".role", "system messages come first: not every provider has a place for one in the middle")
			}
			v.system = append(v.system, message{m.Role, t})
		case User, Assistant:
			v.turns = append(v.turns, message{m.Role, t})
		default:
			c.fault(at+".role", "want system, user or assistant, got %q", clip(m.Role))
		}
	}
	if !c.declared {
		slices.SortFunc(v.Variables, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	}
}

func (c *compiler) text(at, s string) text {
	if strings.TrimSpace(s) == "" {
		c.fault(at, "it is empty")
		return nil
	}
	parts, err := split(s)
	if err != nil {
		c.fault(at, "%v", err)
		return nil
	}
	t := make(text, 0, len(parts))
	for _, p := range parts {
		if p.name == "" {
			t = append(t, piece{literal: appendInside(nil, p.literal)})
			continue
		}
		i, ok := c.v.index[p.name]
		switch {
		case ok:
		case c.declared:
			c.fault(at, "variable %q is not among variables", p.name)
		case len(c.v.Variables) == maxVariables:
			c.fault(at, "it has more than %d variables", maxVariables)
			return nil
		default:
			c.v.Variables = append(c.v.Variables, Variable{Name: p.name})
			i = c.add(Variable{Name: p.name})
		}
		t = append(t, piece{variable: i})
	}
	return t
}

// reserved are fields that a template can't set: what they say is the client's or the gateway's.
var reserved = []string{
	"messages", "model", "stream", "stream_options", "usage_context", "client_request_id", "metadata", "user", "safety_identifier",
	"variables", "version", "prompt", "input", "store",
}

func (c *compiler) parameters() {
	if c.v.Parameters = bytes.TrimSpace(c.v.Parameters); len(c.v.Parameters) == 0 {
		return
	}
	var o rawjson.Object
	if err := o.Parse(c.v.Parameters, openai.MaxDepth); err != nil {
		c.fault("parameters", "want an object of fields such as temperature: %v", err)
		return
	}
	for i := range o.Len() {
		if name := string(o.Name(i)); slices.Contains(reserved, name) {
			c.fault("parameters."+name, "a prompt can't set it: it is the caller's to say, or the gateway's")
		} else if o.Find(name) != i {
			c.fault("parameters."+name, "it is there twice")
		}
	}
	if len(c.faults) > 0 {
		return
	}
	if _, err := openai.Chat().Chat.DecodeRequest(asChat(&o)); err != nil {
		path := "parameters"
		if err.Param != "" {
			path += "." + err.Param
		}
		c.fault(path, "%s", err.Message)
	}
}

// asChat returns a chat with the given fields.
func asChat(o *rawjson.Object) []byte {
	var p rawjson.Patch
	p.Add("messages", []byte(`[{"role":"user","content":"-"}]`))
	return p.Append(nil, o)
}
