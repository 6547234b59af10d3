package delta

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/parquet-go/parquet-go"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// checkpointed returns a table of 25 versions with checkpoints of 10 and 20.
func checkpointed(t *testing.T, store objstore.Store) *Table {
	t.Helper()
	tbl, err := OpenOrCreate(t.Context(), store, usage(), Options{CheckpointInterval: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		appendFile(t, tbl, fmt.Sprint("log-", i%3), i+1)
	}
	var first *Add
	for f := range tbl.Snapshot().Files() {
		first = f
		break
	}
	// Another engine compacts, which removes a file and says when.
	putCommit(t, store, tbl, 25, action{Remove: &removeAction{
		Path: first.Path, DeletionTimestamp: time.Now().UnixMilli(), DataChange: true, ExtendedFileMetadata: true,
		PartitionValues: map[string]*string{"request_date": nil}, Size: 100,
	}})
	if _, err := tbl.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return tbl
}

func remove(t *testing.T, store objstore.Store, tbl *Table, from, to int64) {
	t.Helper()
	for v := from; v <= to; v++ {
		if err := store.Delete(t.Context(), tbl.log.commitKey(v)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckpoints(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		tbl := checkpointed(t, store)
		replayed := fresh(t, store)
		same(t, replayed, tbl.Snapshot())
		if replayed.NumFiles() != 23 || replayed.removed.n != 1 {
			t.Errorf("table: %s", describe(replayed))
		}
		remove(t, store, tbl, 0, 19) // a log cleanup
		same(t, fresh(t, store), tbl.Snapshot())
		data, _, err := store.Get(t.Context(), tbl.log.hintKey())
		if err != nil || !strings.HasPrefix(string(data), `{"numOfAddFiles":20,"size":25,"sizeInBytes":`) || !strings.HasSuffix(string(data), `,"version":20}`) {
			t.Errorf("_last_checkpoint is %s, %v", data, err)
		}
		for i := range 5 { // the next checkpoint has the removed file
			appendFile(t, tbl, "later", i+1)
		}
		remove(t, store, tbl, 20, 29)
		same(t, fresh(t, store), tbl.Snapshot())
	})
}

// _last_checkpoint is a hint: whatever it says, the table is found.
func TestLastCheckpointIsAHint(t *testing.T) {
	for _, hint := range []string{
		"", "{", "null", "[]", `{"version":"x"}`, `{"version":-1}`, `{"version":15}`, `{"version":999}`, `{"version":20,"parts":3}`,
		`{"version":20,"parts":-1}`, `{"version":20,"parts":2000000000}`, `{"version":10}`, `{"version":20}`,
	} {
		for _, cleaned := range []int64{-1, 9, 19} {
			t.Run(fmt.Sprintf("%s after a cleanup to %d", hint, cleaned), func(t *testing.T) {
				store := memstore.New()
				tbl := checkpointed(t, store)
				put(t, store, "_last_checkpoint", hint)
				remove(t, store, tbl, 0, cleaned)
				same(t, fresh(t, store), tbl.Snapshot())
			})
		}
	}
}

// A damaged checkpoint is passed over for an older one, or for the log itself.
func TestDamagedCheckpoint(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	const name = "00000000000000000020.checkpoint.parquet"
	for _, damage := range []func([]byte) []byte{
		func([]byte) []byte { return nil },
		func(d []byte) []byte { return d[:len(d)/2] },
		func(d []byte) []byte { return bytes.Repeat([]byte("PAR1"), 100) },
		func(d []byte) []byte { return append(d[:len(d)-9:len(d)-9], "\xff\xff\xff\xff\x7fPAR1"...) },
	} {
		store := memstore.New()
		tbl := checkpointed(t, store)
		data, _, err := store.Get(t.Context(), tbl.Path()+logFolder+name)
		if err != nil {
			t.Fatal(err)
		}
		put(t, store, name, string(damage(bytes.Clone(data))))
		same(t, fresh(t, store), tbl.Snapshot())
		for range 100 { // must return, whatever it makes of it
			bad := bytes.Clone(data)
			bad[rnd.IntN(len(bad))] ^= byte(1 + rnd.IntN(255))
			_, _ = decodeCheckpoint(bad)
		}
	}
}

func TestCheckpointParts(t *testing.T) {
	store := memstore.New()
	tbl := checkpointed(t, store)
	key := tbl.log.checkpointKeys(checkpointName{version: 20})[0]
	data, _, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.Read[checkpointRow](bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range [][]checkpointRow{rows[:7], rows[7:]} {
		var out bytes.Buffer
		if err := parquet.Write(&out, part); err != nil {
			t.Fatal(err)
		}
		put(t, store, fmt.Sprintf("00000000000000000020.checkpoint.%010d.0000000002.parquet", i+1), out.String())
	}
	// Parts of a checkpoint that was never finished.
	put(t, store, "00000000000000000022.checkpoint.0000000001.0000000002.parquet", string(data))
	for _, k := range []string{key, tbl.log.hintKey()} {
		if err := store.Delete(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, store, tbl, 0, 19)
	same(t, fresh(t, store), tbl.Snapshot())
	put(t, store, "_last_checkpoint", `{"version":20,"parts":2}`)
	same(t, fresh(t, store), tbl.Snapshot())
}

func TestCheckpointOfProtocolWeCannotRead(t *testing.T) {
	store := memstore.New()
	tbl := checkpointed(t, store)
	s := *tbl.Snapshot()
	reads, writes := int32(3), int32(7)
	var out bytes.Buffer
	rows := []checkpointRow{
		{Protocol: &checkpointProtocol{&reads, &writes, []string{"v2Checkpoint"}, []string{"v2Checkpoint"}}},
		{Metadata: s.meta.checkpoint()},
	}
	if err := parquet.Write(&out, rows); err != nil {
		t.Fatal(err)
	}
	put(t, store, "00000000000000000025.checkpoint.parquet", out.String())
	put(t, store, "_last_checkpoint", `{"version":25}`)
	_, err := Open(t.Context(), store, tbl.Path())
	if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "v2Checkpoint") {
		t.Errorf("error %v, want ErrProtocol", err)
	}
}

// A checkpoint that can't be written is logged; the append succeeds.
func TestCheckpointFails(t *testing.T) {
	store := memstore.New()
	store.Inject(func(c memstore.Call) memstore.Fault {
		if strings.HasSuffix(c.Key, ".parquet") {
			return memstore.Fault{Before: errors.New("no space left")}
		}
		return memstore.Fault{}
	})
	var logged bytes.Buffer
	tbl, err := OpenOrCreate(t.Context(), store, usage(), Options{CheckpointInterval: 2, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		appendFile(t, tbl, "log", i+1)
	}
	if !strings.Contains(logged.String(), "delta checkpoint not written") || !strings.Contains(logged.String(), "no space left") {
		t.Errorf("logged %s", logged.String())
	}
	same(t, fresh(t, store), tbl.Snapshot())
}

func TestHintIsNotLowered(t *testing.T) {
	store := memstore.New()
	tbl := checkpointed(t, store)
	put(t, store, "_last_checkpoint", `{"version":40}`)
	if err := tbl.writeHint(t.Context(), tbl.Snapshot(), 1, 1); err != nil {
		t.Fatal(err)
	}
	if data, _, err := store.Get(t.Context(), tbl.log.hintKey()); err != nil || string(data) != `{"version":40}` {
		t.Errorf("_last_checkpoint is %s, %v", data, err)
	}
}

// Files removed long ago are not carried on.
func TestCheckpointForgetsTombstones(t *testing.T) {
	s := checkpointed(t, memstore.New()).Snapshot()
	for _, c := range []struct {
		after time.Time
		want  int
	}{{time.Now().Add(-time.Hour), 1}, {time.Now().Add(time.Hour), 0}} {
		data, rows, err := encodeCheckpoint(s, c.after, &zstd.Codec{})
		if err != nil {
			t.Fatal(err)
		}
		actions, err := decodeCheckpoint(data)
		if err != nil || len(actions) != rows {
			t.Fatalf("%d actions of %d: %v", len(actions), rows, err)
		}
		got, err := emptySnapshot(&place{path: "t"}).apply([]commit{{25, actions}})
		if err != nil || got.removed.n != c.want {
			t.Errorf("removed %d, want %d: %v", got.removed.n, c.want, err)
		}
	}
}

func TestTombstones(t *testing.T) {
	const week, forever = 7 * 24 * time.Hour, time.Duration(math.MaxInt64)
	for text, want := range map[string]time.Duration{
		"interval 7 days": week, "interval 1 week": week, "1 weeks 12 hours": week + 12*time.Hour, "INTERVAL 0 SECONDS": 0,
		"": forever, "interval": forever, "interval 1 month": forever, "interval -1 days": forever, "interval 7": forever,
		"interval 2147483647 weeks": forever,
	} {
		m := &metadata{metadataAction: metadataAction{Configuration: map[string]string{"delta.deletedFileRetentionDuration": text}}}
		if got := m.tombstones(); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	if got := (&metadata{}).tombstones(); got != week {
		t.Errorf("without the property: %v, want a week", got)
	}
}

// A large checkpoint is written beside the commits, one at a time.
func TestCheckpointInBackground(t *testing.T) {
	store := memstore.New()
	tbl, err := OpenOrCreate(t.Context(), store, usage(), Options{CheckpointInterval: 5})
	if err != nil {
		t.Fatal(err)
	}
	tbl.quick = 0
	writing, finish := make(chan struct{}), make(chan struct{})
	five := tbl.log.checkpointKeys(checkpointName{version: 5})[0]
	store.Inject(func(c memstore.Call) memstore.Fault {
		if c.Op == memstore.Create && c.Key == five {
			close(writing)
			<-finish
		}
		return memstore.Fault{}
	})
	for i := range 5 {
		appendFile(t, tbl, "log", i+1)
	}
	<-writing
	for i := range 7 { // the checkpoint of version 10 is due while that of 5 is being written
		appendFile(t, tbl, "log", i+6)
	}
	close(finish)
	tbl.background.Wait()
	l, err := tbl.log.list(t.Context())
	if err != nil || len(l.checkpoints) != 1 || l.checkpoints[0].version != 5 {
		t.Errorf("checkpoints %v, %v", l.checkpoints, err)
	}
	for i := range 3 {
		appendFile(t, tbl, "log", i+13)
	}
	tbl.background.Wait()
	remove(t, store, tbl, 0, 14)
	same(t, fresh(t, store), tbl.Snapshot())
	tbl.Close()
	tbl.Close()
}

// A process that runs for long forgets removed files when their retention is over, as checkpoints do.
func TestTombstonesAreForgotten(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	gone := func(path string, age time.Duration) action {
		return action{Remove: &removeAction{Path: path, DeletionTimestamp: time.Now().Add(-age).UnixMilli()}}
	}
	s, err := tbl.Snapshot().apply([]commit{{999, []action{gone("old.parquet", 8*24*time.Hour), gone("new.parquet", time.Hour)}}})
	if err != nil || s.removed.n != 2 {
		t.Fatalf("%d tombstones, %v", s.removed.n, err)
	}
	s, err = s.apply([]commit{{1000, nil}})
	if err != nil || s.removed.n != 1 {
		t.Errorf("%d tombstones, %v", s.removed.n, err)
	}
}

// Checkpoints of other engines have columns that ours don't, and lack some of ours.
func TestForeignCheckpoint(t *testing.T) {
	type add struct {
		Path             *string           `parquet:"path,optional"`
		PartitionValues  map[string]string `parquet:"partitionValues,optional"`
		PartitionsParsed *struct {
			Date *int32 `parquet:"request_date,optional,date"`
		} `parquet:"partitionValues_parsed,optional"`
		Size             int64 `parquet:"size"`
		ModificationTime int64 `parquet:"modificationTime"`
		DataChange       bool  `parquet:"dataChange"`
		StatsParsed      *struct {
			NumRecords *int64 `parquet:"numRecords,optional"`
			MinValues  *struct {
				Tokens *int64 `parquet:"tokens,optional"`
			} `parquet:"minValues,optional"`
		} `parquet:"stats_parsed,optional"`
		Stats          *string `parquet:"stats,optional"`
		DeletionVector *struct {
			StorageType *string `parquet:"storageType,optional"`
			Cardinality *int64  `parquet:"cardinality,optional"`
		} `parquet:"deletionVector,optional"`
	}
	type row struct {
		Metadata *checkpointMetadata `parquet:"metaData,optional"`
		Protocol *checkpointProtocol `parquet:"protocol,optional"`
		Add      *add                `parquet:"add,optional"`
		Domain   *struct {
			Domain *string `parquet:"domain,optional"`
		} `parquet:"domainMetadata,optional"`
	}
	store := memstore.New()
	tbl := openOrCreate(t, store)
	appendFile(t, tbl, "log", 1)
	reads, writes := int32(1), int32(2)
	f := file(7)
	var out bytes.Buffer
	rows := []row{
		{Protocol: &checkpointProtocol{&reads, &writes, nil, nil}},
		{Metadata: tbl.Snapshot().meta.checkpoint()},
		{Add: &add{Path: &f.Path, PartitionValues: f.PartitionValues, Size: 100, ModificationTime: 5, Stats: &f.Stats}},
		{},
	}
	if err := parquet.Write(&out, rows); err != nil {
		t.Fatal(err)
	}
	put(t, store, "00000000000000000001.checkpoint.parquet", out.String())
	put(t, store, "_last_checkpoint", `{"version":1,"size":3,"checkpointSchema":{"type":"struct"},"checksum":"x"}`)
	remove(t, store, tbl, 0, 1)
	s := fresh(t, store)
	if got, ok := s.File(f.Path); !ok || got.Rows != 1 || got.Stats != f.Stats || got.PartitionValues["request_date"] != f.PartitionValues["request_date"] {
		t.Errorf("table: %s", describe(s))
	}
	vector := "u"
	rows[2].Add.DeletionVector = &struct {
		StorageType *string `parquet:"storageType,optional"`
		Cardinality *int64  `parquet:"cardinality,optional"`
	}{StorageType: &vector}
	out.Reset()
	if err := parquet.Write(&out, rows); err != nil {
		t.Fatal(err)
	}
	put(t, store, "00000000000000000001.checkpoint.parquet", out.String())
	if _, err := Open(t.Context(), store, tbl.Path()); !errors.Is(err, ErrProtocol) {
		t.Errorf("a deletion vector in a checkpoint: %v", err)
	}
}

// What Spark and delta-rs can't read: strings in a delta encoding come out of Spark 3.5 as "", and half a
// deletionVector column is an error in delta-rs. The readers suite shows it with the engines.
func TestCheckpointIsReadByAll(t *testing.T) {
	data, _, err := encodeCheckpoint(checkpointed(t, memstore.New()).Snapshot(), time.Time{}, &zstd.Codec{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Metadata().RowGroups[0].Columns {
		path := strings.Join(c.MetaData.PathInSchema, ".")
		for _, e := range c.MetaData.Encoding {
			if strings.HasPrefix(e.String(), "DELTA") {
				t.Errorf("%s is encoded as %s", path, e)
			}
		}
		if strings.HasPrefix(path, "add.deletionVector") {
			t.Errorf("there is a column %s", path)
		}
	}
}
