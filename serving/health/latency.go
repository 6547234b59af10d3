package health

import (
	"math"
	"sync"
	"time"
)

// Latency is how long an entity has taken lately: a moving average that fades while nobody measures,
// so that an entity that was slow once is tried again. The zero Latency was never measured.
type Latency struct {
	mu     sync.Mutex
	mean   float64 // nanoseconds; 0: never measured
	at     time.Time
	passed int       // calls that have gone elsewhere since
	taken  time.Time // until then somebody measures it anew
}

const (
	// Of calls in quick succession each counts for a tenth; one after a pause for more.
	weightOfOne = 0.1
	averageOver = time.Minute
	// fadeOver is how long it takes for the expectation to fall to 37 % of what was measured.
	fadeOver = 30 * time.Second
	// fadePerCall bounds that where there are few calls: each that went elsewhere is worth no more time
	// than this, or else calls one a minute would go to each entity in turn.
	fadePerCall = 2 * time.Second
	// takenFor is how long others wait for the one call that measures an entity anew.
	takenFor = 30 * time.Second
)

// Expectation is what an entity is good for. The zero Expectation is of one that was never measured.
type Expectation struct {
	Measured time.Duration // the average; 0: never
	Faded    time.Duration // what is left of it
	Taken    bool          // somebody is about to measure it anew: until then Measured holds
}

// Old reports whether the measure has faded so much that it should be made anew.
func (x Expectation) Old() bool { return x.Faded < x.Measured-x.Measured/10 }

// Observe notes that an attempt took d.
func (l *Latency) Observe(d time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mean = average(l.mean, float64(max(d, 1)), now.Sub(l.at))
	l.at, l.passed, l.taken = now, 0, time.Time{}
}

// AtLeast notes that an attempt would have taken longer than d, which tells something where that is
// more than the average.
func (l *Latency) AtLeast(d time.Duration, now time.Time) {
	if d > l.Expect(now).Measured {
		l.Observe(d, now)
	}
}

// average returns a moving average with one more value, which came after pause.
func average(mean, value float64, pause time.Duration) float64 {
	if mean == 0 {
		return value
	}
	part := max(weightOfOne, 1-math.Exp(-float64(pause)/float64(averageOver)))
	return mean + part*(value-mean)
}

// Expect returns what is to be expected now.
func (l *Latency) Expect(now time.Time) Expectation {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := Expectation{Measured: time.Duration(l.mean), Taken: now.Before(l.taken)}
	age := min(now.Sub(l.at), time.Duration(min(l.passed, 1<<20))*fadePerCall)
	x.Faded = time.Duration(l.mean * math.Exp(-float64(max(age, 0))/float64(fadeOver)))
	return x
}

// Take says that a call is about to measure it anew. false: another one already is.
func (l *Latency) Take(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.taken) {
		return false
	}
	l.taken = now.Add(takenFor)
	return true
}

// Pass says that a call went elsewhere.
func (l *Latency) Pass() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passed++
}

// Average is a moving average of counts. The zero Average has seen none.
type Average struct {
	mu   sync.Mutex
	mean float64
	seen bool
}

// Observe adds a count.
func (a *Average) Observe(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.seen {
		a.mean, a.seen = float64(n), true
		return
	}
	a.mean += weightOfOne * (float64(n) - a.mean)
}

// Value returns the average. false: nothing was seen.
func (a *Average) Value() (int64, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return int64(math.Round(a.mean)), a.seen
}

// Lately counts what happened, and forgets it: of what happened ten seconds ago 37 % are left. The
// zero Lately has nothing.
type Lately struct {
	mu sync.Mutex
	n  float64
	at time.Time
}

const forgetOver = 10 * time.Second

// Add counts one.
func (l *Lately) Add(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n, l.at = l.left(now)+1, now
}

// Value returns what is left of all.
func (l *Lately) Value(now time.Time) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left(now)
}

func (l *Lately) left(now time.Time) float64 {
	if l.n == 0 {
		return 0
	}
	return l.n * math.Exp(-float64(max(now.Sub(l.at), 0))/float64(forgetOver))
}
