package responses

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

func broken(t testing.TB) (all [][]byte) {
	t.Helper()
	files, err := filepath.Glob("testdata/broken/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no broken answers: %v", err)
	}
	for _, f := range files {
		all = append(all, goldentest.Read(t, f))
	}
	return all
}

// seeds gives a fuzz target the broken corpus and the files that match.
func seeds(f *testing.F, pattern string) {
	f.Helper()
	for _, b := range broken(f) {
		f.Add(b)
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(goldentest.Read(f, file))
	}
}

func trackBroken(t testing.TB, stream []byte) {
	t.Helper()
	for _, keep := range []bool{true, false} {
		tr := Codec().NewTracker(keep)
		r := sse.NewReader(bytes.NewReader(stream), 1<<16, nil)
		for e, err := r.Next(); err == nil; e, err = r.Next() {
			tr.Add(e.Name, e.Data)
			tr.Add(nil, e.Data)
		}
		res := tr.Result()
		if res.Joined != nil && !json.Valid(res.Joined) {
			t.Errorf("joined is no JSON: %s", res.Joined)
		}
	}
}

// TestBroken: what is not the format's gives errors or empty answers, never a panic.
func TestBroken(t *testing.T) {
	for _, b := range broken(t) {
		InputChars(b)
		if a, err := ParseAnswer(b); err != nil && (a.HasUsage || a.Model != "") {
			t.Errorf("%s: an answer with an error", b)
		}
		trackBroken(t, b)
		translateBroken(t, b)
		if _, err := DecodeAnswer(b); err == nil && !json.Valid(b) {
			t.Errorf("took %q for an answer", b)
		}
		if _, err := DecodeRequest(b); err == nil {
			t.Errorf("took %q for a request", b)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	seeds(f, "testdata/provider/*.json")
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnswer(b)
		if err == nil && !json.Valid(b) {
			t.Errorf("took %q", b)
		}
		if a.HasUsage != hasUsage(&a.Usage) {
			t.Errorf("%q: usage %v, %+v", b, a.HasUsage, a.Usage)
		}
		InputChars(b)
	})
}

func FuzzTracker(f *testing.F) {
	seeds(f, "testdata/provider/*.sse")
	f.Fuzz(func(t *testing.T, b []byte) { trackBroken(t, b) })
}

func FuzzDecodeRequest(f *testing.F) {
	seeds(f, "testdata/client/*.json")
	f.Fuzz(func(t *testing.T, b []byte) {
		r, apiErr := DecodeRequest(b)
		if apiErr != nil {
			if apiErr.Message == "" {
				t.Errorf("%q is refused without a reason", b)
			}
			return
		}
		body, _, apiErr := EncodeRequest(r, chat.Options{Model: "m"})
		if apiErr != nil || !json.Valid(body) {
			t.Errorf("%q becomes %s, %v", b, body, apiErr)
		}
		if a := EncodeAnswer(&chat.Answer{}, r); !json.Valid(a) {
			t.Errorf("%q is answered %s", b, a)
		}
	})
}

func FuzzDecodeAnswer(f *testing.F) {
	seeds(f, "testdata/provider/*.json")
	client := &chat.Request{}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAnswer(b)
		if err != nil {
			return
		}
		if out := EncodeAnswer(a, client); !json.Valid(out) {
			t.Errorf("%q becomes %s", b, out)
		}
	})
}

// translateBroken decodes whatever it is, and checks what is written for a client.
func translateBroken(t *testing.T, stream []byte) {
	t.Helper()
	c := Codec().Chat
	dec, enc := c.NewDecoder(), c.NewEncoder(&chat.Request{})
	var out []byte
	each := func(deltas []chat.Delta) {
		for i := range deltas {
			out = enc.Append(out, &deltas[i])
		}
	}
	r := sse.NewReader(bytes.NewReader(stream), 1<<16, nil)
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		deltas, _ := dec.Decode(e.Name, e.Data)
		each(deltas)
	}
	each(dec.Close())
	if more := dec.Close(); len(more) > 0 {
		t.Errorf("closed twice: %v", more)
	}
	sequence(t, events(t, enc.AppendEnd(out)))
}

func FuzzDecoder(f *testing.F) {
	seeds(f, "testdata/provider/*.sse")
	f.Fuzz(func(t *testing.T, b []byte) { translateBroken(t, b) })
}
