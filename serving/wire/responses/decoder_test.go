package responses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// gist is what an answer says, in one text: streams cut it into other pieces.
func gist(parts []chat.Part, stop chat.Stop) string {
	var s strings.Builder
	last := chat.PartKind("")
	for i := range parts {
		p := &parts[i]
		if p.Kind != last || p.Kind == chat.Call {
			fmt.Fprintf(&s, "\n%s: ", p.Kind)
		}
		last = p.Kind
		s.WriteString(p.Text)
		if p.Call != nil {
			s.WriteString(p.Call.ID + " " + p.Call.Name + " " + p.Call.Arguments)
		}
		if p.Signature != "" {
			fmt.Fprintf(&s, " (signed by %s: %s)", p.SignedBy, p.Signature)
		}
	}
	return s.String() + "\nstop: " + string(stop)
}

// streamed collects what the deltas of a stream say.
func streamed(t *testing.T, list []framed) string {
	t.Helper()
	var parts []chat.Part
	stop := chat.Stop("")
	decode(t, list, func(d *chat.Delta) {
		switch d.Kind {
		case chat.DeltaText, chat.DeltaRefusal, chat.DeltaThinking:
			parts = append(parts, chat.Part{Kind: chat.PartKind(d.Kind), Text: d.Text})
		case chat.DeltaSignature:
			parts = append(parts, chat.Part{Kind: chat.Thinking, Signature: d.Signature, SignedBy: d.SignedBy})
		case chat.DeltaCall:
			parts = append(parts, chat.Part{Kind: chat.Call, Call: &chat.ToolCall{ID: d.CallID, Name: d.Name}})
		case chat.DeltaArguments:
			for i := range parts {
				if parts[i].Kind == chat.Call {
					if d.Tool--; d.Tool < 0 {
						parts[i].Call.Arguments += d.Text
						break
					}
				}
			}
		case chat.DeltaFinish:
			stop = d.Stop
		}
	})
	return gist(parts, stop)
}

// without leaves out the events of some kinds.
func without(list []framed, kinds ...string) (left []framed) {
	for _, e := range list {
		keep := true
		for _, k := range kinds {
			keep = keep && !strings.HasSuffix(member(e.data, "type"), k)
		}
		if keep {
			left = append(left, e)
		}
	}
	return left
}

// TestSparseStreams: servers differ in what they send of a stream; the answer is the same.
func TestSparseStreams(t *testing.T) {
	for _, name := range scenarios(t, "testdata/provider/*.sse") {
		a, err := DecodeAnswer(goldentest.Read(t, "testdata/provider/"+name+".json"))
		if err != nil {
			continue // it is one that fails
		}
		want := gist(a.Choices[0].Parts, a.Choices[0].Stop)
		list := events(t, goldentest.Read(t, "testdata/provider/"+name+".sse"))
		for how, list := range map[string][]framed{
			"whole":          list,
			"without deltas": without(list, ".delta"),
			"only done":      without(list, ".delta", ".added"),
		} {
			if d := cmp.Diff(want, streamed(t, list)); d != "" {
				t.Errorf("%s %s: -want +got:\n%s", name, how, d)
			}
		}
		if name == "agent" {
			continue // it has no final event
		}
		if d := cmp.Diff(want, streamed(t, []framed{list[0], list[len(list)-1]})); d != "" {
			t.Errorf("%s, first and last event alone: -want +got:\n%s", name, d)
		}
	}
}

// TestAgentsCalls: calls that an agent has made are its own business, others are the client's.
func TestAgentsCalls(t *testing.T) {
	call := func(id string) string {
		return `{"type":"function_call","id":"fc_` + id + `","call_id":"` + id + `","name":"f","arguments":"{}"}`
	}
	items := []string{call("a"), call("b"), `{"type":"function_call_output","call_id":"a","output":"x"}`, `{"type":"message","id":"m","role":"assistant","content":"hm"}`}
	var list []framed
	for _, it := range items {
		list = append(list, framed{nil, []byte(`{"type":"response.output_item.done","item":` + it + `}`)})
	}
	list = append(list, framed{nil, []byte("[DONE]")})
	if got, want := streamed(t, list), "\ntext: hm\ncall: b f {}\nstop: tool"; got != want {
		t.Errorf("streamed: got %q, want %q", got, want)
	}
	a, err := DecodeAnswer([]byte(`{"output":[` + strings.Join(items, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := gist(a.Choices[0].Parts, a.Choices[0].Stop), "\ncall: b f {}\ntext: hm\nstop: tool"; got != want {
		t.Errorf("whole: got %q, want %q", got, want)
	}
}

func TestProvidersErrors(t *testing.T) {
	for data, want := range map[string]string{
		`{"type":"error","code":"ERR","message":"no","param":null}`:                                     "ERR no",
		`{"type":"error","error":{"code":"insufficient_quota","message":"no"}}`:                         "insufficient_quota no",
		`{"error":{"message":"no"}}`:                                                                    " no",
		`{"type":"response.failed","response":{"status":"failed","error":{"code":"a","message":"no"}}}`: "a no",
		`{"type":"response.failed","response":{"status":"failed","error":null}}`:                        " the provider says that it failed, and not why",
		`{"type":"response.failed"}`:                                                                    " the provider says that it failed, and not why",
	} {
		var got []string
		decode(t, []framed{{nil, []byte(data)}, {nil, []byte(data)}}, func(d *chat.Delta) {
			if d.Kind == chat.DeltaError {
				got = append(got, d.Code+" "+d.Text)
			}
		})
		if d := cmp.Diff([]string{want}, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", data, d)
		}
	}
	for body, want := range map[string]string{
		`{"status":"failed"}`: "the provider says that it failed, and not why",
		`{"error":{"code":"rate_limit_exceeded","message":"slow down"}}`: "the provider says that it failed: rate_limit_exceeded: slow down",
		`{"output":[7]}`: "read output[0]: json: cannot unmarshal number into Go value of type responses.answerItem",
	} {
		if _, err := DecodeAnswer([]byte(body)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// TestRecordedTranslated writes each recorded answer for a client, streamed and whole.
func TestRecordedTranslated(t *testing.T) {
	for name, list := range recordings(t) {
		if n := bytes.Count(bytes.Join(datas(list), nil), []byte(`"type":"response.completed"`)); n != 1 {
			continue // several answers, one after another
		}
		enc := newEncoder(&chat.Request{})
		var stream []byte
		decode(t, list, func(d *chat.Delta) { stream = enc.Append(stream, d) })
		out := events(t, enc.AppendEnd(stream))
		sequence(t, out)
		var last struct{ Response json.RawMessage }
		if err := json.Unmarshal(list[len(list)-1].data, &last); err != nil {
			t.Fatal(err)
		}
		want, got := readResponse(last.Response), track(out, true)
		if value(want.OutputChars) != value(got.OutputChars) {
			t.Errorf("%s: %d characters became %d", name, value(want.OutputChars), value(got.OutputChars))
		}
		u, v := want.Usage, got.Usage
		if *u.Input != *v.Input || *u.Output != *v.Output || *u.CachedInput != *v.CachedInput || *u.Reasoning != *v.Reasoning {
			t.Errorf("%s: %s became %s", name, numbers(want), numbers(got.Answer))
		}
	}
}

func datas(list []framed) (all [][]byte) {
	for _, e := range list {
		all = append(all, e.data)
	}
	return all
}
