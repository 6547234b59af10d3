package responses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// TestRequests decodes what clients send, and writes it again for a provider.
func TestRequests(t *testing.T) {
	for _, name := range scenarios(t, "testdata/client/*.json") {
		t.Run(name, func(t *testing.T) {
			file := "testdata/client/" + name + ".json"
			r, apiErr := DecodeRequest(goldentest.Read(t, file))
			if apiErr != nil {
				t.Fatal(apiErr)
			}
			names := r.Names
			r.Names = nil
			var out strings.Builder
			out.WriteString("decoded: " + goldentest.Lean(r))
			r.Names = names
			body, lost, apiErr := EncodeRequest(r, chat.Options{Model: "gpt-5.1", Stream: r.Stream})
			if apiErr != nil {
				t.Fatal(apiErr)
			}
			for _, l := range lost {
				fmt.Fprintf(&out, "lost: %s: %s\n", l.Field, l.Why)
			}
			out.WriteString("encoded: " + goldentest.Indented(t, body))
			goldentest.Same(t, file+".golden", out.String())
		})
	}
}

// TestAnswers decodes what providers answer, and writes it again for a client.
func TestAnswers(t *testing.T) {
	for _, name := range scenarios(t, "testdata/provider/*.json") {
		t.Run(name, func(t *testing.T) {
			file := "testdata/provider/" + name + ".json"
			a, err := DecodeAnswer(goldentest.Read(t, file))
			if err != nil {
				goldentest.Same(t, file+".golden", "error: "+err.Error()+"\n")
				return
			}
			steady(&a.ID, &a.Created)
			client := request(t, name)
			got := "decoded: " + goldentest.Lean(a) + "encoded: " + goldentest.Indented(t, EncodeAnswer(a, client))
			goldentest.Same(t, file+".golden", got)
		})
	}
}

// steady gives answers that have none an id and a time that do not change.
func steady(id *string, created *int64) {
	if *id == "" {
		*id = "resp_none"
	}
	if *created == 0 {
		*created = 1764180467
	}
}

// request returns the client's request of a scenario, or of text.
func request(t *testing.T, name string) *chat.Request {
	t.Helper()
	file := "testdata/client/" + name + ".json"
	if _, err := os.Stat(file); err != nil {
		file = "testdata/client/text.json"
	}
	r, err := DecodeRequest(goldentest.Read(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// decode gives a stream's events to a decoder.
func decode(t testing.TB, list []framed, f func(d *chat.Delta)) {
	t.Helper()
	dec := Codec().Chat.NewDecoder()
	each := func(deltas []chat.Delta) {
		for i := range deltas {
			f(&deltas[i])
		}
	}
	for _, e := range list {
		data := bytes.Clone(e.data)
		deltas, err := dec.Decode(e.name, data)
		clear(data) // the decoder must not keep the data
		if err != nil {
			t.Errorf("%s: %v", e.data, err)
		}
		each(deltas)
	}
	each(dec.Close())
}

// TestStreams decodes the streams of providers, and writes them again for a client.
func TestStreams(t *testing.T) {
	for _, name := range scenarios(t, "testdata/provider/*.sse") {
		t.Run(name, func(t *testing.T) {
			file := "testdata/provider/" + name + ".sse"
			var deltas, stream []byte
			enc := Codec().Chat.NewEncoder(request(t, name))
			failed := false
			decode(t, events(t, goldentest.Read(t, file)), func(d *chat.Delta) {
				if d.Kind == chat.DeltaStart {
					steady(&d.ID, &d.Created)
				}
				deltas = append(deltas, goldentest.Line(d)+"\n"...)
				failed = failed || d.Kind == chat.DeltaError
				stream = enc.Append(stream, d)
			})
			stream = enc.AppendEnd(stream)
			goldentest.Same(t, file+".golden", string(deltas)+"\n"+string(stream))
			if again := enc.AppendEnd(nil); len(again) > 0 {
				t.Errorf("a second end: %s", again)
			}
			sequence(t, events(t, stream))
			if failed {
				return
			}
			a, err := DecodeAnswer(goldentest.Read(t, "testdata/provider/"+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			steady(&a.ID, &a.Created)
			want := EncodeAnswer(a, request(t, name))
			if d := cmp.Diff(comparable(t, want), comparable(t, track(events(t, stream), true).Joined)); d != "" {
				t.Errorf("the stream's answer, -without stream +streamed:\n%s", d)
			}
		})
	}
}

var tokenBytes = regexp.MustCompile(`"bytes":\[[0-9,]*\],`)

// comparable returns an answer without the bytes of tokens, which streams do not have.
func comparable(t *testing.T, answer []byte) string {
	t.Helper()
	return tokenBytes.ReplaceAllString(compact(t, answer), "")
}

// sequence checks what holds of all streams of this API.
func sequence(t *testing.T, list []framed) {
	t.Helper()
	added, done := 0, 0
	for i, e := range list {
		var ev struct {
			Type     string
			Sequence int  `json:"sequence_number"`
			Output   *int `json:"output_index"`
			Item     json.RawMessage
		}
		if err := json.Unmarshal(e.data, &ev); err != nil {
			t.Fatalf("%v in %s", err, e.data)
		}
		if ev.Type != string(e.name) || ev.Sequence != i {
			t.Errorf("event %d is %s, type %s, number %d", i, e.name, ev.Type, ev.Sequence)
		}
		switch ev.Type {
		case "response.output_item.added":
			if *ev.Output != added {
				t.Errorf("item %d is added at %d", added, *ev.Output)
			}
			added++
		case "response.output_item.done":
			done++
		}
	}
	if added != done {
		t.Errorf("%d items are added, %d done", added, done)
	}
}
