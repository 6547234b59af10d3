package responses

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// recordings returns the recorded streams of this format, each a list of the data of its events.
// They are not part of the project.
func recordings(t *testing.T) map[string][]framed {
	t.Helper()
	dir := os.Getenv("LAKEGATE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(dir, "streams", "*", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: no recorded streams; set LAKEGATE_DATA to the folder that has streams/ to test on them")
	}
	all := map[string][]framed{}
	for _, f := range files {
		if list := lines(t, f); isResponses(list) {
			all[filepath.Base(f)] = list
		}
	}
	if len(all) == 0 {
		t.Fatalf("none of %d recorded streams is of the Responses API", len(files))
	}
	return all
}

func lines(t *testing.T, file string) (list []framed) {
	t.Helper()
	for line := range bytes.Lines(goldentest.Read(t, file)) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			list = append(list, framed{nil, bytes.Clone(line)})
		}
	}
	return list
}

func isResponses(list []framed) bool {
	var e struct{ Type string }
	return len(list) > 0 && json.Unmarshal(list[0].data, &e) == nil && e.Type == "response.created"
}

// TestRecordedStreams compares with the last event of each recording.
func TestRecordedStreams(t *testing.T) {
	for name, list := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			var last struct {
				Response json.RawMessage
			}
			if err := json.Unmarshal(list[len(list)-1].data, &last); err != nil {
				t.Fatal(err)
			}
			want := struct {
				Model       string
				ServiceTier string `json:"service_tier"`
				Usage       struct {
					Input   int64 `json:"input_tokens"`
					Output  int64 `json:"output_tokens"`
					Total   int64 `json:"total_tokens"`
					Details struct {
						Cached int64 `json:"cached_tokens"`
					} `json:"input_tokens_details"`
					Out struct {
						Reasoning int64 `json:"reasoning_tokens"`
					} `json:"output_tokens_details"`
				}
			}{}
			if err := json.Unmarshal(last.Response, &want); err != nil {
				t.Fatal(err)
			}
			r := track(list, true)
			u := r.Usage
			if want.ServiceTier == "auto" {
				want.ServiceTier = "" // that is what was asked for
			}
			if !r.Complete || !r.HasUsage || *u.Input != want.Usage.Input || *u.Output != want.Usage.Output || *u.Total != want.Usage.Total ||
				*u.CachedInput != want.Usage.Details.Cached || *u.Reasoning != want.Usage.Out.Reasoning ||
				r.Model != want.Model || u.ServiceTier != want.ServiceTier {
				t.Errorf("complete %v, %s, want %+v", r.Complete, numbers(r.Answer), want)
			}
			if !bytes.Equal(r.Joined, last.Response) && len(recordedOutput(t, last.Response)) > 0 {
				t.Errorf("joined\n%s\nwant\n%s", r.Joined, last.Response)
			}
		})
	}
}

func recordedOutput(t *testing.T, response []byte) (items []json.RawMessage) {
	t.Helper()
	var r struct{ Output []json.RawMessage }
	if err := json.Unmarshal(response, &r); err != nil {
		t.Fatal(err)
	}
	return r.Output
}

// TestRecordedItems joins each recording without its final events: the items are those of the
// final answer.
func TestRecordedItems(t *testing.T) {
	for name, list := range recordings(t) {
		var last struct{ Response json.RawMessage }
		if err := json.Unmarshal(list[len(list)-1].data, &last); err != nil {
			t.Fatal(err)
		}
		want := recordedOutput(t, last.Response)
		begin := 0
		for i, e := range list {
			if bytes.Contains(e.data[:min(len(e.data), 60)], []byte(`"response.created"`)) {
				begin = i
			}
		}
		r := track(list[begin:len(list)-1], true)
		if r.Complete {
			t.Errorf("%s: complete without its end", name)
		}
		got := recordedOutput(t, r.Joined)
		if len(want) > 0 && len(got) != len(want) {
			t.Errorf("%s: %d items of %d", name, len(got), len(want))
			continue
		}
		for i := range want {
			// What is encrypted is so anew in each event.
			if id, kind := member(got[i], "id"), member(got[i], "type"); id != member(want[i], "id") || kind != member(want[i], "type") {
				t.Errorf("%s: item %d is %s %s", name, i, kind, id)
			}
		}
	}
}
