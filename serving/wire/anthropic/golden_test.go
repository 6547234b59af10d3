package anthropic

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden runs describe over files of testdata, and compares with the .golden beside each.
func golden(t *testing.T, pattern string, describe func(t *testing.T, in []byte) string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimPrefix(file, "testdata/"), func(t *testing.T) {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(t, in)
			if *update {
				if err := os.WriteFile(file+".golden", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestClient: what clients send, in the common form, and written again: whole for one model, and
// for others what differs.
func TestClient(t *testing.T) {
	golden(t, "client/*.json", func(t *testing.T, in []byte) string {
		r, err := decodeRequest(in)
		if err != nil {
			t.Fatal(err)
		}
		r.Names = nil
		out := section("request", lean(t, r))
		r.Names = names
		encode := func(model string) ([]byte, string) {
			body, lost, err := encodeRequest(r, chat.Options{Model: model, MaxTokens: 8192, Stream: r.Stream})
			if err != nil {
				t.Fatal(err)
			}
			return body, lossText(lost)
		}
		whole, lost := encode("claude-sonnet-4-5")
		out += section("for claude-sonnet-4-5", indent(t, whole)+lost)
		for _, model := range []string{"claude-opus-4-8", "claude-3-5-haiku-20241022"} {
			body, lost := encode(model)
			out += section("for "+model, differing(t, whole, body)+lost)
		}
		return out
	})
}

func lossText(lost []chat.Loss) (out string) {
	for _, l := range lost {
		out += fmt.Sprintf("lost: %s: %s\n", l.Field, l.Why)
	}
	return out
}

// differing returns the members of b that a does not have alike, and names those that b lacks.
func differing(t *testing.T, a, b []byte) (out string) {
	t.Helper()
	var x, y map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	for _, k := range slices.Sorted(maps.Keys(y)) {
		if string(x[k]) != string(y[k]) {
			out += fmt.Sprintf("%s: %s\n", k, y[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(x)) {
		if y[k] == nil {
			out += "without " + k + "\n"
		}
	}
	return out
}

// TestEncodeRequest writes requests in the common form, as other formats' clients make them.
func TestEncodeRequest(t *testing.T) {
	golden(t, "encode/*.json", func(t *testing.T, in []byte) string {
		var v struct {
			Options chat.Options
			Request chat.Request
		}
		d := json.NewDecoder(bytes.NewReader(in))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		before := lean(t, v.Request)
		body, lost, err := encodeRequest(&v.Request, v.Options)
		if after := lean(t, v.Request); before != after {
			t.Errorf("the request was changed:\n%s", cmp.Diff(before, after))
		}
		if err != nil {
			return fmt.Sprintf("refused: %s: %s\n", err.Param, err.Message)
		}
		return indent(t, body) + lossText(lost)
	})
}

// TestEncodeStream writes streams in the common form, as other providers make them.
func TestEncodeStream(t *testing.T) {
	golden(t, "deltas/*.jsonl", func(t *testing.T, in []byte) string {
		e := Codec().Chat.NewEncoder(&chat.Request{Model: "as-asked"})
		var out []byte
		for line := range bytes.Lines(in) {
			var d chat.Delta
			if err := json.Unmarshal(line, &d); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			out = e.Append(out, &d)
		}
		out = e.AppendEnd(out)
		if r := track(readEvents(t, out), true); !r.Complete && !r.Failed || bytes.Contains(r.Joined, []byte("unjoined")) {
			t.Errorf("joined to %s", r.Joined)
		}
		return string(out)
	})
}

// TestProvider: what Anthropic answers, in the common form, and written again.
func TestProvider(t *testing.T) {
	golden(t, "provider/*.json", func(t *testing.T, in []byte) string {
		a, err := decodeAnswer(in)
		if err != nil {
			return section("no answer", err.Error()+"\n")
		}
		return section("answer", lean(t, a)) + section("to the client", indent(t, encodeAnswer(a, nil)))
	})
}

// TestProviderStreams: what Anthropic streams, joined, in the common form, and written again.
func TestProviderStreams(t *testing.T) {
	golden(t, "provider/*.sse", func(t *testing.T, in []byte) string {
		r := track(readEvents(t, in), true)
		out := section("joined", indent(t, r.Joined))
		out += fmt.Sprintf("%d events, started %v, complete %v, failed %v\n", r.Events, r.Started, r.Complete, r.Failed)
		if r.HasUsage {
			out += fmt.Sprintf("usage, %s: %s\n", r.Usage.Source, usageText(r.Usage, true))
		}
		deltas, stream := translate(t, in)
		return out + section("deltas", deltas) + section("to the client", stream)
	})
}

// translate reads a stream and writes it again.
func translate(t *testing.T, in []byte) (deltas, stream string) {
	t.Helper()
	d, e := Codec().Chat.NewDecoder(), Codec().Chat.NewEncoder(&chat.Request{Model: "claude"})
	var lines []string
	var out []byte
	take := func(ds []chat.Delta) {
		for i := range ds {
			out = e.Append(out, &ds[i])
			ds[i].Usage.Raw = nil
			lines = append(lines, strings.Join(strings.Fields(lean(t, ds[i])), " "))
		}
	}
	for _, ev := range readEvents(t, in) {
		ds, err := d.Decode(ev.name, ev.data)
		if err != nil {
			t.Fatalf("%s: %v", ev.data, err)
		}
		clear(ev.data)
		take(ds)
	}
	take(d.Close())
	return strings.Join(lines, "\n") + "\n", string(e.AppendEnd(out))
}

// TestStreamsAgree: an answer that was streamed and joined on the client's side is the answer that
// came whole.
func TestStreamsAgree(t *testing.T) {
	answers := scenarios(t, "provider/*.json")
	for name, stream := range scenarios(t, "provider/*.sse") {
		answer, ok := answers[name]
		if !ok || name == "error" {
			continue
		}
		a, err := decodeAnswer(answer)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, events := translate(t, stream)
		got := track(readEvents(t, []byte(events)), true).Joined
		if d := cmp.Diff(asValue(t, encodeAnswer(a, nil)), asValue(t, got)); d != "" {
			t.Errorf("%s: -whole +streamed:\n%s", name, d)
		}
	}
}

func asValue(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

func section(title, body string) string { return "== " + title + "\n" + body }

func indent(t *testing.T, b []byte) string {
	t.Helper()
	if len(b) == 0 {
		return "nothing\n"
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return out.String() + "\n"
}

// lean writes a value as JSON without what is empty.
func lean(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(strip(x)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// zeros are numbers for which 0 is nothing; counts of tokens are not among them.
var zeros = map[string]bool{
	"N": true, "TopLogProbs": true, "Index": true, "Created": true, "Choice": true, "Tool": true,
	"Temperature": true, "TopP": true, "TopK": true, "FrequencyPenalty": true, "PresencePenalty": true,
}

func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			if raw, ok := m.(string); ok && k == "Raw" {
				m, _ = base64.StdEncoding.DecodeString(raw)
				v[k] = json.RawMessage(m.([]byte))
				continue
			}
			if k == "Schema" && m != nil {
				continue
			}
			if m = strip(m); m == nil || zeros[k] && m == json.Number("0") {
				delete(v, k)
				continue
			}
			v[k] = m
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}
