// Package gatewaytest has fakes of what a gateway needs, for tests of packages around it.
//
// The Recorder keeps books: it fails the test when an admitted call has no outcome or two, and
// when a record changes after it was handed in. It is safe for concurrent use.
package gatewaytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/gateway"
)

// Recorder is a gateway.Recorder that keeps books: one outcome per admission, and records that
// never change once they were handed in.
type Recorder struct {
	// Note, when set, is told of each step as it happens: admit, finish OUTCOME, record OUTCOME.
	Note func(step string)
	// Errors to return, nil for none.
	AdmitErr, FinishErr, RecordErr, ComparisonErr error

	t testing.TB

	mu      sync.Mutex
	open    map[int]bool
	next    int
	handed  map[*inference.Record]string // as they were
	records []*inference.Record          // outcomes
	strict  []bool

	comparisons []*inference.Comparison
}

// NewRecorder returns a recorder whose books are audited when the test ends.
func NewRecorder(t testing.TB) *Recorder {
	r := &Recorder{t: t, Note: func(string) {}, open: map[int]bool{}, handed: map[*inference.Record]string{}}
	t.Cleanup(r.audit)
	return r
}

func (r *Recorder) audit() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.open); n > 0 {
		r.t.Errorf("%d admitted calls have no outcome", n)
	}
	for rec, was := range r.handed {
		if now := Text(rec); now != was {
			r.t.Errorf("a record changed after it was handed in:\nwas %s\nnow %s", was, now)
		}
	}
}

// Text returns all of a record as JSON.
func Text(r *inference.Record) string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Admit implements gateway.Recorder.
func (r *Recorder) Admit(rec *inference.Record) (gateway.Ticket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.AdmitErr != nil {
		return nil, r.AdmitErr
	}
	if rec.Outcome != "" {
		r.t.Errorf("admitted with outcome %s", rec.Outcome)
	}
	r.handed[rec] = Text(rec)
	r.next++
	r.open[r.next] = true
	r.Note("admit")
	return r.next, nil
}

// Finish implements gateway.Recorder.
func (r *Recorder) Finish(t gateway.Ticket, rec *inference.Record, strict bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, _ := t.(int)
	if !r.open[n] {
		r.t.Errorf("ticket %v is finished a second time, or was never given", t)
	}
	delete(r.open, n)
	r.Note("finish " + string(rec.Outcome))
	r.take(rec, strict)
	return r.FinishErr
}

// Record implements gateway.Recorder.
func (r *Recorder) Record(rec *inference.Record, strict bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Note("record " + string(rec.Outcome))
	r.take(rec, strict)
	return r.RecordErr
}

// Comparison implements gateway.Recorder.
func (r *Recorder) Comparison(c *inference.Comparison) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Winner == "" || c.Time.IsZero() {
		r.t.Errorf("a comparison without winner or time: %+v", c)
	}
	r.comparisons = append(r.comparisons, c)
	return r.ComparisonErr
}

// Comparisons returns those so far.
func (r *Recorder) Comparisons() []*inference.Comparison {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.comparisons)
}

func (r *Recorder) take(rec *inference.Record, strict bool) {
	if rec.Outcome == "" || rec.Usage.Source == "" {
		r.t.Errorf("a record without outcome or usage source: %s", Text(rec))
	}
	r.handed[rec] = Text(rec)
	r.records = append(r.records, rec)
	r.strict = append(r.strict, strict)
}

// Records returns the outcomes so far.
func (r *Recorder) Records() []*inference.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

// Strict says of each outcome whether it was to be on disk.
func (r *Recorder) Strict() []bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.strict)
}

// One returns the only outcome there may be.
func (r *Recorder) One() *inference.Record {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) != 1 {
		r.t.Fatalf("%d records, want 1", len(r.records))
	}
	return r.records[0]
}

// Summary says in a line what matters of a record.
func Summary(r *inference.Record) string {
	var b strings.Builder
	n := func(p *int64) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	fmt.Fprintf(&b, "%s %d", r.Outcome, r.Status)
	if r.ErrorCode != "" {
		fmt.Fprintf(&b, " %s", r.ErrorCode)
	}
	fmt.Fprintf(&b, " usage=%s", r.Usage.Source)
	if r.Usage.Source != inference.UsageNone {
		fmt.Fprintf(&b, ":%s+%s=%s", n(r.Usage.Input), n(r.Usage.Output), n(r.Usage.Total))
	}
	if r.Cost != nil {
		fmt.Fprintf(&b, " cost=%d", r.Cost.NanoUSD)
	}
	for _, a := range r.Attempts {
		fmt.Fprintf(&b, " %s:%d", a.ServedEntity, a.Status)
	}
	return b.String()
}

// Pricer asks a nano-dollar for each token of models it knows.
type Pricer struct{}

// Price implements gateway.Pricer.
func (Pricer) Price(_, model string, _ time.Time, u inference.Usage) *inference.Cost {
	if u.Total == nil || !strings.HasPrefix(model, "gpt-") {
		return nil
	}
	return &inference.Cost{NanoUSD: *u.Total, PriceVersion: "test"}
}
