package wire

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"
)

func aForm(t *testing.T, fields ...string) ([]byte, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, err := w.CreateFormFile("file", `a "sound".mp3`)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write([]byte("\x00\xff\r\n--not the boundary\r\n\r\n"))
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.Boundary()
}

// TestForm: the model is read and replaced, and all else stays byte for byte.
func TestForm(t *testing.T) {
	body, boundary := aForm(t, "model", "ears", "stream", "true", "prompt", "model")
	for _, in := range [][]byte{body, append([]byte("preamble\r\n"), body...)} {
		var r Request
		if err := r.ParseForm(in, boundary); err != nil {
			t.Fatal(err)
		}
		if r.Model != "ears" || !r.Stream || !r.IsForm() {
			t.Errorf("%+v", r)
		}
		want := strings.Replace(string(in), "\r\n\r\nears\r\n", "\r\n\r\nwhisper-1\r\n", 1)
		if got := string(r.Upstream(Change{Model: "whisper-1"})); got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
		if got := string(r.Upstream(Change{})); got != string(in) {
			t.Errorf("got %q\nwant %q", got, in)
		}
	}
	m := multipart.NewReader(bytes.NewReader(body), boundary)
	if p, err := m.NextPart(); err != nil || p.FormName() != "file" {
		t.Error("the test's form is no form")
	}
}

func TestBrokenForms(t *testing.T) {
	body, boundary := aForm(t, "model", "ears")
	twice, again := aForm(t, "model", "a", "model", "b")
	for _, tt := range []struct{ name, body, boundary string }{
		{"no boundary", string(body), ""},
		{"another boundary", string(body), "x"},
		{"cut off", string(body[:len(body)-30]), boundary},
		{"nothing", "", boundary},
		{"model twice", string(twice), again},
		{"no header", "--b\r\nx\r\n--b--", "b"},
	} {
		var r Request
		if err := r.ParseForm([]byte(tt.body), tt.boundary); err == nil || err.Status != 400 {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// FuzzForm: no panic, no loop, and what can be read by the standard library has the model asked for.
func FuzzForm(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add([]byte("--b--"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Request
		if r.ParseForm(in, "b") != nil || r.form.model == 0 {
			return
		}
		out := r.Upstream(Change{Model: "other"})
		var again Request
		if err := again.ParseForm(out, "b"); err != nil || again.Model != "other" {
			t.Fatalf("%q became %q: %q, %v", in, out, again.Model, err)
		}
		m := multipart.NewReader(bytes.NewReader(out), "b")
		for {
			p, err := m.NextPart()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, p)
		}
	})
}
