package tablewriter

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/wal"
)

// maxExtents is how many extents a table may have before some are merged. An extent has a file for
// each day in it, and more when it is large.
const maxExtents = 8

// extent is the hot rows of one table in a stretch of the log. It does not change.
type extent struct {
	from, to wal.Pos // of the first and the last row's fact
	rows     int64
	files    []*hotFile
}

func (e *extent) release() {
	for _, f := range e.files {
		f.release()
	}
}

// hotFile is a local Parquet file, deleted when its last holder releases it.
type hotFile struct {
	DataFile
	holders atomic.Int64
	owner   *hotFiles
}

func (f *hotFile) release() {
	if f.holders.Add(-1) > 0 {
		return
	}
	f.owner.files.Add(-1)
	f.owner.rows.Add(-f.Rows)
	if err := os.Remove(f.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		f.owner.logger.Warn("a hot file cannot be removed and stays until the next start", "error", err)
	}
}

// hotFiles makes hot files in a folder of their own.
type hotFiles struct {
	dir    string
	logger *slog.Logger
	last   atomic.Int64 // number of the newest file
	files  atomic.Int64 // there are
	rows   atomic.Int64 // in them
}

// wipe removes what an earlier process left.
func (h *hotFiles) wipe() error {
	if err := os.RemoveAll(h.dir); err != nil {
		return fmt.Errorf("remove old hot files: %w", err)
	}
	return nil
}

// write makes a file with one holder. It is not synced: the log has its rows.
func (h *hotFiles) write(name tableschema.Name, partition map[string]string, data []byte, rows int64, stats string) (*hotFile, error) {
	dir := filepath.Join(h.dir, filepath.FromSlash(name.Path()))
	for column, value := range partition {
		dir = filepath.Join(dir, column+"="+value)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make hot folder: %w", err)
	}
	path := filepath.Join(dir, fmt.Sprintf("%d.parquet", h.last.Add(1)))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write hot file: %w", err), os.Remove(path))
	}
	f := &hotFile{DataFile: DataFile{Path: path, Partition: partition, Rows: rows, Stats: stats}, owner: h}
	f.holders.Store(1)
	h.files.Add(1)
	h.rows.Add(rows)
	return f, nil
}
