package forget

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

const (
	// commitFiles and commitBytes bound what one commit replaces: a conflict throws that much work away.
	commitFiles = 32
	commitBytes = 256 << 20
	// scanners is how many files are looked at together.
	scanners = 4
	// maxConflicts bounds how often a table is planned anew because somebody else rewrote its files.
	maxConflicts = 50
)

// TableReport is what happened to one table.
type TableReport struct {
	Table      string `json:"table"`
	Rows       int64  `json:"rows"`                 // of the subject that were found in it
	Deleted    int64  `json:"deleted"`              // of these
	Anonymized int64  `json:"anonymized,omitempty"` // of these; other rows that lost the name are here too
	Rewritten  int    `json:"files_rewritten"`      // replaced by a file without the rows
	Removed    int    `json:"files_removed"`        // that had no other rows
	Commits    int    `json:"commits"`
	Conflicts  int    `json:"conflicts,omitempty"` // somebody else rewrote a file first
	Dead       int    `json:"dead_files_deleted"`  // not of the newest version, with rows of the subject
	DeadBytes  int64  `json:"dead_bytes_deleted"`
}

// tablePath splits a key below catalog/schema/table.
func tablePath(key string) (table, rest string, ok bool) {
	p := strings.SplitN(key, "/", 4)
	if len(p) < 4 || strings.HasPrefix(p[0], "_") {
		return "", "", false
	}
	return strings.Join(p[:3], "/"), p[3], true
}

// tablesOf returns the paths of the lake's tables, the ledger first and those with bodies last: the
// rows of the former tell which requests are meant.
func tablesOf(ctx context.Context, store objstore.Store) ([]string, error) {
	var paths []string
	last := ""
	for info, err := range store.List(ctx, "", "") {
		if err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		table, rest, ok := tablePath(info.Key)
		if ok && table != last && strings.HasPrefix(rest, "_delta_log/") {
			paths = append(paths, table)
			last = table
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	slices.SortStableFunc(paths, func(a, b string) int {
		return strings.Compare(order(a), order(b))
	})
	return paths, nil
}

// order puts the ledger before the system's other tables, and these before all others.
func order(path string) string {
	switch {
	case path == "system/serving/endpoint_usage":
		return "0"
	case strings.HasPrefix(path, "system/"):
		return "1"
	default:
		return "2"
	}
}

// eraser works on one request.
type eraser struct {
	cfg     Config
	req     *Request
	matcher *matcher
	tables  map[string]*TableReport

	quiet map[string]bool // tables that nobody maintained while they were worked on

	mu    sync.Mutex
	logs  map[string]bool // that wrote into tables
	clean map[string]bool // keys of files without rows of the subject: files never change
}

func (e *eraser) table(name string) *TableReport {
	t := e.tables[name]
	if t == nil {
		t = &TableReport{Table: strings.ReplaceAll(name, "/", ".")}
		e.tables[name] = t
	}
	return t
}

// rewrite takes the subject out of a table's newest version. Nil says that it has no row of the
// subject, in any file that was there when it began.
func (e *eraser) rewrite(ctx context.Context, path string) error {
	d, err := delta.OpenExisting(ctx, e.cfg.Store, path, delta.Options{Version: e.cfg.Version, Logger: e.cfg.Logger})
	if err != nil {
		return err
	}
	t := e.table(path)
	for t.Conflicts <= maxConflicts {
		again, err := e.pass(ctx, d, t)
		if err != nil {
			return fmt.Errorf("table %s: %w", path, err)
		}
		if !again {
			return nil
		}
		if _, err := d.Refresh(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("table %s: its files were rewritten by somebody else %d times: %w", path, t.Conflicts, delta.ErrRewriteConflict)
}

// pass looks at the table as it is now and replaces the files with rows of the subject. again says
// that somebody else was faster, and what is left has to be found anew.
func (e *eraser) pass(ctx context.Context, d *delta.Table, t *TableReport) (again bool, err error) {
	s := d.Snapshot()
	schema, err := s.Schema()
	if err != nil {
		return false, err
	}
	w := &rewriter{cfg: e.cfg, table: d, schema: schema, treat: treatmentOf(schema, e.req.Mode), matcher: e.matcher, logs: rowtags.Logs(s.Txns)}
	for _, log := range w.logs {
		e.logs[log] = true
	}
	if w.treat == none {
		return false, nil
	}
	var files []*delta.Add
	for a := range s.Files() {
		files = append(files, a)
	}
	found, err := e.find(ctx, d, schema, files)
	if err != nil {
		return false, err
	}
	if e.req.DryRun {
		for _, f := range found {
			t.Rows += f.rows
			t.Rewritten++
		}
		return false, nil
	}
	for chunk := range batches(found) {
		err := e.replace(ctx, w, chunk, t)
		if errors.Is(err, delta.ErrRewriteConflict) || errors.Is(err, delta.ErrTxnOrder) || errors.Is(err, objstore.ErrUnknown) {
			t.Conflicts++
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// hit is a file with rows of the subject.
type hit struct {
	add  *delta.Add
	rows int64
}

// find returns which files have rows of the subject, and remembers the ids of these rows. It reads only the
// columns that say whose a row is.
func (e *eraser) find(ctx context.Context, d *delta.Table, schema *ts.Table, files []*delta.Add) ([]hit, error) {
	part := e.matcher.needed(schema)
	counts := make([]int64, len(files))
	found := make([][]row, len(files))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(scanners)
	for i, a := range files {
		key := d.Key(a.Path)
		if e.knownClean(key) {
			continue
		}
		g.Go(func() (err error) {
			found[i], err = e.rowsIn(gctx, key, a.Size, part)
			counts[i] = int64(len(found[i]))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var hits []hit
	for i, a := range files {
		if counts[i] == 0 {
			e.setClean(d.Key(a.Path))
			continue
		}
		for _, r := range found[i] {
			if !r.beside {
				e.matcher.ids.add(r.id)
			}
		}
		hits = append(hits, hit{a, counts[i]})
	}
	return hits, nil
}

func (e *eraser) knownClean(key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clean[key]
}

func (e *eraser) setClean(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clean[key] = true
}

// rowsIn returns the subject's rows of a data file.
func (e *eraser) rowsIn(ctx context.Context, key string, size int64, part *ts.Table) ([]row, error) {
	src, err := objstore.NewReader(ctx, e.cfg.Store, key, size)
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", key, err)
	}
	rows, err := rowsOf(ctx, src, part, e.matcher)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", key, err)
	}
	return rows, nil
}

// rowsOf returns the subject's rows of an open data file; their indexes are those in the file.
func rowsOf(ctx context.Context, src datafile.Source, part *ts.Table, m *matcher) ([]row, error) {
	r, err := datafile.OpenReader(ctx, src, part)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var rows []row
	at := 0
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		for _, x := range m.match(b) {
			x.index += at
			rows = append(rows, x)
		}
		at += int(b.NumRows())
		b.Release()
	}
}

// batches cuts the files into what one commit replaces.
func batches(all []hit) func(yield func([]hit) bool) {
	return func(yield func([]hit) bool) {
		var size int64
		start := 0
		for i, h := range all {
			if i > start && (i-start >= commitFiles || size+h.add.Size > commitBytes) {
				if !yield(all[start:i]) {
					return
				}
				start, size = i, 0
			}
			size += h.add.Size
		}
		if start < len(all) {
			yield(all[start:])
		}
	}
}

// replace rewrites files and commits that.
func (e *eraser) replace(ctx context.Context, w *rewriter, files []hit, t *TableReport) error {
	r := delta.Rewrite{
		Operation: "DELETE", DataChange: true,
		// The log outlives the request, so it doesn't say who is forgotten.
		Parameters: map[string]string{"predicate": `["forget ` + e.req.ID + `"]`},
	}
	if w.treat != remove {
		r.Operation = "UPDATE"
	}
	erased := rowtags.Counts{}
	var done []*replacement
	for _, h := range files {
		rep, err := w.file(ctx, h.add)
		if err != nil {
			return errors.Join(err, e.discard(ctx, w, done))
		}
		done = append(done, rep)
		r.Remove = append(r.Remove, rep.old.Path)
		if rep.new != nil {
			r.Add = append(r.Add, *rep.new)
		}
		erased = erased.Add(rep.erased)
	}
	if err := e.cfg.failPoint("files stored"); err != nil {
		return err
	}
	for _, x := range rowtags.ErasedTxns(w.table.Snapshot().Txns, erased) {
		r.Txns = append(r.Txns, delta.Txn{AppID: x.AppID, Version: x.Version, After: &x.After})
	}
	if _, err := w.table.Rewrite(ctx, r); err != nil {
		if errors.Is(err, objstore.ErrUnknown) {
			return err // the files may be in the table
		}
		return errors.Join(err, e.discard(ctx, w, done))
	}
	t.Commits++
	for _, rep := range done {
		t.Rows += rep.rows
		if w.treat == remove {
			t.Deleted += rep.rows
		} else {
			t.Anonymized += rep.rows
		}
		if rep.new == nil {
			t.Removed++
			continue
		}
		t.Rewritten++
		e.setClean(w.table.Key(rep.new.Path))
	}
	return e.cfg.failPoint("committed")
}

// discard deletes files that nothing refers to.
func (e *eraser) discard(ctx context.Context, w *rewriter, done []*replacement) error {
	var errs []error
	for _, rep := range done {
		if rep.new != nil {
			errs = append(errs, e.cfg.Store.Delete(context.WithoutCancel(ctx), w.table.Key(rep.new.Path)))
		}
	}
	return errors.Join(errs...)
}
