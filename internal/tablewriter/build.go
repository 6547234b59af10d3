package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/wal"
)

// landing is how far a table is with the log. It belongs to the landing goroutine.
type landing struct {
	through  uint64  // the table has the rows of segments up to this one
	ready    *commit // files that are stored and wait for their commit
	failures int     // in a row
	failed   error   // the last of them, nil after a success
	failedAt time.Time
	retryAt  time.Time
}

// commit is files of one table that become visible in one step.
type commit struct {
	writer  *delta.Table
	through uint64 // segments whose rows are in the files, or were in the table before
	after   int64  // the table's txn that through was counted from
	adds    []delta.Add
	rows    int64
}

// build reads the segments from a position up to another one, counts their rows, stores the rows of
// every table that is due as files and leaves them as commits that are ready. When careful, rows that
// cannot be built are counted as lost; otherwise the first is a *rowError.
func (w *Writer) build(ctx context.Context, from, to wal.Pos, careful bool) error {
	b := &builder{
		w: w, ctx: ctx, gatherer: w.lake.gatherer(careful), first: from.Segment, through: to.Segment - 1,
		targets: map[*tableschema.Table]*target{}, commits: map[*table]*commit{}, tallies: map[uint64]tally{},
	}
	b.gatherer.emit, b.gatherer.memory, b.gatherer.last = b.store, &w.blocks, w.sizes
	defer b.gatherer.close()
	for _, s := range w.log.Segments() {
		if s.Number < from.Segment || s.Number >= to.Segment {
			continue
		}
		b.gatherer.left += s.Size
		if _, known := w.tallies[s.Number]; !known {
			b.tallies[s.Number] = tally{}
		}
	}
	r := newFactReader(w.log)
	defer r.close()
	for f, err := range r.rows(from, to) {
		if err == nil {
			err = b.fact(f)
			b.gatherer.left -= f.size
		}
		if err == nil {
			err = w.pace.step(ctx)
		}
		if err != nil {
			return err
		}
	}
	if err := b.gatherer.finish(); err != nil {
		return err
	}
	b.done()
	w.cfg.failPoint("files stored")
	return nil
}

// builder is the state of one build.
type builder struct {
	w        *Writer
	ctx      context.Context // lives as long as one call of build
	gatherer *gatherer
	first    uint64 // segments that are read: from this one
	through  uint64 // to this one
	targets  map[*tableschema.Table]*target
	commits  map[*table]*commit
	tallies  map[uint64]tally // of segments that are read for the first time
}

// target is where rows go that a feed declares one way.
type target struct {
	table  *table
	name   string
	schema *tableschema.Table
	writer *delta.Table // nil: not now
	after  int64        // the table's txn when rows were chosen
}

// fact adds the rows of one fact.
func (b *builder) fact(f loggedFact) error {
	for _, feed := range b.w.lake.feeds.list {
		schema := b.w.lake.feeds.table(feed, f.Fact)
		if schema == nil {
			continue
		}
		if err := b.row(b.target(schema), feed, f); err != nil {
			return err
		}
	}
	return nil
}

// row counts one row and builds it, if the table is due and does not have it.
func (b *builder) row(t *target, feed Feed, f loggedFact) error {
	c := b.count(t, f)
	if t.writer == nil {
		return nil
	}
	var err error
	switch {
	case f.pos.Segment > t.table.landing.through:
		err = b.gatherer.add(t.schema, feed, f)
		if !b.gatherer.careful || !isRowError(err) {
			return err
		}
	case !c.examined:
		// An earlier process committed the row, and died before the ledger counted it. Whether it
		// had to leave the row out is found by trying again.
		err = b.gatherer.try(t.schema, feed, f)
	}
	if err != nil && c.lose(f) {
		b.w.logger.Error("a row cannot be built and is counted as lost", "table", t.name, "request", idOf(f.Fact).String(), "error", err)
	}
	return nil
}

// count returns the count the row belongs to, with the row in it.
func (b *builder) count(t *target, f loggedFact) *count {
	fresh := b.tallies[f.pos.Segment]
	if fresh == nil {
		return b.w.tallies[f.pos.Segment].of(t.name)
	}
	c := fresh.of(t.name)
	c.row(idOf(f.Fact))
	return c
}

// target finds out where the rows of a table go, once per build.
func (b *builder) target(schema *tableschema.Table) *target {
	t := b.targets[schema]
	if t != nil {
		return t
	}
	t = &target{table: b.w.lake.table(schema.Name), name: schema.Name.String(), schema: schema}
	b.targets[schema] = t
	l := &t.table.landing
	if l.ready != nil || !b.w.due(l) || b.w.lacksBefore(t.table, b.first) {
		return t
	}
	ctx, cancel := b.w.bounded(b.ctx)
	defer cancel()
	writer, err := b.w.lake.writable(ctx, t.table, schema)
	if err != nil {
		_ = b.w.landingFailed(t.table, err) // stuck reports it
		return t
	}
	t.writer = writer
	t.after = max(0, writer.Snapshot().Txns[b.w.log.ID()])
	l.through = max(l.through, uint64(t.after))
	return t
}

// store writes a batch as a data file. When that fails the table gets none of these rows now, and the
// others go on.
func (b *builder) store(schema *tableschema.Table, partition map[string]string, batch arrow.RecordBatch) error {
	t := b.targets[schema]
	if t.writer == nil {
		return nil
	}
	file, err := datafile.Encode(batch, schema, datafile.Options{})
	if err != nil {
		return fmt.Errorf("encode rows of %s: %w", t.name, err)
	}
	name := delta.DataFileName(partition, b.through, b.w.log.ID())
	ctx, cancel := b.w.bounded(b.ctx)
	defer cancel()
	if _, err := b.w.lake.store.Put(ctx, t.writer.Key(name), file.Data); err != nil {
		if b.ctx.Err() != nil {
			return b.ctx.Err()
		}
		b.giveUp(t.table)
		_ = b.w.landingFailed(t.table, fmt.Errorf("store rows: %w", err)) // stuck reports it
		return nil
	}
	b.w.lake.stored(t.table, t.writer.Key(name), file.Data)
	b.w.cfg.failPoint("file stored")
	c := b.commits[t.table]
	if c == nil {
		c = &commit{through: b.through, after: t.after}
		b.commits[t.table] = c
	}
	c.writer = t.writer
	c.rows += file.Rows
	c.adds = append(c.adds, delta.Add{Path: name, PartitionValues: partition, Size: int64(len(file.Data)), Rows: file.Rows, Stats: file.Stats, Tags: b.tags(schema, batch)})
	return nil
}

// giveUp leaves the rows of a table for a later landing.
func (b *builder) giveUp(table *table) {
	delete(b.commits, table)
	for _, t := range b.targets {
		if t.table == table {
			t.writer = nil
		}
	}
}

// tags says on the file that its rows are of this log.
func (b *builder) tags(schema *tableschema.Table, batch arrow.RecordBatch) map[string]string {
	c := rowtags.Count{N: batch.NumRows()}
	if _, i, ok := schema.Column(IDColumn); ok {
		if ids, ok := batch.Column(i).(*array.String); ok {
			for row := range ids.Len() {
				c.Sum += rowtags.IDSum(rowtags.ParseID(ids.Value(row), ids.IsNull(row)))
			}
		}
	}
	return rowtags.Counts{b.w.log.ID(): c}.Tags()
}

// done keeps what was found out, when everything was read and stored.
func (b *builder) done() {
	for n, t := range b.tallies {
		b.w.tallies[n] = t
	}
	for _, t := range b.targets {
		if t.writer == nil {
			continue
		}
		for n, tally := range b.w.tallies {
			if c := tally[t.name]; c != nil && n >= b.first && n <= b.through {
				c.examined = true
			}
		}
		l := &t.table.landing
		if c := b.commits[t.table]; c != nil {
			l.ready = c
		} else {
			l.through = max(l.through, b.through) // no rows, or none that could be built
		}
	}
}

// due reports whether a table is to be tried now: after failures it is left alone for a while, so
// that it does not hold up the others, unless somebody asked for a flush and it was not tried since.
func (w *Writer) due(l *landing) bool {
	if w.asked {
		return l.failures == 0 || l.failedAt.Before(w.started)
	}
	return !time.Now().Before(l.retryAt)
}

// lacksBefore reports whether a table has not landed its rows of a segment before the given one. It
// must not take later ones then: its txn would say that it has them all.
func (w *Writer) lacksBefore(t *table, segment uint64) bool {
	for n, tally := range w.tallies {
		if c := tally[t.name.String()]; c != nil && n < segment && n > t.landing.through {
			return true
		}
	}
	return false
}

// landingFailed notes that a table cannot take rows now.
func (w *Writer) landingFailed(t *table, err error) error {
	l := &t.landing
	l.failures++
	l.failed = fmt.Errorf("table %s: %w", t.name, err)
	l.failedAt = time.Now()
	l.retryAt = l.failedAt.Add(backoff(l.failures, maxBackoff))
	return l.failed
}

// commit commits the files that wait for it. A commit whose outcome is not known is tried again as it
// is: the table's txn tells whether it happened.
func (w *Writer) commit(ctx context.Context) error {
	var errs []error
	for _, t := range w.lake.all() {
		l := &t.landing
		if l.ready == nil || !w.due(l) {
			continue
		}
		if err := w.commitTable(ctx, t, l.ready); err != nil {
			errs = append(errs, w.landingFailed(t, err))
		}
	}
	return errors.Join(errs...)
}

func (w *Writer) commitTable(ctx context.Context, t *table, c *commit) error {
	// After makes the commit one that fits only what the rows were chosen for: if a commit of an
	// earlier process comes to light now, with some of these segments, this one is not made.
	txn := delta.Txn{AppID: w.log.ID(), Version: int64(c.through), After: &c.after}
	bounded, cancel := w.bounded(ctx)
	defer cancel()
	began := time.Now()
	s, err := c.writer.Append(bounded, c.adds, txn, nil)
	switch {
	case errors.Is(err, delta.ErrTxnOrder) && s != nil:
		w.logger.Warn("a commit of an earlier process was applied late; its rows are taken out of the next one", "table", t.name.String())
		t.landing.ready = nil
		t.landing.through = max(t.landing.through, uint64(max(0, s.Txns[w.log.ID()])))
		return fmt.Errorf("%w: again", err)
	case err != nil && !errors.Is(err, delta.ErrTxnDone):
		return err
	}
	t.fresh.committed(began)
	w.cfg.failPoint("committed")
	if err := w.lake.view.enter(ctx); err != nil {
		return err
	}
	defer w.lake.view.leave()
	w.lake.install(t, c.writer, s)
	t.landing = landing{through: max(c.through, uint64(s.Txns[w.log.ID()]))}
	w.stats.landed.Add(c.rows)
	return nil
}
