package control

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/internal/endpoints"
)

// Difference is one value that differs between two versions of an endpoint. From is empty for a
// value that was not there, To for one that is not there any more.
type Difference struct {
	// Path leads to the value. Items of a list go by what tells them apart, such as
	// config.served_entities[gpt].external_model.name, and by number where nothing does.
	Path string          `json:"path"`
	From json.RawMessage `json:"from,omitempty"`
	To   json.RawMessage `json:"to,omitempty"`
}

// Differences lists what differs between two versions, sorted by path. Either may be nil, or deleted.
func Differences(old, next *endpoints.Document) []Difference {
	was, is := flat(old), flat(next)
	list := []Difference{}
	for path, v := range was {
		if string(is[path]) != string(v) {
			list = append(list, Difference{path, v, is[path]})
		}
	}
	for path, v := range is {
		if _, both := was[path]; !both {
			list = append(list, Difference{Path: path, To: v})
		}
	}
	list = slices.DeleteFunc(list, func(d Difference) bool { return ofGrown(d, was, is) })
	slices.SortFunc(list, func(a, b Difference) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

// ofGrown reports whether a difference is the order of a list that got or lost items, which says
// so by itself.
func ofGrown(d Difference, was, is map[string]json.RawMessage) bool {
	if !strings.HasSuffix(d.Path, order) {
		return false
	}
	a, b := keysIn(was[d.Path]), keysIn(is[d.Path])
	both := func(of, other []string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(s string) bool { return !slices.Contains(other, s) })
	}
	return slices.Equal(both(a, b), both(b, a))
}

func keysIn(list json.RawMessage) []string {
	var keys []string
	_ = json.Unmarshal(list, &keys) // a list that is not there has none
	return keys
}

// flat is a document's values by their paths.
func flat(d *endpoints.Document) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	if d == nil || d.Deleted {
		return all
	}
	s, err := object(d.Spec)
	if err != nil {
		return all // what was stored came through object
	}
	flatten(all, "", map[string]any(s))
	for _, g := range d.Access {
		all[fmt.Sprintf("permissions[%s %s]", g.Kind, g.Name)] = raw(g.Level)
	}
	return all
}

// order, after the path of a list, is where the order of its items stands.
const order = " (order)"

func flatten(all map[string]json.RawMessage, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 && path != "" {
			all[path] = raw(v)
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			at := k
			if path != "" {
				at = path + "." + k
			}
			flatten(all, at, v[k])
		}
	case []any:
		if !slices.ContainsFunc(v, isObject) { // of names and numbers, or of none
			all[path] = raw(v)
			return
		}
		keys := keysOf(path, v)
		for i, x := range v {
			at := path + "[" + strconv.Itoa(i) + "]"
			if keys != nil {
				at, x = path+"["+keys[i]+"]", withoutKey(path, x)
			}
			flatten(all, at, x)
		}
		if len(keys) > 1 && !inAnyOrder(path) {
			all[path+order] = raw(keys)
		}
	default:
		all[path] = raw(v)
	}
}

func isObject(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	default:
		return false
	}
}

// keysOf returns what tells the objects of a list apart, nil where nothing does.
func keysOf(path string, list []any) []string {
	seen := map[string]bool{}
	keys := make([]string, len(list))
	for i, x := range list {
		o, ok := x.(map[string]any)
		if !ok {
			return nil
		}
		key, _ := keyOf(path, o)
		if key == "" || seen[key] {
			return nil
		}
		seen[key], keys[i] = true, key
	}
	return keys
}

// keyOf returns what tells an object of a list from the others, and the members that this is made of.
func keyOf(path string, o map[string]any) (key string, members []string) {
	if strings.HasSuffix(path, "rate_limits") {
		who := cmp.Or(text(o["key"]), "endpoint")
		if p := text(o["principal"]); p != "" {
			who += " " + p
		}
		return who + " per " + cmp.Or(text(o["renewal_period"]), "minute"), []string{"key", "principal", "renewal_period"}
	}
	for _, name := range []string{"name", "served_entity_name", "version", "key"} {
		if key := text(o[name]); key != "" {
			return key, []string{name}
		}
	}
	model, _ := o["external_model"].(map[string]any)
	return text(model["name"]), nil // which the entity is called by then
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

// withoutKey leaves out of an item what its path says already. Of a tag the value is left.
func withoutKey(path string, x any) any {
	o, _ := x.(map[string]any)
	if path == "tags" {
		return text(o["value"])
	}
	_, members := keyOf(path, o)
	rest := maps.Clone(o)
	for _, name := range members {
		delete(rest, name)
	}
	return rest
}

// inAnyOrder reports whether the order of a list means nothing.
func inAnyOrder(path string) bool {
	return path == "tags" || strings.HasSuffix(path, "traffic_config.routes") || strings.HasSuffix(path, "rate_limits")
}
