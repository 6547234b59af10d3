package gateway_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
)

// framesOf returns a format's streamed answer frame by frame.
func framesOf(t *testing.T, f wire.Format) (frames []string) {
	t.Helper()
	all := streamOf(t, f, "text")
	if f != wire.BedrockConverse {
		for _, ev := range eventsOf(t, string(all)) {
			frames = append(frames, string(ev.Raw))
		}
		return frames
	}
	for len(all) > 0 {
		n := binary.BigEndian.Uint32(all)
		frames, all = append(frames, string(all[:n])), all[n:]
	}
	return frames
}

// TestClientsThatLeave: whatever the client's and the provider's format, a client that leaves
// before the first byte, in the middle or when it has all but the end is a row with the full usage
// that says so; and an upstream that does not end is let go within the bound.
func TestClientsThatLeave(t *testing.T) {
	const sec = time.Second
	for _, to := range providers() {
		whole, err := to.ParseAnswer(fixture(t, to.Format, "provider/text.json"))
		if err != nil {
			t.Fatal(err)
		}
		frames := framesOf(t, to.Format)
		// The header comes after two seconds, each frame a second after what was before it, and
		// where only that tells that the answer is whole the end a second after the last.
		steps := []any{}
		for _, f := range frames {
			steps = append(steps, sec, f)
		}
		took := 2*sec + time.Duration(len(frames))*sec
		fine := script{header: 2 * sec, kind: mediaOf(to.Format), steps: steps}
		if to.Format == wire.GeminiGenerate {
			fine.steps, took = append(steps[:len(steps):len(steps)], sec), took+sec
		}
		hangs := script{header: 2 * sec, kind: mediaOf(to.Format), steps: append(append([]any{}, steps[:4]...), time.Hour)}
		for _, from := range clients() {
			for _, tt := range []struct {
				name    string
				leaves  time.Duration
				script  script
				status  int
				took    time.Duration
				partial bool
			}{
				{"before the first byte", sec, fine, 0, took, false},
				{"in the middle", 4*sec + sec/2, fine, 200, took, false},
				{"right before the end", took - sec/2, fine, 200, took, false},
				{"in the middle of a stream that hangs", 4*sec + sec/2, hangs, 200, 9*sec + sec/2, true},
			} {
				t.Run(string(from.Format)+" to "+string(to.Format)+", "+tt.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						call := func(_ *lab, e *endpoint.Endpoint) { e.Entities[0].Provider = "speaker of " + string(to.Format) }
						bound := func(l *lab, _ *endpoint.Endpoint) { l.config.DrainTimeout = 5 * sec }
						if !tt.partial {
							bound = func(*lab, *endpoint.Endpoint) {}
						}
						l, c, took := over(t, tt.leaves, requestOf(t, from, "text", true), []setup{speaks(to.Format), call, bound}, []func(*gateway.Call){asked(from, true)}, tt.script)
						r := l.recorder.One()
						if r.Outcome != "client_gone" || r.Status != tt.status || took != tt.took {
							t.Errorf("after %v: %s, want client_gone %d after %v\nclient %s", took, summary(r), tt.status, tt.took, c.body)
						}
						if !tt.partial && (r.Usage.Source != "provider" || *r.Usage.Input != *whole.Usage.Input || *r.Usage.Output == 0) {
							t.Errorf("usage %+v", r.Usage)
						}
						if tt.partial && r.Usage.Source == "provider" {
							t.Errorf("half an answer has a full usage: %s", summary(r))
						}
					})
				})
			}
		}
	}
}
