package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
)

const wantsUsage = `{"model":"chat","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}`

// bytewise sends a text in writes of n bytes.
func bytewise(n int, text string) http.HandlerFunc {
	var pieces []string
	for len(text) > 0 {
		k := min(n, len(text))
		pieces, text = append(pieces, text[:k]), text[k:]
	}
	return streams(pieces...)
}

// TestStreams: what providers stream, what the client gets, and the row it makes.
func TestStreams(t *testing.T) {
	all := hel + lo + stop + usage + doneEvent
	shown := hel + lo + stop + doneEvent
	ok := "ok 200 usage=provider:5+7=12 cost=12 a:200"
	bigText := strings.Repeat("x", 1<<20)
	big := event(`{"choices":[{"index":0,"delta":{"content":"` + bigText + `"},"finish_reason":"stop"}]}`)
	crlf := strings.ReplaceAll(all, "\n", "\r\n")
	errorEvent := event(`{"error":{"message":"overloaded","code":"busy"}}`)
	tests := []struct {
		name     string
		body     string // default askStream
		path     bool   // the call is of invocations
		upstream http.Handler
		row      string
		client   string // "..." at the end: more follows, which must be an error event
		stored   string // part of the payload's response
	}{
		{name: "event by event", upstream: streams(hel, lo, stop, usage, doneEvent), row: ok, client: shown, stored: `"content":"hello"`},
		{name: "all at once", upstream: streams(all), row: ok, client: shown},
		{name: "byte by byte", upstream: bytewise(1, all), row: ok, client: shown},
		{name: "in sevens", upstream: bytewise(7, all), row: ok, client: shown},
		{name: "CRLF", upstream: bytewise(50, crlf), row: ok, client: strings.ReplaceAll(shown, "\n", "\r\n")},
		{name: "CRLF, byte by byte", upstream: bytewise(1, crlf), row: ok, client: strings.ReplaceAll(shown, "\n", "\r\n")},
		{name: "comments, names, ids and a byte order mark", upstream: streams("\ufeff: hi\n\nevent: x\nid: 1\n"+hel, ": ping\n\n", lo+stop+usage, "retry: 1\n\n"+doneEvent), row: ok, client: "\ufeff: hi\n\nevent: x\nid: 1\n" + hel + ": ping\n\n" + lo + stop + "retry: 1\n\n" + doneEvent},
		{name: "the same where only data may be", path: true, upstream: streams("\ufeff: hi\n\nevent: x\nid: 1\n"+hel, ": ping\n\n", lo+stop+usage, "retry: 1\n\n"+doneEvent), row: ok, client: shown},
		{name: "data on many lines", upstream: streams("data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n" + doneEvent), row: "ok 200 usage=none a:200", client: "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n" + doneEvent},
		{name: "a big event", upstream: bytewise(100<<10, big+doneEvent), row: "ok 200 usage=none a:200", client: big + doneEvent, stored: bigText},
		{name: "usage asked for", body: wantsUsage, upstream: streams(all), row: ok, client: all},
		{name: "usage on the last chunk", upstream: streams(hel, event(`{"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`), doneEvent), row: "ok 200 usage=provider:1+2=3 cost=3 a:200", client: hel + event(`{"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`) + doneEvent},
		{name: "no usage", upstream: streams(hel, lo, stop, doneEvent), row: "ok 200 usage=none a:200", client: shown},
		{name: "no blank line after the end", upstream: streams(hel + lo + stop + usage + "data: [DONE]"), row: ok, client: strings.TrimSpace(shown)},
		{name: "no end marker", upstream: streams(hel, lo, stop, usage), row: ok, client: hel + lo + stop},
		{name: "no end marker where clients want one", path: true, upstream: streams(hel, lo, stop, usage), row: ok, client: shown},
		{name: "dropped after all was said", upstream: streams(hel, lo, stop, usage, "!"), row: ok, client: shown},
		{name: "dropped before usage", upstream: streams(hel, lo, stop, "!"), row: "ok 200 usage=none a:200", client: shown},
		{name: "dropped", upstream: streams(hel, lo, "!"), row: "upstream_broken 200 BAD_GATEWAY usage=none a:200", client: hel + lo + "...", stored: `"content":"hello"`},
		{name: "dropped with usage so far", upstream: streams(event(`{"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"h"}}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}`), "!"), row: "upstream_broken 200 BAD_GATEWAY usage=partial:5+1=6 cost=6 a:200", client: event(`{"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"h"}}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}`) + "..."},
		{name: "ended early", upstream: streams(hel), row: "upstream_broken 200 BAD_GATEWAY usage=none a:200", client: hel + "..."},
		{name: "half an event", upstream: streams(hel, lo[:40]), row: "upstream_broken 200 BAD_GATEWAY usage=none a:200", client: hel + "...", stored: "unjoined_events"},
		{name: "error inside", upstream: streams(hel, errorEvent, doneEvent), row: "upstream_broken 200 BAD_GATEWAY usage=none a:200", client: hel + errorEvent + doneEvent, stored: "overloaded"},
		{name: "error at the start", upstream: streams(errorEvent), row: "upstream_error 502 busy usage=none a:200", client: `{"error":{"message":"overloaded","code":"busy"}}`},
		{name: "nothing at all", upstream: streams(), row: "upstream_broken 502 BAD_GATEWAY usage=none a:200", client: `{"error":{"code":"BAD_GATEWAY","message":"the provider's stream ended before it began","param":null,"type":"server_error"}}`},
		{name: "an answer in one piece", upstream: sends(200, "application/json", answer), row: ok, client: answer},
		{name: "nothing but the end", upstream: streams(doneEvent), row: "ok 200 usage=none a:200", client: doneEvent},
		{name: "another shape", upstream: streams(event(`{"token":"a"}`), event(`{"token":"b"}`)), row: "ok 200 usage=none a:200", client: event(`{"token":"a"}`) + event(`{"token":"b"}`), stored: `[{"token":"a"},{"token":"b"}]`},
		{name: "not JSON", upstream: streams(event(`hello`), hel, stop, doneEvent), row: "ok 200 usage=none a:200", client: event("hello") + hel + stop + doneEvent, stored: "hello"},
		{name: "more after the end", upstream: streams(hel, stop, doneEvent, lo), row: "ok 200 usage=none a:200", client: hel + stop + doneEvent},
		{name: "a busy provider", upstream: sends(429, "application/json", `{"error":{"message":"slow"}}`), row: "upstream_error 429 EXTERNAL_MODEL_ERROR usage=none a:429", client: `{"error":{"message":"slow"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, []http.Handler{tt.upstream})
			body := tt.body
			if body == "" {
				body = askStream
			}
			var change []func(*gateway.Call)
			if tt.path {
				change = append(change, atPath("chat"))
			}
			c := l.do(body, change...)
			r := l.recorder.One()
			if got := summary(r); got != tt.row {
				t.Errorf("row  %s\nwant %s", got, tt.row)
			}
			want, open := strings.CutSuffix(tt.client, "...")
			rest, begins := strings.CutPrefix(c.body, want)
			switch {
			case !begins || !open && rest != "":
				t.Errorf("client got  %.500s\nwant %.500s", c.body, tt.client)
			case open && !strings.HasPrefix(rest, `data: {"error":{"code":"BAD_GATEWAY","message":"the provider`):
				t.Errorf("the client's last event is %q", rest)
			}
			if !strings.Contains(string(r.Payload.Response), tt.stored) {
				t.Errorf("stored %.300s\nwant ...%.300s", r.Payload.Response, tt.stored)
			}
			if incomplete := strings.Contains(fmt.Sprint(r.Payload.ErrorCodes), "RESPONSE_INCOMPLETE"); incomplete != (tt.row[:8] == "upstream" && c.stream) {
				t.Errorf("error codes %v", r.Payload.ErrorCodes)
			}
			if !r.Streaming {
				t.Error("the row does not say it was streamed")
			}
		})
	}
}

// TestEndIsHeldBack: events leave as they come, but the last one waits for the record.
func TestEndIsHeldBack(t *testing.T) {
	one := func(s string) string { return strings.TrimSuffix(s, "\n\n") }
	for _, strict := range []bool{false, true} {
		// The provider goes on only when the client has what came before.
		seen := make(chan bool)
		up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "text/event-stream")
			for _, p := range []string{hel, lo} {
				_, _ = io.WriteString(w, p)
				_ = http.NewResponseController(w).Flush()
				<-seen
			}
			_, _ = io.WriteString(w, stop+usage+doneEvent)
		})
		l := newLab(t, []http.Handler{up}, func(_ *lab, e *endpoint.Endpoint) { e.Strict = strict })
		c := &client{onSend: func(piece string) error {
			if piece == hel || piece == lo {
				seen <- true
			}
			return nil
		}}
		l.doAs(context.Background(), c, askStream)
		want := []string{"admit", "start 200", "send " + one(hel), "send " + one(lo)}
		if strict {
			want = append(want, "send "+one(stop), "finish ok", "send "+one(doneEvent))
		} else {
			want = append(want, "finish ok", "send "+one(stop)+" | "+one(doneEvent))
		}
		if got := l.journal.String(); got != strings.Join(want, "\n") {
			t.Errorf("strict %v: in order:\n%s\nwant\n%s", strict, got, strings.Join(want, "\n"))
		}
		if r := l.recorder.One(); r.TimeToFirstToken == nil || *r.TimeToFirstToken > r.Latency || *r.Usage.OutputChars != 5 {
			t.Errorf("first token %v of %v, %d characters", r.TimeToFirstToken, r.Latency, *r.Usage.OutputChars)
		}
	}
}

// TestConnectionsAreUsedAgain: a stream that was read to its end leaves its connection for the next.
func TestConnectionsAreUsedAgain(t *testing.T) {
	peers := map[string]bool{}
	up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peers[r.RemoteAddr] = true
		streams(hel, stop, doneEvent)(w, r)
	})
	l := newLab(t, []http.Handler{up})
	for range 5 {
		l.do(askStream)
	}
	if len(peers) != 1 {
		t.Errorf("%d connections for 5 streams, want 1", len(peers))
	}
}

// TestCommentsWithoutEnd: a stream of nothing but comments is not collected for ever.
func TestCommentsWithoutEnd(t *testing.T) {
	l := newLab(t, []http.Handler{streams(strings.Repeat(": still thinking\n\n", 1000), hel)}, func(l *lab, _ *endpoint.Endpoint) { l.config.MaxAnswer = 4 << 10 })
	c := l.do(askStream)
	if got := summary(l.recorder.One()); got != "upstream_broken 502 BAD_GATEWAY usage=none a:200" || !strings.Contains(c.body, "larger than this gateway allows") {
		t.Errorf("row %s, client %s", got, c.body)
	}
}

func TestStreamLargerThanAllowed(t *testing.T) {
	for name, shrink := range map[string]func(*gateway.Config){
		"answer": func(c *gateway.Config) { c.MaxAnswer = 400 },
		"event":  func(c *gateway.Config) { c.MaxEvent = 200 },
	} {
		l := newLab(t, []http.Handler{streams(hel, event(`{"choices":[{"index":0,"delta":{"content":"`+strings.Repeat("x", 500)+`"}}]}`), doneEvent)},
			func(l *lab, _ *endpoint.Endpoint) { shrink(&l.config) })
		c := l.do(askStream)
		if got := summary(l.recorder.One()); got != "upstream_broken 200 BAD_GATEWAY usage=none a:200" || !strings.Contains(c.body, "larger than this gateway allows") {
			t.Errorf("%s: row %s, client %s", name, got, c.body)
		}
	}
}
