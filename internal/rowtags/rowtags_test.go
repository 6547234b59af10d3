package rowtags

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"
)

const (
	logA = "0199c0de-1111-7000-8000-00000000000a"
	logB = "1199c0de-1111-7000-8000-00000000000b"
)

func counts(n int) (c Count, ids [][16]byte) {
	for range n {
		id := [16]byte(uuid.New())
		c.Row(id)
		ids = append(ids, id)
	}
	return c, ids
}

func TestTagRoundTrip(t *testing.T) {
	a, _ := counts(3)
	in := Counts{logA: a, logB: {7, 1<<64 - 1}, Shared: {1, 5}}
	key, value := in.Tag()
	out, ok := Parse(map[string]string{key: value, "other": "x"})
	if !ok || !maps.Equal(in, out) {
		t.Fatalf("read back %v, wrote %v", out, in)
	}
	for _, tags := range []map[string]string{nil, {"other": "{}"}, {Key: "no"}, {Key: `{"a":{"n":"x"}}`}} {
		if c, ok := Parse(tags); ok {
			t.Errorf("Parse(%v) = %v", tags, c)
		}
	}
}

func TestAddAndSub(t *testing.T) {
	a, b := Counts{logA: {3, 30}}, Counts{logA: {1, 10}, logB: {2, 20}}
	if got := a.Add(b); !maps.Equal(got, Counts{logA: {4, 40}, logB: {2, 20}}) {
		t.Error(got)
	}
	if got := a.Add(b).Sub(b); !maps.Equal(got, a) {
		t.Error(got)
	}
	if got := Counts(nil).Add(a).Rows(); got != a[logA] {
		t.Error(got)
	}
}

// Whatever is compacted with whatever and erased from it, each log's tagged and erased rows together
// are those it wrote.
func TestConservation(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	type file struct {
		counts Counts
		ids    [][16]byte
	}
	var files []file
	wrote := Counts{}
	for range 40 {
		n, ids := counts(1 + r.IntN(5))
		c := Counts{[]string{logA, logB}[r.IntN(2)]: n}
		wrote = wrote.Add(c)
		files = append(files, file{c, ids})
	}
	txns := map[string]int64{}
	commit := func(erased Counts) {
		for _, x := range ErasedTxns(txns, erased) {
			if v := txns[x.AppID]; v != x.After {
				t.Fatalf("seed %d: %s after %d, the table has %d", seed, x.AppID, x.After, v)
			}
			txns[x.AppID] = x.Version
		}
	}
	for range 200 {
		if len(files) == 0 {
			break
		}
		i := r.IntN(len(files))
		f := files[i]
		files = append(files[:i], files[i+1:]...)
		switch {
		case len(files) > 0 && r.IntN(3) > 0:
			j := r.IntN(len(files))
			files[j] = file{files[j].counts.Add(f.counts), append(files[j].ids, f.ids...)}
		default:
			var gone Count
			n := r.IntN(len(f.ids)) + 1
			for _, id := range f.ids[:n] {
				gone.Row(id)
			}
			left, erased := f.counts.Erase(gone)
			commit(erased)
			if n < len(f.ids) {
				files = append(files, file{left, f.ids[n:]})
			} else if len(left) > 0 {
				t.Fatalf("seed %d: an empty file has %v", seed, left)
			}
		}
		total := Erased(txns)
		for _, f := range files {
			var want Count
			for _, id := range f.ids {
				want.Row(id)
			}
			if f.counts.Rows() != want {
				t.Fatalf("seed %d: a file has %v and its tag says %v", seed, want, f.counts)
			}
			total = total.Add(f.counts)
		}
		for _, log := range []string{logA, logB} {
			if total[log].N != wrote[log].N || !SumsEqual(total[log].Sum, wrote[log].Sum) {
				t.Fatalf("seed %d: log %s wrote %v and is left with %v", seed, log, wrote[log], total[log])
			}
		}
	}
}

func TestErasedComesBack(t *testing.T) {
	n, _ := counts(9)
	txns := map[string]int64{}
	for _, erased := range []Counts{{logA: n}, Counts{}.Sub(Counts{logA: n})} {
		for _, x := range ErasedTxns(txns, erased) {
			txns[x.AppID] = x.Version
		}
	}
	if got := Erased(txns)[logA]; got.N != 0 || got.Sum != 0 {
		t.Fatalf("after erasing and restoring %v is erased", got)
	}
}

func TestLogs(t *testing.T) {
	txns := map[string]int64{logB: 1, logA: 2, "lakegate.erased/" + logA + "/rows": 4, "spark-stream": 3}
	if got := Logs(txns); len(got) != 2 || got[0] != logA {
		t.Fatal(got)
	}
	for path, want := range map[string]string{
		"d=1/part-00000000000000000007-0199c0de-12345678.c000.zstd.parquet":   logA,
		"part-00000-9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d-c000.snappy.parquet": "",
	} {
		if got := LogOf(path, Logs(txns)); got != want {
			t.Errorf("LogOf(%s) = %q, want %q", path, got, want)
		}
	}
}

func TestParseID(t *testing.T) {
	if ParseID("", true) != [16]byte{} || IDSum([16]byte{}) != 0 {
		t.Error("NULL has an id")
	}
	if ParseID("x", false) == ParseID("y", false) {
		t.Error("two texts that are no UUID have one id")
	}
}
