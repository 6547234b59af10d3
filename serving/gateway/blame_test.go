package gateway_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
)

// TestWhoIsToBlame: what an entity could not be told hides no failure of one that was asked.
func TestWhoIsToBlame(t *testing.T) {
	falls := func(_ *lab, e *endpoint.Endpoint) { e.Fallback = true }
	again := func(_ *lab, e *endpoint.Endpoint) {
		e.Retries = endpoint.Retries{Attempts: 2, Backoff: time.Second, MaxBackoff: time.Second}
	}
	const a503 = "upstream_error 503 EXTERNAL_MODEL_ERROR usage=none a:503"
	chat, google := wire.OpenAIChat, wire.GeminiGenerate
	for _, tt := range []struct {
		name      string
		set       setup
		formats   []wire.Format
		row, from string
	}{
		{name: "then the last can't be told", formats: []wire.Format{chat, google}, row: a503 + " b:0", from: "a"},
		{name: "then two can't be told", formats: []wire.Format{chat, google, google}, row: a503 + " b:0 c:0", from: "a"},
		{name: "the first can't be told", formats: []wire.Format{google, chat}, row: "upstream_error 503 EXTERNAL_MODEL_ERROR usage=none a:0 b:503", from: "b"},
		{name: "none can be told", formats: []wire.Format{google, google}, row: "refused 400 INVALID_PARAMETER_VALUE usage=none a:0 b:0", from: "b"},
		{name: "in a race", set: racing(0), formats: []wire.Format{chat, google}, row: a503 + " b:0", from: "a"},
		{name: "a race goes on all the same", set: bothOf(racing(0), again), formats: []wire.Format{chat, google}, row: a503 + " b:0 a:503 b:0", from: "a"},
		{name: "after a race", set: racing(0), formats: []wire.Format{chat, chat, google}, row: a503 + " b:503 c:0", from: "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			steps := map[string][]step{}
			for i := range tt.formats {
				steps[string(rune('a'+i))] = []step{status(503)}
			}
			set := bothOf(falls, speaks(tt.formats...))
			if tt.set != nil {
				set = bothOf(set, tt.set)
			}
			scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
				c := l.do(lossy)
				r := l.recorder.One()
				if got := summary(r); got != tt.row || r.Target.ServedEntity != tt.from && tt.set == nil {
					t.Errorf("row %s from %s", got, r.Target.ServedEntity)
				}
				if c.head.Status != r.Status {
					t.Errorf("the client got %d, the row says %d", c.head.Status, r.Status)
				}
			})
		})
	}
}

// TestNobodyIsAskedForAClientThatLeft: the next of a hedged race, above all.
func TestNobodyIsAskedForAClientThatLeft(t *testing.T) {
	const s = time.Second
	steps := map[string][]step{"a": {says(answer).in(5 * s)}, "b": {says(answer)}}
	scripted(t, steps, racing(2*s), func(t *testing.T, l *lab, p *playbook) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		time.AfterFunc(s, cancel)
		l.doAs(ctx, &client{}, ask)
		synctest.Wait()
		if got := strings.Join(p.inOrder(), " "); got != "a@0s" {
			t.Errorf("asked %s", got)
		}
		if r := l.recorder.One(); r.Outcome != inference.ClientGone || r.Usage.Source != inference.UsageProvider {
			t.Errorf("row %s", summary(r))
		}
	})
}
