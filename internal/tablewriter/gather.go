package tablewriter

import (
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// feeds calls the feeds, from one goroutine at a time.
type feeds struct {
	mu   sync.Mutex
	list []Feed
}

// gatherer builds rows of several tables and hands them out in batches of one partition. It belongs
// to one goroutine. Close it.
type gatherer struct {
	feeds    *feeds
	memory   memory.Allocator
	maxBytes int64 // of facts in one batch
	// careful builds each row alone first, so that one that cannot be built spoils no others. It is
	// slower, and is used once a row could not be built.
	careful bool
	// emit takes a full batch. It does not keep it.
	emit func(t *tableschema.Table, partition map[string]string, b arrow.RecordBatch) error
	// last, when set, is how large the tables' batches were the last time, and left how many bytes of
	// facts may still come: builders are made that large at once.
	last map[tableschema.Name]batchSize
	left int64

	tables map[*tableschema.Table]*gathered
	bytes  int64 // in all open batches
}

// gathered is the open batches of one table as one feed declares it, by day.
type gathered struct {
	schema  *tableschema.Table
	arrow   *arrow.Schema
	dateCol int // -1 without partitions
	parts   map[int64]*part
}

type part struct {
	builder *array.RecordBuilder
	rows    int
	bytes   int64
}

// add builds the fact's row. A *rowError says that it cannot be built: when careful, everything else
// goes on; otherwise the gatherer is of no use any more.
func (g *gatherer) add(t *tableschema.Table, feed Feed, f loggedFact) error {
	gt := g.table(t)
	if g.careful {
		if err := g.try(t, feed, f); err != nil {
			return err
		}
	}
	day := dayOf(f.Fact)
	p := gt.parts[day]
	if p == nil {
		p = &part{builder: array.NewRecordBuilder(g.memory, gt.arrow)}
		g.last[t.Name].reserve(p.builder, g.left)
		gt.parts[day] = p
	}
	g.feeds.mu.Lock()
	err := appendRow(feed, p.builder, f.Fact, p.rows)
	g.feeds.mu.Unlock()
	if err != nil {
		return g.spoilt(gt, err)
	}
	p.rows++
	p.bytes += f.size
	g.bytes += f.size
	if p.bytes >= g.maxBytes {
		return g.flush(gt, day)
	}
	if g.bytes >= 2*g.maxBytes {
		return g.flushLargest()
	}
	return nil
}

// spoilt is the error of a row that made its whole batch unusable. A row that was built alone before
// must not do that: its feed does not give the same row each time.
func (g *gatherer) spoilt(gt *gathered, err error) error {
	if g.careful {
		return fmt.Errorf("build rows of %s, one by one they could be built: %w", gt.schema.Name, err)
	}
	return &rowError{gt.schema.Name.String(), err}
}

// table returns where the rows of t are gathered.
func (g *gatherer) table(t *tableschema.Table) *gathered {
	gt := g.tables[t]
	if gt != nil {
		return gt
	}
	gt = &gathered{schema: t, arrow: t.Arrow(), dateCol: -1, parts: map[int64]*part{}}
	if t.PartitionBy != "" {
		_, gt.dateCol, _ = t.Column(t.PartitionBy)
	}
	if g.tables == nil {
		g.tables = map[*tableschema.Table]*gathered{}
	}
	g.tables[t] = gt
	return gt
}

// try builds the row alone and throws it away. The error is a *rowError.
func (g *gatherer) try(t *tableschema.Table, feed Feed, f loggedFact) error {
	b := array.NewRecordBuilder(g.memory, g.table(t).arrow)
	defer b.Release()
	g.feeds.mu.Lock()
	err := appendRow(feed, b, f.Fact, 0)
	g.feeds.mu.Unlock()
	if err == nil {
		var batch arrow.RecordBatch
		if batch, err = newBatch(b); err == nil {
			batch.Release()
			return nil
		}
	}
	return &rowError{t.Name.String(), err}
}

// finish hands out everything that is left.
func (g *gatherer) finish() error {
	for _, gt := range g.tables {
		for day := range gt.parts {
			if err := g.flush(gt, day); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *gatherer) flushLargest() error {
	var table *gathered
	var day int64
	var most int64 = -1
	for _, gt := range g.tables {
		for d, p := range gt.parts {
			if p.bytes > most {
				table, day, most = gt, d, p.bytes
			}
		}
	}
	return g.flush(table, day)
}

// flush hands out the rows of one day and lets go of their builder.
func (g *gatherer) flush(gt *gathered, day int64) (err error) {
	p := gt.parts[day]
	delete(gt.parts, day)
	g.bytes -= p.bytes
	defer p.builder.Release()
	if p.rows == 0 {
		return nil
	}
	if g.last != nil {
		g.last[gt.schema.Name] = measured(p)
	}
	batch, err := newBatch(p.builder)
	if err != nil {
		return g.spoilt(gt, err)
	}
	defer batch.Release()
	return splitByDate(batch, gt.dateCol, g.memory, func(date string, b arrow.RecordBatch) error {
		if gt.dateCol < 0 {
			return g.emit(gt.schema, nil, b)
		}
		return g.emit(gt.schema, map[string]string{gt.schema.PartitionBy: date}, b)
	})
}

// newBatch takes the rows out of the builder. Columns whose parts do not fit together make Arrow
// panic: the feed built one of the rows wrongly.
func newBatch(b *array.RecordBuilder) (_ arrow.RecordBatch, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return b.NewRecordBatch(), nil
}

// close lets go of what was gathered and not handed out. It is safe twice.
func (g *gatherer) close() {
	for _, gt := range g.tables {
		for _, p := range gt.parts {
			p.builder.Release()
		}
	}
	g.tables = nil
}

// isRowError reports whether a feed could not build a row.
func isRowError(err error) bool {
	var e *rowError
	return errors.As(err, &e)
}

// table asks a feed which table a fact belongs to.
func (fs *feeds) table(feed Feed, f inference.Fact) *tableschema.Table {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return feed.Table(f)
}
