package forget

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/maintain/lease"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// writing is how long a file may wait for its commit that no version names and nobody is known to
// have given up.
const writing = time.Hour

// undisturbed does work on a table while lakegate does not maintain it, which would rewrite the same
// files. If the maintenance does not end soon, the work is done beside it: conflicts cost time only.
func (e *eraser) undisturbed(ctx context.Context, path string, f func(context.Context) error) error {
	if e.req.DryRun {
		return f(ctx)
	}
	e.quiet[path] = false
	l, err := e.maintenance(ctx, path)
	if err != nil {
		e.cfg.Logger.Warn("the table is being maintained; it is worked on all the same", "table", path, "error", err)
		return f(ctx)
	}
	err = l.Do(ctx, f)
	if errors.Is(err, lease.ErrLost) && ctx.Err() == nil {
		return f(ctx)
	}
	e.quiet[path] = err == nil
	return err
}

// maintenance takes the lease under which lakegate maintains a table, when it is free.
func (e *eraser) maintenance(ctx context.Context, path string) (*lease.Lease, error) {
	patience, cancel := context.WithTimeout(ctx, min(e.cfg.Patience, maxMaintenance))
	defer cancel()
	name := "table." + strings.ReplaceAll(path, "/", ".")
	return lease.NewObserver(e.cfg.docs(), e.cfg.Holder).Wait(patience, name, leaseTTL)
}

// maxMaintenance bounds how long a table's maintenance is waited for. Gateways with much to compact take
// the lease again as soon as it is free.
const maxMaintenance = 20 * time.Second

// settled waits until no compaction of a table is under way that read its files before the subject
// left them. What it stores can never be committed, because its inputs are gone from the table; but
// it would be stored after we looked. A compaction that begins now finds nothing of the subject.
func (e *eraser) settled(ctx context.Context, path string) error {
	if e.req.DryRun || e.quiet[path] {
		return nil
	}
	l, err := e.maintenance(ctx, path)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("table %s: wait for the end of its maintenance: %w", path, err)
	}
	if err != nil {
		return err
	}
	return l.Release(ctx)
}

// deadFiles deletes every file of a table that the newest version does not have and in which rows of the
// subject are: files that older versions have, and files of writers that died before their commit.
// It returns those that have to stay, because their commit may still be on the way.
func (e *eraser) deadFiles(ctx context.Context, path string) (left []string, err error) {
	d, err := delta.OpenExisting(ctx, e.cfg.Store, path, delta.Options{Version: e.cfg.Version, Logger: e.cfg.Logger})
	if err != nil {
		return nil, err
	}
	s := d.Snapshot()
	schema, err := s.Schema()
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", path, err)
	}
	removed := map[string]bool{}
	for r := range s.Removed() {
		removed[r.Path] = true
	}
	dead, err := e.notLive(ctx, path, s)
	if err != nil {
		return nil, err
	}
	theirs, err := e.withSubject(ctx, path, dead, schema)
	if err != nil {
		return nil, err
	}
	doomed := map[string]bool{}
	for _, info := range theirs {
		rest := strings.TrimPrefix(info.Key, path+"/")
		if removed[rest] || compacted.MatchString(rest) || abandoned(rest, s.Txns) || time.Since(info.Modified) > writing {
			doomed[rest] = true
		} else {
			left = append(left, info.Key)
		}
	}
	if len(doomed) == 0 || e.req.DryRun {
		return left, nil
	}
	// The promise is that the bytes are gone: readers of older versions are told so.
	r, err := d.Vacuum(ctx, delta.VacuumOptions{Retention: -1, OrphanAge: -1, Only: func(p string) bool { return doomed[p] }})
	t := e.table(path)
	t.Dead += r.Deleted.Files
	t.DeadBytes += r.Deleted.Bytes
	if err != nil {
		return left, err
	}
	for p := range doomed {
		e.req.Deleted = append(e.req.Deleted, d.Key(p))
	}
	return left, nil
}

// notLive lists the table's data files that the version does not have.
func (e *eraser) notLive(ctx context.Context, path string, s *delta.Snapshot) ([]objstore.Info, error) {
	var dead []objstore.Info
	for info, err := range e.cfg.Store.List(ctx, path+"/", "") {
		if err != nil {
			return nil, fmt.Errorf("list files of %s: %w", path, err)
		}
		rest := strings.TrimPrefix(info.Key, path+"/")
		if _, live := s.File(rest); live || strings.HasPrefix(rest, "_") || !strings.HasSuffix(rest, ".parquet") {
			continue
		}
		dead = append(dead, info)
	}
	return dead, nil
}

// withSubject returns which of the files have rows of the subject. A file that cannot be read may
// have some.
func (e *eraser) withSubject(ctx context.Context, path string, files []objstore.Info, schema *ts.Table) ([]objstore.Info, error) {
	part := e.matcher.needed(schema)
	is := make([]bool, len(files))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(scanners)
	for i, info := range files {
		if e.knownClean(info.Key) {
			continue
		}
		g.Go(func() error {
			rows, err := e.rowsIn(gctx, info.Key, info.Size, part)
			switch {
			case errors.Is(err, objstore.ErrNotFound):
				return nil // a vacuum was faster
			case gctx.Err() != nil:
				return gctx.Err()
			}
			is[i] = err != nil || len(rows) > 0
			if err != nil {
				e.cfg.Logger.Warn("a file that no version has cannot be read and is taken for the subject's", "key", info.Key, "error", err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("table %s: %w", path, err)
	}
	var theirs []objstore.Info
	for i, info := range files {
		if is[i] {
			theirs = append(theirs, info)
		}
	}
	return theirs, nil
}

// compacted are the files that lakegate makes of others: by compactions, and here.
var compacted = regexp.MustCompile(`part-\d{20}-(00000000|` + mark + `)-`)

var landedName = regexp.MustCompile(`part-(\d{20})-`)

// abandoned reports whether a file is of a landing that cannot be committed any more: the table has
// its log's segments up to that one already.
func abandoned(path string, txns map[string]int64) bool {
	log := rowtags.LogOf(path, rowtags.Logs(txns))
	m := landedName.FindStringSubmatch(path)
	if log == "" || m == nil {
		return false
	}
	segment, err := strconv.ParseInt(m[1], 10, 64)
	return err == nil && segment <= txns[log]
}

// strays deletes temporary files, of a store that is a folder, which a process left that died while
// it wrote an object: they may have rows of the subject.
func (e *eraser) strays(ctx context.Context) error {
	local, ok := e.cfg.Store.(objstore.Local)
	if !ok || e.req.DryRun {
		return nil
	}
	root := filepath.Dir(local.LocalPath("x"))
	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("look for temporary files: %w", err)
	}
	for _, d := range entries {
		// Folders of objects do not begin with a dot.
		if !d.IsDir() || !strings.HasPrefix(d.Name(), ".") {
			continue
		}
		err := filepath.WalkDir(filepath.Join(root, d.Name()), func(path string, f fs.DirEntry, err error) error {
			if err != nil || f.IsDir() {
				return ignoreGone(err)
			}
			info, err := f.Info()
			if err != nil || time.Since(info.ModTime()) < stillWritten {
				return ignoreGone(err)
			}
			return ignoreGone(os.Remove(path))
		})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("delete temporary files: %w", err)
		}
	}
	return nil
}

// stillWritten is how long a process may take to write an object of a folder.
const stillWritten = time.Minute

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
