package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/tests/suite"
)

// moment is a version of the table and what it must have.
type moment struct {
	what    string
	version int64
	schema  *tableschema.Table
	rows    []row
}

// tour takes one table through everything that lakegate does to tables, and has every engine read
// it after each step, and then each step again by time travel.
type tour struct {
	suite   *suite.Suite
	engines *engines
	rnd     *rand.Rand
	store   *fsstore.Store
	w       *writer
	rows    []row
	at      place
	moments []moment
}

func runTour(ctx context.Context, s *suite.Suite, e *engines, dir string, seed uint64) error {
	store, err := fsstore.Open(dir)
	if err != nil {
		return err
	}
	t := &tour{suite: s, engines: e, rnd: rand.New(rand.NewPCG(seed, 1)), store: store}
	schema := everything("tour")
	t.at = place{address: filepath.Join(dir, schema.Name.Path())}
	if t.w, err = openWriter(ctx, store, schema); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"appends", t.appends},
		{"a checkpoint", t.checkpoint},
		{"compaction", func(ctx context.Context) error { return compact(ctx, t.store, t.w) }},
		{"new columns", t.evolve},
		{"deleted rows", t.deleteRows},
		{"a deleted day", t.deleteDay},
		{"a restored version", t.restore},
		{"another compaction", func(ctx context.Context) error { return compact(ctx, t.store, t.w) }},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		t.note(ctx, step.what)
	}
	t.travel("time travel", 0)
	return t.cleanLog(ctx)
}

// note has everybody read the table as it is now.
func (t *tour) note(ctx context.Context, what string) {
	m := moment{what, t.w.table.Snapshot().Version, t.w.schema, slices.Clone(t.rows)}
	t.moments = append(t.moments, m)
	t.suite.Check("lakegate: after "+what, t.w.ours(ctx, t.rows))
	t.engines.checkAll(t.suite, "after "+what, t.at, nil, m.schema, m.rows)
}

func (t *tour) appends(ctx context.Context) error {
	for range 4 {
		rows := makeRows(t.rnd, t.w.schema, "2026-11-18", 120)
		rows = append(rows, makeRows(t.rnd, t.w.schema, "2026-11-19", 100)...)
		if err := t.w.append(ctx, rows); err != nil {
			return err
		}
		t.rows = append(t.rows, rows...)
	}
	return nil
}

func (t *tour) checkpoint(ctx context.Context) error { return t.w.table.Checkpoint(ctx) }

// compact merges all files of every day.
func compact(ctx context.Context, store objstore.Store, w *writer) error {
	cfg := maintain.DefaultConfig()
	cfg.Holder, cfg.Version = "readers", "readers"
	k, err := maintain.New(cfg, store, state.New(store), func() []*tableschema.Table { return []*tableschema.Table{w.schema} }, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if _, err := k.Compact(ctx, w.schema, maintain.CompactOptions{Full: true}); err != nil {
		return err
	}
	s, err := w.table.Refresh(ctx)
	if err != nil {
		return err
	}
	days := map[string]int{}
	for f := range s.Files() {
		days[f.PartitionValues[dateColumn]]++
	}
	for day, n := range days {
		if n != 1 {
			return fmt.Errorf("compaction left %d files of %s", n, day)
		}
	}
	return nil
}

// evolve adds columns, one of them inside a struct, and rows that have them.
func (t *tour) evolve(ctx context.Context) error {
	schema := everything("tour", tableschema.Column{Name: "region", Type: kind(tableschema.String)}, tableschema.Column{Name: "latency", Type: kind(tableschema.Double)})
	entity, i, _ := schema.Column("entity")
	entity.Type.Fields = append(slices.Clone(entity.Type.Fields), tableschema.Column{Name: "owner", Type: kind(tableschema.String)})
	schema.Columns[i] = entity
	w, err := openWriter(ctx, t.store, schema)
	if err != nil {
		return err
	}
	t.w = w
	return t.appends(ctx)
}

func (t *tour) deleteRows(ctx context.Context) (err error) {
	t.rows, err = t.w.deleteRows(ctx, t.rows, func(r row) bool {
		n, ok := r["tokens"].(int64)
		return ok && n%7 == 3 && r[dateColumn] == "2026-11-19"
	})
	return err
}

func (t *tour) deleteDay(ctx context.Context) (err error) {
	t.rows, err = t.w.deleteRows(ctx, t.rows, func(r row) bool { return r[dateColumn] == "2026-11-18" })
	return err
}

// restore takes back the deletions.
func (t *tour) restore(ctx context.Context) error {
	back := t.moments[len(t.moments)-3]
	if _, err := t.w.table.Restore(ctx, back.version); err != nil {
		return err
	}
	t.rows = slices.Clone(back.rows)
	return nil
}

// travel has every engine read the versions of the past that the log still has.
func (t *tour) travel(what string, oldest int64) {
	for _, m := range t.moments {
		if m.version >= oldest {
			t.engines.checkAll(t.suite, fmt.Sprintf("%s to version %d, after %s", what, m.version, m.what), t.at, &m.version, m.schema, m.rows)
		}
	}
}

// cleanLog deletes the log behind a checkpoint. What is left reads as before.
func (t *tour) cleanLog(ctx context.Context) error {
	if err := t.w.table.Checkpoint(ctx); err != nil {
		return err
	}
	from := t.w.table.Snapshot().Version
	if err := t.appends(ctx); err != nil {
		return err
	}
	r, err := t.w.table.CleanLog(ctx, 0, time.Now().Add(40*24*time.Hour))
	if err != nil {
		return err
	}
	if r.Oldest < from || r.Commits == 0 {
		return fmt.Errorf("cleaned %+v, want everything up to version %d", r, from)
	}
	t.note(ctx, "a log cleanup")
	t.travel("time travel behind a log cleanup", r.Oldest)
	_, err = t.w.table.At(ctx, r.Oldest-1)
	if !errors.Is(err, delta.ErrVersionGone) {
		return fmt.Errorf("version %d after a log cleanup: %w", r.Oldest-1, err)
	}
	return nil
}
