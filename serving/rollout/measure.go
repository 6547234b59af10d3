package rollout

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Result is what became of a call at an entity.
type Result int

// The results.
const (
	Nothing  Result = iota // nothing is to be said of the entity: the client left, the gateway stops
	Answered               // well
	Refused                // as wrong, by the entity or because it can't be told: other entities might have taken it
	Failed                 // it was busy, broken, too slow, or did not take the gateway's key
)

// Call is one call, as far as it says something of an entity.
type Call struct {
	Target     bool // it went to the entity that is rolled out, not to one of the others
	Result     Result
	Latency    time.Duration // until the end of the answer, or until the client left
	FirstToken time.Duration // of a stream; 0 for none
	Streamed   bool
}

// Measure sums up calls. The zero Measure has none.
type Measure struct {
	Calls      int64 `json:"calls"`
	Failed     int64 `json:"failed"`
	Refused    int64 `json:"refused"`
	Latency    Times `json:"latency"`     // of answers
	FirstToken Times `json:"first_token"` // of streams
}

// Times sums up durations, so that sums can be added up.
type Times struct {
	N      int64   `json:"n"`
	Over   int64   `json:"over"`   // longer than the rollout's bound
	Log    float64 `json:"log"`    // sum of the logarithms of the seconds
	Square float64 `json:"square"` // sum of their squares
}

// add counts a call.
func (m *Measure) add(c Call, b *endpoint.RolloutBounds) {
	switch c.Result {
	case Nothing: // but for clients that were kept waiting for longer than the bound
		m.Latency.late(c.Latency, b.Latency)
		if c.Streamed && c.FirstToken == 0 {
			m.FirstToken.late(c.Latency, b.FirstToken)
		}
		return
	case Answered:
		m.Latency.add(c.Latency, b.Latency)
		if c.FirstToken > 0 {
			m.FirstToken.add(c.FirstToken, b.FirstToken)
		}
	case Refused:
		m.Refused++
	case Failed:
		m.Failed++
	}
	m.Calls++
}

func (t *Times) add(d, bound time.Duration) {
	x := math.Log(max(d, time.Microsecond).Seconds())
	t.N, t.Log, t.Square = t.N+1, t.Log+x, t.Square+x*x
	if bound > 0 && d > bound {
		t.Over++
	}
}

// late counts somebody who did not wait for the end, if that was past the bound.
func (t *Times) late(d, bound time.Duration) {
	if bound > 0 && d > bound {
		t.add(d, bound)
	}
}

// plus returns the sum of both.
func (m Measure) plus(o Measure) Measure {
	return Measure{
		Calls: m.Calls + o.Calls, Failed: m.Failed + o.Failed, Refused: m.Refused + o.Refused,
		Latency: m.Latency.plus(o.Latency), FirstToken: m.FirstToken.plus(o.FirstToken),
	}
}

func (t Times) plus(o Times) Times {
	return Times{t.N + o.N, t.Over + o.Over, t.Log + o.Log, t.Square + o.Square}
}

// Typical returns the geometric mean, which a few very long ones hardly move. 0 for none.
func (t Times) Typical() time.Duration {
	if t.N == 0 {
		return 0
	}
	return time.Duration(math.Exp(t.Log/float64(t.N)) * float64(time.Second))
}

// Bad returns why a target that did as is said of it, beside the others, must be stopped; "" for no
// reason. A share is one of at least MinCalls calls: what would be too much then is at once.
func Bad(b *endpoint.RolloutBounds, target, others *Measure) string {
	if float64(target.Failed) > b.ErrorShare*float64(max(target.Calls, b.MinCalls)) {
		return fmt.Sprintf("%d of %s failed: more than %s of %d", target.Failed, calls(target.Calls), percent(b.ErrorShare), max(target.Calls, b.MinCalls))
	}
	for _, x := range [...]struct {
		what, done string
		Times
		bound time.Duration
	}{{"answers", "took", target.Latency, b.Latency}, {"streams", "had their first token after", target.FirstToken, b.FirstToken}} {
		if n := max(x.N, b.MinCalls); x.bound > 0 && float64(x.Over) > endpoint.SlowShare*float64(n) {
			return fmt.Sprintf("%d of %d %s %s more than %s: more than %s of %d", x.Over, x.N, x.what, x.done, x.bound, percent(endpoint.SlowShare), n)
		}
	}
	if others.Calls < b.MinCalls {
		return ""
	}
	if p := share(others.Refused, others.Calls) + b.ErrorShare; surely(target.Refused, target.Calls, p) {
		return fmt.Sprintf("%d of %s were refused as wrong (4xx), at the other entities %d of %d", target.Refused, calls(target.Calls), others.Refused, others.Calls)
	}
	if b.WorseThan == 0 || target.Calls < b.MinCalls {
		return ""
	}
	return worse(b, target, others)
}

// worse compares the target with the others of the same time.
func worse(b *endpoint.RolloutBounds, target, others *Measure) string {
	if p := b.WorseThan * share(others.Failed+1, others.Calls+1); surely(target.Failed, target.Calls, p) {
		return fmt.Sprintf("%d of %s failed, at the other entities %d of %d: more than %s times that", target.Failed, calls(target.Calls), others.Failed, others.Calls, number(b.WorseThan))
	}
	if target.Latency.surelyAbove(others.Latency, b.WorseThan) {
		return slower(b, "an answer", target.Latency, others.Latency)
	}
	if target.FirstToken.surelyAbove(others.FirstToken, b.WorseThan) {
		return slower(b, "a first token", target.FirstToken, others.FirstToken)
	}
	return ""
}

func slower(b *endpoint.RolloutBounds, what string, target, others Times) string {
	return fmt.Sprintf("%s typically takes %s, from the other entities %s: more than %s times that", what, round(target.Typical()), round(others.Typical()), number(b.WorseThan))
}

func share(k, n int64) float64 { return float64(k) / float64(n) }

// surely reports whether k of n calls is more than chance makes of a share of p: it would happen at
// most once in a thousand times, by Chernoff's bound.
func surely(k, n int64, p float64) bool {
	if n == 0 || p >= 1 || share(k, n) <= p {
		return false
	}
	q := share(k, n)
	divergence := q * math.Log(q/p)
	if q < 1 {
		divergence += (1 - q) * math.Log((1-q)/(1-p))
	}
	return float64(n)*divergence > math.Log(1000)
}

// surelyAbove reports whether t is typically more than times as long as o, by three standard errors.
func (t Times) surelyAbove(o Times, times float64) bool {
	if t.N < 10 || o.N < 10 {
		return false
	}
	difference := t.Log/float64(t.N) - o.Log/float64(o.N)
	return difference-3*math.Sqrt(t.variance()/float64(t.N)+o.variance()/float64(o.N)) > math.Log(times)
}

func (t Times) variance() float64 {
	n := float64(t.N)
	return max(0, t.Square-t.Log*t.Log/n) / (n - 1)
}

// burst notices calls that go bad of late, however many went well before: a cumulative sum of the
// evidence that far more than a share of them are bad.
type burst struct{ failed, slow, late float64 }

// enough evidence of a burst: calls that keep to their bound look like one less than once in a million.
var enough = math.Log(1e6)

// add takes one call in, and returns why the target must be stopped, or "".
func (s *burst) add(c Call, b *endpoint.RolloutBounds) string {
	if c.Result == Nothing {
		return ""
	}
	if accumulate(&s.failed, c.Result == Failed, b.ErrorShare) {
		return "of the latest calls far more than " + percent(b.ErrorShare) + " failed"
	}
	if c.Result != Answered {
		return ""
	}
	if b.Latency > 0 && accumulate(&s.slow, c.Latency > b.Latency, endpoint.SlowShare) {
		return "of the latest answers far more than " + percent(endpoint.SlowShare) + " took more than " + b.Latency.String()
	}
	if b.FirstToken > 0 && c.FirstToken > 0 && accumulate(&s.late, c.FirstToken > b.FirstToken, endpoint.SlowShare) {
		return "of the latest streams far more than " + percent(endpoint.SlowShare) + " had their first token after more than " + b.FirstToken.String()
	}
	return ""
}

func accumulate(sum *float64, bad bool, p float64) bool {
	if p >= 1 {
		return false
	}
	much := min(5*p, (1+p)/2)
	if bad {
		*sum += math.Log(much / p)
	} else {
		*sum = max(0, *sum+math.Log((1-much)/(1-p)))
	}
	return *sum > enough
}

func calls(n int64) string {
	if n == 1 {
		return "1 call"
	}
	return strconv.FormatInt(n, 10) + " calls"
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// percent writes a share; it is rounded to what people write.
func percent(share float64) string { return number(math.Round(share*1e6)/1e4) + "%" }

func round(d time.Duration) time.Duration {
	if d > 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
