package tablewriter

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/prune"
)

// DataFile is one Parquet file with rows of a table. The partition column is not in the file.
type DataFile struct {
	Path      string            // absolute, on this machine
	Partition map[string]string // column -> value, "" for NULL; nil without partitions
	Rows      int64             // -1 when a foreign writer did not say
	Size      int64             // bytes; 0 for hot files
	Stats     string            // JSON as in the Delta log, "" for none

	key string // in the store, "" for hot files
}

// fileList is all files of a version, whose paths are known without asking anybody.
type fileList struct {
	of    *delta.Snapshot
	files []DataFile
}

// dataFiles returns the files of a version that may have rows the pruner keeps, and how many it left
// out. Paths are those of local stores only. Do not change the list.
func (l *lake) dataFiles(t *table, s *delta.Snapshot, p *prune.Pruner) (files []DataFile, pruned int, err error) {
	keepsAll := p.All() && l.local != nil
	if known := t.files.Load(); keepsAll && known != nil && known.of == s {
		return known.files, 0, nil
	}
	if keepsAll {
		files = make([]DataFile, 0, s.NumFiles())
	}
	at := l.locator(t)
	for a := range s.Files() {
		if !p.All() && !p.Keep(a.PartitionValues, a.Bounds()) {
			pruned++
			continue
		}
		f := DataFile{Partition: a.PartitionValues, Rows: a.Rows, Size: a.Size, Stats: a.Stats}
		if f.key, f.Path, err = at.locate(a.Path); err != nil {
			return nil, 0, fmt.Errorf("table %s: %w", t.name, err)
		}
		files = append(files, f)
	}
	if keepsAll {
		t.files.Store(&fileList{s, files})
	}
	return files, pruned, nil
}

// locator finds the files of one table.
type locator struct {
	folder string // of the table, in the store
	root   string // the same on this machine; "" when the store's objects are no files
}

func (l *lake) locator(t *table) locator {
	p := locator{folder: t.name.Path()}
	if l.local != nil {
		p.root = l.local.LocalPath(p.folder)
	}
	return p
}

// locate returns the key of a file, and its path if it has one. An address that package delta did not
// find below the table's folder is none that lakegate reads.
func (p locator) locate(file string) (key, path string, err error) {
	key = p.folder + "/" + file
	switch {
	case address.MatchString(file):
		return "", "", fmt.Errorf("data file %q is not below the table's folder (a clone of another table?); lakegate does not read it", file)
	case p.root == "":
		if err := objstore.ValidKey(key); err != nil {
			return "", "", fmt.Errorf("data file %q: %w", file, err)
		}
		return key, "", nil
	}
	path = filepath.Join(p.root, filepath.FromSlash(file))
	if !strings.HasPrefix(path, p.root+string(filepath.Separator)) {
		return "", "", fmt.Errorf("data file %q is not below the table's folder; lakegate does not read it", file)
	}
	return key, path, nil
}

// address matches what is not relative to the table.
var address = regexp.MustCompile(`^(/|[A-Za-z][A-Za-z0-9+.-]*:)`)

// localize downloads the files of a snapshot that are not on this machine, all together, and gives
// them their paths.
func (l *lake) localize(ctx context.Context, s *Snapshot) error {
	if l.cache == nil {
		return nil
	}
	var objects []filecache.Object
	for _, t := range s.List {
		for _, f := range t.Files {
			objects = append(objects, filecache.Object{Key: f.key, Size: f.Size})
		}
	}
	paths, release, err := l.cache.Acquire(ctx, objects)
	if err != nil {
		return fmt.Errorf("get data files: %w", err)
	}
	s.release = release
	for _, t := range s.List {
		for i := range t.Files {
			t.Files[i].Path = paths[0]
			paths = paths[1:]
		}
	}
	return nil
}

// askedLately is how long after its last query a table's new files are worth keeping at hand.
const askedLately = 10 * time.Minute

func (t *table) askedLately() bool {
	return time.Since(time.UnixMilli(t.asked.Load())) < askedLately
}

// stored gives the cache the bytes of a file that was just put into the store.
func (l *lake) stored(t *table, key string, data []byte) {
	if l.cache != nil && t.askedLately() {
		l.cache.Add(key, data)
	}
}

// prefetchSize is the largest file that is fetched before it is asked for: those of a gateway's own
// landing are smaller, compacted ones are not news.
const prefetchSize = 4 << 20

// warmInterval is how often the store is asked for news of tables that are being queried, so that their
// new files are here before the next query. It costs a request each time.
const warmInterval = 2 * time.Second

// keepWarm looks at tables that are being queried until ctx ends.
func (l *lake) keepWarm(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, t := range l.all() {
			if t.askedLately() && t.reader.Load() != nil {
				l.lookAt(t, time.Now().Add(-interval/2))
			}
		}
	}
}

// prefetch fetches the files of newer versions for tables that are being queried.
func (l *lake) prefetch(t *table, before, after *delta.Snapshot) {
	if l.cache == nil || before == nil || after == before || !t.askedLately() {
		return
	}
	var objects []filecache.Object
	at := l.locator(t)
	for _, a := range after.Added(before) {
		if key, _, err := at.locate(a.Path); err == nil && a.Size <= prefetchSize {
			objects = append(objects, filecache.Object{Key: key, Size: a.Size})
		}
	}
	l.cache.Prefetch(objects)
}
