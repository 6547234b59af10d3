package endpoint

import "slices"

// StrategyKind says how one of several entities is chosen for a call.
type StrategyKind string

// The strategies.
const (
	Weighted      StrategyKind = "weighted"       // drawn by the percentages
	LeastBusy     StrategyKind = "least_busy"     // the one with the fewest calls in flight
	LowestLatency StrategyKind = "lowest_latency" // the one that begins to answer soonest
	LowestCost    StrategyKind = "lowest_cost"    // the one that this call costs least at
)

// Strategies returns all of them.
func Strategies() []StrategyKind {
	return []StrategyKind{Weighted, LeastBusy, LowestLatency, LowestCost}
}

// Strategy says which entity is tried first. Of a call that meets a rule it chooses among the rule's.
type Strategy struct {
	By StrategyKind
	// Among are the places in Entities that it chooses from, and that calls fall back to; nil: all
	// that have traffic are chosen from, and all are fallen back to.
	Among []int
	// Explore is the share of the calls that are drawn by the percentages all the same, 0 to 1.
	Explore float64
}

// Allows reports whether the i-th entity may get calls that no rule sends there.
func (s *Strategy) Allows(i int) bool {
	return s == nil || s.Among == nil || slices.Contains(s.Among, i)
}

// Choice returns how the entity of a call is chosen.
func (e *Endpoint) Choice() StrategyKind {
	if e.Strategy == nil {
		return Weighted
	}
	return e.Strategy.By
}
