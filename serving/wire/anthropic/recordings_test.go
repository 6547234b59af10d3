package anthropic

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
)

type event struct{ name, data []byte }

// recordings returns the recorded streams of Anthropic, which are no part of the project, by name.
// Some hold the streams of several calls one after the other; here each is one of its own.
func recordings(t *testing.T) map[string][]event {
	t.Helper()
	dir := os.Getenv("LAKEGATE_DATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	files, _ := filepath.Glob(filepath.Join(dir, "streams", "anthropic", "*.jsonl"))
	framed, _ := filepath.Glob(filepath.Join(dir, "streams", "anthropic-sse", "*.sse"))
	if len(files) == 0 || len(framed) == 0 {
		t.Skipf("SKIPPED: no recorded streams of Anthropic in %s; set LAKEGATE_DATA to the folder that has them", dir)
	}
	all := map[string][]event{}
	for _, f := range append(files, framed...) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var events []event
		if strings.HasSuffix(f, ".sse") {
			events = readEvents(t, b)
		} else {
			for line := range bytes.Lines(b) {
				if line = bytes.TrimSpace(line); len(line) > 0 {
					events = append(events, event{data: line})
				}
			}
		}
		n := 0
		for len(events) > 0 {
			end := 0
			for end < len(events) && !bytes.Contains(events[end].data, []byte(`"message_stop"`)) {
				end++
			}
			end = min(end+1, len(events))
			n++
			all[filepath.Base(f)+"#"+string(rune('0'+n))] = events[:end]
			events = events[end:]
		}
	}
	return all
}

func readEvents(t *testing.T, b []byte) (events []event) {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(b), 1<<20, nil)
	for {
		e, err := r.Next()
		if err != nil {
			return events
		}
		events = append(events, event{bytes.Clone(e.Name), bytes.Clone(e.Data)})
	}
}

func track(events []event, keep bool) wire.Result {
	t := Codec().NewTracker(keep)
	for _, e := range events {
		data := bytes.Clone(e.data)
		t.Add(e.name, data)
		clear(data) // the tracker must not keep the data
	}
	return t.Result()
}

// said is what a recording says of itself, read without the code under test.
type said struct {
	usage map[string]any
	text  map[int]string
	json  map[int]string
}

func readRecording(t *testing.T, events []event) said {
	t.Helper()
	s := said{map[string]any{}, map[int]string{}, map[int]string{}}
	for _, e := range events {
		var v struct {
			Type    string
			Index   int
			Message struct{ Usage map[string]any }
			Usage   map[string]any
			Delta   struct {
				Text, Thinking string
				PartialJSON    string `json:"partial_json"`
			}
		}
		if err := json.Unmarshal(e.data, &v); err != nil {
			t.Fatal(err)
		}
		for _, u := range []map[string]any{v.Message.Usage, v.Usage} {
			for k, n := range u {
				if n != nil {
					s.usage[k] = n
				}
			}
		}
		s.text[v.Index] += v.Delta.Text + v.Delta.Thinking
		s.json[v.Index] += v.Delta.PartialJSON
	}
	return s
}

func number(usage map[string]any, names ...string) int64 {
	var n float64
	for _, name := range names {
		x, _ := usage[name].(float64)
		n += x
	}
	return int64(n)
}

// TestRecordings: usage is what the recording says, the joined answer has all of its text and
// inputs of tools, and reads the same as an answer that came whole.
func TestRecordings(t *testing.T) {
	all := recordings(t)
	t.Logf("%d recorded streams", len(all))
	for name, events := range all {
		want := readRecording(t, events)
		r := track(events, true)
		if !r.Complete || !r.HasUsage || r.Failed || r.Model == "" {
			t.Errorf("%s: %+v", name, r.Answer)
			continue
		}
		if got, in := *r.Usage.Input, number(want.usage, "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"); got != in {
			t.Errorf("%s: input %d, the recording says %d", name, got, in)
		}
		if got, out := *r.Usage.Output, number(want.usage, "output_tokens"); got != out {
			t.Errorf("%s: output %d, the recording says %d", name, got, out)
		}
		var raw map[string]any
		if err := json.Unmarshal(r.Usage.Raw, &raw); err != nil || cmp.Diff(want.usage, raw) != "" {
			t.Errorf("%s: raw usage, %v:\n%s", name, err, cmp.Diff(want.usage, raw))
		}
		checkJoined(t, name, r, want)
		if numbers := track(events, false); numbers.Joined != nil || cmp.Diff(numbers.Answer, r.Answer) != "" || numbers.Events != r.Events || numbers.Started != r.Started {
			t.Errorf("%s: without keeping: %+v, want %+v", name, numbers, r)
		}
	}
}

func checkJoined(t *testing.T, name string, r wire.Result, want said) {
	t.Helper()
	whole, err := parseAnswer(r.Joined)
	if err != nil {
		t.Errorf("%s: the joined answer: %v\n%s", name, err, r.Joined)
		return
	}
	if d := cmp.Diff(r.Answer, whole); d != "" {
		t.Errorf("%s: the joined answer reads otherwise, -stream +joined:\n%s", name, d)
	}
	var m struct {
		Content []struct {
			Text, Thinking string
			Input          json.RawMessage
			PartialJSON    string `json:"partial_json"`
		}
		Usage      map[string]any
		StopReason string            `json:"stop_reason"`
		Unjoined   []json.RawMessage `json:"unjoined_events"`
	}
	if err := json.Unmarshal(r.Joined, &m); err != nil {
		t.Fatal(err)
	}
	if m.StopReason == "" || len(m.Unjoined) > 0 || cmp.Diff(m.Usage, want.usage) != "" {
		t.Errorf("%s: joined to %s", name, r.Joined)
	}
	for i, b := range m.Content {
		if got := b.Text + b.Thinking; got != want.text[i] {
			t.Errorf("%s: block %d has text %q, want %q", name, i, got, want.text[i])
		}
		if w := want.json[i]; w != "" && string(b.Input) != w && b.PartialJSON != w {
			t.Errorf("%s: block %d has input %s, want %s", name, i, b.Input, w)
		}
	}
}

// frame writes events as Anthropic frames them.
func frame(events []event) (stream []byte) {
	for _, e := range events {
		var head struct{ Type string }
		if json.Unmarshal(e.data, &head) == nil {
			stream = appendEvent(stream, head.Type, e.data)
		}
	}
	return stream
}

// TestRecordingsCutAnywhere reads the recordings from a source that gives a byte at a time, which
// cuts at every boundary there is.
func TestRecordingsCutAnywhere(t *testing.T) {
	for name, events := range recordings(t) {
		tr := Codec().NewTracker(true)
		r := sse.NewReader(iotest.OneByteReader(bytes.NewReader(frame(events))), 1<<20, nil)
		for {
			e, err := r.Next()
			if err != nil {
				break
			}
			tr.Add(e.Name, e.Data)
		}
		if d := cmp.Diff(track(events, true), tr.Result()); d != "" {
			t.Errorf("%s: -whole +cut:\n%s", name, d)
		}
	}
}

// TestRecordingsTranslated reads the recordings into the common form and writes them again: usage,
// the reason to stop, all text and all calls of the client's tools are still there.
func TestRecordingsTranslated(t *testing.T) {
	for name, events := range recordings(t) {
		_, stream := translate(t, frame(events))
		before, after := track(events, true), track(readEvents(t, []byte(stream)), true)
		before.Usage.Raw, after.Usage.Raw = nil, nil
		before.Usage.ServiceTier, after.Usage.ServiceTier = "", ""
		for _, u := range []*inference.Usage{&before.Usage, &after.Usage} {
			for _, n := range []**int64{&u.Searches, &u.CachedInput, &u.CacheWrite} {
				if value(*n) == 0 {
					*n = nil // written as 0, whether known or not
				}
			}
		}
		if d := cmp.Diff(before.Usage, after.Usage); d != "" {
			t.Errorf("%s: usage -before +after:\n%s", name, d)
		}
		if d := cmp.Diff(essence(t, before.Joined), essence(t, after.Joined)); d != "" {
			t.Errorf("%s: -before +after:\n%s", name, d)
		}
	}
}

// essence is what the common form can say of a Message.
func essence(t *testing.T, joined []byte) (all []any) {
	t.Helper()
	var m struct {
		ID, Model  string
		StopReason string `json:"stop_reason"`
		Content    []struct {
			Type, Text, Thinking, ID, Name string
			Input                          map[string]any
		}
	}
	if err := json.Unmarshal(joined, &m); err != nil {
		t.Fatal(err)
	}
	all = append(all, m.ID, m.StopReason)
	text := ""
	for _, b := range m.Content {
		switch {
		case b.Type == "text":
			text += b.Text // neighbours may have become one
		case b.Type == "tool_use", b.Type == "thinking":
			all = append(all, b)
		}
	}
	return append(all, text)
}
