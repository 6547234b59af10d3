package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// ParseEndpoint decodes, completes and checks one endpoint as the API takes it, in JSON, by the checks
// of the file's endpoints. What it leaves out comes from c. The secrets it refers to are those of c
// and of vault, which may be nil; a c from LoadLake needs none. ${NAME} is text like any other, and secrets themselves are refused. It returns either an endpoint
// or a Faults, whose paths start within the endpoint.
func (c *Config) ParseEndpoint(spec []byte, vault Vault, origin *endpoint.Origin) (*Endpoint, error) {
	root, err := jsonNode(spec)
	if err != nil {
		return nil, Faults{{Message: "malformed JSON: " + err.Error()}}
	}
	alone := *c
	alone.Endpoints, alone.Secrets.Inline = make([]Endpoint, 1), c.inline
	d := &decoder{places: map[string]place{}, budget: maxValues, api: true, lakeOnly: c.lakeOnly}
	d.value(root, reflect.ValueOf(&alone.Endpoints[0]).Elem(), first)
	if d.more() {
		(&checker{config: &alone, vault: vault, decoder: d}).endpoints()
	}
	if len(d.faults) > 0 {
		for i := range d.faults {
			d.faults[i].Line, d.faults[i].Path = 0, withoutFirst(d.faults[i].Path)
		}
		d.faults.sort()
		return nil, d.faults
	}
	e := &alone.Endpoints[0]
	e.origin = origin
	return e, nil
}

const first = "endpoints[0]"

func withoutFirst(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, first), ".")
}

// ErrTaken says that an endpoint can't be added beside those there are.
var ErrTaken = errors.New("taken")

// Fits reports whether e may be added to c's endpoints, or take the place of its namesake made
// through the API: nil, or an error that wraps ErrTaken and says what is in the way.
func (c *Config) Fits(e *Endpoint) error { return c.Fitter().fits(e) }

// Fitter is endpoints, found by what no two of them may share. It is for one goroutine.
type Fitter struct{ names, tables map[string]*Endpoint }

// Fitter returns c's endpoints.
func (c *Config) Fitter() *Fitter {
	f := &Fitter{map[string]*Endpoint{}, map[string]*Endpoint{}}
	for i := range c.Endpoints {
		f.put(&c.Endpoints[i])
	}
	return f
}

func (f *Fitter) put(e *Endpoint) {
	f.names[strings.ToLower(e.Name)] = e
	if t := e.AIGateway.InferenceTable; t.On() {
		f.tables[strings.ToLower(t.Table())] = e
	}
}

// Add adds an endpoint, which must fit as Config.Fits has it: its error otherwise.
func (f *Fitter) Add(e *Endpoint) error {
	if err := f.fits(e); err != nil {
		return err
	}
	f.Remove(e.Name)
	f.put(e)
	return nil
}

// Remove takes an endpoint of the API out, if there is one of that name.
func (f *Fitter) Remove(name string) {
	e := f.names[strings.ToLower(name)]
	if e == nil || e.origin == nil || e.Name != name {
		return
	}
	delete(f.names, strings.ToLower(name))
	if t := e.AIGateway.InferenceTable; t.On() {
		delete(f.tables, strings.ToLower(t.Table()))
	}
}

func (f *Fitter) fits(e *Endpoint) error {
	if o := f.names[strings.ToLower(e.Name)]; o != nil && (o.origin == nil || o.Name != e.Name) {
		return fmt.Errorf("name %q is %w by endpoint %q%s", e.Name, ErrTaken, o.Name, declaredBy(o))
	}
	if t := e.AIGateway.InferenceTable; t.On() {
		if o := f.tables[strings.ToLower(t.Table())]; o != nil && o.Name != e.Name {
			return fmt.Errorf("payload table %s is %w by endpoint %q: grants are per table, so each endpoint has its own", t.Table(), ErrTaken, o.Name)
		}
	}
	return nil
}

// Version is that of the document of an endpoint made through the API, 0 for one of the file.
func (e *Endpoint) Version() int64 {
	if e.origin == nil {
		return 0
	}
	return e.origin.Version
}

func declaredBy(e *Endpoint) string {
	if e.origin == nil {
		return " of the gateway's configuration file"
	}
	return ""
}

// InFile reports whether the file has an endpoint of that name, but for case.
func (c *Config) InFile(name string) bool {
	return slices.ContainsFunc(c.Endpoints, func(e Endpoint) bool {
		return e.origin == nil && strings.EqualFold(e.Name, name)
	})
}

// TakeSecrets makes o's secrets c's, for comparing the rest.
func (c *Config) TakeSecrets(o *Config) { c.Secrets, c.inline = o.Secrets, o.inline }

// With returns a copy of c with more endpoints, which must fit.
func (c *Config) With(more ...*Endpoint) *Config {
	next := *c
	next.Endpoints = slices.Clip(c.Endpoints)
	for _, e := range more {
		next.Endpoints = append(next.Endpoints, *e)
	}
	return &next
}

// FileOnly returns a copy of c without the endpoints that With added.
func (c *Config) FileOnly() *Config {
	next := *c
	next.Endpoints = slices.DeleteFunc(slices.Clone(c.Endpoints), func(e Endpoint) bool { return e.origin != nil })
	return &next
}

// jsonNode reads one JSON value as YAML reads its own, so that one decoder does for both. JSON is
// not simply parsed as YAML: their escapes differ.
func jsonNode(data []byte) (*yaml.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	n, err := nextNode(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows after the value")
	}
	return n, nil
}

func nextNode(dec *json.Decoder) (*yaml.Node, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	scalar := func(tag, value string) (*yaml.Node, error) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value, Line: 1}, nil
	}
	switch v := t.(type) {
	case nil:
		return scalar("!!null", "null")
	case bool:
		return scalar("!!bool", fmt.Sprint(v))
	case string:
		return scalar("!!str", v)
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(v.String(), ".eE") {
			tag = "!!float"
		}
		return scalar(tag, v.String())
	}
	n := &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	if t == json.Delim('[') {
		n.Kind = yaml.SequenceNode
	}
	for dec.More() {
		child, err := nextNode(dec)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, err = dec.Token() // the closing one
	return n, err
}
