package prompt

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

var update = flag.Bool("update", false, "write what comes out into testdata")

func pointer(s string) *string { return &s }

func version(t testing.TB, s Spec) *Version {
	t.Helper()
	v, faults := Compile(s)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return v
}

// summarise is the template of the cases.
func summarise(t testing.TB) *Version {
	return version(t, Spec{
		Number: 2,
		Messages: []Message{
			{System, "You summarise for {{ audience }}. \"Briefly\", in {{language}}."},
			{User, "An example: {{ audience }}"},
			{Assistant, "Understood."},
			{User, "Text:\n{{ text }}"},
		},
		Parameters: json.RawMessage(`{"temperature": 0.20, "max_tokens": 300, "stop": ["END"], "seed": 7, "tools": [{"type":"function","function":{"name":"cite","parameters":{"type":"object","properties":{}}}}], "tool_choice": "auto", "parallel_tool_calls": false}`),
		Variables: []Variable{
			{Name: "text"}, {Name: "audience", Default: pointer(`"engineers" & {{ text }}`)}, {Name: "language", Default: pointer("")}, {Name: "unused", Default: pointer("")},
		},
	})
}

// case of testdata/render.json.
type renderCase struct {
	Name       string          `json:"name"`
	Format     wire.Format     `json:"format"`
	Invocation bool            `json:"invocation,omitempty"`
	Body       json.RawMessage `json:"body"`
	Want       json.RawMessage `json:"want,omitempty"` // the body, byte for byte but for white space
	Lost       []string        `json:"lost,omitempty"`
	Error      string          `json:"error,omitempty"`
}

func render(v *Version, f wire.Format, invocation bool, body []byte, limit int64) (*Rendering, string) {
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		return nil, "unreadable: " + err.Error()
	}
	a, err := Read(&o, f, invocation)
	if err != nil {
		return nil, err.Param + ": " + err.Message
	}
	r, err := v.Render(formats.Table, f, &o, a, limit)
	if err != nil {
		return nil, err.Param + ": " + err.Message
	}
	return r, ""
}

func TestRender(t *testing.T) {
	const file = "testdata/render.json"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []*renderCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			var body bytes.Buffer
			if err := json.Compact(&body, c.Body); err != nil {
				t.Fatal(err)
			}
			r, fault := render(summarise(t), c.Format, c.Invocation, body.Bytes(), 1<<20)
			got := *c
			got.Want, got.Lost, got.Error = nil, nil, fault
			if r != nil {
				got.Want, got.Lost = r.Body, r.Lost
				if !json.Valid(r.Body) {
					t.Fatalf("not JSON: %s", r.Body)
				}
			}
			if *update {
				*c = got
				return
			}
			a, b := encode(t, c), encode(t, &got)
			if !bytes.Equal(a, b) {
				t.Errorf("want %s\ngot  %s", a, b)
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, encode(t, cases), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A template is not larger than the body may be, however often it repeats a value.
func TestRenderIsBounded(t *testing.T) {
	v := version(t, Spec{Number: 1, Messages: []Message{{User, strings.Repeat("{{ a }}", 1000)}}})
	body := []byte(`{"variables":{"a":"` + strings.Repeat("x", 2000) + `"}}`)
	if _, fault := render(v, wire.OpenAIChat, false, body, 1<<20); !strings.Contains(fault, "larger than 1048576 bytes") {
		t.Errorf("error %q", fault)
	}
	if r, fault := render(v, wire.OpenAIChat, false, body, 4<<20); fault != "" || len(r.Body) < 2_000_000 {
		t.Errorf("error %q", fault)
	}
}

// Versions are rendered from many goroutines at once.
func TestRenderTogether(t *testing.T) {
	v := summarise(t)
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for f := range styles {
				if _, fault := render(v, f, false, []byte(`{"variables":{"text":"a"}}`), 1<<20); fault != "" {
					t.Error(fault)
				}
			}
		})
	}
}

func TestTexts(t *testing.T) {
	v := version(t, Spec{Number: 1, Messages: []Message{{System, "a"}, {User, "b {{ x }}"}}})
	var o rawjson.Object
	if err := o.Parse([]byte(`{"variables":{"x":"\"c\""}}`), 9); err != nil {
		t.Fatal(err)
	}
	a, err := Read(&o, wire.OpenAIChat, false)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Texts(a, 1000)
	if want := `[{"role":"system","content":"a"},{"role":"user","content":"b \"c\""}]`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := v.Texts(a, 10); err == nil {
		t.Error("a bound of 10 bytes holds nothing")
	}
}

// FuzzRender: whatever a value, the answer is the template's text with the value in its place.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"", "plain", `"}]}`, "{{ b }}", "{{", "\\ud83d", "\U0001F600", "\x00\x1f\u2028", `\`, "é\n\t"} {
		f.Add(s, s, byte(0), true)
		f.Add("x", s, byte(2), false)
	}
	list := []wire.Format{wire.OpenAIChat, wire.CohereChat, wire.OpenAIResponses, wire.AnthropicMessages, wire.GeminiGenerate}
	f.Fuzz(func(t *testing.T, x, y string, which byte, escape bool) {
		v := version(t, Spec{Number: 1, Messages: []Message{{System, `s"{{ a }}`}, {User, "{{ a }}-{{ b }}\n{{a}}{{b}}"}}})
		x, y = strings.ToValidUTF8(x, "\ufffd"), strings.ToValidUTF8(y, "\ufffd")
		body, err := json.Marshal(map[string]any{"variables": map[string]string{"a": x, "b": y}})
		if err != nil {
			t.Fatal(err)
		}
		if !escape {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			_ = e.Encode(map[string]any{"variables": map[string]string{"a": x, "b": y}})
			body = b.Bytes()
		}
		format := list[int(which)%len(list)]
		r, fault := render(v, format, false, body, 1<<30)
		if fault != "" {
			t.Fatal(fault)
		}
		want := []string{`s"` + x, x + "-" + y + "\n" + x + y}
		got := textsOf(t, r.Body)
		for _, w := range want {
			if !got[w] {
				t.Errorf("%s: no text %q in %s", format, w, r.Body)
			}
		}
	})
}

// FuzzBody: a body either is refused, or a JSON object comes out that has nothing of lakegate's own.
func FuzzBody(f *testing.F) {
	text, err := os.ReadFile("testdata/render.json")
	if err != nil {
		f.Fatal(err)
	}
	var cases []renderCase
	if err := json.Unmarshal(text, &cases); err != nil {
		f.Fatal(err)
	}
	for i, c := range cases {
		f.Add([]byte(c.Body), byte(i))
	}
	list := []wire.Format{wire.OpenAIChat, wire.CohereChat, wire.OpenAIResponses, wire.AnthropicMessages, wire.AnthropicCount, wire.GeminiGenerate}
	f.Fuzz(func(t *testing.T, body []byte, which byte) {
		format := list[int(which)%len(list)]
		r, _ := render(summarise(t), format, which&64 != 0, body, 1<<20)
		if r == nil {
			return
		}
		var o rawjson.Object
		if err := o.Parse(r.Body, wire.MaxDepth+2); err != nil {
			t.Fatalf("%s: %v: %s", format, err, r.Body)
		}
		if o.Find("variables") >= 0 || o.Find("version") >= 0 {
			t.Errorf("%s: a field of lakegate's own goes on: %s", format, r.Body)
		}
	})
}

// textsOf returns all texts in a JSON document.
func textsOf(t *testing.T, body []byte) map[string]bool {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	all := map[string]bool{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all[v] = true
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(v)
	return all
}

// BenchmarkRender is a call of a template with a value of 2 KB.
func BenchmarkRender(b *testing.B) {
	v := summarise(b)
	body := []byte(`{"model":"summarise","variables":{"text":"` + strings.Repeat("Some words of a text. ", 100) + `"}}`)
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		a, err := Read(&o, wire.OpenAIChat, false)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Render(formats.Table, wire.OpenAIChat, &o, a, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}
