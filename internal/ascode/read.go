package ascode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a file. A thousand endpoints take about one MiB.
const maxFile = 8 << 20

// Endpoint is one endpoint of a file.
type Endpoint struct {
	Name string          // "" where the file gives none
	JSON json.RawMessage // as the API takes it
	Source
}

// Fault is one thing that is wrong with a file.
type Fault struct {
	File    string
	Line    int    // 0: all of the file
	Path    string // of the value within its endpoint, "" for none
	Message string
}

// String returns file:line: path: message, leaving out what is not known.
func (f Fault) String() string {
	s := f.File + ":"
	if f.Line > 0 {
		s += fmt.Sprintf("%d:", f.Line)
	}
	if f.Path != "" {
		s += " " + f.Path + ":"
	}
	return s + " " + f.Message
}

// Read reads files, and the .yaml, .yml and .json files of folders and of the folders in them; "-" is
// stdin. Names that start with a dot are left out of folders. The endpoints are in the order of the files'
// names. The error is about what can't be read at all; what is wrong with what was read are faults, and
// then the endpoints are not all.
func Read(paths []string, stdin io.Reader) ([]Endpoint, []Fault, error) {
	var all []Endpoint
	var faults []Fault
	for _, path := range paths {
		files, err := filesIn(path)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			data, err := read(file, stdin)
			if err != nil {
				return nil, nil, err
			}
			r := &reader{file: file, budget: maxValues}
			r.documents(data)
			all, faults = append(all, r.endpoints...), append(faults, r.faults...)
		}
	}
	return all, faults, nil
}

func filesIn(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	var files []string
	err = filepath.WalkDir(path, func(at string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case at != path && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(at))):
			return nil
		}
		if info, err := os.Stat(at); err != nil || !info.Mode().IsRegular() { // follows links, as mounted files are
			return err
		}
		files = append(files, at)
		return nil
	})
	return files, err
}

func read(file string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", file, maxFile)
	}
	return data, err
}

// reader reads one file.
type reader struct {
	file      string
	budget    int
	depth     int
	endpoints []Endpoint
	faults    []Fault
}

func (r *reader) fault(line int, path, format string, args ...any) {
	r.faults = append(r.faults, Fault{r.file, line, path, fmt.Sprintf(format, args...)})
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func (r *reader) documents(data []byte) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			line, what := 0, err.Error()
			if m := yamlError.FindStringSubmatch(strings.ReplaceAll(what, "\n", " ")); m != nil {
				_, _ = fmt.Sscan(m[1], &line) // no line leaves 0
				what = m[2]
			}
			r.fault(line, "", "not valid YAML: %s", what)
			return
		}
		if len(doc.Content) == 1 {
			r.document(doc.Content[0])
		}
	}
}

// document reads one endpoint, or those under `endpoints`.
func (r *reader) document(n *yaml.Node) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.fault(n.Line, "", "want one endpoint, or a list of them under endpoints")
		return
	}
	list := member(n, "endpoints")
	if list == nil {
		if member(n, "name") == nil {
			r.fault(n.Line, "", "want one endpoint, which has a name, or a list of them under endpoints")
			return
		}
		r.endpoint(n)
		return
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Value != "endpoints" && !strings.HasPrefix(key.Value, "x-") {
			r.fault(key.Line, "", "unknown key %q beside endpoints: the rest of a gateway's configuration is not for the API (keys that start with x- are left alone)", clip(key.Value))
		}
	}
	if list.Kind != yaml.SequenceNode {
		r.fault(list.Line, "", "endpoints: want a list")
		return
	}
	for _, item := range list.Content {
		r.endpoint(item)
	}
}

func (r *reader) endpoint(n *yaml.Node) {
	before := len(r.faults)
	v := r.value(n, "")
	o, ok := v.(map[string]any)
	if !ok {
		if len(r.faults) == before {
			r.fault(n.Line, "", "want an endpoint: keys and values")
		}
		return
	}
	if len(r.faults) > before {
		return
	}
	text, err := json.Marshal(o)
	if err != nil {
		r.fault(n.Line, "", "%v", err)
		return
	}
	name, _ := o["name"].(string)
	r.endpoints = append(r.endpoints, Endpoint{Name: name, JSON: text, Source: Source{r.file, n}})
}

func clip(s string) string {
	if len(s) > 60 {
		s = s[:60]
	}
	return s
}

// Parse reads the one endpoint of a text that YAML wrote.
func Parse(text []byte) (json.RawMessage, error) {
	r := &reader{file: "-", budget: maxValues}
	r.documents(text)
	if len(r.faults) > 0 || len(r.endpoints) != 1 {
		return nil, fmt.Errorf("want one endpoint, got %d: %v", len(r.endpoints), r.faults)
	}
	return r.endpoints[0].JSON, nil
}
