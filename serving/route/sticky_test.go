package route

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// TestSplitIsFair tests the split against the percentages, by chi-square: of random draws, and of
// keys that differ in little.
func TestSplitIsFair(t *testing.T) {
	e := &endpoint.Endpoint{Weights: []int{50, 30, 15, 5}}
	index := map[*endpoint.Entity]int{}
	for i := range e.Weights {
		x := &endpoint.Entity{}
		e.Entities, index[x] = append(e.Entities, x), i
	}
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func(i int) uint32{
		"random":        func(int) uint32 { return random.Uint32() },
		"numbered keys": func(i int) uint32 { return Sticky("e", fmt.Sprint(i)) },
		"mail keys":     func(i int) uint32 { return Sticky("e", fmt.Sprintf("user%06d@example.com", i)) },
		"endpoints":     func(i int) uint32 { return Sticky(fmt.Sprint(i), "ann@example.com") },
	} {
		const n = 100_000
		got := make([]int, len(e.Weights))
		for i := range n {
			got[index[Plan(nil, e, e.Weights, draw(i))[0]]]++
		}
		chi := 0.0
		for i, w := range e.Weights {
			want := float64(w) * n / 100
			chi += (float64(got[i]) - want) * (float64(got[i]) - want) / want
		}
		if chi > 16.27 { // 3 degrees of freedom, p = 0.001
			t.Errorf("%s: %v of %v, chi-square %.1f", name, got, e.Weights, chi)
		}
	}
}

// TestStickyStays: values that are out there must never change, and little moves with the weights.
func TestStickyStays(t *testing.T) {
	if got := fmt.Sprint(Sticky("e", "ann"), Sticky("e", "bob"), Sticky("f", "ann"), Sticky("e", "")); got != stickyOut {
		t.Errorf("Sticky gives %s, gave %s", got, stickyOut)
	}
	moved := 0
	for i := range 10_000 {
		d := Sticky("e", fmt.Sprint(i))
		if pick([]int{90, 10}, int(d%100)) != pick([]int{80, 20}, int(d%100)) {
			moved++
		}
	}
	if moved < 850 || moved > 1150 {
		t.Errorf("%d of 10000 keys moved with 10 percent of the traffic", moved)
	}
}

func TestStickyAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { sink = Sticky("endpoint", "ann@example.com") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSticky(b *testing.B) {
	for b.Loop() {
		sink = Sticky("6f1d3a520c1b5d0e9a7e1a6b9c0f42d7", "ann@example.com")
	}
}

const stickyOut = "2648087418 3077920539 1761008904 3126308525"

var sink uint32
