package config

import (
	"encoding/json"
	"reflect"

	"go.yaml.in/yaml/v3"
)

var rawType = reflect.TypeFor[json.RawMessage]()

// raw returns a value of any shape as JSON. ${NAME} in its texts is replaced, as everywhere in the file.
func (d *decoder) raw(n *yaml.Node, path string) json.RawMessage {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.SequenceNode:
		list := []byte{'['}
		for i, item := range n.Content {
			if !d.spend(item) {
				break
			}
			if i > 0 {
				list = append(list, ',')
			}
			list = append(list, d.raw(item, index(path, i))...)
		}
		return append(list, ']')
	case yaml.MappingNode:
		object := []byte{'{'}
		d.pairs(n, path, func(key, value *yaml.Node) {
			if len(object) > 1 {
				object = append(object, ',')
			}
			object = append(append(object, marshal(key.Value)...), ':')
			object = append(object, d.raw(value, join(path, key.Value))...)
		})
		return append(object, '}')
	default:
		return d.rawScalar(n, path)
	}
}

func (d *decoder) rawScalar(n *yaml.Node, path string) json.RawMessage {
	switch n.ShortTag() {
	case "!!null":
		return json.RawMessage("null")
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return marshal(b)
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.RawMessage(n.Value) // digit for digit
		}
		var v any
		if n.Decode(&v) == nil {
			if number := marshal(v); number != nil {
				return number
			}
		}
	default:
		var text string
		d.scalar(n, reflect.ValueOf(&text).Elem(), path)
		return marshal(text)
	}
	d.fault(n, path, "it can't be said in JSON: %s", quote(n.Value))
	return json.RawMessage("null")
}

// marshal returns nil for numbers that JSON has not.
func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}
