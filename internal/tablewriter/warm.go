package tablewriter

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/wal"
)

// warm makes hot files of the tables' rows that are in front of end and in neither a commit nor a
// hot file. The caller holds the view.
func (l *lake) warm(ctx context.Context, tables []*table, end wal.Pos) error {
	from := map[*table]wal.Pos{}
	for _, t := range tables {
		if t.hotTo.Before(end) {
			from[t] = t.hotTo
		}
	}
	if len(from) == 0 {
		return nil
	}
	fresh, err := l.extents(ctx, from, end)
	if err != nil {
		return err
	}
	for t, e := range fresh {
		t.hot = append(t.hot, e)
	}
	for t := range from {
		t.hotTo = end
	}
	return l.merge(ctx, fresh, end)
}

// merge builds the last extents of tables that have many anew as one: those that are together no
// smaller than the one before, so that a row is built anew only a few times.
func (l *lake) merge(ctx context.Context, fresh map[*table]*extent, end wal.Pos) error {
	from := map[*table]wal.Pos{}
	keep := map[*table]int{}
	for t := range fresh {
		if len(t.hot) <= maxExtents {
			continue
		}
		n := len(t.hot) - 2
		rows := t.hot[n].rows + t.hot[n+1].rows
		for n > 0 && t.hot[n-1].rows <= rows {
			n--
			rows += t.hot[n].rows
		}
		from[t], keep[t] = t.hot[n].from, n
	}
	if len(from) == 0 {
		return nil
	}
	merged, err := l.extents(ctx, from, end)
	if err != nil {
		return err
	}
	for t, n := range keep {
		for _, old := range t.hot[n:] {
			old.release()
		}
		clear(t.hot[n:])
		t.hot = append(t.hot[:n], merged[t])
	}
	return nil
}

// extents builds one extent for each table that has rows from a position of its own up to end.
func (l *lake) extents(ctx context.Context, from map[*table]wal.Pos, end wal.Pos) (map[*table]*extent, error) {
	made, err := l.extentsOnce(ctx, from, end, false)
	if isRowError(err) {
		made, err = l.extentsOnce(ctx, from, end, true)
	}
	return made, err
}

func (l *lake) extentsOnce(ctx context.Context, from map[*table]wal.Pos, end wal.Pos, careful bool) (_ map[*table]*extent, err error) {
	made := map[*table]*extent{}
	defer func() {
		if err != nil {
			for _, e := range made {
				e.release()
			}
		}
	}()
	g := l.gatherer(careful)
	defer g.close()
	g.emit = func(schema *tableschema.Table, partition map[string]string, b arrow.RecordBatch) error {
		return l.spill(made[l.table(schema.Name)], schema, partition, b)
	}
	if err := l.gatherRows(ctx, g, from, end, made); err != nil {
		return made, err
	}
	return made, g.finish()
}

func (l *lake) gatherer(careful bool) *gatherer {
	return &gatherer{feeds: &l.feeds, memory: l.memory, maxBytes: l.batch, careful: careful}
}

// gatherRows gives the rows of the tables, each from its position up to end, to the gatherer, and
// notes in made where they were.
func (l *lake) gatherRows(ctx context.Context, g *gatherer, from map[*table]wal.Pos, end wal.Pos, made map[*table]*extent) error {
	oldest := end
	for _, p := range from {
		if p.Before(oldest) {
			oldest = p
		}
	}
	tables := map[*tableschema.Table]*table{} // by the pointer the feed gives, to spare making names
	take := func(f loggedFact) error {
		for _, feed := range l.feeds.list {
			schema := l.feeds.table(feed, f.Fact)
			if schema == nil {
				continue
			}
			t := tables[schema]
			if t == nil {
				t = l.table(schema.Name)
				tables[schema] = t
			}
			start, ok := from[t]
			if !ok || f.pos.Before(start) {
				continue
			}
			e := made[t]
			if e == nil {
				e = &extent{from: f.pos}
				made[t] = e
			}
			e.to = f.pos
			if err := g.add(schema, feed, f); err != nil && !(g.careful && isRowError(err)) {
				return err
			}
		}
		return ctx.Err()
	}
	r := newFactReader(l.log)
	defer r.close()
	for f, err := range r.rows(oldest, end) {
		if err == nil {
			err = take(f)
		}
		if err != nil {
			return err
		}
	}
	for _, rec := range l.crashed {
		if err := take(loggedFact{Fact: inference.Fact{Record: rec}, pos: end}); err != nil {
			return err
		}
	}
	return nil
}

// spill writes a batch to a hot file of the extent.
func (l *lake) spill(e *extent, schema *tableschema.Table, partition map[string]string, b arrow.RecordBatch) error {
	file, err := datafile.Encode(b, schema, datafile.Options{Compression: datafile.None})
	if err != nil {
		return fmt.Errorf("encode hot rows of %s: %w", schema.Name, err)
	}
	hot, err := l.hot.write(schema.Name, partition, file.Data, file.Rows, file.Stats)
	if err != nil {
		return err
	}
	e.files = append(e.files, hot)
	e.rows += file.Rows
	return nil
}
