package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// TestEndsAreHeldBack: whatever the formats, what tells a client that its stream is whole goes out
// after the record.
func TestEndsAreHeldBack(t *testing.T) {
	for _, to := range providers() {
		stream := string(streamOf(t, to.Format, "text"))
		for _, from := range clients() {
			if from.Format == wire.GeminiGenerate {
				continue // its streams have no last event: the end of the body, which comes after all, is it
			}
			l := newLab(t, []http.Handler{sends(200, mediaOf(to.Format), stream)}, speaks(to.Format), func(_ *lab, e *endpoint.Endpoint) { e.Strict = true })
			c := &client{}
			c.onSend = func(string) error {
				tracker := from.NewTracker(false)
				for _, ev := range eventsOf(t, c.body) {
					if end := tracker.Add(ev.Name, ev.Data).End; end && len(l.recorder.Records()) == 0 {
						t.Errorf("%s to %s: the end was sent before the record: %s", from.Format, to.Format, ev.Raw)
					}
				}
				return nil
			}
			l.doAs(context.Background(), c, requestOf(t, from, "text", true), asked(from, true))
			if r := l.recorder.One(); r.Outcome != "ok" || !l.recorder.Strict()[0] {
				t.Errorf("%s to %s: row %s", from.Format, to.Format, summary(r))
			}
		}
	}
}

// TestNothingIsSentUnrecorded: a call that can't be admitted goes nowhere, and a strict endpoint's
// answer that can't be recorded is withheld, both in the client's dialect.
func TestNothingIsSentUnrecorded(t *testing.T) {
	for _, from := range clients() {
		for _, stream := range []bool{false, true} {
			l := newLab(t, []http.Handler{untouched(t)}, speaks(wire.OpenAIChat))
			l.recorder.AdmitErr = errors.New("the log is full")
			c := l.do(requestOf(t, from, "text", stream), asked(from, stream))
			told, ok := wire.ParseError([]byte(c.body))
			if c.head.Status != 503 || !ok || !told.In(from.Dialect) || c.head.RetryAfter == "" {
				t.Errorf("%s: %d %s", from.Format, c.head.Status, c.body)
			}

			up := sends(200, "application/json", string(fixture(t, wire.OpenAIChat, "provider/text.json")))
			if stream {
				up = sends(200, "text/event-stream", string(streamOf(t, wire.OpenAIChat, "text")))
			}
			l = newLab(t, []http.Handler{up}, speaks(wire.OpenAIChat), func(_ *lab, e *endpoint.Endpoint) { e.Strict = true })
			l.recorder.FinishErr = errors.New("the disk is gone")
			c = l.do(requestOf(t, from, "text", stream), asked(from, stream))
			if !strings.Contains(c.body, "could not be recorded") {
				t.Errorf("%s, streamed %v: %s", from.Format, stream, c.body)
			}
			if stream && !endsInError(t, from, c.body) || !stream && (c.head.Status != 503 || strings.Contains(c.body, "Paris")) {
				t.Errorf("%s, streamed %v: %d %s", from.Format, stream, c.head.Status, c.body)
			}
		}
	}
}

// TestPanicInATranslator is a row and an error in the client's format.
func TestPanicInATranslator(t *testing.T) {
	from := formats.Table[wire.AnthropicMessages]
	broken := *formats.Table[wire.OpenAIChat]
	codec := *broken.Chat
	codec.DecodeAnswer = func([]byte) (*chat.Answer, error) { panic("secret detail") }
	codec.NewDecoder = func() chat.Decoder { return &panics{codec: formats.Table[wire.OpenAIChat].Chat.NewDecoder()} }
	broken.Chat = &codec
	for _, stream := range []bool{false, true} {
		up := sends(200, "application/json", answer)
		if stream {
			up = streams(hel, lo, stop, usage, doneEvent)
		}
		l := newLab(t, []http.Handler{up}, speaks(wire.OpenAIChat), func(l *lab, _ *endpoint.Endpoint) {
			l.parts.Codecs = maps.Clone(formats.Table)
			l.parts.Codecs[wire.OpenAIChat] = &broken
		})
		c := l.do(requestOf(t, from, "text", stream), asked(from, stream))
		r := l.recorder.One()
		if r.Outcome != "internal_failure" || !strings.Contains(c.body, r.ID.String()) || strings.Contains(c.body, "secret") {
			t.Errorf("row %s, client %s", summary(r), c.body)
		}
		if told, ok := wire.ParseError([]byte(c.body)); !c.stream && (!ok || !told.In(from.Dialect)) || c.stream && !endsInError(t, from, c.body) {
			t.Errorf("client %s", c.body)
		}
	}
}

// panics is a decoder that panics at the second event.
type panics struct {
	codec chat.Decoder
	n     int
}

func (p *panics) Decode(name, data []byte) ([]chat.Delta, error) {
	if p.n++; p.n > 1 {
		panic("secret detail")
	}
	return p.codec.Decode(name, data)
}

func (p *panics) Close() []chat.Delta { return p.codec.Close() }

// TestMetadata is a source of tags in OpenAI's formats; others call other things so.
func TestMetadata(t *testing.T) {
	for f, want := range map[wire.Format]string{wire.OpenAIChat: "map[user_id:u1]", wire.AnthropicMessages: "map[]"} {
		from := formats.Table[f]
		l := newLab(t, []http.Handler{sends(200, "application/json", string(fixture(t, f, "provider/text.json")))}, speaks(f))
		l.do(`{"model":"chat","max_tokens":5,"messages":[],"metadata":{"user_id":"u1"}}`, asked(from, false))
		if got := fmt.Sprint(l.recorder.One().UsageContext); got != want {
			t.Errorf("%s: tags %s, want %s", f, got, want)
		}
	}
}

// TestOpaqueStreams are asked for as the client asks for them, without options of OpenAI's.
func TestOpaqueStreams(t *testing.T) {
	up := keeper(streams(event(`{"x":1}`)))
	l := newLab(t, []http.Handler{up}, func(_ *lab, e *endpoint.Endpoint) { e.Entities[0].Provider, e.Task = "custom", "" })
	const body = `{"inputs":[1],"stream":true}`
	c := l.do(body, atPath("chat"))
	if len(up.bodies) != 1 || up.bodies[0] != body || c.body != event(`{"x":1}`) {
		t.Errorf("asked %v, client %s", up.bodies, c.body)
	}
	l.recorder.One()
}

var _ gateway.Responder = (*client)(nil)
