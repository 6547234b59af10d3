package loadgen

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run found.
type Result struct {
	Sent       int64         `json:"sent"`
	OK         int64         `json:"ok"`               // answered 200, to the end
	Status     map[int]int64 `json:"status"`           // answers by status
	Errors     int64         `json:"errors"`           // requests whose connection broke or that were not answered in time
	Unsent     int64         `json:"unsent"`           // arrivals of an open loop there was no connection for
	Whole      int64         `json:"whole,omitempty"`  // streams that ended with [DONE]
	Events     int64         `json:"events,omitempty"` // data events of all streams, without [DONE]
	FirstError string        `json:"first_error,omitempty"`
	Elapsed    time.Duration `json:"elapsed_ns"` // from the first request to the last answer
	Latency    Summary       `json:"latency"`    // of the answers in OK, to their last byte
	First      Summary       `json:"first"`      // of the streams in OK, to their first event
}

// PerSecond is the rate of good answers.
func (r *Result) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.OK) / r.Elapsed.Seconds()
}

// Summary describes a distribution of durations, exact to three digits.
type Summary struct {
	Count int64         `json:"count"`
	Mean  time.Duration `json:"mean_ns"`
	P50   time.Duration `json:"p50_ns"`
	P90   time.Duration `json:"p90_ns"`
	P95   time.Duration `json:"p95_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Distribution collects durations from a microsecond to an hour. It is safe for concurrent use.
type Distribution struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram
}

// NewDistribution returns an empty one.
func NewDistribution() *Distribution {
	return &Distribution{h: hdrhistogram.New(1, time.Hour.Microseconds(), 3)}
}

// Add records d; what is out of range counts as the range's end.
func (d *Distribution) Add(v time.Duration) {
	us := max(1, min(v.Microseconds(), time.Hour.Microseconds()))
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.h.RecordValue(us) // it is in range
}

// Summary returns what was recorded so far.
func (d *Distribution) Summary() Summary {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := func(q float64) time.Duration {
		return time.Duration(d.h.ValueAtQuantile(q)) * time.Microsecond
	}
	if d.h.TotalCount() == 0 {
		return Summary{}
	}
	return Summary{
		Count: d.h.TotalCount(), Mean: time.Duration(d.h.Mean() * float64(time.Microsecond)),
		P50: at(50), P90: at(90), P95: at(95), P99: at(99), Max: time.Duration(d.h.Max()) * time.Microsecond,
	}
}

// tally collects the answers of a run.
type tally struct {
	latency, first *Distribution
	mu             sync.Mutex
	r              Result
}

func newTally() *tally {
	return &tally{latency: NewDistribution(), first: NewDistribution(), r: Result{Status: map[int]int64{}}}
}

// record counts one request that was sent.
func (t *tally) record(due time.Time, a reply, err error) {
	if err == nil && a.status == 200 {
		t.latency.Add(a.done.Sub(due))
		if !a.first.IsZero() {
			t.first.Add(a.first.Sub(due))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Sent++
	if err != nil {
		t.fault(err)
		return
	}
	t.r.Status[a.status]++
	if a.status == 200 {
		t.r.OK++
	}
	if a.whole {
		t.r.Whole++
	}
	t.r.Events += int64(a.events)
}

// fault counts a request without an answer. The caller holds the lock.
func (t *tally) fault(err error) {
	t.r.Errors++
	if t.r.FirstError == "" {
		t.r.FirstError = err.Error()
	}
}

// lost notes that a connection could not be opened again; no request was sent.
func (t *tally) lost(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.r.FirstError == "" {
		t.r.FirstError = err.Error()
	}
}

func (t *tally) unsent(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Unsent += n
}

func (t *tally) result(elapsed time.Duration) *Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	r.Elapsed = elapsed
	r.Latency, r.First = t.latency.Summary(), t.first.Summary()
	return &r
}
