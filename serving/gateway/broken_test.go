package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
)

// broken is what an upstream that speaks a format may answer instead of what it should: whole is
// its answer in one piece and stream its streamed one.
func broken(t *testing.T, c *wire.Codec, whole, stream string) map[string]http.Handler {
	t.Helper()
	const js = "application/json"
	events := mediaOf(c.Format)
	other := map[string]string{"text/event-stream": "application/vnd.amazon.eventstream", "application/vnd.amazon.eventstream": "text/event-stream"}[events]
	list := map[string]http.Handler{
		"nothing":                    sends(200, js, ""),
		"no content":                 sends(204, "", ""),
		"half an answer":             sends(200, js, whole[:len(whole)/2]),
		"cut off":                    cut(whole[:len(whole)/2]),
		"HTML":                       sends(200, "text/html", "<html><body>502 Bad Gateway</body></html>"),
		"HTML called JSON":           sends(200, js, "<html>"),
		"null":                       sends(200, js, "null"),
		"a list":                     sends(200, js, "[1,2]"),
		"a text":                     sends(200, js, `"sorry"`),
		"an empty object":            sends(200, js, "{}"),
		"another shape":              sends(200, js, `{"predictions":[1,2,3]}`),
		"members of wrong kinds":     sends(200, js, `{"choices":7,"content":{"a":1},"candidates":"x","output":[[]],"message":[1],"usage":"many","usageMetadata":[],"id":5,"model":{}}`),
		"deep":                       sends(200, js, `{"choices":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}`),
		"not UTF-8":                  sends(200, js, "{\"a\":\"\xff\xfe\"}"),
		"zero bytes":                 sends(200, js, strings.Repeat("\x00", 100)),
		"an error with status 200":   sends(200, js, `{"error":{"message":"quota exhausted","code":"quota"}}`),
		"too large":                  sends(200, js, `{"x":"`+strings.Repeat("x", 1<<20)+`"}`),
		"too large, streamed":        streamsAs(events, strings.Repeat(": "+strings.Repeat("x", 1000)+"\n\n", 2000)),
		"one event too large":        streamsAs(events, "data: "+strings.Repeat("x", 1<<20)+"\n\n"),
		"gzip":                       with("Content-Encoding", "gzip", sends(200, js, zipped(whole))),
		"gzip not said":              sends(200, js, zipped(whole)),
		"a redirect":                 with("Location", "/elsewhere", sends(302, "text/html", "")),
		"an error without text":      sends(500, "", ""),
		"an error in HTML":           sends(503, "text/html", "<html>"),
		"an error of another shape":  sends(400, js, `{"oops":{"reason":7}}`),
		"an error that is a list":    sends(400, js, `[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]`),
		"a strange status":           sends(299, js, whole),
		"streams nothing":            streamsAs(events),
		"streams white space":        streamsAs(events, "\n\n\r\n\r\n\n"),
		"streams comments only":      streamsAs(events, ": hi\n\n: hi\n\n"),
		"streams garbage":            streamsAs(events, "what is this\nno event at all\n\n\x00\x01\x02\n\n"),
		"streams half JSON":          streamsAs(events, "data: {\"a\":\n\ndata: [}\n\ndata: [DONE]\n\n"),
		"streams the end alone":      streamsAs(events, "data: [DONE]\n\n"),
		"streams an answer":          streamsAs(events, whole),
		"streams HTML":               streamsAs(events, "<html>\n\n<body>\n\n"),
		"streams and stops":          streamsAs(events, stream[:len(stream)/2]),
		"streams and breaks off":     streamsAs(events, stream[:len(stream)/2], "!"),
		"streams, and then an error": streamsAs(events, stream[:len(stream)/2], "\n\ndata: {\"error\":{\"message\":\"overloaded\"}}\n\n"),
		"streams all twice":          streamsAs(events, stream, stream),
		"streams in another framing": streamsAs(other, stream),
		"streams as plain text":      streamsAs("text/plain", stream),
	}
	for _, scenario := range []string{"error"} {
		list["streams "+scenario] = streamsAs(events, string(streamOf(t, c.Format, scenario)))
	}
	return list
}

// streamsAs is streams with another content type.
func streamsAs(media string, pieces ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		streams(pieces...)(typed{w, media}, r)
	})
}

type typed struct {
	http.ResponseWriter
	media string
}

func (t typed) WriteHeader(status int) {
	t.Header().Set("Content-Type", t.media)
	t.ResponseWriter.WriteHeader(status)
}

func (t typed) Write(b []byte) (int, error) {
	t.Header().Set("Content-Type", t.media)
	return t.ResponseWriter.Write(b)
}

func (t typed) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// TestBrokenUpstreams: whatever a provider answers, each client gets an answer it can read or an
// error in its own dialect, and the call is one row.
func TestBrokenUpstreams(t *testing.T) {
	for _, to := range providers() {
		whole := string(fixture(t, to.Format, "provider/text.json"))
		for name, up := range broken(t, to, whole, string(streamOf(t, to.Format, "text"))) {
			l := newLab(t, []http.Handler{up}, speaks(to.Format), func(l *lab, _ *endpoint.Endpoint) {
				l.config.MaxAnswer, l.config.MaxEvent = 256<<10, 64<<10
			})
			calls := 0
			for _, from := range clients() {
				for _, stream := range []bool{false, true} {
					calls++
					c := l.do(requestOf(t, from, "text", stream), asked(from, stream))
					if fault := unfit(t, from, to, c); fault != "" {
						t.Errorf("%s, %s to %s, streamed %v: %s\nclient %d %.300q\nrow %s", name, from.Format, to.Format, stream, fault, c.head.Status, c.body, summary(l.recorder.Records()[calls-1]))
					}
				}
			}
			if n := len(l.recorder.Records()); n != calls {
				t.Errorf("%s: %d rows of %d calls", name, n, calls)
			}
		}
	}
}

// unfit says what is wrong with what a client got, "" for nothing.
func unfit(t *testing.T, from, to *wire.Codec, c *client) string {
	passed := from.Format == to.Format
	switch {
	case c.head.Status >= 400:
		told, ok := wire.ParseError([]byte(c.body))
		if !ok || told.Message == "" || from.Dialect != apierr.Databricks && !told.In(from.Dialect) {
			return "an error of another dialect"
		}
	case c.stream && !passed:
		failed := endsInError(t, from, c.body)
		tracker := from.NewTracker(false)
		for _, ev := range eventsOf(t, c.body) {
			if !json.Valid(ev.Data) && string(ev.Data) != "[DONE]" {
				return "an event that is no JSON"
			}
			tracker.Add(ev.Name, ev.Data)
		}
		if !failed && !tracker.Result().Complete {
			return "neither the end nor an error"
		}
	case !c.stream && !passed:
		if _, err := from.Chat.DecodeAnswer([]byte(c.body)); err != nil {
			return "an answer it can't read: " + err.Error()
		}
	case !c.stream && !json.Valid([]byte(c.body)):
		return "no JSON"
	}
	return ""
}
