package gateway_test

import (
	"fmt"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// TestSticky: calls with the same key go to the same entity, those without one by chance.
func TestSticky(t *testing.T) {
	for _, by := range []string{endpoint.StickyRequester, endpoint.StickyTag + "session"} {
		n := uint32(0)
		set := func(l *lab, e *endpoint.Endpoint) {
			e.Weights, e.StickyBy = []int{50, 50}, by
			l.parts.Draw = func() uint32 { n += 50; return n }
		}
		steps := map[string][]step{"a": {says(answer)}, "b": {says(answer)}}
		scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
			where := map[string]map[string]bool{}
			for i := range 60 {
				key := fmt.Sprint(i % 6)
				l.do(`{"model":"chat","messages":[],"usage_context":{"session":"` + key + `"}}`)
				if by == endpoint.StickyRequester {
					key = "ann"
				}
				if where[key] == nil {
					where[key] = map[string]bool{}
				}
				where[key][l.last()] = true
			}
			all := map[string]bool{}
			for key, at := range where {
				for a := range at {
					all[a] = true
				}
				if len(at) != 1 {
					t.Errorf("by %s: %s went to %v", by, key, at)
				}
			}
			if want := min(2, len(where)); len(all) != want || n != 0 {
				t.Errorf("by %s: went to %v", by, all)
			}
			for a := range all {
				if a != "a 200 <- sticky by "+by && a != "b 200 <- sticky by "+by {
					t.Errorf("attempts: %s", a)
				}
			}
			if by != endpoint.StickyRequester {
				if l.do(ask); n != 50 || l.last() != "b 200" {
					t.Errorf("without a key: %d, %s", n, l.last())
				}
			}
		})
	}
}
