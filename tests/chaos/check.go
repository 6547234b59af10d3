package chaos

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/tablewriter"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

const idColumn = tablewriter.IDColumn

// readIDs calls f with the id and the outcome of every row of a snapshot of the usage table.
func readIDs(ctx context.Context, s *tablewriter.TableSnapshot, f func(id, outcome string)) error {
	for _, file := range slices.Concat(s.Files, s.Hot) {
		b, err := os.ReadFile(file.Path)
		if err != nil {
			return err
		}
		if err := readFile(ctx, b, true, f); err != nil {
			return err
		}
	}
	return nil
}

func readFile(ctx context.Context, b []byte, outcomes bool, f func(id, outcome string)) error {
	var ids, out []string
	take := func(to *[]string) func(string, bool) error {
		return func(s string, _ bool) error { *to = append(*to, s); return nil }
	}
	if err := datafile.ReadStrings(ctx, bytes.NewReader(b), idColumn, take(&ids)); err != nil {
		return err
	}
	if outcomes {
		if err := datafile.ReadStrings(ctx, bytes.NewReader(b), "outcome", take(&out)); err != nil {
			return err
		}
	}
	for i, id := range ids {
		o := ""
		if outcomes {
			o = out[i]
		}
		f(id, o)
	}
	return nil
}

// rows are the rows that were found, and what was wrong with them.
type rows struct {
	w     *world
	n     map[string]int
	wrong []string
}

func (r *rows) add(id, outcome string) {
	r.n[id]++
	f := r.w.model.byID[id]
	switch {
	case r.n[id] == 2:
		r.wrong = append(r.wrong, fmt.Sprintf("two rows: %v", describe(f, id)))
	case f == nil && !r.w.model.foreign[id]:
		r.wrong = append(r.wrong, "a row of a request that nobody made: "+id)
	case f != nil && f.fate == gone:
		r.wrong = append(r.wrong, fmt.Sprintf("a row that was erased or dropped: %v", f))
	case f != nil && outcome != "" && f.ok && !f.open && outcome != string(inference.OK):
		r.wrong = append(r.wrong, fmt.Sprintf("outcome %s: %v", outcome, f))
	}
}

func describe(f *fact, id string) string {
	if f == nil {
		return id
	}
	return f.String()
}

// lacks notes a fact that should have a row.
func (r *rows) lacks(f *fact) {
	if f.fate == must && r.n[f.id()] == 0 {
		r.wrong = append(r.wrong, fmt.Sprintf("no row: %v", f))
	}
}

func (r *rows) err(where string) error {
	if len(r.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %d wrong: %q", where, len(r.wrong), r.wrong[:min(5, len(r.wrong))])
}

// check compares what a gateway shows with the model: its own rows all, those of others at most once.
// A store that cannot be read now is no fault of the gateway.
func (w *world) check(ctx context.Context, g *gateway) error {
	defer g.store.turn()()
	s, err := g.writer.Snapshot(ctx, []string{usageName})
	if err != nil {
		w.trace("gateway %d: snapshot: %v", g.n, err)
		if w.net.rate == 0 {
			return fmt.Errorf("snapshot of gateway %d with a store that works: %w", g.n, err)
		}
		return nil
	}
	defer s.Release()
	r := &rows{w: w, n: map[string]int{}}
	if err := readIDs(ctx, s.Tables[usageName], r.add); err != nil {
		return err
	}
	// Versions of the table that others changed may be seen a little later.
	r.wrong = slices.DeleteFunc(r.wrong, func(s string) bool { return bytes.Contains([]byte(s), []byte("was erased")) })
	if s.Tables[usageName].Version < 0 { // the store did not answer a moment ago
		return r.err(fmt.Sprintf("what gateway %d shows without the store", g.n))
	}
	w.model.of(g.n, func(f *fact) {
		if !f.open && !f.parked && !f.limbo {
			r.lacks(f)
		}
	})
	w.trace("gateway %d: snapshot of %d rows", g.n, len(r.n))
	if err := r.err(fmt.Sprintf("what gateway %d shows of version %d", g.n, s.Tables[usageName].Version)); err != nil {
		_, stored := w.checkTables(ctx)
		return fmt.Errorf("%w; what the store has: %w", err, stored)
	}
	return nil
}

// checkTables compares the tables as the store has them with the model.
func (w *world) checkTables(ctx context.Context) (n int, err error) {
	for _, t := range w.tables() {
		r := &rows{w: w, n: map[string]int{}}
		usage := t.Name.String() == usageName
		err := w.eachFile(ctx, t.Name.Path(), func(b []byte) error { return readFile(ctx, b, usage, r.add) })
		if err != nil {
			return n, err
		}
		for _, f := range w.model.facts {
			if usage || f.payload {
				r.lacks(f)
			}
		}
		for id := range w.model.foreign {
			if usage && r.n[id] != 1 {
				r.wrong = append(r.wrong, fmt.Sprintf("%d rows of another engine's request %s", r.n[id], id))
			}
		}
		if err := r.err(fmt.Sprintf("table %s", t.Name)); err != nil {
			return n, err
		}
		n += len(r.n)
	}
	return n, w.checkLosses(ctx)
}

// eachFile calls f with every data file of a table.
func (w *world) eachFile(ctx context.Context, path string, f func([]byte) error) error {
	t, err := delta.OpenExisting(ctx, w.net.store, path, delta.Options{})
	if err != nil {
		return err
	}
	for a := range t.Snapshot().Files() {
		b, _, err := w.net.store.Get(ctx, t.Key(a.Path))
		if err != nil {
			return fmt.Errorf("file %s: %w", a.Path, err)
		}
		if err := f(b); err != nil {
			return err
		}
	}
	return nil
}

// checkLosses compares the rows of losses with what was dropped.
func (w *world) checkLosses(ctx context.Context) error {
	var got, least, most int64
	for _, g := range w.gateways {
		most += g.dropped
		least += g.dropped - g.uncertain
	}
	err := w.eachFile(ctx, systemtables.Losses().Name.Path(), func(b []byte) error {
		t, err := datafile.ReadColumns(ctx, bytes.NewReader(b), "reason", "lost_rows")
		if err != nil {
			return err
		}
		defer t.Release()
		reasons, counts := 0, 1
		if t.Column(0).Name() != "reason" {
			reasons, counts = 1, 0
		}
		for i, chunk := range t.Column(reasons).Data().Chunks() {
			for row := range chunk.Len() {
				if reason := chunk.(*array.String).Value(row); reason == string(inference.DiskFull) {
					got += t.Column(counts).Data().Chunk(i).(*array.Int64).Value(row)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if got < least || got > most {
		return fmt.Errorf("table of losses: %d rows are counted as dropped, want %d to %d", got, least, most)
	}
	return nil
}

// verify proves a closed gateway's rows from its own ledger.
func (g *gateway) verify(ctx context.Context) error {
	g.store = g.w.net.client()
	r, err := tablewriter.Verify(ctx, g.config(), feeds(), quiet)
	if err != nil {
		return fmt.Errorf("verify gateway %d: %w", g.n, err)
	}
	if !r.OK() {
		return fmt.Errorf("verify gateway %d: %q, %q, %+v", g.n, r.Problems, r.Notes, r.Tables)
	}
	return nil
}

// accounts returns how many rows of each log a table has or had: those in its files by their tags, and
// those erased. Maintenance does not change it.
func (w *world) accounts(ctx context.Context, path string) (rowtags.Counts, error) {
	t, err := delta.OpenExisting(ctx, w.net.store, path, delta.Options{})
	if err != nil {
		return nil, err
	}
	s := t.Snapshot()
	all := rowtags.Erased(s.Txns)
	for a := range s.Files() {
		if c, ok := rowtags.Parse(a.Tags); ok {
			all = all.Add(c)
		}
	}
	return all, nil
}

// keepsAccounts does something to the tables that must not change the accounts of any log.
func (w *world) keepsAccounts(ctx context.Context, do func()) error {
	before := map[string]rowtags.Counts{}
	for _, t := range w.tables() {
		c, err := w.accounts(ctx, t.Name.Path())
		if err != nil {
			continue // not there yet
		}
		before[t.Name.Path()] = c
	}
	do()
	for path, was := range before {
		is, err := w.accounts(ctx, path)
		if err != nil {
			return err
		}
		for log, c := range was {
			if len(log) > 1 && (is[log].N != c.N || !rowtags.SumsEqual(is[log].Sum, c.Sum)) {
				return fmt.Errorf("%s: rows of log %s that are there or erased: %+v before and %+v after", path, log, c, is[log])
			}
		}
	}
	return nil
}
