package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// table compares one table with its promise.
func (v *verifier) table(ctx context.Context, name string) error {
	p := v.promise(name)
	t := TableReport{
		Table: name, Version: -1, Accepted: p.Rows, Pending: int64(len(p.pending)), Losses: p.Lost, LossIDs: p.LostIDs,
	}
	rows := &tableRows{pending: idSet(p.pending)}
	erased := rowtags.Counts{}
	d, s, err := v.open(ctx, name)
	switch {
	case errors.Is(err, delta.ErrNotTable):
		if p.Rows > t.Pending {
			v.problem("table %s is gone", name)
		}
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		v.problem("table %s cannot be read: %v", name, err)
	default:
		t.Version, t.Files = s.Version, s.NumFiles()
		erased = rowtags.Erased(s.Txns)
		if err := v.read(ctx, name, s, rows); err != nil {
			return err
		}
	}
	v.compare(&t, p, rows, erased, func() string { return foreignCommits(ctx, d) })
	v.add(t)
	return nil
}

// open returns the table at its newest version.
func (v *verifier) open(ctx context.Context, name string) (*delta.Table, *delta.Snapshot, error) {
	n, err := tableschema.ParseName(name)
	if err != nil {
		return nil, nil, err
	}
	if t := v.lake.lookup(name); t != nil && t.installed != nil {
		return t.reader.Load(), t.installed, nil
	}
	d, err := delta.Open(ctx, v.lake.store, n.Path())
	if err != nil {
		return nil, nil, err
	}
	v.lake.table(n)
	return d, d.Snapshot(), nil
}

func idSet(ids []inference.ID) map[inference.ID]bool {
	set := make(map[inference.ID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func (v *verifier) fault(table string, a *delta.Add, err error) {
	v.report.Files = append(v.report.Files, FileFault{Table: table, Path: a.Path, Rows: a.Rows, Reason: err.Error()})
	v.problem("data file %s of %s: %v", a.Path, table, err)
}

// compare finds what is lost and what is there too often. Of the promised rows those are left out
// that cannot be there: pending ones, losses, and what was erased on purpose.
func (v *verifier) compare(t *TableReport, p *promise, rows *tableRows, erasedBy rowtags.Counts, foreign func() string) {
	erased := erasedBy[v.id()]
	t.Landed, t.Erased, t.Shared = rows.mine.N, erased.N, rows.shared.N
	want := rowtags.Count{N: p.Rows - t.Pending - p.Lost, Sum: p.Sum - p.LostSum}.Minus(erased)
	for _, id := range p.pending {
		want.Sum -= rowtags.IDSum(id)
	}
	have := rows.mine.Minus(rowtags.Count{N: rows.double, Sum: rows.doubleSum})
	have.N -= rows.already
	if surplus := have.N - want.N; surplus > 0 {
		have.N -= min(rows.twice, surplus) // copies of which nobody can tell whose they are
	}
	t.Duplicates = rows.double + rows.twice + rows.already
	if more := have.N - want.N; !rows.withIDs && more > 0 {
		t.Duplicates, have.N = more, want.N
	}
	v.missing(t, rows, want, have, erasedBy[rowtags.Unknown], foreign)
	if t.Duplicates > 0 {
		v.problem("%d rows of %s are there once too often", t.Duplicates, t.Table)
	}
	t.Foreign = rows.foreign + rows.unknown.N
	if t.Shared > 0 {
		v.note("of the landed rows of %s up to %d are erased: they were in files that have rows of other gateways too, and whose they were cannot be told any more", t.Table, t.Shared)
	}
}

// missing says what became of the rows that are not where they should be.
func (v *verifier) missing(t *TableReport, rows *tableRows, want, have, erasedUnknown rowtags.Count, foreign func() string) {
	missing := want.Minus(have)
	sumsEqual := func(a, b uint64) bool { return !rows.withIDs || rowtags.SumsEqual(a, b) }
	if missing.N == 0 {
		if !sumsEqual(missing.Sum, 0) && t.Duplicates == 0 && rows.broken == 0 {
			v.problem("%s has as many rows as it should, but not those that the log promised", t.Table)
		}
		return
	}
	if missing.N < 0 {
		v.problem("%s has %d rows that the log never promised", t.Table, -missing.N)
		return
	}
	// Rows that another engine wrote anew, and of these the ones that were erased since.
	if all := rows.unknown.Plus(erasedUnknown); missing.N == all.N && sumsEqual(missing.Sum, all.Sum) {
		v.note("%d rows of %s are in files that another engine wrote anew; they are all there or were erased since", missing.N, t.Table)
		t.Landed += rows.unknown.N
		t.Erased += erasedUnknown.N
		rows.unknown = rowtags.Count{}
		return
	}
	t.Lost = min(missing.N, rows.broken)
	left := missing.N - t.Lost
	by := ""
	if left > 0 {
		by = foreign()
	}
	if left > 0 && (rows.unknown.N > 0 || by != "") {
		t.Unproved, left = left, 0
		v.problem("%d rows of %s are not in files that lakegate wrote, and another engine changed the table%s: "+
			"they may be among the %d rows of its files, or it deleted them; that cannot be told", t.Unproved, t.Table, by, rows.unknown.N+erasedUnknown.N)
	}
	t.Lost += left
	if t.Lost > 0 {
		v.problem("%d rows of %s are lost", t.Lost, t.Table)
	}
}

// foreignCommits names the commits of other engines that took files out of the table, as far as the
// log still has them.
func foreignCommits(ctx context.Context, d *delta.Table) string {
	if d == nil {
		return ""
	}
	history, err := d.History(ctx, 0)
	if err != nil {
		return ""
	}
	var names []string
	for _, c := range history {
		if strings.HasPrefix(c.Engine, "lakegate/") || c.IsBlindAppend || c.Operation == "" {
			continue
		}
		names = append(names, fmt.Sprintf("version %d, %s by %s", c.Version, c.Operation, c.Engine))
	}
	const most = 3
	if len(names) == 0 {
		return ""
	}
	if len(names) > most {
		names = append(names[:most], "and others")
	}
	return " (" + strings.Join(names, "; ") + ")"
}

// add adds the table to the report.
func (v *verifier) add(t TableReport) {
	r := v.report
	r.Accepted += t.Accepted
	r.Landed += t.Landed
	r.Erased += t.Erased
	r.Pending += t.Pending
	r.Losses += t.Losses
	r.Lost += t.Lost
	r.Unproved += t.Unproved
	r.Duplicates += t.Duplicates
	r.Foreign += t.Foreign
	r.Tables = append(r.Tables, t)
}
