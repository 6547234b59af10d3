package gemini

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// track runs events, one a line, through a tracker.
func track(keep bool, events string) *Tracker {
	t := &Tracker{keep: keep}
	for line := range strings.Lines(events) {
		if line = strings.TrimSpace(line); line != "" {
			t.Add(nil, []byte(line))
		}
	}
	return t
}

func TestTracker(t *testing.T) {
	tests := []struct{ name, events, joined, usage string }{
		{
			"text, with usage in every chunk",
			`{"candidates":[{"content":{"parts":[{"text":"It is "}],"role":"model"}}],"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8},"modelVersion":"gemini-2.5-flash","responseId":"r1"}
			{"candidates":[{"content":{"parts":[{"text":"sunny \u2600."}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":5,"totalTokenCount":13},"modelVersion":"gemini-2.5-flash","responseId":"r1"}`,
			`{"candidates":[{"content":{"parts":[{"text":"It is sunny \u2600."}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":5,"totalTokenCount":13},"modelVersion":"gemini-2.5-flash","responseId":"r1"}`,
			"in=8 out=5 total=13",
		},
		{
			"thoughts, a signature on an empty text, a last usage without counts",
			`{"candidates":[{"content":{"parts":[{"text":"Let me ","thought":true}],"role":"model"}}]}
			{"candidates":[{"content":{"parts":[{"text":"think.","thought":true}],"role":"model"}}]}
			{"candidates":[{"content":{"parts":[{"text":"Yes"}],"role":"model"}}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":5,"thoughtsTokenCount":7,"totalTokenCount":20}}
			{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"trafficType":"ON_DEMAND"}}`,
			`{"candidates":[{"content":{"parts":[{"text":"Let me think.","thought":true},{"text":"Yes","thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":5,"thoughtsTokenCount":7,"totalTokenCount":20}}`,
			"in=8 out=12 total=20 reasoning=7",
		},
		{
			"calls, whole",
			`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"get_weather","args":{"city":"Paris"}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"get_weather","args":{"city":"Rome"}}}],"role":"model"},"index":0}]}
			{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}]}`,
			`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"get_weather","args":{"city":"Paris"}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"get_weather","args":{"city":"Rome"}}}],"role":"model"},"finishReason":"STOP","index":0}]}`,
			"",
		},
		{
			"calls, in pieces",
			`{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"cook","willContinue":true},"thoughtSignature":"c2ln"}]}}]}
			{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a.list[0].name","stringValue":"\"mi","willContinue":true}],"willContinue":true}}]}}]}
			{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a.list[0].name","stringValue":"lk\""}],"willContinue":true}}]}}]}
			{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a.list[1]","numberValue":1.50},{"jsonPath":"$.a['b c']","boolValue":true},{"jsonPath":"$.n","nullValue":"NULL_VALUE"}],"willContinue":true}}]}}]}
			{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{}}]}}]}
			{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"stop"}}]},"finishReason":"STOP"}]}`,
			`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"cook","args":{"a":{"list":[{"name":"\"milk\""},1.50],"b c":true},"n":null}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"stop"}}],"role":"model"},"finishReason":"STOP","index":0}]}`,
			"",
		},
		{
			"two candidates, one after the other",
			`{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}],"role":"model"}}]}
			{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"finishReason":"STOP"}]}
			{"candidates":[{"content":{"parts":[{"text":"B"}],"role":"model"},"finishReason":"MAX_TOKENS","index":1}]}`,
			`{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"finishReason":"STOP","index":0},{"content":{"parts":[{"text":"bB"}],"role":"model"},"finishReason":"MAX_TOKENS","index":1}]}`,
			"",
		},
		{
			"a blocked prompt",
			`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8},"modelVersion":"gemini-2.5-flash"}`,
			`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8},"modelVersion":"gemini-2.5-flash"}`,
			"in=8 out=0 total=8",
		},
		{
			"searches, told twice",
			`{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"groundingMetadata":{"webSearchQueries":["x",""]}}],"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8},"modelVersion":"gemini-3-flash"}
			{"candidates":[{"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["x","y"]},"safetyRatings":[ ]}]}`,
			`{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"groundingMetadata":{"webSearchQueries":["x","y"]},"finishReason":"STOP","safetyRatings":[ ],"index":0}],"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8},"modelVersion":"gemini-3-flash"}`,
			"in=8 out=0 total=8 searches=2",
		},
		{
			"searches of a model billed by the call; log probabilities add up",
			`{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"logprobsResult":{"chosenCandidates":[{"token":"a","logProbability":-0.10}],"topCandidates":[ ]}}],"modelVersion":"gemini-2.5-pro"}
			{"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["x","y"]},"logprobsResult":{"chosenCandidates":[{"token":"b","logProbability":-0.2}],"topCandidates":[{}]}}]}`,
			`{"candidates":[{"content":{"parts":[{"text":"ab"}],"role":"model"},"logprobsResult":{"chosenCandidates":[{"token":"a","logProbability":-0.10},{"token":"b","logProbability":-0.2}],"topCandidates":[{}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["x","y"]},"index":0}],"modelVersion":"gemini-2.5-pro"}`,
			"searches=1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := track(true, tt.events).Result()
			if string(r.Joined) != tt.joined {
				t.Errorf("joined\n got %s\nwant %s", r.Joined, tt.joined)
			}
			if got := show(r.Usage); got != tt.usage {
				t.Errorf("usage %q, want %q", got, tt.usage)
			}
			if !r.Complete || r.Failed {
				t.Errorf("complete %v, failed %v", r.Complete, r.Failed)
			}
			whole, err := ParseAnswer(r.Joined)
			if err != nil || !reflect.DeepEqual(whole, r.Answer) {
				t.Errorf("the joined answer reads as\n%+v, the stream as\n%+v", whole, r.Answer)
			}
			without := track(false, tt.events).Result()
			without.Joined = r.Joined
			if !reflect.DeepEqual(without, r) {
				t.Errorf("without joining\n%+v, with\n%+v", without, r)
			}
		})
	}
}

func TestTrackerOfBrokenStreams(t *testing.T) {
	tests := []struct {
		name, events, joined      string
		started, complete, failed bool
	}{
		{"nothing", "", "", false, false, false},
		{"no JSON", "hello", `["hello"]`, false, false, false},
		{"JSON of another kind", `[1]`, `[[1]]`, false, false, false},
		{"an error", `{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}`, `{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}`, false, false, true},
		{
			"an error in the middle",
			`{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"}}]}
			{"error":{"code":503}}`,
			`{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}],"error":{"code":503}}`, true, false, true,
		},
		{
			"a chunk of something else", `{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"}}]}
			{"x":1}`, `{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}],"unjoined_events":[{"x":1}]}`, true, false, false,
		},
		{
			"one of two candidates ends",
			`{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}},{"index":1,"finishReason":"STOP"}]}`,
			`{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]},"index":0},{"finishReason":"STOP","index":1}]}`,
			true, false, false,
		},
		{
			"a call that does not end, with paths that can't be",
			`{"candidates":[{"content":{"parts":[{"functionCall":{"id":"1","name":"f","willContinue":true,"partialArgs":[{"jsonPath":"$.a[9]","stringValue":"x"},{"jsonPath":"b","stringValue":"x"},{"jsonPath":"$..c","numberValue":1},{"jsonPath":"$[","numberValue":1},{"stringValue":"y"},3]}}]}}]}`,
			`{"candidates":[{"content":{"parts":[{"functionCall":{"id":"1","name":"f","args":{"a":[]}}}]},"index":0}]}`,
			true, false, false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := track(true, tt.events).Result()
			if string(r.Joined) != tt.joined {
				t.Errorf("joined\n got %s\nwant %s", r.Joined, tt.joined)
			}
			if r.Started != tt.started || r.Complete != tt.complete || r.Failed != tt.failed {
				t.Errorf("started %v, complete %v, failed %v", r.Started, r.Complete, r.Failed)
			}
		})
	}
}

func TestRecordedStreams(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(data(t), "streams", "google", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte(`"candidates"`)) {
			t.Logf("%s is of another API", filepath.Base(file))
			continue
		}
		n++
		r := track(true, string(b)).Result()
		var last struct {
			UsageMetadata map[string]any
			ModelVersion  string
		}
		for line := range bytes.Lines(b) {
			if err := json.Unmarshal(line, &last); err != nil {
				t.Fatal(err)
			}
		}
		number := func(name string) int64 { f, _ := last.UsageMetadata[name].(float64); return int64(f) }
		if value(r.Usage.Input) != number("promptTokenCount") || value(r.Usage.Total) != number("totalTokenCount") ||
			value(r.Usage.Output) != number("candidatesTokenCount")+number("thoughtsTokenCount") || r.Model != last.ModelVersion {
			t.Errorf("%s: %s %s, want %v", file, r.Model, show(r.Usage), last)
		}
		translated(t, file, b, r)
		if !r.Complete || !r.Started || !json.Valid(r.Joined) || bytes.Contains(r.Joined, []byte("unjoined_events")) {
			t.Errorf("%s: %+v\n%s", file, r, r.Joined)
		}
	}
	if n == 0 {
		t.Fatal("no streams among the recordings")
	}
	t.Logf("%d streams", n)
}

// translated reads a recording as a translator does, and writes it anew: its text, calls and usage
// must be those of the recording.
func translated(t *testing.T, file string, recording []byte, want wire.Result) {
	t.Helper()
	d, e := newDecoder(), newEncoder(&chat.Request{Reasoning: &chat.Reasoning{Show: true}})
	var out []byte
	calls := 0
	write := func(deltas []chat.Delta) {
		for i := range deltas {
			if deltas[i].Kind == chat.DeltaCall {
				calls++
			}
			out = e.Append(out, &deltas[i])
		}
	}
	for line := range bytes.Lines(recording) {
		deltas, err := d.Decode(nil, line)
		if err != nil {
			t.Fatal(err)
		}
		write(deltas)
	}
	write(d.Close())
	out = e.AppendEnd(out)
	tr := &Tracker{keep: true}
	for _, data := range events(t, out) {
		tr.Add(nil, data)
	}
	got := tr.Result()
	if show(got.Usage) != show(want.Usage) || got.Complete != want.Complete || value(got.OutputChars) != value(want.OutputChars) {
		t.Errorf("%s translated: %+v, want %+v", file, got, want)
	}
	if n := bytes.Count(want.Joined, []byte(`"functionCall"`)); n != calls || n != bytes.Count(got.Joined, []byte(`"functionCall"`)) {
		t.Errorf("%s has %d calls, %d translated", file, n, calls)
	}
}

func TestInputChars(t *testing.T) {
	body := `{"contents":{"parts":{"text":"h\u00e9llo"}},"system_instruction":{"parts":[{"text":"be"},{"inlineData":{"data":"xxxx"}}]},"x":"y"}`
	if n := inputChars([]byte(body)); n == nil || *n != 7 {
		t.Errorf("%v, want 7", n)
	}
	if n := inputChars([]byte(`{"x":1}`)); n != nil {
		t.Errorf("%d, want none", *n)
	}
}

func FuzzTracker(f *testing.F) {
	f.Add(`{"candidates":[{"content":{"parts":[{"text":"a","thoughtSignature":"x"},{"functionCall":{"name":"f","willContinue":true}}]}}]}` + "\n" +
		`{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a[0]","stringValue":"b"}]}}]},"finishReason":"STOP"}]}`)
	f.Add(`{"usageMetadata":{"promptTokenCount":1}}` + "\nx\n" + `{"error":{}}`)
	f.Fuzz(func(t *testing.T, events string) {
		r := track(true, events).Result()
		if r.Joined != nil && !json.Valid(r.Joined) {
			t.Errorf("joined is no JSON: %s", r.Joined)
		}
		_, _ = ParseAnswer([]byte(events))
	})
}

func BenchmarkTracker(b *testing.B) {
	chunk := []byte(`{"candidates":[{"content":{"parts":[{"text":" and a bit more of the text"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":5,"totalTokenCount":13,"promptTokensDetails":[{"modality":"TEXT","tokenCount":8}]},"modelVersion":"gemini-2.5-flash","responseId":"b36LacjwM668nsEP2tbsgQQ"}`)
	for _, keep := range []bool{false, true} {
		b.Run(map[bool]string{false: "numbers", true: "joined"}[keep], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				t := newTracker(keep)
				for range 50 {
					t.Add(nil, chunk)
				}
				t.Result()
			}
		})
	}
}
