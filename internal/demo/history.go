package demo

import (
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
)

// HistoryConfig says which history to make up.
type HistoryConfig struct {
	Seed    uint64
	Now     time.Time // the history ends here
	Days    int
	Records int
	// Price is the price list; nil leaves every call unpriced.
	Price func(provider, model string, at time.Time, u inference.Usage) *inference.Cost
	// IDs returns the ids the gateway gives an endpoint and an entity of it; nil leaves them empty.
	IDs func(endpoint, servedEntity string) (endpointID, servedEntityID string)
	// Compared is told of each comparison before the record that follows it; nil leaves out all
	// requests that are made beside clients' own.
	Compared func(*inference.Comparison)
}

// DefaultHistory is 45 days of 60,000 calls up to now, unpriced.
func DefaultHistory(now time.Time) HistoryConfig {
	return HistoryConfig{Seed: 1, Now: now, Days: 45, Records: 60_000}
}

// Validate reports the first setting that makes no sense.
func (c HistoryConfig) Validate() error {
	switch {
	case c.Now.IsZero():
		return errors.New("history: the time it ends at is missing")
	case c.Days < 14 || c.Days > 3650:
		return errors.New("history: want 14 to 3650 days")
	case c.Records < 0 || c.Records > 100_000_000:
		return errors.New("history: want up to a hundred million records")
	}
	return nil
}

// History yields exactly c.Records records in order of time, all before c.Now. A consumer owns
// what it gets. The sequence may be run again and yields the same; an invalid config yields none.
//
// What is to be seen in it: office hours and quiet weekends, slow growth; an outage of gpt-5
// about twelve days ago with errors, timeouts and fallbacks; a day of research's reindex project,
// about five days ago, that costs as much as a week; rate limits at busy hours; a tenth of the calls without
// tags; calls to a model that has no list price; bad keys and unknown endpoints now and then. Of
// routing: retries, answers of chat from the cache, races of assistant's streams, a rollout of code, three
// versions of ticket-summary's prompt, and, with Compared, a shadow and comparisons, whose requests
// are among the c.Records.
func History(c HistoryConfig) iter.Seq[*inference.Record] {
	return func(yield func(*inference.Record) bool) {
		if c.Validate() != nil {
			return
		}
		h := newHistory(c)
		n := 0
		for _, s := range h.slots() {
			for _, at := range h.times(s) {
				n++
				if h.owed > 0 { // its place is that of a request made beside another
					h.owed--
					continue
				}
				if !h.due(at, yield) {
					return
				}
				c := h.call(at)
				h.beside(c, h.Records-n)
				if !yield(c.Record) {
					return
				}
			}
		}
		h.due(h.Now, yield)
	}
}

// due yields the requests made beside others up to a time.
func (h *history) due(at time.Time, yield func(*inference.Record) bool) bool {
	for len(h.pending) > 0 && !h.pending[0].Time.After(at) {
		r := h.pending[0]
		h.pending = h.pending[1:]
		if !yield(r) {
			return false
		}
	}
	return true
}

// history is one history being made.
type history struct {
	HistoryConfig
	rng       *rand.Rand
	endpoints map[string]Endpoint
	teams     []Team
	down      time.Time // the day of the outage
	dear      time.Time // the expensive day

	pending []*inference.Record // made beside others, in order of time
	owed    int                 // of them, in the place of how many calls none is left out yet
}

func newHistory(c HistoryConfig) *history {
	h := &history{HistoryConfig: c, rng: rand.New(rand.NewPCG(c.Seed, 0x6c616b65)), endpoints: map[string]Endpoint{}, teams: Teams()}
	h.Now = c.Now.UTC().Truncate(time.Microsecond)
	h.down, h.dear = h.workday(12), h.workday(5)
	for _, e := range Endpoints() {
		h.endpoints[e.Name] = e
	}
	return h
}

// slot is an hour and how many calls it has.
type slot struct {
	from, to time.Time
	calls    int
}

// slots spreads the records over the hours by weight; their sum is exact.
func (h *history) slots() []slot {
	start := h.Now.Add(-time.Duration(h.Days) * 24 * time.Hour).Truncate(time.Hour)
	var all []slot
	var weights []float64
	total := 0.0
	for t := start; t.Before(h.Now); t = t.Add(time.Hour) {
		s := slot{from: t, to: t.Add(time.Hour)}
		w := h.weight(t)
		if s.to.After(h.Now) {
			w *= h.Now.Sub(t).Hours()
			s.to = h.Now
		}
		all, weights, total = append(all, s), append(weights, w), total+w
	}
	sum, given := 0.0, 0
	for i := range all {
		sum += weights[i]
		upTo := int(math.Round(sum / total * float64(h.Records)))
		all[i].calls, given = upTo-given, upTo
	}
	return all
}

// byHour is how busy each hour of a working day is (UTC, people in Europe, programs at night).
var byHour = [24]float64{
	0.10, 0.08, 0.08, 0.08, 0.10, 0.18, 0.40, 0.75, 1.00, 1.10, 1.15, 1.00,
	0.85, 1.05, 1.15, 1.05, 0.85, 0.60, 0.40, 0.30, 0.24, 0.20, 0.16, 0.12,
}

// weight is how busy an hour is.
func (h *history) weight(t time.Time) float64 {
	w := byHour[t.Hour()] * (0.88 + 0.24*h.rng.Float64())
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		w *= 0.28
	}
	age := h.Now.Sub(t).Hours() / 24 / float64(h.Days)
	return w * (1.25 - 0.5*age)
}

// times returns the moments of a slot's calls, in order.
func (h *history) times(s slot) []time.Time {
	all := make([]time.Time, s.calls)
	for i := range all {
		all[i] = s.from.Add(time.Duration(h.rng.Int64N(int64(s.to.Sub(s.from))))).Truncate(time.Microsecond)
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// workday is the last working day at least so many days before Now.
func (h *history) workday(days int) time.Time {
	d := h.Now.Truncate(24*time.Hour).AddDate(0, 0, -days)
	for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		d = d.AddDate(0, 0, -1)
	}
	return d
}

// hours reports whether t is in the hours [from, to) of the day.
func hours(t, day time.Time, from, to float64) bool {
	hour := t.Sub(day).Hours()
	return hour >= from && hour < to
}

// id is a UUIDv7 of the record's own time.
func (h *history) id(at time.Time) inference.ID {
	var id uuid.UUID
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	a, b := h.rng.Uint64(), h.rng.Uint64()
	for i := range 8 {
		id[8+i] = byte(b >> (8 * i))
	}
	id[6], id[7] = byte(a), byte(a>>8)
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}
