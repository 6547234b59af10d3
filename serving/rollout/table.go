package rollout

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Table is the rollouts of a catalog.
type Table struct {
	logger *slog.Logger
	wake   chan struct{}
	tracks atomic.Pointer[map[string]*Track] // by id

	mu sync.Mutex // of Configure
}

// NewTable returns a table without rollouts.
func NewTable(logger *slog.Logger) *Table {
	t := &Table{logger: logger, wake: make(chan struct{}, 1)}
	t.tracks.Store(&map[string]*Track{})
	return t
}

// Configure makes the rollouts those of c. What is known of one that stays is kept. It is to be called
// before c is in force.
func (t *Table) Configure(c *endpoint.Catalog) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, next := *t.tracks.Load(), map[string]*Track{}
	for _, e := range c.All() {
		if e.Rollout == nil {
			continue
		}
		if next[e.Rollout.ID] = was[e.Rollout.ID]; next[e.Rollout.ID] == nil {
			next[e.Rollout.ID] = newTrack(e, t.logger, t.nudge)
		}
	}
	t.tracks.Store(&next)
	if !maps.Equal(was, next) {
		t.nudge()
	}
}

// Of returns the rollout of an endpoint: nil when it has none, or not this one any more.
func (t *Table) Of(e *endpoint.Endpoint) *Track {
	if e.Rollout == nil {
		return nil
	}
	return (*t.tracks.Load())[e.Rollout.ID]
}

// All returns the rollouts, sorted by the endpoints' names.
func (t *Table) All() []*Track {
	return slices.SortedFunc(maps.Values(*t.tracks.Load()), func(a, b *Track) int {
		return strings.Compare(a.Endpoint.Name, b.Endpoint.Name)
	})
}

// Wake is sent to when there is something to tell the other gateways, or to ask.
func (t *Table) Wake() <-chan struct{} { return t.wake }

func (t *Table) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}
