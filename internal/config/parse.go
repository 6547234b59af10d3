package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the file. A thousand endpoints take about one MiB.
const maxFile = 8 << 20

// Env looks up an environment variable, as os.LookupEnv does.
type Env = func(name string) (value string, ok bool)

// Sources is where the values come from that a file only refers to.
type Sources struct {
	Env   Env
	Vault Vault // nil: there are only the secrets written out in the file
}

// Load reads and parses the file at path. The error is a Faults when the file could be read.
func Load(path string, env Env) (*Config, error) { return LoadFrom(path, Sources{Env: env}) }

// LoadFrom is Load with more sources.
func LoadFrom(path string, from Sources) (*Config, error) {
	c, _, err := load(path, from, false)
	return c, err
}

// Check is LoadFrom that also returns every reference to a secret, in the order of the file, whether it
// resolves or not.
func Check(path string, from Sources) (*Config, []Reference, error) { return load(path, from, false) }

// LoadLake is LoadFrom for work on the tables alone: secrets that the lake does not need are not looked
// for, and may come from environment variables that are not set. Nothing can be sent to a provider with
// the result.
func LoadLake(path string, from Sources) (*Config, error) {
	c, _, err := load(path, from, true)
	return c, err
}

func load(path string, from Sources, lakeOnly bool) (*Config, []Reference, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	c, refs, err := parse(data, from, lakeOnly)
	var faults Faults
	if errors.As(err, &faults) {
		for i := range faults {
			faults[i].File = path
		}
	}
	return c, refs, err
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// One byte more than allowed, so that Parse sees that it is too much.
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// Parse decodes, completes and checks a file. It returns either a Config or a Faults, never both
// and never another error. It keeps nothing of data.
func Parse(data []byte, env Env) (*Config, error) { return ParseFrom(data, Sources{Env: env}) }

// ParseFrom is Parse with more sources.
func ParseFrom(data []byte, from Sources) (*Config, error) {
	c, _, err := parse(data, from, false)
	return c, err
}

func parse(data []byte, from Sources, lakeOnly bool) (*Config, []Reference, error) {
	root, fault := readDocument(data)
	if fault != nil {
		return nil, nil, Faults{*fault}
	}
	c := DefaultConfig()
	d := &decoder{env: from.Env, places: map[string]place{}, budget: maxValues, lakeOnly: lakeOnly}
	d.value(root, reflect.ValueOf(&c).Elem(), "")
	var refs []Reference
	if d.more() {
		refs = check(&c, d, from.Vault)
	}
	if len(d.faults) > 0 {
		d.faults.sort()
		return nil, refs, d.faults
	}
	return &c, refs, nil
}

// readDocument parses data into its one document's top mapping.
func readDocument(data []byte) (*yaml.Node, *Fault) {
	if len(data) > maxFile {
		return nil, &Fault{Message: fmt.Sprintf("the file is larger than %s", Bytes(maxFile))}
	}
	if !utf8.Valid(data) {
		return nil, &Fault{Line: invalidLine(data), Message: "the file is not UTF-8 text"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && isNull(doc.Content[0]) {
		return nil, &Fault{Message: "the file is empty"}
	}
	if err != nil {
		return nil, syntaxFault(data, err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, &Fault{Line: second.Line, Message: "a second document starts here; the file must be one document"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxFault(data, err)
	}
	return doc.Content[0], nil
}

func invalidLine(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 0
}

var (
	yamlError     = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxFault turns an error of the YAML parser, which has only text, into a fault. The text is
// used for its line and to add what usually causes it; it is shown as it is otherwise.
func syntaxFault(data []byte, err error) *Fault {
	f := &Fault{Message: "not valid YAML"}
	m := yamlError.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return f
	}
	f.Line, _ = strconv.Atoi(m[1]) // no line leaves 0
	if a := unknownAnchor.FindStringSubmatch(m[2]); a != nil {
		// An unquoted value that starts with * is taken for a reference; it may be a secret, and
		// so is not shown.
		f.Line = 1 + bytes.Count(data[:max(0, bytes.Index(data, []byte("*"+a[1])))], []byte("\n"))
		f.Message = `a value that starts with * refers to an anchor that is not there; quote it if it is text`
		return f
	}
	f.Message = "not valid YAML: " + m[2]
	switch {
	case indentedByTab(data, f.Line):
		f.Message += "; indent with spaces, not with tabs"
	case strings.Contains(m[2], "could not find expected ':'"):
		f.Message += "; is a space missing after a colon?"
	case strings.Contains(m[2], "alphabetic or numeric character"):
		f.Message += `; quote a value that starts with * or &`
	}
	return f
}

// indentedByTab looks at the line of a syntax error and its neighbours: the parser names the
// line where it noticed.
func indentedByTab(data []byte, line int) bool {
	for i, l := range bytes.Split(data, []byte("\n")) {
		if n := i + 1; n < line-1 || n > line+1 {
			continue
		}
		if text := bytes.TrimLeft(l, " \t"); bytes.IndexByte(l[:len(l)-len(text)], '\t') >= 0 {
			return true
		}
	}
	return false
}
