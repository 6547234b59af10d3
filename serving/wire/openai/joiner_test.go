package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// TestJoin joins each stream of testdata, one event per line, and compares with the answer next
// to it.
func TestJoin(t *testing.T) {
	files, err := filepath.Glob("testdata/streams/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no streams: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			j := Joiner{Keep: true}
			numbers := Joiner{}
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.Lines(in) {
				data := bytes.TrimSuffix(line, []byte("\n"))
				j.Add(data)
				numbers.Add(data)
				clear(line) // the joiner must not keep the data
			}
			got := describe(t, &j)
			golden := strings.TrimSuffix(file, ".jsonl") + ".json"
			if *goldentest.Update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if numbers.Bytes() != nil || describeNumbers(&numbers) != describeNumbers(&j) {
				t.Errorf("without Keep: %s and %s, want none and %s", numbers.Bytes(), describeNumbers(&numbers), describeNumbers(&j))
			}
		})
	}
}

func describe(t *testing.T, j *Joiner) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, j.Bytes(), "", "  "); err != nil {
		t.Fatalf("the answer is no JSON: %v\n%s", err, j.Bytes())
	}
	return fmt.Appendf(nil, "%s\n%s\n", out.Bytes(), describeNumbers(j))
}

func describeNumbers(j *Joiner) string {
	return fmt.Sprintf("// model %q, %d chunks, %d characters, started %v, finished %v, usage %s",
		j.Model, j.Chunks, j.OutputChars, j.Started, j.Finished(), usageText(j.Usage, j.HasUsage))
}

func usageText(u inference.Usage, ok bool) string {
	if !ok {
		return "none"
	}
	n := func(p *int64) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	return fmt.Sprintf("in %s out %s total %s cached %s written %s reasoning %s",
		n(u.Input), n(u.Output), n(u.Total), n(u.CachedInput), n(u.CacheWrite), n(u.Reasoning))
}

func TestChunks(t *testing.T) {
	tests := []struct {
		data string
		want wire.Chunk
	}{
		{`{"choices":[],"usage":{"total_tokens":3}}`, wire.Chunk{JSON: true, OnlyUsage: true}},
		{`{"usage":{"total_tokens":3}}`, wire.Chunk{JSON: true, OnlyUsage: true}},
		{`{"choices":[],"usage":null,"prompt_filter_results":[]}`, wire.Chunk{JSON: true}},
		{`{"choices":[{"index":0,"delta":{}}],"usage":{"total_tokens":3}}`, wire.Chunk{JSON: true}},
		{`{"error":{"message":"x"}}`, wire.Chunk{JSON: true, Error: true}},
		{`{"error":null,"choices":[]}`, wire.Chunk{JSON: true}},
		{`{"half":`, wire.Chunk{}},
	}
	for _, tt := range tests {
		var j Joiner
		if got := j.Add([]byte(tt.data)); got != tt.want {
			t.Errorf("Add(%s) = %+v, want %+v", tt.data, got, tt.want)
		}
	}
}

func TestUsage(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}`, "in 5 out 7 total 12 cached - written - reasoning -"},
		{`{"prompt_tokens":5,"total_tokens":5}`, "in 5 out 0 total 5 cached - written - reasoning -"},
		{`{"input_tokens":5,"output_tokens":7}`, "in 5 out 7 total 12 cached - written - reasoning -"},
		{`{"completion_tokens":7,"total_tokens":12.0}`, "in 5 out 7 total 12 cached - written - reasoning -"},
		{`{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":3}}`, "in 9 out 9 total 18 cached 4 written 2 reasoning 3"},
		{`{"prompt_tokens":9,"completion_tokens":1,"total_tokens":15,"completion_tokens_details":{"reasoning_tokens":5}}`, "in 9 out 6 total 15 cached - written - reasoning 5"},
		{`{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":1}`, "in 9 out 1 total 10 cached 8 written - reasoning -"},
		{`{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10,"cache_read_input_tokens":3,"cache_creation_input_tokens":4}`, "in 9 out 1 total 10 cached 3 written 4 reasoning -"},
		{`{"prompt_tokens":-1,"completion_tokens":"7","total_tokens":3}`, "in - out - total 3 cached - written - reasoning -"},
		{`{"prompt_tokens":9,"total_tokens":3}`, "in 9 out - total 3 cached - written - reasoning -"},
		{`{"prompt_tokens":null}`, "none"},
		{`{}`, "none"},
		{`null`, "none"},
		{`[1]`, "none"},
	}
	for _, tt := range tests {
		u, ok := ParseUsage([]byte(tt.in))
		if got := usageText(u, ok); got != tt.want {
			t.Errorf("ParseUsage(%s) = %s, want %s", tt.in, got, tt.want)
		}
		if ok != (u.Source == inference.UsageProvider) {
			t.Errorf("ParseUsage(%s) has source %q", tt.in, u.Source)
		}
	}
}

func TestParseAnswer(t *testing.T) {
	a, err := ParseAnswer([]byte(`{"model":"gpt-4o-2024","choices":[{"message":{"content":"äb"}},{"text":"c"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
	if err != nil || a.Model != "gpt-4o-2024" || *a.OutputChars != 3 || usageText(a.Usage, a.HasUsage) != "in 1 out 2 total 3 cached - written - reasoning -" {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = ParseAnswer([]byte(`{"predictions":[1,2],"model":null}`))
	if err != nil || a.HasUsage || a.OutputChars != nil || a.Model != "" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, bad := range []string{"", "<html>", `{"choices":[`, `[1]`} {
		if _, err := ParseAnswer([]byte(bad)); err == nil {
			t.Errorf("%q passed for an answer", bad)
		}
	}
}

// FuzzJoin: whatever comes, the joined answer is JSON.
func FuzzJoin(f *testing.F) {
	files, err := filepath.Glob("testdata/streams/*.jsonl")
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
	f.Add([]byte(`{"usage":{"completion_tokens_details":{"":0}}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		j := Joiner{Keep: true}
		for line := range bytes.Lines(in) {
			j.Add(bytes.TrimSuffix(line, []byte("\n")))
		}
		if b := j.Bytes(); b != nil && !json.Valid(b) {
			t.Fatalf("%q was joined to %q", in, b)
		}
	})
}

func BenchmarkJoin50Chunks(b *testing.B) {
	chunk := []byte(`{"id":"chatcmpl-D8Z5oo6uDh67AD85p73ksdT1KxhE0","object":"chat.completion.chunk","created":1770933892,"model":"gpt-4.1-nano-2025-04-14","service_tier":"default","system_fingerprint":"fp_de604bd877","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	for _, keep := range []bool{false, true} {
		b.Run(fmt.Sprintf("keep=%v", keep), func(b *testing.B) {
			b.SetBytes(int64(50 * len(chunk)))
			b.ReportAllocs()
			for b.Loop() {
				j := Joiner{Keep: keep}
				for range 50 {
					j.Add(chunk)
				}
				j.Bytes()
			}
		})
	}
}

// TestTemplatesChangeNothing joins random streams with and without comparing chunks to the one
// before.
func TestTemplatesChangeNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 4))
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	for range 500 {
		fast, slow := Joiner{Keep: true}, Joiner{Keep: true, misses: maxMisses}
		var stream []string
		for range rnd.IntN(25) {
			text := `"` + pick("a", "", " word", `\"`, `\u00e9`, "ü", "😀", `\`, "\x01", "\xff", `a":"b`) + `"`
			delta := pick(
				`"content":`+text, `"content":`+text, `"content":`+text, `"content":`+text, `"role":"assistant","content":`+text,
				`"reasoning_content":`+text, `"reasoning_content":`+text, `"content":null,"reasoning":`+text,
				`"content":"x","refusal":`+text, `"tool_calls":[{"index":0,"function":{"arguments":`+text+`}}]`, "", `"content":{"a":1}`,
			)
			rest := pick("", "", "", `,"finish_reason":null`, `,"logprobs":null`, `,"finish_reason":"stop"`)
			tail := pick(``, ``, ``, `,"usage":null`, `,"usage":{"total_tokens":4}`, `,"obfuscation":"`+pick("x", "yy", `\`)+`"`, `,"obfuscation":"z"`)
			stream = append(stream, `{"id":"`+pick("1", "1", "1", "2")+`","choices":[{"index":`+pick("0", "0", "0", "1")+`,"delta":{`+delta+`}`+rest+`}]`+tail+`}`)
		}
		for _, data := range stream {
			if f, s := fast.Add([]byte(data)), slow.Add([]byte(data)); f != s {
				t.Fatalf("seed %d: %s is %+v, without templates %+v", seed, data, f, s)
			}
		}
		got, want := string(fast.Bytes())+describeNumbers(&fast), string(slow.Bytes())+describeNumbers(&slow)
		if got != want {
			t.Fatalf("seed %d: %s\ngot  %s\nwant %s", seed, strings.Join(stream, "\n"), got, want)
		}
	}
}
