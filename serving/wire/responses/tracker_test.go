package responses

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

type framed struct{ name, data []byte }

// events reads the events of a stream.
func events(t testing.TB, stream []byte) (list []framed) {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(stream), 1<<20, nil)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, framed{bytes.Clone(e.Name), bytes.Clone(e.Data)})
	}
}

// track gives a tracker the events, each in memory that is overwritten afterwards.
func track(list []framed, keep bool) wire.Result {
	tr := Codec().NewTracker(keep)
	for _, e := range list {
		data := bytes.Clone(e.data)
		tr.Add(e.name, data)
		clear(data)
	}
	return tr.Result()
}

func compact(t testing.TB, b []byte) string {
	t.Helper()
	var buf bytes.Buffer
	if err := json.Compact(&buf, b); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return buf.String()
}

func scenarios(t testing.TB, pattern string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing matches %s: %v", pattern, err)
	}
	for _, f := range files {
		base := filepath.Base(f)
		names = append(names, strings.TrimSuffix(base, filepath.Ext(base)))
	}
	return names
}

// numbers shows what a row has of an answer.
func numbers(a wire.Answer) string {
	n := func(p *int64) string {
		if p == nil {
			return "?"
		}
		return fmt.Sprint(*p)
	}
	u := a.Usage
	return fmt.Sprintf("model %s, in %s (cached %s, written %s), out %s (reasoning %s), total %s, searches %s, tier %q, chars %s, usage %v, failed %v, raw %s",
		a.Model, n(u.Input), n(u.CachedInput), n(u.CacheWrite), n(u.Output), n(u.Reasoning), n(u.Total), n(u.Searches), u.ServiceTier,
		n(a.OutputChars), a.HasUsage, a.Failed, u.Raw)
}

// TestStreamsEqualAnswers compares what each stream adds up to with the whole answer beside it.
func TestStreamsEqualAnswers(t *testing.T) {
	for _, name := range scenarios(t, "testdata/provider/*.sse") {
		t.Run(name, func(t *testing.T) {
			list := events(t, goldentest.Read(t, "testdata/provider/"+name+".sse"))
			whole := goldentest.Read(t, "testdata/provider/"+name+".json")
			want, err := ParseAnswer([]byte(compact(t, whole)))
			if err != nil {
				t.Fatal(err)
			}
			got := track(list, true)
			if d := cmp.Diff(compact(t, whole), compact(t, got.Joined)); d != "" {
				t.Errorf("joined, -want +got:\n%s", d)
			}
			if d := cmp.Diff(numbers(want), numbers(got.Answer)); d != "" {
				t.Errorf("numbers, -want +got:\n%s", d)
			}
			if got.Complete == got.Failed || got.Started != (name != "error") || got.Events == 0 {
				t.Errorf("complete %v, started %v, failed %v, %d events", got.Complete, got.Started, got.Failed, got.Events)
			}
			alone := track(list, false)
			if alone.Joined != nil || numbers(alone.Answer) != numbers(got.Answer) {
				t.Errorf("without keep: %s and\n%s, want none and\n%s", alone.Joined, numbers(alone.Answer), numbers(got.Answer))
			}
		})
	}
}

func TestParseAnswer(t *testing.T) {
	for name, want := range map[string]string{
		"text":      `model gpt-5.1-2025-11-13, in 15 (cached 0, written ?), out 10 (reasoning 0), total 25, searches ?, tier "default", chars 28, usage true, failed false`,
		"cache":     `model gpt-5.1-2025-11-13, in 2311 (cached 1024, written 1280), out 8 (reasoning 0), total 2319, searches ?, tier "priority", chars 21, usage true, failed false`,
		"reasoning": `model gpt-5.1-codex-max, in 18 (cached 0, written ?), out 140 (reasoning 128), total 158, searches ?, tier "default", chars 20, usage true, failed false`,
		"search":    `model gpt-5.1-2025-11-13, in 8312 (cached 0, written ?), out 42 (reasoning 0), total 8354, searches 1, tier "default", chars 24, usage true, failed false`,
		"agent":     `model , in 120 (cached ?, written ?), out 30 (reasoning ?), total 150, searches ?, tier "", chars 21, usage true, failed false`,
		"error":     `model gpt-5.1-2025-11-13, in ? (cached ?, written ?), out ? (reasoning ?), total ?, searches ?, tier "default", chars ?, usage false, failed true`,
	} {
		a, err := ParseAnswer(goldentest.Read(t, "testdata/provider/"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		got, _, _ := strings.Cut(numbers(a), ", raw")
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// TestBrokenOff cuts each stream after each event: the result is never complete before its last
// event, and the joined answer has the text so far.
func TestBrokenOff(t *testing.T) {
	for _, name := range scenarios(t, "testdata/provider/*.sse") {
		list := events(t, goldentest.Read(t, "testdata/provider/"+name+".sse"))
		for n := range list {
			r := track(list[:n], true)
			if r.Complete {
				t.Errorf("%s: complete after %d of %d events", name, n, len(list))
			}
			if n > 0 && !json.Valid(r.Joined) {
				t.Errorf("%s: joined after %d events: %s", name, n, r.Joined)
			}
			if alone := track(list[:n], false); numbers(alone.Answer) != numbers(r.Answer) {
				t.Errorf("%s: after %d events without keep\n%s\nwith keep\n%s", name, n, numbers(alone.Answer), numbers(r.Answer))
			}
		}
	}
}

func TestBrokenOffInTheMiddle(t *testing.T) {
	for name, want := range map[string]string{
		"text":      `[{"id":"msg_text01","type":"message","status":"in_progress","content":[{"type":"output_text","text":"It is sunny in","annotations":[]}],"role":"assistant"}]`,
		"tools":     `[{"id":"fc_tools01","type":"function_call","status":"in_progress","arguments":"{\"city\":","call_id":"call_w1","name":"get_weather"}]`,
		"reasoning": `[{"id":"rs_reas01","type":"reasoning","encrypted_content":"gAAAAABencrypted","summary":[{"type":"summary_text","text":"**Weighin"}]}]`,
		"refusal":   `[{"id":"msg_ref01","type":"message","status":"in_progress","content":[{"type":"refusal","refusal":"I can't help w"}],"role":"assistant"}]`,
	} {
		list := events(t, goldentest.Read(t, "testdata/provider/"+name+".sse"))
		cut := 6
		if name == "tools" || name == "reasoning" {
			cut = 5
		}
		var joined struct {
			Status string
			Output json.RawMessage
		}
		r := track(list[:cut], true)
		if err := json.Unmarshal(r.Joined, &joined); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, string(joined.Output)); d != "" {
			t.Errorf("%s: -want +got:\n%s", name, d)
		}
	}
}

func TestDuplicatesChangeNothing(t *testing.T) {
	for _, name := range scenarios(t, "testdata/provider/*.sse") {
		list := events(t, goldentest.Read(t, "testdata/provider/"+name+".sse"))
		last := list[len(list)-1]
		again := append(append([]framed{}, list...), last)
		a, b := track(list, true), track(again, true)
		if numbers(a.Answer) != numbers(b.Answer) || !bytes.Equal(a.Joined, b.Joined) || a.Complete != b.Complete {
			t.Errorf("%s: the last event twice changed\n%s\nto\n%s", name, numbers(a.Answer), numbers(b.Answer))
		}
	}
}

// TestItemsWithoutIDs: items without ids, all at place 0, are items of their own.
func TestItemsWithoutIDs(t *testing.T) {
	var list []framed
	for _, data := range []string{
		`{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","name":"f","arguments":"{}","call_id":"c"}}`,
		`{"type":"response.output_text.delta","output_index":0,"delta":"a"}`,
		`{"type":"response.output_text.delta","output_index":0,"delta":"b"}`,
		`{"type":"response.output_item.done","output_index":0,"item":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ab"}]}}`,
	} {
		list = append(list, framed{nil, []byte(data)})
	}
	r := track(list, true)
	want := `{"object":"response","output":[{"type":"function_call","name":"f","arguments":"{}","call_id":"c"},` +
		`{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ab"}]}]}`
	if string(r.Joined) != want || *r.OutputChars != 2 {
		t.Errorf("joined %s with %d characters", r.Joined, *r.OutputChars)
	}
}

// TestEmptyOutput: the server behind Codex leaves the output of the final event empty.
func TestEmptyOutput(t *testing.T) {
	list := events(t, goldentest.Read(t, "testdata/provider/text.sse"))
	last := &list[len(list)-1]
	var e struct {
		Type     string                     `json:"type"`
		Response map[string]json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(last.data, &e); err != nil {
		t.Fatal(err)
	}
	e.Response["output"] = json.RawMessage("[]")
	last.data, _ = json.Marshal(e)
	r := track(list, true)
	if !r.Complete || *r.OutputChars != 28 || !bytes.Contains(r.Joined, []byte("sunny in Paris, 21")) || *r.Usage.Input != 15 {
		t.Errorf("complete %v, %s, joined %s", r.Complete, numbers(r.Answer), r.Joined)
	}
}

func TestErrorEvents(t *testing.T) {
	for _, data := range []string{
		`{"type":"error","code":"ERR","message":"no","param":null,"sequence_number":1}`,
		`{"type":"error","sequence_number":2,"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"no"}}`,
		`{"error":{"message":"no"}}`,
	} {
		tr := Codec().NewTracker(true)
		if c := tr.Add(nil, []byte(data)); !c.JSON || !c.Error || c.End {
			t.Errorf("%s: %+v", data, c)
		}
		tr.Add(nil, []byte("[DONE]"))
		if r := tr.Result(); r.Complete || !r.Failed || string(r.Joined) != "["+data+"]" {
			t.Errorf("%s: %+v, joined %s", data, r, r.Joined)
		}
	}
}

func TestInputChars(t *testing.T) {
	n := func(x int64) *int64 { return &x }
	for body, want := range map[string]*int64{
		`{"model":"m"}`:                     nil,
		`no json`:                           nil,
		`{"input":"grüße"}`:                 n(5),
		`{"instructions":"ab","input":"c"}`: n(3),
		`{"instructions":null,"input":[{"role":"user","content":"ab"},{"type":"message","role":"user","content":[` +
			`{"type":"input_text","text":"cde"},{"type":"input_image","image_url":"data:,x"}]}]}`: n(5),
		`{"input":[{"type":"function_call","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"sun"},` +
			`{"type":"function_call_output","call_id":"d","output":[{"type":"input_text","text":"ny"}]}]}`: n(5),
	} {
		if d := cmp.Diff(want, InputChars([]byte(body))); d != "" {
			t.Errorf("%s: -want +got:\n%s", body, d)
		}
	}
}

func TestParseUsage(t *testing.T) {
	for object, want := range map[string]string{
		`{"input_tokens":3,"output_tokens":4}`:    "in 3, out 4, total 7",
		`{"input_tokens":3,"total_tokens":7}`:     "in 3, out 4, total 7",
		`{"output_tokens":4,"total_tokens":7.0}`:  "in 3, out 4, total 7",
		`{"output_tokens":null}`:                  "none",
		`{"input_tokens":-1,"output_tokens":"4"}`: "none",
		`[]`:   "none",
		`null`: "none",
	} {
		u, ok := ParseUsage([]byte(object))
		got := "none"
		if ok {
			got = fmt.Sprintf("in %d, out %d, total %d", *u.Input, *u.Output, *u.Total)
			if u.Source != inference.UsageProvider || string(u.Raw) != object {
				t.Errorf("%s: source %q, raw %s", object, u.Source, u.Raw)
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", object, got, want)
		}
	}
	for response, want := range map[string]int64{
		`{"output":[{"type":"web_search_call"},{"type":"web_search_call","action":{"type":"search"}},{"type":"web_search_call","action":{"type":"open_page"}}]}`: 2,
		`{"output":[{"type":"web_search_call"}],"tool_usage":{"web_search":{"num_requests":3}}}`:                                                                 3,
		`{"output":[],"tool_usage":{"image_gen":{},"web_search":{"num_requests":0}}}`:                                                                            0,
	} {
		if a, err := ParseAnswer([]byte(response)); err != nil || a.Usage.Searches == nil || *a.Usage.Searches != want {
			t.Errorf("%s: %v searches, %v", response, a.Usage.Searches, err)
		}
	}
}

func TestAppendStreamError(t *testing.T) {
	list := events(t, AppendStreamError(nil, apierr.New(apierr.BadGateway, "the provider broke \"off\"").At("input")))
	if len(list) != 2 || string(list[0].name) != "error" || string(list[1].name) != "response.failed" {
		t.Fatalf("events %q", list)
	}
	want := `{"type":"error","sequence_number":0,"code":"BAD_GATEWAY","message":"the provider broke \"off\"","param":"input",` +
		`"error":{"type":"BAD_GATEWAY","code":"BAD_GATEWAY","message":"the provider broke \"off\"","param":"input"}}`
	if string(list[0].data) != want {
		t.Errorf("got %s", list[0].data)
	}
	if r := track(list, true); !r.Failed || r.Complete {
		t.Errorf("our own errors are read as %+v", r)
	}
}

func BenchmarkTracker(b *testing.B) {
	list := events(b, goldentest.Read(b, "testdata/provider/text.sse"))
	var deltas []framed // 100 pieces of text in the middle
	for range 100 {
		deltas = append(deltas, list[4])
	}
	list = append(append(append([]framed{}, list[:4]...), deltas...), list[8:]...)
	for _, keep := range []bool{false, true} {
		b.Run(fmt.Sprintf("keep=%v", keep), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tr := Codec().NewTracker(keep)
				for _, e := range list {
					tr.Add(e.name, e.data)
				}
				tr.Result()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(list)), "ns/event")
		})
	}
}
