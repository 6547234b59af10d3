package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/tests/suite"
)

// shared is a table that others write to as well. After everything that they do, all engines and we
// read it, and we append to it and compact it.
type shared struct {
	suite   *suite.Suite
	engines *engines
	rnd     *rand.Rand
	store   objstore.Store
	w       *writer
	rows    []row
	at      place
}

func newShared(ctx context.Context, s *suite.Suite, e *engines, store objstore.Store, at place, name string, seed uint64) (*shared, error) {
	f := &shared{suite: s, engines: e, rnd: rand.New(rand.NewPCG(seed, 2)), store: store, at: at}
	schema := everything(name)
	f.at.address += "/" + schema.Name.Path()
	var err error
	if f.w, err = openWriter(ctx, store, schema); err != nil {
		return nil, err
	}
	return f, f.append(ctx)
}

// append writes a few files of three days.
func (f *shared) append(ctx context.Context) error {
	for range 3 {
		var rows []row
		for _, day := range []string{"2026-11-16", "2026-11-17", "2026-11-18"} {
			rows = append(rows, makeRows(f.rnd, f.w.schema, day, 60)...)
		}
		if err := f.w.append(ctx, rows); err != nil {
			return err
		}
		f.rows = append(f.rows, rows...)
	}
	return nil
}

// act is something that another engine does to the table, and what it makes of the rows.
type act struct {
	what string
	do   func() error
	rows func([]row) []row // nil: none change
}

// after carries out an act and looks at the table from all sides.
func (f *shared) after(ctx context.Context, a act) error {
	if err := a.do(); err != nil {
		return fmt.Errorf("%s: %w", a.what, err)
	}
	if a.rows != nil {
		f.rows = a.rows(f.rows)
	}
	f.suite.Check("lakegate: after "+a.what, f.w.ours(ctx, f.rows))
	if err := f.append(ctx); err != nil {
		return fmt.Errorf("append after %s: %w", a.what, err)
	}
	f.engines.checkAll(f.suite, "appended after "+a.what, f.at, nil, f.w.schema, f.rows)
	if err := compact(ctx, f.store, f.w); err != nil {
		return fmt.Errorf("compact after %s: %w", a.what, err)
	}
	f.suite.Check("lakegate: compacted after "+a.what, f.w.ours(ctx, f.rows))
	return nil
}

// deleted is the rows without those of some numbers of tokens.
func deleted(rest int64) func([]row) []row {
	return func(rows []row) []row {
		return slices.DeleteFunc(rows, func(r row) bool { n, ok := r["tokens"].(int64); return ok && n%11 == rest })
	}
}

// runForeignSpark has Spark write to a table in a folder.
func runForeignSpark(ctx context.Context, s *suite.Suite, e *engines, dir string, seed uint64) error {
	store, err := fsstore.Open(dir)
	if err != nil {
		return err
	}
	f, err := newShared(ctx, s, e, store, place{address: dir}, "spark", seed)
	if err != nil {
		return err
	}
	t := "delta.`" + f.at.address + "`"
	spark := func(statements ...string) func() error {
		return func() error { return e.sql(statements...) }
	}
	for _, a := range []act{
		{"Spark's OPTIMIZE", spark("OPTIMIZE " + t), nil},
		{"Spark's DELETE", spark("DELETE FROM " + t + " WHERE tokens % 11 = 4"), deleted(4)},
		{"Spark's MERGE", spark(
			"MERGE INTO " + t + " AS t USING (SELECT * FROM " + t + " WHERE tokens % 11 = 5) AS s ON t." + idColumn + " = s." + idColumn + " AND t.request_date = s.request_date " +
				"WHEN MATCHED AND s.streaming THEN DELETE WHEN MATCHED THEN UPDATE SET status = 200"), merged},
		f.insert(t),
		{"Spark's VACUUM", spark("VACUUM " + t + " RETAIN 0 HOURS"), nil},
		{"Spark's ADD COLUMN", spark("ALTER TABLE "+t+" ADD COLUMN (theirs STRING)", "UPDATE "+t+" SET theirs = 'x' WHERE tokens % 11 = 6"), f.theirs},
		{"Spark's checkpoint with other columns", spark(
			"ALTER TABLE "+t+" SET TBLPROPERTIES ('delta.checkpoint.writeStatsAsStruct' = 'true', 'delta.checkpointInterval' = '1')",
			"DELETE FROM "+t+" WHERE tokens % 11 = 7",
			"ALTER TABLE "+t+" SET TBLPROPERTIES ('delta.checkpointInterval' = '50')"), deleted(7)},
	} {
		if err := f.after(ctx, a); err != nil {
			return err
		}
	}
	return f.raised(ctx, t)
}

// insert has Spark append rows of its own: copies of some, under other ids.
func (f *shared) insert(t string) act {
	var columns []string
	for _, c := range f.w.schema.Columns {
		if c.Name == idColumn {
			columns = append(columns, "regexp_replace("+idColumn+", '^.', 'z') AS "+idColumn)
			continue
		}
		columns = append(columns, c.Name)
	}
	return act{
		"Spark's INSERT",
		func() error {
			return f.engines.sql("INSERT INTO " + t + " SELECT " + strings.Join(columns, ", ") + " FROM " + t + " WHERE tokens % 11 = 8")
		},
		func(rows []row) []row {
			for _, r := range slices.Clone(rows) {
				if n, ok := r["tokens"].(int64); ok && n%11 == 8 {
					copied := row{}
					for k, v := range r {
						copied[k] = v
					}
					copied[idColumn] = "z" + r[idColumn].(string)[1:]
					rows = append(rows, copied)
				}
			}
			return rows
		},
	}
}

// merged is what the MERGE does.
func merged(rows []row) []row {
	var left []row
	for _, r := range rows {
		if n, ok := r["tokens"].(int64); ok && n%11 == 5 {
			if r["streaming"] == true {
				continue
			}
			r["status"] = int64(200)
		}
		left = append(left, r)
	}
	return left
}

// theirs is what the UPDATE of Spark's column does. From here on we know the column, too.
func (f *shared) theirs(rows []row) []row {
	f.w.schema = everything("spark", tableschema.Column{Name: "theirs", Type: kind(tableschema.String)})
	for _, r := range rows {
		r["theirs"] = nil
		if n, ok := r["tokens"].(int64); ok && n%11 == 6 {
			r["theirs"] = "x"
		}
	}
	return rows
}

// raised has Spark turn on deletion vectors, which raises the protocol: we stop writing and say so.
// When it has turned them off again, we go on.
func (f *shared) raised(ctx context.Context, t string) error {
	if err := f.engines.sql("ALTER TABLE "+t+" SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')", "DELETE FROM "+t+" WHERE tokens % 11 = 9"); err != nil {
		return err
	}
	before := f.rows
	err := f.append(ctx)
	var p *delta.ProtocolError
	if !errors.As(err, &p) || !slices.Contains(p.Features, "deletionVectors") {
		err = fmt.Errorf("append to a table with deletion vectors: %w, want ErrProtocol", err)
	} else {
		fmt.Println("readers: with deletion vectors:", err)
		err = nil
	}
	f.suite.Check("lakegate: stops when Spark raises the protocol", err)
	f.rows = deleted(9)(slices.Clone(before))
	for _, statement := range []string{
		"ALTER TABLE " + t + " SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'false')",
		"REORG TABLE " + t + " APPLY (PURGE)",
	} {
		if err := f.engines.sql(statement); err != nil {
			return err
		}
	}
	// The protocol still names the feature, which is not used any more. delta-rs 1.6 doesn't read it.
	f.engines = f.engines.without("delta-rs")
	return f.after(ctx, act{"Spark turned deletion vectors off again", func() error { return nil }, nil})
}

// runForeignDeltaRS has delta-rs write to a table, in a folder or on S3, also at the same time as we.
func runForeignDeltaRS(ctx context.Context, s *suite.Suite, e *engines, store objstore.Store, at place, seed uint64) error {
	f, err := newShared(ctx, s, e, store, at, "rust", seed)
	if err != nil {
		return err
	}
	where := "in a folder"
	if at.options != nil {
		where = "on S3"
	}
	rs := func(op string, args map[string]any) func() error {
		return func() error { return e.deltaRS(op, f.at, args) }
	}
	for _, a := range []act{
		{"delta-rs's optimize " + where, rs("optimize", nil), nil},
		{"delta-rs's delete " + where, rs("delete", map[string]any{"where": "tokens % 11 = 4"}), deleted(4)},
		{"delta-rs's update " + where, rs("update", map[string]any{"where": "tokens % 11 = 5", "set": map[string]string{"status": "200"}}), updated},
		{"delta-rs's append " + where, f.double("double"), nil},
		{"delta-rs's checkpoint and vacuum " + where, func() error {
			return errors.Join(rs("checkpoint", nil)(), rs("vacuum", nil)())
		}, nil},
	} {
		if err := f.after(ctx, a); err != nil {
			return err
		}
	}
	return f.together(ctx, where)
}

func updated(rows []row) []row {
	for _, r := range rows {
		if n, ok := r["tokens"].(int64); ok && n%11 == 5 {
			r["status"] = int64(200)
		}
	}
	return rows
}

// double has delta-rs append copies of three rows under ids with a suffix.
func (f *shared) double(suffix string) func() error {
	return func() error {
		var ids []string
		for _, r := range f.rows[:3] {
			ids = append(ids, r[idColumn].(string))
			copied := row{}
			for k, v := range r {
				copied[k] = v
			}
			copied[idColumn] = r[idColumn].(string) + suffix
			f.rows = append(f.rows, copied)
		}
		return f.engines.deltaRS("double", f.at, map[string]any{"ids": ids, "suffix": suffix})
	}
}

// together has delta-rs and us append at the same time. Nothing is lost.
func (f *shared) together(ctx context.Context, where string) error {
	var (
		wg    sync.WaitGroup
		ours  []row
		err   error
		count int
	)
	stop := make(chan struct{})
	schema, rnd := f.w.schema, rand.New(rand.NewPCG(f.rnd.Uint64(), 3))
	wg.Go(func() {
		// delta-rs gives up after 15 lost races: as fast as we can would be too fast for it.
		pace := time.NewTicker(50 * time.Millisecond)
		defer pace.Stop()
		for err == nil {
			select {
			case <-stop:
				return
			case <-pace.C:
			}
			rows := makeRows(rnd, schema, "2026-11-18", 5)
			if err = f.w.append(ctx, rows); err == nil {
				ours = append(ours, rows...)
				count++
			}
		}
	})
	began := time.Now()
	var theirs error
	for i := range 15 {
		if theirs = f.double(fmt.Sprint("+", i))(); theirs != nil {
			break
		}
	}
	close(stop)
	wg.Wait()
	if err := errors.Join(err, theirs); err != nil {
		return fmt.Errorf("appends at the same time: %w", err)
	}
	fmt.Printf("readers: 15 appends of delta-rs and %d of ours at the same time %s in %.1fs\n", count, where, time.Since(began).Seconds())
	f.rows = append(f.rows, ours...)
	f.suite.Check("lakegate: after appends at the same time "+where, f.w.ours(ctx, f.rows))
	f.engines.checkAll(f.suite, "after appends at the same time "+where, f.at, nil, f.w.schema, f.rows)
	return nil
}
