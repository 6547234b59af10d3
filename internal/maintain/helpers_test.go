package maintain

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
)

var quiet = slog.New(slog.DiscardHandler)

// calls is a small table like the usage table.
func calls() *tableschema.Table {
	return &tableschema.Table{
		Name: tableschema.Name{Catalog: "system", Schema: "serving", Table: "calls"}, PartitionBy: "request_date", SortBy: []string{"request_time"},
		Columns: []tableschema.Column{
			{Name: idColumn, Type: tableschema.Type{Kind: tableschema.String}},
			{Name: "request_date", Type: tableschema.Type{Kind: tableschema.Date}},
			{Name: "request_time", Type: tableschema.Type{Kind: tableschema.Timestamp}},
			{Name: "who", Type: tableschema.Type{Kind: tableschema.String}, NoStats: true},
		},
	}
}

// call is a row.
type call struct {
	id  uuid.UUID
	at  time.Time
	who string
}

func newCall(at time.Time) call { return call{uuid.New(), at, "u" + at.Format("05")} }

// gateway appends calls as a gateway does.
type gateway struct {
	store   objstore.Store
	table   *delta.Table
	schema  *tableschema.Table
	id      string
	segment atomic.Int64
}

func newGateway(t testing.TB, store objstore.Store) *gateway {
	t.Helper()
	table, err := delta.OpenOrCreate(t.Context(), store, calls(), delta.Options{CheckpointInterval: 7})
	if err != nil {
		t.Fatal(err)
	}
	return &gateway{store: store, table: table, schema: calls(), id: uuid.NewString()}
}

// land appends calls of one day as one file.
func (g *gateway) land(ctx context.Context, rows ...call) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, g.schema.Arrow())
	defer b.Release()
	var count rowtags.Count
	for _, r := range rows {
		b.Field(0).(*array.StringBuilder).Append(r.id.String())
		b.Field(1).(*array.Date32Builder).Append(arrow.Date32FromTime(r.at.UTC()))
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(r.at.UnixMicro()))
		b.Field(3).(*array.StringBuilder).Append(r.who)
		count.Row(r.id)
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	f, err := datafile.Encode(batch, g.schema, datafile.Options{})
	if err != nil {
		return err
	}
	segment := g.segment.Add(1)
	partition := map[string]string{"request_date": rows[0].at.UTC().Format(time.DateOnly)}
	name := delta.DataFileName(partition, uint64(segment), g.id)
	if _, err := g.store.Put(ctx, g.table.Key(name), f.Data); err != nil {
		return err
	}
	add := delta.Add{Path: name, PartitionValues: partition, Size: int64(len(f.Data)), Rows: f.Rows, Stats: f.Stats, Tags: rowtags.Counts{g.id: count}.Tags()}
	add.ModificationTime = time.Now()
	for {
		_, err = g.table.Append(ctx, []delta.Add{add}, delta.Txn{AppID: g.id, Version: segment}, nil)
		if !errorsIs(err, objstore.ErrUnknown) {
			break
		}
	}
	if errorsIs(err, delta.ErrTxnDone) {
		err = nil
	}
	return err
}

func testConfig() Config {
	cfg := DefaultConfig()
	cfg.Share, cfg.MinFiles, cfg.TargetFileBytes = 1, 4, 64<<10
	return cfg
}

func keeper(t testing.TB, store objstore.Store, cfg Config) *Keeper {
	t.Helper()
	k, err := New(cfg, store, state.New(store), func() []*tableschema.Table { return []*tableschema.Table{calls()} }, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// ids returns the ids of all rows of the newest version, sorted, and checks that the files are in the
// store, and tagged with what is in them.
func ids(t testing.TB, store objstore.Store) []string {
	t.Helper()
	table, err := delta.Open(t.Context(), store, calls().Name.Path())
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for f := range table.Snapshot().Files() {
		data, _, err := store.Get(t.Context(), table.Key(f.Path))
		if err != nil {
			t.Fatalf("file of the table: %v", err)
		}
		var got rowtags.Count
		err = datafile.ReadStrings(t.Context(), bytes.NewReader(data), idColumn, func(s string, null bool) error {
			all = append(all, s)
			got.Row(rowtags.ParseID(s, null))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if tag, ok := rowtags.Parse(f.Tags); !ok || tag.Rows() != got || f.Rows != got.N {
			t.Errorf("file %s has %v, its tag says %v, its add %d", f.Path, got, tag, f.Rows)
		}
	}
	slices.Sort(all)
	return all
}

func idsOf(rows []call) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.id.String()
	}
	slices.Sort(all)
	return all
}

// same fails the test if the table doesn't have exactly these rows.
func same(t testing.TB, store objstore.Store, want []call) {
	t.Helper()
	got, expected := ids(t, store), idsOf(want)
	if slices.Equal(got, expected) {
		return
	}
	there := map[string]int{}
	for _, id := range got {
		there[id]++
	}
	lost, doubled := 0, 0
	for _, id := range expected {
		if there[id] == 0 {
			lost++
		}
		doubled += max(0, there[id]-1)
		delete(there, id)
	}
	t.Errorf("%d rows, want %d: %d lost, %d doubled, %d that should not be there", len(got), len(expected), lost, doubled, len(there))
}

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

// objects returns the data files in the store.
func objects(t testing.TB, store objstore.Store) []string {
	t.Helper()
	var keys []string
	for info, err := range store.List(t.Context(), calls().Name.Path()+"/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(info.Key, ".parquet") && !strings.Contains(info.Key, "_delta_log") {
			keys = append(keys, info.Key)
		}
	}
	return keys
}

func fill(t testing.TB, g *gateway, day time.Time, files, each int) []call {
	t.Helper()
	var all []call
	for n := range files {
		var rows []call
		for i := range each {
			rows = append(rows, newCall(day.Add(time.Duration(n*each+i)*time.Second)))
		}
		if err := g.land(t.Context(), rows...); err != nil {
			t.Fatal(fmt.Errorf("land: %w", err))
		}
		all = append(all, rows...)
	}
	return all
}
