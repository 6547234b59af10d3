package delta

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/tableschema"
)

func TestMain(m *testing.M) {
	if runChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// onStores runs a test over every store.
func onStores(t *testing.T, test func(t *testing.T, store objstore.Store)) {
	t.Run("memstore", func(t *testing.T) { test(t, memstore.New()) })
	t.Run("fsstore", func(t *testing.T) {
		s, err := fsstore.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
}

// usage returns a table of a few columns and those given.
func usage(more ...tableschema.Column) *tableschema.Table {
	return &tableschema.Table{
		Name:        tableschema.Name{Catalog: "system", Schema: "serving", Table: "usage"},
		Comment:     "one row per call",
		PartitionBy: "request_date",
		Columns: append([]tableschema.Column{
			{Name: "request_id", Type: tableschema.Type{Kind: tableschema.String}, Comment: "the call"},
			{Name: "request_date", Type: tableschema.Type{Kind: tableschema.Date}},
			{Name: "tokens", Type: tableschema.Type{Kind: tableschema.Long}},
			{Name: "prompt", Type: tableschema.Type{Kind: tableschema.String}, NoStats: true},
			{Name: "tags", Type: tableschema.StringMap()},
			{Name: "streaming", Type: tableschema.Type{Kind: tableschema.Boolean}},
			{Name: "config", Type: tableschema.StructOf(tableschema.Column{Name: "provider", Type: tableschema.Type{Kind: tableschema.String}})},
		}, more...),
	}
}

func openOrCreate(t *testing.T, store objstore.Store) *Table {
	t.Helper()
	tbl, err := OpenOrCreate(t.Context(), store, usage(), Options{Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return tbl
}

// file names a new file of a segment with one row. It need not be there: delta never looks.
func file(segment int) Add {
	day := map[string]string{"request_date": fmt.Sprintf("2026-11-%02d", 1+segment%3)}
	return Add{
		Path: DataFileName(day, uint64(segment), "0a1b2c3d-aaaa"), PartitionValues: day, Size: 100, Rows: 1,
		Stats: fmt.Sprintf(`{"numRecords":1,"minValues":{"tokens":%d}}`, segment),
	}
}

func appendFile(t *testing.T, tbl *Table, app string, segment int) *Snapshot {
	t.Helper()
	s, err := tbl.Append(t.Context(), []Add{file(segment)}, Txn{AppID: app, Version: int64(segment)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// same fails unless the two snapshots say the same.
func same(t *testing.T, got, want *Snapshot) {
	t.Helper()
	if g, w := describe(got), describe(want); g != w {
		t.Errorf("snapshots differ:\n--- got\n%s--- want\n%s", g, w)
	}
}

// describe renders all that is known of a snapshot.
func describe(s *Snapshot) string {
	var out strings.Builder
	fmt.Fprintf(&out, "version %d\nprotocol %d %d%s\n", s.Version, s.protocol.MinReaderVersion, s.protocol.MinWriterVersion, features(s.protocol))
	fmt.Fprintf(&out, "table %s %q %q by %q %v\nschema %s\n", s.meta.ID, s.meta.Name, s.meta.Description, s.meta.PartitionColumns, s.meta.Configuration, s.meta.SchemaString)
	var lines []string
	for app, v := range s.Txns {
		lines = append(lines, fmt.Sprintf("txn %s %d at %d\n", app, v, s.txnUpdated[app]))
	}
	slices.Sort(lines)
	for f := range s.Files() {
		lines = append(lines, fmt.Sprintf("file %s %v %d bytes %d rows at %d %s%s\n", f.Path, f.PartitionValues, f.Size, f.Rows, f.ModificationTime.UnixMilli(), f.Stats, tagged(f)))
	}
	for r := range s.removed.all() {
		lines = append(lines, fmt.Sprintf("removed %s at %d\n", r.Path, r.DeletionTimestamp))
	}
	return out.String() + strings.Join(lines, "")
}

func features(p *protocol) string {
	if p.MinWriterVersion < 7 {
		return ""
	}
	return fmt.Sprintf(" reading %q, writing %q", p.ReaderFeatures, p.WriterFeatures)
}

func tagged(f *Add) string {
	if f.Tags == nil {
		return ""
	}
	return fmt.Sprint(" ", f.Tags)
}

// fresh returns the table as somebody sees it who opens it now.
func fresh(t *testing.T, store objstore.Store) *Snapshot {
	t.Helper()
	tbl, err := Open(t.Context(), store, usage().Name.Path())
	if err != nil {
		t.Fatal(err)
	}
	return tbl.Snapshot()
}

// put writes an object of the log.
func put(t *testing.T, store objstore.Store, name, data string) {
	t.Helper()
	if _, err := store.Put(t.Context(), usage().Name.Path()+logFolder+name, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

// hiding is a store whose listings miss a key, as a listing may.
type hiding struct {
	objstore.Store
	key string
}

func (h hiding) List(ctx context.Context, prefix, after string) iter.Seq2[objstore.Info, error] {
	return func(yield func(objstore.Info, error) bool) {
		for info, err := range h.Store.List(ctx, prefix, after) {
			if info.Key != h.key && !yield(info, err) {
				return
			}
		}
	}
}

// only returns faults for creates of one version, one for each, then none.
func only(tbl *Table, version int64, faults ...func() memstore.Fault) func(memstore.Call) memstore.Fault {
	return func(c memstore.Call) memstore.Fault {
		if c.Op != memstore.Create || c.Key != tbl.log.commitKey(version) || len(faults) == 0 {
			return memstore.Fault{}
		}
		f := faults[0]
		faults = faults[1:]
		return f()
	}
}
