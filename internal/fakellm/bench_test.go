package fakellm_test

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/fakellm"
)

// The provider must stay far cheaper than what is measured in front of it.
func BenchmarkChat(b *testing.B) {
	p, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(chat(strings.Repeat("some words to fill the prompt with. ", 25) + "x-fake: tokens=180"))
	w := httptest.NewRecorder()
	in := bytes.NewReader(nil)
	r := httptest.NewRequest("POST", chatPath, in)
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(body)
		w.Body.Reset()
		p.ServeHTTP(w, r)
	}
}
