package gateway

import "testing"

// TestNobodyFollowing: without a Tracer, showing it what a provider answers costs nothing.
func TestNobodyFollowing(t *testing.T) {
	w, data := newWork(&Gateway{}, nil), make([]byte, 1000)
	if n := testing.AllocsPerRun(100, func() { w.saw(data) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
