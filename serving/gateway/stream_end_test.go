package gateway_test

import (
	"net/http"
	"testing"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// TestWhatComesAfterTheEnd: bytes after a stream's last event reach a client of the same format, and
// nobody else.
func TestWhatComesAfterTheEnd(t *testing.T) {
	for _, f := range []wire.Format{wire.OpenAIResponses, wire.AnthropicMessages} {
		body := string(streamOf(t, f, "text")) + "data: [DONE]\n\n: bye\n\n"
		l := newLab(t, []http.Handler{sends(200, "text/event-stream", body)}, speaks(f))
		from := formats.Table[f]
		if c := l.do(requestOf(t, from, "text", true), asked(from, true)); c.body != body {
			t.Errorf("%s: %s", f, firstDifference(c.body, body))
		}
		if r := l.recorder.One(); r.Outcome != "ok" || r.Usage.Source != "provider" {
			t.Errorf("%s: row %s", f, summary(r))
		}
		l = newLab(t, []http.Handler{sends(200, "text/event-stream", body)}, speaks(f))
		to := formats.Table[wire.GeminiGenerate]
		c := l.do(requestOf(t, to, "text", true), asked(to, true))
		if textOf(t, to, c.body, true) == "" {
			t.Errorf("%s to Gemini: %s", f, c.body)
		}
	}
}
