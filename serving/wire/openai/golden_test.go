package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// golden runs describe over each file and compares with the .golden next to it.
func golden(t *testing.T, pattern string, describe func(in []byte) string) {
	t.Helper()
	for _, file := range files(t, pattern) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			same(t, file+".golden", describe(read(t, file)))
		})
	}
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files for %s: %v", pattern, err)
	}
	return files
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same compares with a file, which -update rewrites.
func same(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(string(read(t, file)), got); d != "" {
		t.Errorf("%s: -want +got:\n%s", file, d)
	}
}

// lean writes a value as JSON without what is empty.
func lean(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		panic(err)
	}
	return pretty(strip(x))
}

func pretty(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return out.String()
}

func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			switch k {
			case "Schema", "LogProbs", "LogitBias", "Strict":
				if m == nil {
					delete(v, k)
				}
				continue
			case "Temperature", "TopP", "TopK", "FrequencyPenalty", "PresencePenalty", "N", "TopLogProbs", "Index", "Created", "Choice", "Tool":
				if m == json.Number("0") {
					delete(v, k)
				}
				continue
			}
			if k == "Raw" && m != nil {
				b, err := base64.StdEncoding.DecodeString(m.(string))
				if err != nil {
					panic(err)
				}
				v[k] = json.RawMessage(b)
				continue
			}
			if m = strip(m); m == nil {
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

func indented(t *testing.T, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return out.String() + "\n"
}

func TestClientRequests(t *testing.T) {
	golden(t, "testdata/client/*.json", func(in []byte) string {
		r, err := decodeChat(in)
		if err != nil {
			return fmt.Sprintf("# refused: %s (at %s)\n", err.Message, err.Param)
		}
		body, lost, err := encodeChat(r, chat.Options{Model: "gpt-4o", Stream: r.Stream})
		if err != nil {
			t.Fatal(err)
		}
		out := "# decoded\n" + lean(r) + "# encoded for gpt-4o\n" + indented(t, body)
		if len(lost) > 0 {
			out += "# lost\n" + lean(lost)
		}
		return out
	})
}

func TestProviderAnswers(t *testing.T) {
	golden(t, "testdata/provider/*.json", func(in []byte) string {
		a, err := decodeChatAnswer(in)
		if err != nil {
			e, _ := wire.ParseError(in)
			return fmt.Sprintf("# no answer: %v\n%s", err, lean(e))
		}
		return "# decoded\n" + lean(a) + "# encoded\n" + indented(t, encodeChatAnswer(a, &chat.Request{}))
	})
}

// events reads the events of a stream.
func events(t *testing.T, in []byte) (names, data [][]byte) {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(in), 1<<20, nil)
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, data
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, bytes.Clone(ev.Name))
		data = append(data, bytes.Clone(ev.Data))
	}
}

// translate decodes a stream and encodes it again.
func translate(t *testing.T, in []byte, d chat.Decoder, e chat.Encoder) (deltas []string, out []byte) {
	t.Helper()
	ended := false
	take := func(ds []chat.Delta) {
		for i := range ds {
			deltas = append(deltas, strings.Join(strings.Fields(lean(leanDelta(ds[i]))), " "))
			if ended = ds[i].Kind == chat.DeltaEnd; !ended {
				out = e.Append(out, &ds[i])
			}
		}
	}
	names, data := events(t, in)
	for i := range data {
		ds, err := d.Decode(names[i], data[i])
		if err != nil {
			deltas = append(deltas, "unread: "+err.Error())
		}
		take(ds)
		clear(data[i])
	}
	take(d.Close())
	if !ended {
		t.Fatal("the last delta is no end")
	}
	return deltas, e.AppendEnd(out)
}

// leanDelta keeps Raw readable.
func leanDelta(d chat.Delta) any {
	return struct {
		chat.Delta
		Usage any
	}{d, usageOf(d)}
}

func usageOf(d chat.Delta) any {
	if d.Kind != chat.DeltaUsage {
		return nil
	}
	return d.Usage
}

func TestProviderStreams(t *testing.T) {
	golden(t, "testdata/provider/*.sse", func(in []byte) string {
		deltas, out := translate(t, in, newChatDecoder(), newChatEncoder(&chat.Request{WantsUsage: true}))
		return "# deltas\n" + strings.Join(deltas, "\n") + "\n# encoded\n" + string(out)
	})
}
