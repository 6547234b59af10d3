package route

import (
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
)

func TestPlan(t *testing.T) {
	tests := []struct {
		name     string
		weights  []int
		fallback bool
		want     map[uint32]string // draw: plan
	}{
		{"one", []int{100}, false, map[uint32]string{0: "a", 99: "a", 100: "a"}},
		{"split", []int{70, 30}, false, map[uint32]string{0: "a", 69: "a", 70: "b", 99: "b", 169: "a", 170: "b"}},
		{"split with fallback", []int{50, 20, 30}, true, map[uint32]string{0: "abc", 50: "bac", 69: "bac", 70: "cab"}},
		{"fallback only", []int{0, 100, 0}, true, map[uint32]string{0: "bac", 99: "bac"}},
		{"no traffic, no fallback", []int{0, 100}, false, map[uint32]string{0: "b"}},
	}
	for _, tt := range tests {
		e := &endpoint.Endpoint{Weights: tt.weights, Fallback: tt.fallback}
		for i := range tt.weights {
			e.Entities = append(e.Entities, &endpoint.Entity{Name: string(rune('a' + i))})
		}
		for draw, want := range tt.want {
			var got strings.Builder
			for _, x := range Plan(nil, e, e.Weights, draw) {
				got.WriteString(x.Name)
			}
			if got.String() != want {
				t.Errorf("%s: Plan(%d) = %s, want %s", tt.name, draw, got.String(), want)
			}
		}
	}
}

func TestShares(t *testing.T) {
	weights := []int{1, 0, 64, 35}
	got := make([]int, len(weights))
	for draw := range 100 {
		got[pick(weights, draw)]++
	}
	for i, w := range weights {
		if got[i] != w {
			t.Errorf("entity %d gets %d of 100, want %d", i, got[i], w)
		}
	}
}

func TestWorthAnother(t *testing.T) {
	for status, want := range map[int]bool{200: false, 400: false, 401: false, 404: false, 408: true, 422: false, 429: true, 500: true, 503: true, 529: true} {
		if WorthAnother(status) != want {
			t.Errorf("WorthAnother(%d) = %v", status, !want)
		}
	}
}
