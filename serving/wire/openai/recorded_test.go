package openai

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// chunk is a recorded event as encoding/json reads it, to compare with.
type chunk struct {
	Choices []struct {
		Index int
		Delta struct {
			Content          any
			ReasoningContent string `json:"reasoning_content"`
			ToolCalls        []struct {
				Function struct{ Arguments string }
			} `json:"tool_calls"`
		}
	}
	Usage *struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
		Total      int64 `json:"total_tokens"`
		InDetails  struct {
			Cached int64 `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
		OutDetails struct {
			Reasoning int64 `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	}
}

// recorded is what a recording says, put together from its events.
type recorded struct {
	Text, Thoughts, Arguments               string
	Input, Output, Total, Cached, Reasoning int64
}

func (r *recorded) add(t *testing.T, data []byte) {
	t.Helper()
	var c chunk
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	for _, ch := range c.Choices {
		switch content := ch.Delta.Content.(type) {
		case string:
			r.Text += content
		case []any:
			for _, p := range content {
				part := p.(map[string]any)
				if list, ok := part["thinking"].([]any); ok {
					r.Thoughts += list[0].(map[string]any)["text"].(string)
					continue
				}
				r.Text += part["text"].(string)
			}
		}
		r.Thoughts += ch.Delta.ReasoningContent
		for _, call := range ch.Delta.ToolCalls {
			r.Arguments += call.Function.Arguments
		}
	}
	if u := c.Usage; u != nil {
		r.Input, r.Output, r.Total, r.Cached, r.Reasoning = u.Prompt, u.Completion, u.Total, u.InDetails.Cached, u.OutDetails.Reasoning
		if r.Input+r.Output+r.Reasoning == r.Total {
			r.Output += r.Reasoning // xAI counts it beside
		}
	}
}

// TestRecordedStreams follows every recorded stream of chunks: usage is the recording's, and what
// is translated says the same and joins to the same.
func TestRecordedStreams(t *testing.T) {
	seen := 0
	for _, file := range goldentest.Files(t, filepath.Join(dataFolder(t), "streams/*/*.jsonl")) {
		in := goldentest.Read(t, file)
		if !bytes.Contains(in[:min(len(in), 2000)], []byte(`"choices":[`)) {
			continue // of another API
		}
		seen++
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) { followRecording(t, in) })
	}
	if seen < 7 {
		t.Errorf("only %d recordings are of chat completions", seen)
	}
	t.Logf("%d recordings", seen)
}

func followRecording(t *testing.T, in []byte) {
	var want, got recorded
	tr, d, e := NewTracker(true), newChatDecoder(), newChatEncoder(&chat.Request{WantsUsage: true})
	var out []byte
	for line := range bytes.Lines(in) {
		data := bytes.TrimSpace(line)
		if len(data) == 0 {
			continue
		}
		want.add(t, data)
		tr.Add(nil, data)
		deltas, err := d.Decode(nil, data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range deltas {
			got.note(&deltas[i])
			out = e.Append(out, &deltas[i])
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("translated: -recorded +got:\n%s", d)
	}
	r := tr.Result()
	if !r.Complete || !r.HasUsage || *r.Usage.Input != want.Input || *r.Usage.Output != want.Output || *r.Usage.Total != want.Total {
		t.Errorf("tracked: complete %v, usage %s, want %+v", r.Complete, classes(r.Usage), want)
	}
	compareJoined(t, r, follow(t, e.AppendEnd(out)))
}

// follow tracks an encoded stream.
func follow(t *testing.T, stream []byte) wire.Result {
	t.Helper()
	tr := NewTracker(true)
	r := sse.NewReader(bytes.NewReader(stream), 1<<20, nil)
	for {
		ev, err := r.Next()
		if err != nil {
			return tr.Result()
		}
		if c := tr.Add(ev.Name, ev.Data); !c.JSON && !c.End {
			t.Fatalf("not JSON: %s", ev.Data)
		}
	}
}

// compareJoined compares the answers that a provider's stream and its translation join to.
func compareJoined(t *testing.T, provider, client wire.Result) {
	t.Helper()
	a, err := decodeChatAnswer(provider.Joined)
	if err != nil {
		t.Fatalf("%v: %s", err, provider.Joined)
	}
	b, err := decodeChatAnswer(client.Joined)
	if err != nil {
		t.Fatalf("%v: %s", err, client.Joined)
	}
	if d := cmp.Diff(a.Choices, b.Choices); d != "" {
		t.Errorf("joined: -provider +client:\n%s", d)
	}
	// The tier has no place in chunks, and searches none in OpenAI's shape.
	provider.Usage.ServiceTier, provider.Usage.Searches = "", nil
	if a, b := classes(provider.Usage), classes(client.Usage); a != b {
		t.Errorf("usage: provider %s, client %s", a, b)
	}
}

func (r *recorded) note(d *chat.Delta) {
	switch d.Kind {
	case chat.DeltaText:
		r.Text += d.Text
	case chat.DeltaThinking:
		r.Thoughts += d.Text
	case chat.DeltaArguments:
		r.Arguments += d.Text
	case chat.DeltaUsage:
		r.Input, r.Output, r.Total, r.Cached, r.Reasoning = value(d.Usage.Input), value(d.Usage.Output), value(d.Usage.Total), value(d.Usage.CachedInput), value(d.Usage.Reasoning)
	}
}

// TestStreamsJoinToAnswers: a stream of testdata joins to the answer of the same call without
// streaming, as far as it is there.
func TestStreamsJoinToAnswers(t *testing.T) {
	compared := 0
	for _, file := range goldentest.Files(t, "testdata/provider/*.sse") {
		whole := file[:len(file)-len(".sse")] + ".json"
		if filepath.Base(whole) == "error.json" {
			continue
		}
		if matches, _ := filepath.Glob(whole); matches == nil {
			continue
		}
		compared++
		want, err := decodeChatAnswer(goldentest.Read(t, whole))
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeChatAnswer(follow(t, goldentest.Read(t, file)).Joined)
		if err != nil {
			t.Fatal(err)
		}
		got.Usage.Raw, want.Usage.Raw = nil, nil
		for i := range want.Choices {
			if len(want.Choices[i].LogProbs) > 0 {
				want.Choices[i].LogProbs = compact(t, want.Choices[i].LogProbs)
			}
		}
		got.ID, got.Model, got.Created, got.Usage.ServiceTier = want.ID, want.Model, want.Created, want.Usage.ServiceTier
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -whole +joined:\n%s", file, d)
		}
	}
	t.Logf("%d streams compared with whole answers", compared)
}

func compact(t *testing.T, in []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, in); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
