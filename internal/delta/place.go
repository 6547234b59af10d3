package delta

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lakegate/lakegate/internal/objstore"
)

// place is where a table is, and what all its snapshots share.
type place struct {
	path string // the table's folder, below the store's root
	root string // its absolute address without a slash at the end, "" if that isn't known

	mu    sync.Mutex
	known map[string]map[string]string // values of partitions
}

// placeOf finds out where the store has the table: absolute paths of other writers are compared with it.
func placeOf(store objstore.Store, folder string) *place {
	p := &place{path: folder}
	switch s := store.(type) {
	case objstore.Local:
		if abs, err := filepath.Abs(s.LocalPath(folder)); err == nil {
			p.root = filepath.ToSlash(abs)
		}
	case fmt.Stringer: // s3://bucket/prefix
		if root := s.String(); strings.HasPrefix(root, "s3://") {
			p.root = root + "/" + folder
		}
	}
	return p
}

// file returns the path below the table of a file's URI. Writers may give it relative to the table,
// absolute, or with a scheme; inside is false when it is elsewhere, as in a shallow clone of another table.
func (p *place) file(uri string) (name string, inside bool) {
	address, absolute := normal(uri)
	if !absolute {
		return address, true
	}
	if rest, ok := strings.CutPrefix(address, p.root+"/"); ok && p.root != "" {
		return path.Clean(rest), true
	}
	return address, false
}

// normal decodes a URI: to /folder/file for files, s3://bucket/key for S3 by any of its names, else to
// what it was without escapes.
func normal(uri string) (address string, absolute bool) {
	name := decodePath(uri)
	scheme, rest, ok := strings.Cut(name, ":")
	if !ok || strings.ContainsAny(scheme, "/=. ") {
		if strings.HasPrefix(name, "/") {
			return path.Clean(name), true
		}
		return name, false
	}
	switch strings.ToLower(scheme) {
	case "file":
		rest = strings.TrimPrefix(rest, "//localhost")
		return path.Clean("/" + strings.TrimLeft(rest, "/")), true
	case "s3", "s3a", "s3n":
		return "s3://" + path.Clean(strings.TrimLeft(rest, "/")), true
	}
	return name, true
}

// partition returns the values of a partition, "" for NULL. All files of the partition share the map,
// which is read only: one each would be half of what a file takes in memory.
func (p *place) partition(values map[string]*string) map[string]string {
	if len(values) == 0 {
		return nil
	}
	key := ""
	for _, c := range slices.Sorted(maps.Keys(values)) {
		key += strconv.Quote(c) + strconv.Quote(value(values[c]))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.known[key]
	if !ok {
		if p.known == nil {
			p.known = map[string]map[string]string{}
		}
		known = partitionValues(values)
		p.known[key] = known
	}
	return known
}

// partitionValues writes NULL as "".
func partitionValues(values map[string]*string) map[string]string {
	if len(values) == 0 {
		return nil
	}
	plain := make(map[string]string, len(values))
	for c, v := range values {
		plain[c] = value(v)
	}
	return plain
}

// encodePath makes the URI of a path. For the names of DataFileName it is the same.
func encodePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// decodePath returns the path of a URI. What can't be decoded is taken as it is.
func decodePath(uri string) string {
	if !strings.Contains(uri, "%") {
		return uri
	}
	path, err := url.PathUnescape(uri)
	if err != nil {
		return uri
	}
	return path
}
