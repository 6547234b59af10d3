package anthropic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// TestClient: what clients send, in the common form, and written again: whole for one model, and
// for others what differs.
func TestClient(t *testing.T) {
	goldentest.Run(t, "testdata/client/*.json", func(t *testing.T, in []byte) string {
		r, err := decodeRequest(in)
		if err != nil {
			t.Fatal(err)
		}
		r.Names = nil
		out := section("request", goldentest.Lean(r))
		r.Names = names
		encode := func(model string) ([]byte, string) {
			body, lost, err := encodeRequest(r, chat.Options{Model: model, MaxTokens: 8192, Stream: r.Stream})
			if err != nil {
				t.Fatal(err)
			}
			return body, lossText(lost)
		}
		whole, lost := encode("claude-sonnet-4-5")
		out += section("for claude-sonnet-4-5", indented(t, whole)+lost)
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
	goldentest.Run(t, "testdata/encode/*.json", func(t *testing.T, in []byte) string {
		var v struct {
			Options chat.Options
			Request chat.Request
		}
		d := json.NewDecoder(bytes.NewReader(in))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		before := goldentest.Lean(v.Request)
		body, lost, err := encodeRequest(&v.Request, v.Options)
		if after := goldentest.Lean(v.Request); before != after {
			t.Errorf("the request was changed:\n%s", cmp.Diff(before, after))
		}
		if err != nil {
			return fmt.Sprintf("refused: %s: %s\n", err.Param, err.Message)
		}
		return indented(t, body) + lossText(lost)
	})
}

// TestEncodeStream writes streams in the common form, as other providers make them.
func TestEncodeStream(t *testing.T) {
	goldentest.Run(t, "testdata/deltas/*.jsonl", func(t *testing.T, in []byte) string {
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
	goldentest.Run(t, "testdata/provider/*.json", func(t *testing.T, in []byte) string {
		a, err := decodeAnswer(in)
		if err != nil {
			return section("no answer", err.Error()+"\n")
		}
		return section("answer", goldentest.Lean(a)) + section("to the client", indented(t, encodeAnswer(a, nil)))
	})
}

// TestProviderStreams: what Anthropic streams, joined, in the common form, and written again.
func TestProviderStreams(t *testing.T) {
	goldentest.Run(t, "testdata/provider/*.sse", func(t *testing.T, in []byte) string {
		r := track(readEvents(t, in), true)
		out := section("joined", indented(t, r.Joined))
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
			lines = append(lines, goldentest.Line(ds[i]))
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

// indented is nothing where there is nothing.
func indented(t *testing.T, b []byte) string {
	t.Helper()
	if len(b) == 0 {
		return "nothing\n"
	}
	return goldentest.Indented(t, b)
}
