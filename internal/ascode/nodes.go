package ascode

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxValues bounds how many values a file may unfold to: aliases can make a small file huge.
const maxValues = 200_000

// maxDepth bounds how deep values may be in one another: an alias may refer to what it is in.
const maxDepth = 60

// value is a YAML value as JSON has it. What is null is not there.
func (r *reader) value(n *yaml.Node, path string) any {
	r.depth++
	defer func() { r.depth-- }()
	switch r.budget--; {
	case r.budget < 0:
		return nil // it was told
	case r.depth > maxDepth:
		r.fault(n.Line, "", "values are more than %d deep in one another", maxDepth)
		r.budget = 0
		return nil
	case r.budget == 0:
		r.fault(n.Line, path, "with its aliases, the file has more than %d values", maxValues)
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias, path)
	case yaml.MappingNode:
		return r.mapping(n, path)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, x := range n.Content {
			list[i] = r.value(x, fmt.Sprintf("%s[%d]", path, i))
		}
		return list
	default:
		return r.scalar(n, path)
	}
}

func (r *reader) mapping(n *yaml.Node, path string) any {
	o := map[string]any{}
	lines := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fault(key.Line, path, "a key must be text")
			continue
		case key.Tag == "!!merge":
			r.fault(key.Line, path, "merge keys (<<) are not supported: repeat what they would bring in")
			continue
		case lines[key.Value] > 0:
			r.fault(key.Line, join(path, key.Value), "key is used twice; the other is on line %d", lines[key.Value])
			continue
		}
		lines[key.Value] = key.Line
		if !isNull(value) {
			o[key.Value] = r.value(value, join(path, key.Value))
		}
	}
	return o
}

func (r *reader) scalar(n *yaml.Node, path string) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		v, err := strconv.ParseInt(n.Value, 0, 64)
		if err != nil {
			r.fault(n.Line, path, "the number is too large")
		}
		return v
	case "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		v, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
		if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			r.fault(n.Line, path, "want a number")
			return nil
		}
		return v
	case "!!str", "!!timestamp":
		return n.Value
	default:
		r.fault(n.Line, path, "values of the kind %s are not supported", clip(n.Tag))
		return nil
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func member(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// join appends a key to a path, as the gateway's faults are written.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Source is where an endpoint stands.
type Source struct {
	File string
	node *yaml.Node
}

// Line is where the endpoint begins.
func (s Source) Line() int { return s.node.Line }

// At returns the fault of the value at a path within the endpoint, with the line of the value, of its
// key, or of what is nearest to it.
func (s Source) At(path, message string) Fault {
	n, line := s.node, s.node.Line
	for rest := path; rest != ""; {
		var step string
		step, rest = cut(rest)
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next, at := child(n, step)
		if next == nil {
			break
		}
		n, line = next, at
	}
	return Fault{s.File, line, path, message}
}

// cut takes the first step off a path: a name, a number in brackets, or a quoted name in brackets.
func cut(path string) (step, rest string) {
	if strings.HasPrefix(path, `["`) {
		if i := strings.Index(path, `"]`); i > 0 {
			return path[2:i], strings.TrimPrefix(path[i+2:], ".")
		}
	}
	if strings.HasPrefix(path, "[") {
		if i := strings.IndexByte(path, ']'); i > 0 {
			return path[:i+1], strings.TrimPrefix(path[i+1:], ".")
		}
	}
	i := strings.IndexAny(path, ".[")
	if i <= 0 {
		return path, ""
	}
	return path[:i], strings.TrimPrefix(path[i:], ".")
}

// child is what a step leads to, and the line of it: for a member its key's.
func child(n *yaml.Node, step string) (*yaml.Node, int) {
	if number, ok := strings.CutPrefix(step, "["); ok && n.Kind == yaml.SequenceNode {
		i, err := strconv.Atoi(strings.TrimSuffix(number, "]"))
		if err != nil || i < 0 || i >= len(n.Content) {
			return nil, 0
		}
		return n.Content[i], n.Content[i].Line
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1], n.Content[i].Line
		}
	}
	return nil, 0
}
