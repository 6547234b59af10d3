package responses

import (
	"bytes"
	"fmt"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// toolName is the name of a function, which may be in a namespace. Other APIs have none: there it
// is namespace__name, and comes back in its parts.
type toolName struct{ namespace, name string }

// maxName is the longest name of a function that all APIs take.
const maxName = 64

func (n toolName) flat() string {
	if n.namespace == "" {
		return n.name
	}
	return n.namespace + "__" + n.name
}

// namespace reads a tool that is a group of functions. What it is about is said of each.
func (d *decoder) namespace(path string, v []byte) {
	group := toolGroup{}
	tools, at := []byte(nil), path+".tools"
	d.each(path, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "name":
			group.name = d.text(path, k, v)
		case "description":
			group.about = d.text(path, k, v)
		case "tools":
			tools = v
		case "type":
		default:
			return false
		}
		return true
	})
	if group.name == "" || tools == nil {
		d.fail(path, "%s must have a name and tools", path)
		return
	}
	c := rawjson.Walk(tools)
	d.elements(at, c.Kind(), tools, func(path string, k rawjson.Kind, v []byte) { d.function(path, k, v, group) })
}

// toolGroup is the namespace a function is in, the zero one for none.
type toolGroup struct{ name, about string }

// put gives a function the name and the description it has outside of its group.
func (g toolGroup) put(d *decoder, t *chat.Tool) bool {
	if g.name == "" {
		return true
	}
	t.Name = toolName{g.name, t.Name}.flat()
	if len(t.Name) > maxName {
		d.lose(t.Path, fmt.Sprintf("its name and that of its namespace are longer than %d characters, which others don't take", maxName))
		return false
	}
	if g.about != "" && t.Description != "" {
		t.Description = g.about + "\n\n" + t.Description
	}
	return true
}

// namesOf returns the names of functions in namespaces by what they are called elsewhere. tools is
// what the client gave.
func namesOf(tools []byte) map[string]toolName {
	if !bytes.Contains(tools, []byte(`"namespace"`)) {
		return nil
	}
	names := map[string]toolName{}
	c := rawjson.Walk(tools)
	for ok := c.Enter(); ok; ok = c.Next() {
		tool := c.Take()
		if member(tool, "type") != "namespace" {
			continue
		}
		group := member(tool, "name")
		inner := rawjson.Walk(rawMember(tool, "tools"))
		for ok := inner.Enter(); ok; ok = inner.Next() {
			n := toolName{group, member(inner.Take(), "name")}
			names[n.flat()] = n
		}
	}
	return names
}
