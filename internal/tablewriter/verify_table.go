package tablewriter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// table compares one table with its promise.
func (v *verifier) table(ctx context.Context, name string) error {
	p := v.promise(name)
	t := TableReport{
		Table: name, Version: -1, Accepted: p.Rows, Pending: int64(len(p.pending)), Losses: p.Lost, LossIDs: p.LostIDs,
	}
	rows := &landedRows{pending: idSet(p.pending)}
	s, err := v.open(ctx, name)
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
		if err := v.read(ctx, &t, s, rows); err != nil {
			return err
		}
	}
	v.compare(&t, p, rows)
	v.add(t)
	return nil
}

// open returns the table's newest version.
func (v *verifier) open(ctx context.Context, name string) (*delta.Snapshot, error) {
	n, err := tableschema.ParseName(name)
	if err != nil {
		return nil, err
	}
	if t := v.lake.lookup(name); t != nil && t.installed != nil {
		return t.installed, nil
	}
	d, err := delta.Open(ctx, v.lake.store, n.Path())
	if err != nil {
		return nil, err
	}
	return d.Snapshot(), nil
}

// landedRows is what was read of a table.
type landedRows struct {
	rows     int64  // of this log
	double   int64  // among them
	sum      uint64 // of the distinct ids
	withIDs  bool
	pending  map[inference.ID]bool // rows that should not be there yet
	already  int64                 // rows that are there nevertheless
	ofOthers int64
}

func idSet(ids []inference.ID) map[inference.ID]bool {
	set := make(map[inference.ID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// read reads the ids of the table's rows, a partition at a time: copies of a row are in one.
func (v *verifier) read(ctx context.Context, t *TableReport, s *delta.Snapshot, rows *landedRows) error {
	schema, err := s.Schema()
	if err != nil {
		v.problem("table %s has columns of unknown types: %v", t.Table, err)
		return nil
	}
	_, _, rows.withIDs = schema.Column(IDColumn)
	byPartition := map[string][]*delta.Add{}
	for a := range s.Files() {
		byPartition[fmt.Sprint(a.PartitionValues)] = append(byPartition[fmt.Sprint(a.PartitionValues)], a)
	}
	ours := v.ours(s)
	for _, files := range byPartition {
		var ids []inference.ID
		for _, a := range files {
			got, n, err := v.file(ctx, t.Table, a, rows.withIDs)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				v.fault(t.Table, a, err)
			case !ours(a):
				rows.ofOthers += n
			default:
				rows.rows += n
				ids = append(ids, got...)
			}
		}
		rows.take(ids)
	}
	return nil
}

// take counts the ids of one partition.
func (r *landedRows) take(ids []inference.ID) {
	slices.SortFunc(ids, func(a, b inference.ID) int { return bytes.Compare(a[:], b[:]) })
	for i, id := range ids {
		if i > 0 && id == ids[i-1] {
			r.double++
			continue
		}
		r.sum += idSum(id)
		if r.pending[id] {
			r.already++
		}
	}
}

// ours returns which files this log wrote. When no other log is known to the table, all are.
func (v *verifier) ours(s *delta.Snapshot) func(*delta.Add) bool {
	id := v.ledger.Log
	if id == "" {
		id = v.lake.log.ID()
	}
	alone := true
	for app := range s.Txns {
		alone = alone && app == id
	}
	mark := "-" + strings.ReplaceAll(id, "-", "")[:min(8, len(id))] + "-"
	return func(a *delta.Add) bool { return alone || strings.Contains(a.Path, mark) }
}

// file reads one data file: its ids, if the table has them, and its rows.
func (v *verifier) file(ctx context.Context, table string, a *delta.Add, withIDs bool) (ids []inference.ID, rows int64, err error) {
	path := v.lake.local.LocalPath(strings.ReplaceAll(table, ".", "/") + "/" + a.Path)
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = errors.New("it is gone")
		}
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if info.Size() != a.Size {
		return nil, 0, fmt.Errorf("it has %d bytes and should have %d", info.Size(), a.Size)
	}
	if rows, err = datafile.Rows(f); err != nil {
		return nil, 0, err
	}
	if a.Rows >= 0 && rows != a.Rows {
		return nil, 0, fmt.Errorf("it has %d rows and should have %d", rows, a.Rows)
	}
	if !withIDs {
		return nil, rows, nil
	}
	ids = make([]inference.ID, 0, rows)
	err = datafile.ReadStrings(ctx, f, IDColumn, func(s string, null bool) error {
		ids = append(ids, parseID(s, null))
		return nil
	})
	return ids, rows, err
}

// parseID returns the id of a row. One that is no UUID gets an id made of its text.
func parseID(s string, null bool) inference.ID {
	if null {
		return inference.ID{}
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.NewSHA1(uuid.Nil, []byte(s))
	}
	return id
}

func (v *verifier) fault(table string, a *delta.Add, err error) {
	v.report.Files = append(v.report.Files, FileFault{Table: table, Path: a.Path, Rows: a.Rows, Reason: err.Error()})
	v.problem("data file %s of %s: %v", a.Path, table, err)
}

// compare finds what is lost and what is there too often.
func (v *verifier) compare(t *TableReport, p *promise, rows *landedRows) {
	t.Landed, t.Foreign = rows.rows, rows.ofOthers
	t.Duplicates = rows.double + rows.already
	want := p.Rows - t.Pending - p.Lost
	distinct := rows.rows - rows.double - rows.already
	t.Lost = max(0, want-distinct)
	more := max(0, distinct-want)
	if !rows.withIDs {
		t.Duplicates, more = more, 0
	}
	wantSum := p.Sum - p.LostSum
	for _, id := range p.pending {
		wantSum -= idSum(id)
	}
	switch {
	case t.Lost > 0:
		v.problem("%d rows of %s are lost", t.Lost, t.Table)
	case more > 0:
		v.problem("%s has %d rows that the log never promised", t.Table, more)
	case rows.withIDs && rows.already == 0 && rows.sum != wantSum:
		v.problem("%s has as many rows as it should, but not those that the log promised", t.Table)
	}
	if t.Duplicates > 0 {
		v.problem("%d rows of %s are there once too often", t.Duplicates, t.Table)
	}
}

// add adds the table to the report.
func (v *verifier) add(t TableReport) {
	r := v.report
	r.Accepted += t.Accepted
	r.Landed += t.Landed
	r.Pending += t.Pending
	r.Losses += t.Losses
	r.Lost += t.Lost
	r.Duplicates += t.Duplicates
	r.Foreign += t.Foreign
	r.Tables = append(r.Tables, t)
}
