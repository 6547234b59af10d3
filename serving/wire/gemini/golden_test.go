package gemini

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

func TestClientRequests(t *testing.T) {
	goldentest.Run(t, "testdata/client/*.json", func(t *testing.T, in []byte) string {
		before := bytes.Clone(in)
		r, err := decodeRequest(in)
		if err != nil {
			return fmt.Sprintf("# refused: %s (at %s)\n", err.Message, err.Param)
		}
		out := "# decoded\n" + goldentest.Lean(r)
		clear(in) // nothing may point into it
		for _, model := range []string{"gemini-2.5-flash", "gemini-3-pro"} {
			body, lost, err := encodeRequest(r, chat.Options{Model: model})
			if err != nil {
				t.Fatal(err)
			}
			out += "# encoded for " + model + "\n" + goldentest.Indented(t, body)
			if model == "gemini-3-pro" {
				out += "# lost\n" + goldentest.Lean(lost)
			}
			if len(lost)+len(r.Rest) > 0 {
				continue
			}
			again, err := decodeRequest(body)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(meaning(r), meaning(again)); d != "" && model == "gemini-2.5-flash" {
				t.Errorf("encoded, it means something else:\n%s", d)
			}
		}
		copy(in, before)
		return out
	})
}

// meaning is a request without what is said about its spelling.
func meaning(r *chat.Request) string {
	c := *r
	c.Names = nil
	var kept []string
	for line := range strings.Lines(goldentest.Lean(c)) {
		if !strings.Contains(line, "Path: ") && !strings.HasPrefix(line, "Reasoning.Effort") && !strings.HasPrefix(line, "Reasoning.Budget") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func TestProviderAnswers(t *testing.T) {
	goldentest.Run(t, "testdata/provider/*.json", func(t *testing.T, in []byte) string {
		parsed, err := ParseAnswer(in)
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprintf("# parsed\nmodel %s, usage %s, failed %v\n", parsed.Model, show(parsed.Usage), parsed.Failed)
		a, err := decodeAnswer(in)
		if err != nil {
			return out + "# refused: " + err.Error() + "\n"
		}
		if show(a.Usage) != show(parsed.Usage) || a.HasUsage != parsed.HasUsage {
			t.Errorf("translated, the usage is %s, else %s", show(a.Usage), show(parsed.Usage))
		}
		a.Usage.Raw = nil
		encoded := encodeAnswer(a, &chat.Request{Reasoning: &chat.Reasoning{Show: true}})
		again, err := ParseAnswer(encoded)
		if err != nil || !reflect.DeepEqual(again.OutputChars, parsed.OutputChars) {
			t.Errorf("%v: encoded, the answer has %v characters, else %v", err, again.OutputChars, parsed.OutputChars)
		}
		again.Usage.Searches = parsed.Usage.Searches // which are not part of usageMetadata
		if show(again.Usage) != show(parsed.Usage) {
			t.Errorf("encoded, the usage is %s, else %s", show(again.Usage), show(parsed.Usage))
		}
		return out + "# decoded\n" + goldentest.Lean(a) + "# encoded\n" + goldentest.Indented(t, encoded)
	})
}

// events reads the data of the events of a stream.
func events(t testing.TB, stream []byte) [][]byte {
	t.Helper()
	var all [][]byte
	r := sse.NewReader(bytes.NewReader(stream), 1<<20, nil)
	for {
		e, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bytes.Clone(e.Data))
	}
}

func TestProviderStreams(t *testing.T) {
	goldentest.Run(t, "testdata/provider/*.sse", func(t *testing.T, in []byte) string {
		var out, text strings.Builder
		d, enc := newDecoder(), newEncoder(&chat.Request{Reasoning: &chat.Reasoning{Show: true}})
		var encoded []byte
		tell := func(deltas []chat.Delta) {
			for i := range deltas {
				deltas[i].Usage.Raw = nil
				encoded = enc.Append(encoded, &deltas[i])
				fmt.Fprintf(&out, "%s\n", goldentest.Line(deltas[i]))
				if deltas[i].Kind == chat.DeltaText {
					text.WriteString(deltas[i].Text)
				}
			}
		}
		out.WriteString("# deltas\n")
		tr := &Tracker{keep: true}
		for _, data := range events(t, in) {
			tr.Add(nil, data)
			deltas, err := d.Decode(nil, data)
			if err != nil {
				t.Error(err)
			}
			tell(deltas)
			clear(data)
		}
		tell(d.Close())
		encoded = enc.AppendEnd(encoded)
		r := tr.Result()
		fmt.Fprintf(&out, "# encoded\n%s# joined: %s, complete %v, failed %v\n%s", encoded, show(r.Usage), r.Complete, r.Failed, goldentest.Indented(t, r.Joined))

		// What was encoded joins to the same answer.
		again := &Tracker{keep: true}
		for _, data := range events(t, encoded) {
			again.Add(nil, data)
		}
		a := again.Result()
		a.Usage.Searches = r.Usage.Searches
		if !r.Failed && show(a.Usage) != show(r.Usage) && r.HasUsage && r.Usage.Input != nil && r.Usage.ServiceTier == "" {
			t.Errorf("encoded, the usage is %s, else %s", show(a.Usage), show(r.Usage))
		}
		if a.Failed != r.Failed || !reflect.DeepEqual(a.OutputChars, r.OutputChars) {
			t.Errorf("encoded, the stream reads as %+v, else %+v", a, r)
		}
		return out.String()
	})
}

// TestJoinedIsTheAnswer compares what a stream adds up to with the whole answer of the same name.
func TestJoinedIsTheAnswer(t *testing.T) {
	files, err := filepath.Glob("testdata/provider/*.sse")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		whole, err := os.ReadFile(strings.TrimSuffix(file, ".sse") + ".json")
		if err != nil || strings.Contains(file, "error") {
			continue
		}
		stream, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			tr := &Tracker{keep: true}
			for _, data := range events(t, stream) {
				tr.Add(nil, data)
			}
			var got, want any
			if err := json.Unmarshal(tr.Result().Joined, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(whole, &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-answer +joined:\n%s", d)
			}
		})
	}
}

// TestBrokenAnswers: whatever a provider answers, it is read or refused, never a panic.
func TestBrokenAnswers(t *testing.T) {
	for _, body := range []string{
		``, `x`, `null`, `[]`, `{}`, `""`, `{"candidates":null}`, `{"candidates":{}}`, `{"candidates":[null,1,"x",[]]}`,
		`{"candidates":[{"content":[],"finishReason":7,"index":"x"}]}`, `{"candidates":[{"content":{"parts":{"text":"x"}}}]}`,
		`{"candidates":[{"content":{"parts":[null,{"text":1},{"functionCall":"x"},{"functionCall":{"name":1,"args":[]}},{"inlineData":3}]}}]}`,
		`{"usageMetadata":[1]}`, `{"usageMetadata":{"promptTokenCount":1e400,"promptTokensDetails":{"a":1}}}`, `{"promptFeedback":[]}`,
		`{"error":"x"}`, `{"error":{}}`, `{"candidates":[{"logprobsResult":{"chosenCandidates":[{"token":1}]}}]}`, "{\"a\":\"\xff\"}",
		`{"candidates":[{"groundingMetadata":{"webSearchQueries":[1,null]},"index":99999999999999999999}]}`,
	} {
		_, err := ParseAnswer([]byte(body))
		a, err2 := decodeAnswer([]byte(body))
		if err != nil && err2 == nil {
			t.Errorf("%q can't be parsed, but decoded: %+v", body, a)
		}
		d := newDecoder()
		deltas, _ := d.Decode(nil, []byte(body))
		encodeAll(append(deltas, d.Close()...))
		if a != nil {
			if b := encodeAnswer(a, nil); !json.Valid(b) {
				t.Errorf("%q encoded is %s", body, b)
			}
		}
	}
}

func encodeAll(deltas []chat.Delta) []byte {
	enc := newEncoder(nil)
	var out []byte
	for i := range deltas {
		out = enc.Append(out, &deltas[i])
	}
	return enc.AppendEnd(out)
}

func FuzzDecodeRequest(f *testing.F) {
	seed(f, "testdata/client/*.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := decodeRequest(body)
		if err != nil {
			return
		}
		out, _, err := encodeRequest(r, chat.Options{Model: "gemini-3-pro"})
		if err == nil && !json.Valid(out) {
			t.Errorf("%s", out)
		}
	})
}

func FuzzDecodeAnswer(f *testing.F) {
	seed(f, "testdata/provider/*.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := decodeAnswer(body); err == nil {
			if out := encodeAnswer(a, &chat.Request{Reasoning: &chat.Reasoning{Show: true}}); !json.Valid(out) {
				t.Errorf("%s", out)
			}
		}
	})
}

func FuzzDecodeStream(f *testing.F) {
	seed(f, "testdata/provider/*.sse")
	f.Fuzz(func(t *testing.T, stream []byte) {
		d := newDecoder()
		var all []chat.Delta
		for line := range bytes.Lines(stream) {
			deltas, _ := d.Decode(nil, bytes.TrimSpace(bytes.TrimPrefix(line, []byte("data: "))))
			all = append(all, deltas...)
		}
		all = append(all, d.Close()...)
		if len(all) == 0 || all[len(all)-1].Kind != chat.DeltaEnd {
			t.Error("the end is missing")
		}
		for _, e := range events(t, encodeAll(all)) {
			if !json.Valid(e) {
				t.Errorf("%s", e)
			}
		}
	})
}

func seed(f *testing.F, pattern string) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

func BenchmarkTranslateStream(b *testing.B) {
	chunk := []byte(`{"candidates":[{"content":{"parts":[{"text":" and a bit more of the text"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":5,"totalTokenCount":13,"promptTokensDetails":[{"modality":"TEXT","tokenCount":8}]},"modelVersion":"gemini-2.5-flash","responseId":"b36LacjwM668nsEP2tbsgQQ"}`)
	b.ReportAllocs()
	for b.Loop() {
		d, e := newDecoder(), newEncoder(nil)
		var out []byte
		for range 50 {
			deltas, err := d.Decode(nil, chunk)
			if err != nil {
				b.Fatal(err)
			}
			for i := range deltas {
				out = e.Append(out[:0], &deltas[i])
			}
		}
	}
}

var _ wire.Tracker = (*Tracker)(nil)
