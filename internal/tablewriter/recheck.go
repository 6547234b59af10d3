package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// ErrFileGone says that a data file which a table's version names is not there, or not whole.
var ErrFileGone = errors.New("data file is gone or damaged")

// Recheck finds out whether a file of the snapshot is not what it should be, after an engine failed to
// read one. repaired says that it is worth taking a new Snapshot and trying again: a damaged local
// copy will be fetched anew, or a newer version of the table has other files. Without it the files
// are as they were written and the engine's failure has another cause. ErrFileGone names a file of
// the newest version, or of the one that was asked for, that is not there.
func (s *Snapshot) Recheck(ctx context.Context) (repaired bool, err error) {
	if s.lake.cache != nil {
		var keys []string
		for _, t := range s.List {
			for _, f := range t.Files {
				keys = append(keys, f.key)
			}
		}
		damaged, err := s.lake.cache.Check(ctx, keys)
		return len(damaged) > 0, err
	}
	for _, t := range s.List {
		for _, f := range t.Files {
			st, err := os.Stat(f.Path)
			if err == nil && st.Size() == f.Size {
				continue
			}
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			if err == nil {
				err = fmt.Errorf("it has %d bytes and should have %d", st.Size(), f.Size)
			}
			return s.lake.replaced(ctx, t, f, err)
		}
	}
	return false, nil
}

// replaced reports whether the table's newest version does without a file that is not there.
func (l *lake) replaced(ctx context.Context, t *TableSnapshot, f DataFile, cause error) (bool, error) {
	gone := fmt.Errorf("table %s, version %d: %s: %w: %w", t.table.name, t.Version, f.Path, ErrFileGone, cause)
	if t.past {
		return false, fmt.Errorf("%w (vacuum removes what only old versions need, and forget what has rows of somebody)", gone)
	}
	l.catchUp(ctx, []*table{t.table}, time.Now())
	if err := l.view.enter(ctx); err != nil {
		return false, err
	}
	now := t.table.installed
	l.view.leave()
	if _, live := now.File(strings.TrimPrefix(f.key, t.table.name.Path()+"/")); live {
		return false, fmt.Errorf("%w (something other than lakegate removed or changed it; `lakegate verify` says what is missing)", gone)
	}
	return true, nil
}
