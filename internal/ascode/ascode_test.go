package ascode

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func TestRead(t *testing.T) {
	dir := folder(t, map[string]string{
		"b.yaml":           "# two of them\nname: b1\nlakegate: {timeout: 30s}\n---\n---\nname: b2\n",
		"a/list.yml":       "x-common: &entity {name: gpt, external_model: {name: m}}\nendpoints:\n  - name: a1\n    config: {served_entities: [*entity]}\n  - {name: a2, description: null, n: [0x10, 1.50, .5, 1e3, true, 2026-01-01, no, null]}\n",
		"c.json":           `{"name": "c", "tags": [{"key": "k", "value": "1"}]}`,
		"empty.yaml":       "# nothing yet\n",
		".hidden.yaml":     "nonsense",
		"..data/same.yaml": "nonsense",
		"README.md":        "nonsense",
	})
	must(t, os.Symlink(filepath.Join(dir, "c.json"), filepath.Join(dir, "d.json")))
	all, faults, err := Read([]string{dir, "-"}, strings.NewReader("name: piped"))
	must(t, err)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%s:%d %s %s", strings.TrimPrefix(e.File, dir+"/"), e.Line(), e.Name, e.JSON))
	}
	const want = `a/list.yml:3 a1 {"config":{"served_entities":[{"external_model":{"name":"m"},"name":"gpt"}]},"name":"a1"}
a/list.yml:5 a2 {"n":[16,1.50,0.5,1e3,true,"2026-01-01","no",null],"name":"a2"}
b.yaml:2 b1 {"lakegate":{"timeout":"30s"},"name":"b1"}
b.yaml:6 b2 {"name":"b2"}
c.json:1 c {"name":"c","tags":[{"key":"k","value":"1"}]}
d.json:1 c {"name":"c","tags":[{"key":"k","value":"1"}]}
-:1 piped {"name":"piped"}`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if _, _, err := Read([]string{filepath.Join(dir, "none.yaml")}, nil); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestFaultsOfFiles(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"name: a\n\tx: 1", "f.yaml:2: not valid YAML: found a tab character"},
		{"[a]", "f.yaml:1: want one endpoint, or a list"},
		{"description: x", "f.yaml:1: want one endpoint, which has a name"},
		{"listen: :80\nendpoints: []", `f.yaml:1: unknown key "listen" beside endpoints`},
		{"endpoints: {}", "f.yaml:1: endpoints: want a list"},
		{"endpoints:\n  - a", "f.yaml:2: want an endpoint"},
		{"name: a\nname: b", "f.yaml:2: name: key is used twice; the other is on line 1"},
		{"name: a\nconfig:\n  <<: {x: 1}", "f.yaml:3: config: merge keys (<<)"},
		{"name: a\nx: [.inf]", "f.yaml:2: x[0]: want a number"},
		{"name: a\nx: !!binary aGk=", "f.yaml:2: x: values of the kind !!binary"},
		{"name: a\n? [1]\n: 2", "f.yaml:2: a key must be text"},
		{"name: a\nx: &x [*x]", "f.yaml:2: values are more than 60 deep"},
		{"name: a\nx: &x {y: [*x, *x]}", "f.yaml:2: values are more than 60 deep"},
		{"name: a\na: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e]", "with its aliases"},
	} {
		dir := folder(t, map[string]string{"f.yaml": x.text})
		_, faults, err := Read([]string{dir}, nil)
		must(t, err)
		if len(faults) != 1 || !strings.Contains(strings.TrimPrefix(faults[0].String(), dir+"/"), x.want) {
			t.Errorf("%q: %v\nwant %s", x.text, faults, x.want)
		}
	}
}

func TestLinesOfFaults(t *testing.T) {
	dir := folder(t, map[string]string{"f.yaml": `x-it: &it
  name: gpt
  external_model:
    provider: openia
endpoints:
  - name: a
    config:
      served_entities:
        - *it
    ai_gateway: {}
    "odd key": 1
`})
	all, faults, err := Read([]string{dir}, nil)
	must(t, err)
	if len(faults) > 0 || len(all) != 1 {
		t.Fatal(faults)
	}
	for path, line := range map[string]int{
		"": 6, "name": 6, "config": 7, "config.served_entities[0].external_model.provider": 4, "config.served_entities[3].name": 8,
		"ai_gateway.rate_limits[0].calls": 10, `["odd key"]`: 11, "lakegate.timeout": 6, "config.served_entities[0]": 9, "[": 6, "..": 6,
	} {
		if f := all[0].At(path, "wrong"); f.Line != line || !strings.HasSuffix(f.String(), "wrong") {
			t.Errorf("%s: line %d, want %d", path, f.Line, line)
		}
	}
}

// What is written is read back as it was.
func TestYAML(t *testing.T) {
	const object = `{"ai_gateway":{"rate_limits":[{"calls":1,"key":"user"}]},"config":{"served_entities":[{"external_model":{"name":"m","openai_config":{"openai_api_key":"{{secrets/a/b}}"},"provider":"openai"},"name":"x"}]},"description":"two\nlines: \"yes\"","empty":[],"lakegate":{"sampling_fraction":0.50,"timeout":"30s"},"n":[1e3,true,"true","yes","012","1.5","~","2026-01-01",""," x","null","é\u0001"],"name":"on","permissions":[{"level":"CAN_VIEW","user_name":"u"}]}`
	text, err := YAML([]byte(object))
	must(t, err)
	dir := folder(t, map[string]string{"f.yaml": string(text)})
	all, faults, err := Read([]string{dir}, nil)
	must(t, err)
	if len(faults) > 0 || len(all) != 1 || string(all[0].JSON) != object {
		t.Errorf("%v\n%s\nread %s\nwant %s", faults, text, all[0].JSON, object)
	}
	if !bytes.HasPrefix(text, []byte("name: \"on\"\ndescription: |-\n  two\n")) || !bytes.Contains(text, []byte("    - name: x\n      external_model:\n        name: m\n        provider: openai\n")) {
		t.Errorf("in this order:\n%s", text)
	}
}

// Whatever stands in a file, it is read or faults are told, and what was read can be written and read again.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"name: a", "endpoints: [{name: a}, {name: b}]", "name: a\nx: &x [*x]", "---\n---\nname: [", "{}", "- a", "name: a\n? [1]\n: 2", "name: !!binary x",
		"name: a\nconfig: {<<: {a: 1}}", "name: &n a\nx: *n\ny: *m", "name: 0o17\nx: 1_000\ny: 0x1p-2\nz: .5",
	} {
		f.Add(s, "config.served_entities[0].name")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		r := &reader{file: "f", budget: maxValues}
		r.documents([]byte(text))
		for _, e := range r.endpoints {
			if f := e.At(path, "x"); f.Line < 1 {
				t.Errorf("line %d", f.Line)
			}
			again, err := YAML(e.JSON)
			if err != nil {
				t.Fatalf("%s: %v", e.JSON, err)
			}
			if _, err := Parse(again); err != nil && e.Name != "" {
				t.Fatalf("%s\nwritten as\n%s: %v", e.JSON, again, err)
			}
		}
	})
}
