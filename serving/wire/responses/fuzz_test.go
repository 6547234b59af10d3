package responses

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/lakegate/lakegate/serving/sse"
)

func broken(t testing.TB) (all [][]byte) {
	t.Helper()
	files, err := filepath.Glob("testdata/broken/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no broken answers: %v", err)
	}
	for _, f := range files {
		all = append(all, read(t, f))
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
		f.Add(read(f, file))
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
