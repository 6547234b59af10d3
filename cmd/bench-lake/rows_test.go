package main

import (
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/rowtags"
)

func TestRowsAreThoseOfAGateway(t *testing.T) {
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	table, err := makeRows(t.Context(), memstore.New(), 25_000, day)
	if err != nil {
		t.Fatal(err)
	}
	s := table.Snapshot()
	if rows, known := s.NumRecords(); rows != 25_000 || !known || s.NumFiles() != 3 {
		t.Errorf("%d rows in %d files", rows, s.NumFiles())
	}
	for f := range s.Files() {
		if counts, ok := rowtags.Parse(f.Tags); !ok || counts.Rows().N != f.Rows || f.PartitionValues["request_date"] != "2026-11-20" {
			t.Errorf("file %+v", f)
		}
	}
}

func TestIDs(t *testing.T) {
	c := newCalls(newPool(), 1)
	at := time.Date(2026, 11, 20, 1, 2, 3, 4e6, time.UTC)
	var rec inference.Record
	seen := map[inference.ID]bool{}
	for range 1000 {
		c.next(&rec, at)
		if sec, nsec := rec.ID.Time().UnixTime(); rec.ID.Version() != 7 || seen[rec.ID] || !time.Unix(sec, nsec).Equal(at) {
			t.Fatalf("id %s of %v", rec.ID, time.Unix(sec, nsec).UTC())
		}
		seen[rec.ID] = true
	}
}

func BenchmarkRows(b *testing.B) {
	for b.Loop() {
		if _, err := makeRows(b.Context(), memstore.New(), 100_000, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
