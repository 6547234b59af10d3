package gateway_test

import (
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
)

// TestNeverRetriedAfterTheFirstByte cuts the stream of each provider's format at many places, for
// the clients of each format. Either the client has seen nothing, and gets a second attempt's answer
// and not a byte of the first's; or it has, and nobody is asked again.
func TestNeverRetriedAfterTheFirstByte(t *testing.T) {
	for _, p := range providers() {
		stream := string(streamOf(t, p.Format, "text"))
		for _, c := range clients() {
			request := string(fixture(t, c.Format, "client/text.json"))
			set := func(l *lab, e *endpoint.Endpoint) {
				retries()(l, e)
				speaks(p.Format)(l, e)
			}
			// run returns what the client got, how it ended, and how often the provider was asked.
			run := func(t *testing.T, first ...any) (body, summary string, asked int) {
				steps := []step{{media: mediaOf(p.Format), pieces: first}, {media: mediaOf(p.Format), pieces: []any{stream}}}
				scripted(t, map[string][]step{"a": steps}, set, func(_ *testing.T, l *lab, up *playbook) {
					got := l.do(request, surfaceOf(c.Format, func(call *gateway.Call) { call.Endpoint, call.Stream = "chat", true }))
					r := l.recorder.One()
					body, asked = strings.ReplaceAll(got.body, r.ID.String(), "ID"), len(up.asked)
					summary = string(r.Outcome)
				})
				return body, summary, asked
			}
			clean, outcome, _ := run(t, stream)
			if outcome != "ok" {
				t.Fatalf("%s to %s: %s %s", p.Format, c.Format, outcome, clean)
			}
			shown, retried := 0, 0
			for cut := 1; cut < len(stream); cut += 23 {
				body, outcome, asked := run(t, stream[:cut], errReset)
				switch asked {
				case 1:
					if shown++; !strings.HasPrefix(body, clean[:20]) {
						t.Errorf("%s to %s, cut at %d: %s, the client got %q", p.Format, c.Format, cut, outcome, body)
					}
				case 2:
					if retried++; body != clean || outcome != "ok" {
						t.Errorf("%s to %s, cut at %d: %s, asked again, but the client got\n%q\nwant\n%q", p.Format, c.Format, cut, outcome, body, clean)
					}
					if shown > 0 {
						t.Errorf("%s to %s, cut at %d: asked again, but not when it was cut before", p.Format, c.Format, cut)
					}
				default:
					t.Errorf("%s to %s, cut at %d: asked %d times", p.Format, c.Format, cut, asked)
				}
			}
			if shown == 0 || retried == 0 {
				t.Errorf("%s to %s: %d cuts were tried again, %d not", p.Format, c.Format, retried, shown)
			}
		}
	}
}
