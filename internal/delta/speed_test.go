package delta

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// big returns a snapshot of many files in few folders, as a long history gives, and the next file.
func big(b testing.TB, files int) (*Snapshot, func() commit) {
	b.Helper()
	m := newMetadata(usage(), 50)
	s, err := emptySnapshot(&place{path: "c/s/t"}).apply([]commit{{0, []action{{Protocol: &protocol{MinReaderVersion: 1, MinWriterVersion: 2}}, {Metadata: &m}}}})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	next := func() commit {
		n++
		f := file(n)
		return commit{int64(n), []action{{Txn: &txnAction{AppID: "log", Version: int64(n)}}, {Add: f.action(true)}}}
	}
	for n < files {
		var all []commit
		for range min(10000, files-n) {
			all = append(all, next())
		}
		if s, err = s.apply(all); err != nil {
			b.Fatal(err)
		}
	}
	return s, next
}

func BenchmarkApply(b *testing.B) {
	for _, files := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(files), func(b *testing.B) {
			s, next := big(b, files)
			var err error
			for b.Loop() {
				if s, err = s.apply([]commit{next()}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	s, _ := big(b, 100_000)
	data, _, err := encodeCheckpoint(s, later, &zstd.Codec{})
	if err != nil {
		b.Fatal(err)
	}
	store := memstore.New()
	r := newReader(store, "c/s/t")
	if _, err := store.Put(b.Context(), r.checkpointKeys(checkpointName{version: s.Version})[0], data); err != nil {
		b.Fatal(err)
	}
	s = nil
	var before, after runtime.MemStats
	for range 3 { // also what pools keep
		runtime.GC()
	}
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if s, err = r.checkpoint(b.Context(), checkpointName{version: 100_000}); err != nil {
			b.Fatal(err)
		}
	}
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/100_000, "B/file")
	runtime.KeepAlive(s)
}

func BenchmarkCheckpoint(b *testing.B) {
	s, _ := big(b, 100_000)
	for b.Loop() {
		if _, _, err := encodeCheckpoint(s, later, &zstd.Codec{}); err != nil {
			b.Fatal(err)
		}
	}
}
