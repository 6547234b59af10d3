package maintain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// merging makes the file of one group.
type merging struct {
	c     *compaction
	ctx   context.Context // lives as long as run
	table *tableschema.Table
	txns  map[string]int64
	group group

	idAt    int
	read    []*tally // by input
	written tally
	counts  rowtags.Counts
	add     *delta.Add
	pace    pace
}

// run reads, sorts, writes and stores the file, and proves that it has the rows of the inputs, by
// number and by the sum of their ids.
func (m *merging) run() (*delta.Add, error) {
	m.idAt = slices.IndexFunc(datafile.Body(m.table), func(c tableschema.Column) bool { return c.Name == idColumn })
	m.written.at = m.idAt
	m.pace = pace{share: m.c.k.cfg.Share, ctx: m.ctx, last: time.Now()}
	inputs := make([]datafile.Input, len(m.group.files))
	for i, f := range m.group.files {
		inputs[i] = m.input(f)
	}
	// One file, however large: whose rows went where could not be told of two.
	opt := datafile.MergeOptions{TargetBytes: math.MaxInt64 / 4, Check: func(b arrow.RecordBatch) error {
		m.pace.wait()
		return m.written.add(b)
	}}
	if _, err := datafile.Merge(m.ctx, inputs, m.table, opt, m.store); err != nil {
		return nil, err
	}
	if m.add == nil {
		return nil, errors.New("the files have no rows")
	}
	return m.add, nil
}

func (m *merging) input(f *delta.Add) datafile.Input {
	got := &tally{at: m.idAt}
	m.read = append(m.read, got)
	in := datafile.Input{
		Name: f.Path, Size: f.Size, From: math.MinInt64, Read: got.add,
		Open: func(ctx context.Context) (datafile.Source, func() error, error) {
			return source(ctx, m.c.k.store, m.c.t.Key(f.Path), f.Size)
		},
	}
	if len(m.table.SortBy) > 0 {
		first, _, _ := m.table.Column(m.table.SortBy[0])
		in.From = lowerBound(f, first)
		in.Sorted = f.Tags[sortedTag] == strings.Join(m.table.SortBy, ",")
	}
	return in
}

// store is called when all rows are in the file.
func (m *merging) store(f datafile.Merged) error {
	m.c.k.failPoint("compact: file read")
	var read rowtags.Count
	for i, got := range m.read {
		counts, err := check(m.group.files[i], m.txns, got.Count)
		if err != nil {
			return &datafile.InputError{Name: m.group.files[i].Path, Err: err}
		}
		m.counts = m.counts.Add(counts)
		read = read.Plus(got.Count)
	}
	if read != m.written.Count || f.Rows != read.N || m.counts.Rows() != read {
		return fmt.Errorf("%d rows were read and %d written, and the sums of their ids are %d and %d", read.N, f.Rows, read.Sum, m.written.Sum)
	}
	var partition map[string]string
	if m.table.PartitionBy != "" {
		partition = map[string]string{m.table.PartitionBy: m.group.day}
	}
	tags := m.counts.Tags()
	if f.Sorted {
		tags[sortedTag] = strings.Join(m.table.SortBy, ",")
	}
	// The name says that no log wrote it.
	path := delta.DataFileName(partition, uint64(m.c.report.Version), "00000000")
	if _, err := m.c.k.store.Put(m.ctx, m.c.t.Key(path), f.Data); err != nil {
		return fmt.Errorf("store merged file: %w", err)
	}
	m.add = &delta.Add{Path: path, PartitionValues: partition, Size: int64(len(f.Data)), Rows: f.Rows, Stats: f.Stats, Tags: tags}
	return nil
}

// pace keeps work to a share of one core, in small steps: it sleeps as long as is fair for what was
// worked since the last call.
type pace struct {
	share float64
	ctx   context.Context // lives as long as one merge
	last  time.Time
}

func (p *pace) wait() {
	if p.share < 1 {
		worked := time.Since(p.last)
		timer := time.NewTimer(min(time.Duration(float64(worked)*(1/p.share-1)), time.Second))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-p.ctx.Done():
		}
	}
	p.last = time.Now()
}

func isNotFound(err error) bool {
	return errors.Is(err, objstore.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}
