package maintain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/maintain/lease"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
)

func TestRetain(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		a, b := newGateway(t, store), newGateway(t, store)
		old := fill(t, a, today.AddDate(0, 0, -3), 3, 5)
		old = append(old, fill(t, b, today.AddDate(0, 0, -9), 2, 5)...)
		rows := slices.Concat(fill(t, a, today.AddDate(0, 0, -2), 2, 5), fill(t, b, yesterday, 2, 5), fill(t, b, today, 2, 5))
		k := keeper(t, store, testConfig())
		for _, days := range []int{0, -1, 100} {
			if r, err := k.Retain(t.Context(), calls(), days, false); err != nil || r.Files != 0 {
				t.Errorf("%d days: %+v, %v", days, r, err)
			}
		}
		dry, err := k.Retain(t.Context(), calls(), 3, true)
		if err != nil || dry.Files != 5 || dry.Days != 2 || dry.Rows != 25 {
			t.Errorf("dry run: %+v, %v", dry, err)
		}
		same(t, store, append(slices.Clone(old), rows...))
		r, err := k.Retain(t.Context(), calls(), 3, false)
		if err != nil || r.Files != 5 || r.Rows != 25 || r.Before != today.AddDate(0, 0, -2).Format(time.DateOnly) {
			t.Errorf("%+v, %v", r, err)
		}
		same(t, store, rows)
		erased := rowtags.Erased(k.open[calls().Name.Path()].Snapshot().Txns)
		if erased[a.id].N != 15 || erased[b.id].N != 10 {
			t.Errorf("erased %v", erased)
		}
		h, err := k.open[calls().Name.Path()].History(t.Context(), 1)
		if err != nil || h[0].Operation != "DELETE" || h[0].Parameters["predicate"] != `["(request_date < '`+r.Before+`')"]` {
			t.Errorf("history %+v, %v", h, err)
		}
	})
}

// What restore takes out and brings back is in the accounts.
func TestRestore(t *testing.T) {
	store := memstore.New()
	g := newGateway(t, store)
	rows := fill(t, g, yesterday, 5, 4)
	k := keeper(t, store, testConfig())
	before := g.table.Snapshot().Version
	compact(t, k, CompactOptions{})
	fill(t, g, yesterday, 2, 4)
	version, err := k.Restore(t.Context(), calls(), before)
	if err != nil {
		t.Fatal(err)
	}
	same(t, store, rows)
	erased := func() rowtags.Count {
		return rowtags.Erased(k.open[calls().Name.Path()].Snapshot().Txns)[g.id]
	}
	if erased().N != 8 {
		t.Errorf("erased %v", erased())
	}
	if _, err := k.Restore(t.Context(), calls(), version-1); err != nil || erased().N != 0 {
		t.Errorf("erased %v, %v", erased(), err)
	}
}

// Files without tags, of an older lakegate and of other engines: what can be known is.
func TestUntaggedFiles(t *testing.T) {
	store := memstore.New()
	g := newGateway(t, store)
	rows := fill(t, g, yesterday, 4, 4)
	s := g.table.Snapshot()
	var count rowtags.Count
	for _, r := range rows {
		count.Row(r.id)
	}
	// The same files again, as somebody else would have added them.
	var rewrite delta.Rewrite
	for i, f := range slices.Collect(s.Files()) {
		again := delta.Add{Path: f.Path, PartitionValues: f.PartitionValues, Size: f.Size, Stats: f.Stats, Rows: f.Rows}
		if i%2 == 0 {
			again.Path = "request_date=" + yesterday.Format(time.DateOnly) + "/part-spark-" + string(rune('a'+i)) + ".parquet"
			data, _, err := store.Get(t.Context(), g.table.Key(f.Path))
			if err == nil {
				_, err = store.Put(t.Context(), g.table.Key(again.Path), data)
			}
			if err != nil {
				t.Fatal(err)
			}
		} else {
			again.Path = delta.DataFileName(f.PartitionValues, 1, g.id)
			data, _, err := store.Get(t.Context(), g.table.Key(f.Path))
			if err == nil {
				_, err = store.Put(t.Context(), g.table.Key(again.Path), data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		rewrite.Remove, rewrite.Add = append(rewrite.Remove, f.Path), append(rewrite.Add, again)
	}
	rewrite.Operation = "WRITE"
	k := keeper(t, store, testConfig())
	table, _, err := k.table(t.Context(), calls().Name)
	if err == nil {
		_, err = table.Rewrite(t.Context(), rewrite)
	}
	if err != nil {
		t.Fatal(err)
	}
	compact(t, k, CompactOptions{})
	same(t, store, rows)
	merged := files(t, store)
	counts, _ := rowtags.Parse(merged[0].Tags)
	if len(merged) != 1 || counts[g.id].N != 8 || counts[rowtags.Unknown].N != 8 || counts.Rows() != count {
		t.Errorf("%d files, counts %v", len(merged), counts)
	}
}

func TestDescribe(t *testing.T) {
	store := memstore.New()
	cfg := testConfig()
	cfg.Retention = func(*tableschema.Table) int { return 30 }
	k := keeper(t, store, cfg)
	if _, err := k.Describe(t.Context(), calls()); !errors.Is(err, delta.ErrNotTable) {
		t.Errorf("got %v", err)
	}
	g := newGateway(t, store)
	fill(t, g, yesterday, 5, 3)
	fill(t, g, today, 2, 3)
	d, err := k.Describe(t.Context(), calls())
	if err != nil || d.Files != 7 || d.SmallFiles != 7 || d.Due != 5 || d.Rows != 21 || !d.RowsKnown || d.Days != 2 || d.FirstDay != yesterday.Format(time.DateOnly) ||
		d.ReaderVersion != 1 || d.WriterVersion != 2 || d.RetentionDays != 30 || d.Version != 7 || d.OldestVersion != 0 || d.Bytes == 0 || !d.LastCompaction.IsZero() {
		t.Errorf("%+v, %v", d, err)
	}
	if err := k.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err = k.Describe(t.Context(), calls())
	if err != nil || d.Files != 3 || d.Due != 0 || d.LastCompaction.IsZero() || d.LastVacuum.IsZero() || !d.LastRetention.IsZero() {
		t.Errorf("%+v, %v", d, err)
	}
}

// Two gateways maintain the same table for some days: everything is done, nothing twice.
func TestRounds(t *testing.T) {
	store := memstore.New()
	now := today
	g := newGateway(t, store)
	cfg := testConfig()
	cfg.TargetFileBytes, cfg.MinFiles = 1<<20, 8
	cfg.Retention = func(*tableschema.Table) int { return 2 }
	cfg.Now = func() time.Time { return now }
	ks := []*Keeper{keeper(t, store, cfg), keeper(t, store, cfg)}
	var rows []call
	for ; now.Before(today.Add(80 * time.Hour)); now = now.Add(20 * time.Minute) {
		row := newCall(now)
		if err := g.land(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
		var wg sync.WaitGroup
		for _, k := range ks {
			wg.Go(func() {
				if err := k.Round(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	first := now.Add(-20*time.Minute).AddDate(0, 0, -1).Truncate(24 * time.Hour)
	rows = slices.DeleteFunc(rows, func(c call) bool { return c.at.Before(first) })
	same(t, store, rows)
	a, b := ks[0].Stats(), ks[1].Stats()
	if a.Conflicts+b.Conflicts+a.Errors+b.Errors != 0 || a.Compactions+b.Compactions < 10 || a.FilesExpired+b.FilesExpired == 0 || a.Rounds != 240 || a.LastError != "" {
		t.Errorf("stats %+v and %+v", a, b)
	}
	if n := len(files(t, store)); n > 20 {
		t.Errorf("%d files", n)
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keeper(t, memstore.New(), testConfig())
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		k.Run(ctx)
		if n := k.Stats().Rounds; n < 50 || n > 75 {
			t.Errorf("%d rounds in an hour", n)
		}
	})
}

// A table whose lease somebody holds is left to them.
func TestRoundRespectsLeases(t *testing.T) {
	store := memstore.New()
	rows := fill(t, newGateway(t, store), yesterday, 5, 3)
	l, err := lease.Acquire(t.Context(), state.New(store), "table."+calls().Name.String(), "somebody", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	k := keeper(t, store, testConfig())
	if err := k.Round(t.Context()); err != nil || len(files(t, store)) != 5 {
		t.Errorf("%v, %d files", err, len(files(t, store)))
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.Round(t.Context()); err != nil || len(files(t, store)) != 1 {
		t.Errorf("%v, %d files", err, len(files(t, store)))
	}
	same(t, store, rows)
}

// Tables that nobody declares any more are still maintained, and known by the columns of their log.
func TestRoundOfUndeclaredTables(t *testing.T) {
	store := memstore.New()
	g := newGateway(t, store)
	k := keeper(t, store, testConfig())
	if err := k.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.tables = func() []*tableschema.Table { return nil }
	k.cfg.Retention = func(table *tableschema.Table) int {
		if _, _, ours := table.Column(idColumn); !ours {
			t.Errorf("table without its columns: %+v", table)
		}
		return 3
	}
	fill(t, g, yesterday.AddDate(0, 0, -7), 2, 3)
	rows := fill(t, g, yesterday, 5, 3)
	if err := k.Round(t.Context()); err != nil || len(files(t, store)) != 1 {
		t.Errorf("%v, %d files", err, len(files(t, store)))
	}
	same(t, store, rows)
}

// text is hexadecimal digits that don't compress to less than half.
func text(rnd *rand.Rand, n int) string {
	var s strings.Builder
	for s.Len() < n {
		fmt.Fprintf(&s, "%016x", rnd.Uint64())
	}
	return s.String()
}

// Another engine has raised the table's protocol: it is left alone, and nothing is merged in vain.
func TestRaisedProtocol(t *testing.T) {
	store := memstore.New()
	g := newGateway(t, store)
	rows := fill(t, g, yesterday, 5, 3)
	k := keeper(t, store, testConfig())
	upgrade := []byte(`{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["fromTheFuture"]}}` + "\n")
	if _, err := store.Create(t.Context(), g.table.Key("_delta_log/00000000000000000006.json"), upgrade); err != nil {
		t.Fatal(err)
	}
	if err := k.Round(t.Context()); err != nil {
		t.Errorf("round: %v", err)
	}
	if _, err := k.Compact(t.Context(), calls(), CompactOptions{}); !errors.Is(err, delta.ErrProtocol) {
		t.Errorf("got %v", err)
	}
	if d, err := k.Describe(t.Context(), calls()); err != nil || d.WriterVersion != 7 {
		t.Errorf("%+v, %v", d, err)
	}
	if n := len(objects(t, store)); n != 5 {
		t.Errorf("%d objects", n)
	}
	same(t, store, rows)
}

// On a real S3 server files are read by ranges and written in parts.
func TestOnS3(t *testing.T) {
	server := s3test.New(t)
	store, err := s3store.Open(t.Context(), s3store.Config{
		Bucket: s3test.Bucket, Region: s3test.Region, Endpoint: server.Endpoint, PathStyle: true,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey, Timeout: 30 * time.Second,
	}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, store)
	rnd := rand.New(rand.NewPCG(1, 2))
	var rows []call
	big := func(n int) {
		for range n {
			var some []call
			for i := range 500 {
				c := newCall(yesterday.Add(time.Duration(len(rows)+i) * time.Second / 10))
				c.who = text(rnd, 9000)
				some = append(some, c)
			}
			if err := g.land(t.Context(), some...); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, some...)
		}
	}
	cfg := testConfig()
	cfg.TargetFileBytes = 256 << 20
	k := keeper(t, store, cfg)
	big(4)
	compact(t, k, CompactOptions{Full: true})
	big(1)
	before := files(t, store)
	r := compact(t, k, CompactOptions{Full: true})
	if r.FilesBefore != 2 || r.Rows != 2500 || max(before[0].Size, before[1].Size) < wholeBytes {
		t.Errorf("%+v", r)
	}
	same(t, store, rows)
	if rounds := k.Round(t.Context()); rounds != nil {
		t.Error(rounds)
	}
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	if err := (Config{}).Validate(); err == nil {
		t.Error("the zero Config passed")
	}
	if _, err := New(Config{}, nil, nil, nil, quiet); err == nil {
		t.Error("made a Keeper of the zero Config")
	}
}

// Objects that are not files are read by ranges.
func TestRanges(t *testing.T) {
	store := memstore.New()
	data := make([]byte, wholeBytes+12345)
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	if _, err := store.Put(t.Context(), "a", data); err != nil {
		t.Fatal(err)
	}
	src, done, err := source(t.Context(), store, "a", int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.NewSectionReader(src, 0, int64(len(data))))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	part := make([]byte, 5<<20)
	for _, off := range []int64{0, 1, 4<<20 - 3, int64(len(data) - 5<<20), int64(len(data)) - 10} {
		n, err := src.ReadAt(part, off)
		if want := min(len(part), len(data)-int(off)); n != want || !bytes.Equal(part[:n], data[off:int(off)+n]) || (err != nil && !errors.Is(err, io.EOF)) {
			t.Errorf("at %d: %d bytes, %v", off, n, err)
		}
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	short, _, err := source(t.Context(), store, "a", int64(len(data))+1)
	if err == nil {
		_, err = short.ReadAt(part, int64(len(data))-5)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || !ofStore(err) {
		t.Errorf("a shorter object: %v", err)
	}
}
