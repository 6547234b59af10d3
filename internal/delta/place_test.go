package delta

import (
	"errors"
	"slices"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

func TestPlace(t *testing.T) {
	folder, bucket := &place{path: "c/s/t", root: "/data/lake/c/s/t"}, &place{path: "c/s/t", root: "s3://b/lake/c/s/t"}
	for _, c := range []struct {
		at     *place
		uri    string
		want   string
		inside bool
	}{
		{folder, "d=1/x.parquet", "d=1/x.parquet", true},
		{folder, "d=a%3Ab/x.parquet", "d=a:b/x.parquet", true},
		{folder, "d=a%253Ab/x.parquet", "d=a%3Ab/x.parquet", true},
		{folder, "/data/lake/c/s/t/d=1/x.parquet", "d=1/x.parquet", true},
		{folder, "file:/data/lake/c/s/t/d=1/x.parquet", "d=1/x.parquet", true},
		{folder, "file:///data/lake/c/s/t/d=1/x.parquet", "d=1/x.parquet", true},
		{folder, "file://localhost/data/lake/c/s/t/d%3D1/x.parquet", "d=1/x.parquet", true},
		{folder, "file:///data//lake/./c/s/t/x.parquet", "x.parquet", true},
		{folder, "/data/lake/c/s/tt/x.parquet", "/data/lake/c/s/tt/x.parquet", false},
		{folder, "file:///data/lake/c/s/t/../x.parquet", "/data/lake/c/s/x.parquet", false},
		{folder, "s3://b/lake/c/s/t/x.parquet", "s3://b/lake/c/s/t/x.parquet", false},
		{bucket, "s3://b/lake/c/s/t/d=1/x.parquet", "d=1/x.parquet", true},
		{bucket, "s3a://b/lake/c/s/t/d=1/x.parquet", "d=1/x.parquet", true},
		{bucket, "s3://other/lake/c/s/t/x.parquet", "s3://other/lake/c/s/t/x.parquet", false},
		{bucket, "/lake/c/s/t/x.parquet", "/lake/c/s/t/x.parquet", false},
		{bucket, "abfss://c@x/y.parquet", "abfss://c@x/y.parquet", false},
		{&place{path: "c/s/t"}, "/c/s/t/x.parquet", "/c/s/t/x.parquet", false},
	} {
		if got, inside := c.at.file(c.uri); got != c.want || inside != c.inside {
			t.Errorf("%s: %s, %v, want %s, %v", c.uri, got, inside, c.want, c.inside)
		}
	}
	if p := placeOf(named{memstore.New()}, "c/s/t"); p.root != "s3://b/lake/c/s/t" {
		t.Errorf("root %s", p.root)
	}
}

// named is a store that says where it is, as s3store does.
type named struct{ *memstore.Store }

func (named) String() string { return "s3://b/lake" }

// Another writer names files of the table by their absolute addresses. They are the same files, and
// are removed under the names they were added.
func TestAbsolutePaths(t *testing.T) {
	dir := t.TempDir()
	store, err := fsstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	tbl := openOrCreate(t, store)
	a := land(t, store, tbl, 1)
	f := file(2)
	upload(t, store, f)
	uri := "file://" + store.LocalPath(tbl.Key(f.Path))
	add, gone := f.action(true), (&Add{Path: a}).remove(true, later)
	add.Path, gone.Path = uri, "file:"+store.LocalPath(tbl.Key(a))
	putCommit(t, store, tbl, 2, action{Add: add}, action{Remove: gone})
	s, err := tbl.Refresh(t.Context())
	if err != nil || !slices.Equal(paths(s), []string{f.Path}) {
		t.Fatalf("%v, %v", s, err)
	}
	if err := tbl.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, fresh(t, store), s)
	compact(t, store, tbl, f.Path)
	c, err := tbl.log.commit(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.actions[1].Remove.Path; got != uri {
		t.Errorf("removed %s, added as %s", got, uri)
	}
	putCommit(t, store, tbl, 4, action{Add: &addAction{Path: "file:///elsewhere/x.parquet", Size: 1}})
	if _, err := tbl.Refresh(t.Context()); !errors.Is(err, ErrProtocol) {
		t.Errorf("a file of another table: %v", err)
	}
}
