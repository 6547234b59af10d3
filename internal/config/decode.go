package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/internal/secret"
)

// maxValues bounds how many values a file may unfold to: aliases can make a small file huge.
const maxValues = 200_000

// enoughFaults ends the search for more.
const enoughFaults = 10 * maxFaults

// decoder fills Go values from YAML nodes. It goes on after a fault, and remembers where every
// value stood so that checks made later can say so too.
type decoder struct {
	env    Env
	faults Faults
	places map[string]place // by path
	budget int

	lakeOnly bool // see LoadLake
	api      bool // see ParseEndpoint
}

// place is where a value stands in the file.
type place struct {
	line  int
	given bool   // the file has a value here, other than null
	text  string // of a scalar as it is written in the file; "" for a secret
	bad   bool   // the value has a fault of its own: what is derived from it says nothing
}

var (
	secretType   = reflect.TypeFor[secret.String]()
	durationType = reflect.TypeFor[time.Duration]()
	textsType    = reflect.TypeFor[Texts]()
	bytesType    = reflect.TypeFor[Bytes]()
	wordType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// fault notes that the value n at path can't be decoded.
func (d *decoder) fault(n *yaml.Node, path, format string, args ...any) {
	p := d.places[path]
	if p.line == 0 {
		p.line = n.Line
	}
	p.bad = true
	d.places[path] = p
	d.note(p.line, path, format, args...)
}

// note adds a fault without saying anything of the value at path.
func (d *decoder) note(line int, path, format string, args ...any) {
	d.faults = append(d.faults, Fault{Line: line, Path: path, Message: fmt.Sprintf(format, args...)})
}

// value decodes n into v. A null leaves v as it is: the key might as well not be there.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if isNull(n) || !d.spend(n) {
		return
	}
	p := d.places[path]
	p.given = true
	d.places[path] = p
	if v.Type() == rawType {
		v.SetBytes(d.raw(n, path))
		return
	}
	if v.Kind() != reflect.Pointer && isWord(v.Type()) {
		d.scalar(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		if v.Type() == secretType {
			d.scalar(n, v, path)
			return
		}
		d.structure(n, v, path)
	case reflect.Map:
		d.mapping(n, v, path)
	case reflect.Slice:
		if v.Type() == textsType && n.Kind == yaml.ScalarNode {
			d.oneText(n, v, path)
			return
		}
		d.sequence(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// spend counts one value, and reports false once there were too many of them or of faults.
func (d *decoder) spend(n *yaml.Node) bool {
	if !d.more() {
		return false
	}
	if d.budget--; d.budget == 0 {
		d.note(n.Line, "", "with its aliases, the file has more than %d values", maxValues)
	}
	return d.more()
}

// more reports whether it is worth going on.
func (d *decoder) more() bool { return d.budget > 0 && len(d.faults) < enoughFaults }

// structure decodes a mapping into a struct by its yaml tags.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	d.pairs(n, path, func(key, value *yaml.Node) {
		p := join(path, key.Value)
		if f, ok := field(v, key.Value, path); ok {
			d.places[p] = place{line: key.Line}
			d.value(value, f, p)
			return
		}
		if m, ok := rest(v); ok {
			d.entry(key, value, m, path)
			return
		}
		d.unknownKey(key, value, v.Type(), path)
	})
}

// mapping decodes a mapping into a map whose keys the file chooses.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, path, func(key, value *yaml.Node) { d.entry(key, value, v, path) })
}

// entry decodes one pair into a map, which is made when it is nil.
func (d *decoder) entry(key, value *yaml.Node, v reflect.Value, path string) {
	p := join(path, key.Value)
	d.places[p] = place{line: key.Line}
	if isNull(value) {
		d.fault(key, p, "it has no value")
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	x := reflect.New(v.Type().Elem()).Elem()
	d.value(value, x, p)
	v.SetMapIndex(reflect.ValueOf(key.Value), x)
}

// oneText decodes a text that stands for a list of one.
func (d *decoder) oneText(n *yaml.Node, v reflect.Value, path string) {
	var s string
	d.scalar(n, reflect.ValueOf(&s).Elem(), path)
	v.Set(reflect.ValueOf(Texts{s}))
}

// sequence decodes a list. An empty list is not nil, so that it can be told from none.
func (d *decoder) sequence(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fault(n, path, "want a list, got %s", kindOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		p := path + "[" + strconv.Itoa(i) + "]"
		d.places[p] = place{line: item.Line}
		d.value(item, v.Index(i), p)
	}
}

// pairs calls each for the keys of a mapping in order, and finds what is no mapping, keys that
// are no text, and keys used twice.
func (d *decoder) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, path, "want keys and values, got %s%s", kindOf(n), missingSpace(n))
		return
	}
	first := map[string]int{}
	for i := 0; i < len(n.Content) && d.spend(n); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.note(key.Line, path, "a key must be text")
		case key.Tag == "!!merge":
			d.note(key.Line, path, "merge keys (<<) are not supported: repeat what they would bring in")
		case first[key.Value] > 0:
			d.note(key.Line, join(path, key.Value), "key is used twice; the other is on line %d", first[key.Value])
		default:
			first[key.Value] = key.Line
			each(key, value)
		}
	}
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value" // not shown: it may be a secret at the wrong place
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// missingSpace adds a hint for name:value.
func missingSpace(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Style == 0 && strings.Contains(n.Value, ":") {
		return "; is a space missing after the colon?"
	}
	return ""
}

// field returns the field of struct v, which is at path, that the file calls name.
func field(v reflect.Value, name, path string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if inline(v.Type().Field(i)) {
			if f, ok := field(v.Field(i), name, path); ok {
				return f, true
			}
		} else if f := v.Type().Field(i); f.IsExported() && !isRest(f) && keyOf(f, path) == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// inline says that the keys of a field, which is a struct, are keys of the struct it is in.
func inline(f reflect.StructField) bool {
	return f.Type.Kind() == reflect.Struct && strings.HasSuffix(f.Tag.Get("yaml"), ",inline")
}

// isRest says that a field, which is a map, takes the keys that no other field has.
func isRest(f reflect.StructField) bool {
	return f.Type.Kind() == reflect.Map && strings.HasSuffix(f.Tag.Get("yaml"), ",inline")
}

// rest returns the field of struct v that takes the keys no other field has.
func rest(v reflect.Value) (reflect.Value, bool) {
	for i := range v.NumField() {
		if isRest(v.Type().Field(i)) {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// isWord says that values of the type read themselves from a text, such as prices and days do.
func isWord(t reflect.Type) bool { return reflect.PointerTo(t).Implements(wordType) && t != secretType }

// keyOf returns the key of a field of the struct at path. A tag that starts with * takes the name
// of the block in: *_api_key of mistral_config is mistral_api_key.
func keyOf(f reflect.StructField, path string) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	rest, ok := strings.CutPrefix(key, "*")
	if !ok {
		return key
	}
	return strings.TrimSuffix(path[strings.LastIndexByte(path, '.')+1:], "_config") + rest
}

// join appends a key to a path. Keys that the path could not be read back from are quoted.
func join(path, key string) string {
	if !plainKey(key) {
		return path + "[" + quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func plainKey(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && r != '/' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
