package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// checkRequest: a request is refused, or read and written as JSON whose names and places are told.
func checkRequest(t *testing.T, in []byte) {
	t.Helper()
	r, err := decodeRequest(in)
	if err != nil {
		if err.Message == "" || err.Status != 400 {
			t.Fatalf("refused with %+v", err)
		}
		return
	}
	for _, model := range []string{"claude-opus-4-8", "claude-3-5-haiku"} {
		body, lost, err := encodeRequest(r, chat.Options{Model: model, MaxTokens: 100})
		if err == nil && !json.Valid(body) {
			t.Fatalf("written as %s", body)
		}
		for _, l := range append(lost, r.Rest...) {
			if l.Field == "" || l.Why == "" {
				t.Fatalf("a loss without name or reason: %+v", l)
			}
		}
	}
}

// checkAnswer: an answer is refused, or read and written as JSON.
func checkAnswer(t *testing.T, in []byte) {
	t.Helper()
	if a, err := parseAnswer(in); err == nil && a.HasUsage && a.Usage.Raw == nil {
		t.Fatal("usage without its JSON")
	}
	inputChars(in)
	if a, err := decodeAnswer(in); err == nil && !json.Valid(encodeAnswer(a, nil)) {
		t.Fatalf("written as %s", encodeAnswer(a, nil))
	}
}

// checkStream: whatever comes, the client's stream is one that can be joined, and ends.
func checkStream(t *testing.T, in []byte) {
	t.Helper()
	d, e := Codec().Chat.NewDecoder(), Codec().Chat.NewEncoder(nil)
	var out []byte
	take := func(ds []chat.Delta) {
		for i := range ds {
			out = e.Append(out, &ds[i])
		}
	}
	r := sse.NewReader(bytes.NewReader(in), 1<<20, nil)
	for {
		ev, err := r.Next()
		if err != nil {
			break
		}
		if ds, err := d.Decode(ev.Name, ev.Data); err == nil {
			take(ds)
		}
	}
	take(d.Close())
	out = e.AppendEnd(out)
	result := track(readEvents(t, out), true)
	if !json.Valid(result.Joined) || bytes.Contains(result.Joined, []byte(`"unjoined_events"`)) && !bytes.Contains(in, []byte("unjoined_events")) {
		t.Fatalf("joined to %s\nof\n%s", result.Joined, out)
	}
	if n := bytes.Count(out, []byte("event: message_stop\n")) + bytes.Count(out, []byte("event: error\n")); n != 1 {
		t.Fatalf("%d ends of\n%s", n, out)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, in := range scenarios(f, "client/*.json") {
		f.Add(in)
	}
	f.Fuzz(checkRequest)
}

func FuzzAnswer(f *testing.F) {
	for _, in := range scenarios(f, "provider/*.json") {
		f.Add(in)
	}
	f.Fuzz(checkAnswer)
}

func FuzzStream(f *testing.F) {
	for _, in := range scenarios(f, "provider/*.sse") {
		f.Add(in)
	}
	f.Fuzz(checkStream)
}

// TestBroken gives every reader what is broken in one place: cut off anywhere, and with each value
// of another kind than it should be.
func TestBroken(t *testing.T) {
	for _, c := range []struct {
		pattern string
		check   func(*testing.T, []byte)
	}{{"client/*.json", checkRequest}, {"provider/*.json", checkAnswer}, {"provider/*.sse", checkStream}} {
		for _, in := range scenarios(t, c.pattern) {
			for n := 0; n < len(in); n += 7 {
				c.check(t, in[:n])
			}
			for _, other := range []string{"null", "7", "true", `"x"`, "[]", "[[1]]", `{"a":1}`} {
				for _, broken := range replaceValues(string(in), other) {
					c.check(t, []byte(broken))
				}
			}
		}
	}
}

// replaceValues returns a text once for each value of JSON after a colon, with another in its place.
func replaceValues(in, other string) (all []string) {
	for i := 0; i < len(in); i++ {
		if in[i] != ':' || i+1 == len(in) {
			continue
		}
		rest := strings.TrimLeft(in[i+1:], " ")
		d := json.NewDecoder(strings.NewReader(rest))
		var v json.RawMessage
		if d.Decode(&v) == nil {
			all = append(all, in[:i+1]+other+rest[d.InputOffset():])
		}
	}
	return all
}
