package rollout

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// several returns n calls like c.
func several(n int, c Call) []Call {
	all := make([]Call, n)
	for i := range all {
		all[i] = c
	}
	return all
}

func well(d time.Duration) Call { return Call{Result: Answered, Latency: d} }

var (
	failed  = Call{Result: Failed, Latency: time.Second}
	refused = Call{Result: Refused, Latency: time.Second}
)

func stream(first, whole time.Duration) Call {
	return Call{Result: Answered, Latency: whole, FirstToken: first, Streamed: true}
}

func sum(b *endpoint.RolloutBounds, groups ...[]Call) Measure {
	var m Measure
	for _, g := range groups {
		for _, c := range g {
			m.add(c, b)
		}
	}
	return m
}

func TestBad(t *testing.T) {
	b := endpoint.RolloutBounds{ErrorShare: 0.05, Latency: 8 * time.Second, FirstToken: 2 * time.Second, WorseThan: 1.5, MinCalls: 40}
	gone := func(d time.Duration) Call { return Call{Latency: d, Streamed: true} }
	good := several(200, well(time.Second))
	tests := []struct {
		name           string
		target, others []Call
		want           string // "" for no reason
	}{
		{"nothing", nil, nil, ""},
		{"two failures of the first two", several(2, failed), good, ""},
		{"three can't be less than 5% of 40 any more", several(3, failed), good, "3 of 3 calls failed: more than 5% of 40"},
		{"exactly the share", append(several(95, well(time.Second)), several(5, failed)...), nil, ""},
		{"more than the share", append(several(94, well(time.Second)), several(6, failed)...), nil, "6 of 100 calls failed: more than 5% of 100"},
		{"two slow ones", several(2, well(9*time.Second)), nil, ""},
		{"three slow ones", several(3, well(9*time.Second)), nil, "3 of 3 answers took more than 8s: more than 5% of 40"},
		{"at the bound is not over it", several(50, well(8*time.Second)), nil, ""},
		{"late first tokens", several(3, stream(3*time.Second, 4*time.Second)), nil, "3 of 3 streams had their first token after more than 2s: more than 5% of 40"},
		{"clients that left early say nothing", several(50, gone(time.Second)), nil, ""},
		{"clients that left because they waited", several(3, gone(3*time.Second)), nil, "3 of 3 streams had their first token after more than 2s: more than 5% of 40"},
		{"refusals alone may be the callers'", several(40, refused), nil, ""},
		{"refusals that the others have too", several(40, refused), append(several(160, refused), several(40, well(time.Second))...), ""},
		{"most are refused everywhere", several(40, refused), several(200, refused), ""},
		{"what the others take is refused", several(3, refused), good, "3 of 3 calls were refused as wrong (4xx), at the other entities 0 of 200"},
		{"some refusals by chance", append(several(3, refused), several(40, well(time.Second))...), append(several(12, refused), good...), ""},
		{"somewhat slower", several(60, well(1400*time.Millisecond)), good, ""},
		{"twice as slow", several(60, well(2*time.Second)), good, "an answer typically takes 2s, from the other entities 1s: more than 1.5 times that"},
		{"twice as slow, but too few to say", several(39, well(2*time.Second)), good, ""},
		{"slower first tokens", several(60, stream(time.Second, 3*time.Second)), several(60, stream(500*time.Millisecond, 3*time.Second)), "a first token typically takes 1s, from the other entities 500ms: more than 1.5 times that"},
		{"fails more than the others", append(several(3000, well(time.Second)), several(60, failed)...), append(several(3000, well(time.Second)), several(6, failed)...), "60 of 3060 calls failed, at the other entities 6 of 3006: more than 1.5 times that"},
		{"fails like the others", append(several(3000, well(time.Second)), several(30, failed)...), append(several(3000, well(time.Second)), several(28, failed)...), ""},
	}
	for _, tt := range tests {
		target, others := sum(&b, tt.target), sum(&b, tt.others)
		if got := Bad(&b, &target, &others); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestGoodTargetsAreLeftAlone: of rollouts to targets that are like the others, looked at with each
// call, hardly any is stopped.
func TestGoodTargetsAreLeftAlone(t *testing.T) {
	b := endpoint.RolloutBounds{ErrorShare: 0.1, Latency: 20 * time.Second, WorseThan: 1.5, MinCalls: 100}
	random := rand.New(rand.NewPCG(7, 8))
	one := func() Call {
		if random.Float64() < 0.02 {
			return failed
		}
		return well(time.Duration(float64(2*time.Second) * (0.5 + random.ExpFloat64())))
	}
	stopped := 0
	const rollouts = 300
	for range rollouts {
		var target, others Measure
		var late burst
		for range 1000 {
			c := one()
			target.add(c, &b)
			for range 3 {
				others.add(one(), &b)
			}
			if Bad(&b, &target, &others) != "" || late.add(c, &b) != "" {
				stopped++
				break
			}
		}
	}
	if stopped > 3 {
		t.Errorf("%d of %d rollouts to good targets were stopped", stopped, rollouts)
	}
}

// TestBurst: a target that was well for long and fails then is not saved by its past.
func TestBurst(t *testing.T) {
	b := endpoint.RolloutBounds{ErrorShare: 0.05, Latency: 8 * time.Second, FirstToken: time.Second, MinCalls: 50}
	for name, tt := range map[string]struct {
		bad  Call
		most int // calls until it is noticed
		want string
	}{
		"failures":     {failed, 9, "far more than 5% failed"},
		"slow answers": {well(9 * time.Second), 9, "far more than 5% took more than 8s"},
		"late streams": {stream(2*time.Second, 3*time.Second), 9, "first token after more than 1s"},
	} {
		var s burst
		for range 10_000 {
			if why := s.add(stream(100*time.Millisecond, time.Second), &b); why != "" {
				t.Fatal(why)
			}
		}
		n, why := 0, ""
		for ; why == ""; n++ {
			why = s.add(tt.bad, &b)
		}
		if n != tt.most || !strings.Contains(why, tt.want) {
			t.Errorf("%s: after %d: %q", name, n, why)
		}
	}
}

func TestSumsAddUp(t *testing.T) {
	b := endpoint.RolloutBounds{ErrorShare: 0.05, Latency: time.Second, MinCalls: 1}
	x, y := several(3, well(2*time.Second)), append(several(2, failed), stream(time.Millisecond, time.Second), refused)
	if got, want := sum(&b, x).plus(sum(&b, y)), sum(&b, x, y); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := sum(&b, several(2, well(time.Second)), several(2, well(4*time.Second))).Latency.Typical(); round(got) != 2*time.Second {
		t.Errorf("typically %s", got)
	}
}
