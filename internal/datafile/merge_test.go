package datafile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// everything is a table with a column of each type.
func everything(sortBy ...string) *tableschema.Table {
	return &tableschema.Table{PartitionBy: "d", SortBy: sortBy, Columns: []tableschema.Column{
		{Name: "id", Type: long},
		{Name: "d", Type: day},
		{Name: "ts", Type: at},
		{Name: "s", Type: str},
		{Name: "i", Type: tableschema.Type{Kind: tableschema.Int}},
		{Name: "f", Type: tableschema.Type{Kind: tableschema.Double}},
		{Name: "b", Type: tableschema.Type{Kind: tableschema.Boolean}},
		{Name: "day", Type: day},
		{Name: "money", Type: tableschema.DecimalOf(18, 9)},
		{Name: "tags", Type: tableschema.StringMap()},
		{Name: "codes", Type: tableschema.ListOf(str)},
		{Name: "tries", Type: tableschema.ListOf(tableschema.StructOf(
			tableschema.Column{Name: "n", Type: long}, tableschema.Column{Name: "why", Type: str}))},
		{Name: "who", Type: tableschema.StructOf(tableschema.Column{Name: "name", Type: str})},
	}}
}

// rowsOf makes n rows as JSON, numbered from a number on, some values missing.
func rowsOf(rnd *rand.Rand, from, n int) []string {
	rows := make([]string, n)
	for i := range rows {
		r := []string{fmt.Sprintf(`"id":%d,"d":"2026-11-20"`, from+i)}
		add := func(format string, args ...any) {
			if rnd.IntN(5) > 0 {
				r = append(r, fmt.Sprintf(format, args...))
			}
		}
		add(`"ts":"2026-11-20T%02d:%02d:00.%06dZ"`, rnd.IntN(24), rnd.IntN(60), rnd.IntN(1e6))
		add(`"s":"text %d"`, rnd.IntN(50))
		add(`"i":%d`, rnd.IntN(10)-5)
		add(`"f":%g`, rnd.Float64())
		add(`"b":%t`, rnd.IntN(2) == 0)
		add(`"day":"2026-%02d-01"`, 1+rnd.IntN(12))
		add(`"money":"%d.%09d"`, rnd.IntN(100), rnd.IntN(1e9))
		add(`"tags":[{"key":"a","value":"%d"},{"key":"b","value":null}]`, rnd.IntN(9))
		add(`"codes":["x",null,"%d"]`, rnd.IntN(9))
		add(`"tries":[{"n":%d,"why":"w"},null,{"n":null}]`, rnd.IntN(9))
		add(`"who":{"name":"n%d"}`, rnd.IntN(9))
		rows[i] = "{" + strings.Join(r, ",") + "}"
	}
	return rows
}

func batchOf(t testing.TB, table *tableschema.Table, rows []string) arrow.RecordBatch {
	t.Helper()
	b, _, err := array.RecordFromJSON(mem, table.Arrow(), strings.NewReader("["+strings.Join(rows, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fileOf(t testing.TB, table *tableschema.Table, rows []string) []byte {
	t.Helper()
	b := batchOf(t, table, rows)
	defer b.Release()
	f, err := Encode(b, table, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f.Data
}

func input(data []byte, from int64) Input {
	return Input{Size: int64(len(data)), From: from, Open: func(context.Context) (Source, func() error, error) {
		return bytes.NewReader(data), func() error { return nil }, nil
	}}
}

// read returns the rows of a file as JSON.
func read(t testing.TB, table *tableschema.Table, data []byte) []string {
	t.Helper()
	r, err := OpenReader(t.Context(), bytes.NewReader(data), table)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows []string
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := b.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		for line := range strings.SplitSeq(strings.Trim(string(text), "[]\n"), "}\n,{") {
			rows = append(rows, strings.Trim(line, "{}"))
		}
	}
}

func merge(t testing.TB, table *tableschema.Table, opt MergeOptions, inputs ...Input) (rows int64, files []Merged) {
	t.Helper()
	if opt.TargetBytes == 0 {
		opt.TargetBytes = 64 << 20
	}
	rows, err := Merge(t.Context(), inputs, table, opt, func(m Merged) error { files = append(files, m); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return rows, files
}

// What goes in comes out, whatever the memory, the order and the size of the files.
func TestMergeKeepsEveryRow(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for _, by := range [][]string{nil, {"ts"}, {"s", "i", "ts"}, {"day"}} {
		for _, memory := range []int64{1, 20_000, 64 << 20} {
			for _, target := range []int64{1, 20_000, 1 << 20} {
				table := everything(by...)
				var inputs []Input
				var want []string
				for n := range 8 {
					data := fileOf(t, table, rowsOf(rnd, n*1000, 1+rnd.IntN(80)))
					want = append(want, read(t, table, data)...)
					in := input(data, math.MinInt64)
					in.Sorted = rnd.IntN(3) == 0 // also when it isn't true
					inputs = append(inputs, in)
				}
				seen := int64(0)
				rows, files := merge(t, table, MergeOptions{TargetBytes: target, MemoryBytes: memory, Check: func(b arrow.RecordBatch) error {
					seen += b.NumRows()
					return nil
				}}, inputs...)
				var got []string
				sum := int64(0)
				for _, f := range files {
					got = append(got, read(t, table, f.Data)...)
					sum += f.Rows
				}
				if rows != int64(len(want)) || sum != rows || seen != rows {
					t.Fatalf("by %v: %d rows of %d, %d in files, %d seen", by, rows, len(want), sum, seen)
				}
				for i, f := range files {
					if memory == 64<<20 && f.Sorted != (len(by) > 0) {
						t.Errorf("by %v: file %d: sorted %t", by, i, f.Sorted)
					}
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Fatalf("by %v, memory %d, target %d: rows differ", by, memory, target)
				}
			}
		}
	}
}

// timesOf returns the column ts, NULL as the smallest.
func timesOf(t testing.TB, data []byte) []int64 {
	t.Helper()
	tb, err := ReadColumns(t.Context(), bytes.NewReader(data), "ts")
	if err != nil {
		t.Fatal(err)
	}
	defer tb.Release()
	var all []int64
	for _, c := range tb.Column(0).Data().Chunks() {
		all = append(all, intKeys(c, func(i int) int64 { return int64(c.(*array.Timestamp).Value(i)) })...)
	}
	return all
}

// Inputs follow each other in time: one after the other is opened, and the order is right.
func TestMergeSortsWithLittleMemory(t *testing.T) {
	table := &tableschema.Table{SortBy: []string{"ts"}, Columns: []tableschema.Column{{Name: "ts", Type: at}, {Name: "s", Type: str}}}
	rnd := rand.New(rand.NewPCG(3, 4))
	var inputs []Input
	most, open := 0, 0
	const files, each = 100, 500
	for n := range files {
		b := array.NewRecordBuilder(mem, table.Arrow())
		for range each {
			b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(n*1000 + rnd.IntN(1500)))
			b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("%0200x", rnd.Uint64()))
		}
		batch := b.NewRecordBatch()
		f, err := Encode(batch, table, Options{})
		if err != nil {
			t.Fatal(err)
		}
		in := input(f.Data, int64(n*1000))
		in.Open = func(context.Context) (Source, func() error, error) {
			open++
			most = max(most, open)
			return bytes.NewReader(f.Data), func() error { open--; return nil }, nil
		}
		inputs = append(inputs, in)
	}
	rnd.Shuffle(len(inputs), func(i, j int) { inputs[i], inputs[j] = inputs[j], inputs[i] })
	rows, out := merge(t, table, MergeOptions{TargetBytes: 100_000, Options: Options{Compression: None}}, inputs...)
	var got []int64
	for i, f := range out {
		got = append(got, timesOf(t, f.Data)...)
		if !f.Sorted {
			t.Errorf("file %d is not sorted", i)
		}
	}
	if rows != files*each || len(got) != files*each || !slices.IsSorted(got) || open != 0 {
		t.Errorf("%d rows, %d read back, sorted %t, %d open", rows, len(got), slices.IsSorted(got), open)
	}
	if most > 4 {
		t.Errorf("%d files were open at once", most)
	}
	if len(out) < 2 {
		t.Errorf("%d files", len(out))
	}
	// Merged files are merged again, bit by bit.
	again := []Input{}
	for _, f := range out {
		in := input(f.Data, timesOf(t, f.Data)[0])
		in.Sorted = true
		again = append(again, in)
	}
	_, out = merge(t, table, MergeOptions{}, again...)
	if len(out) != 1 || !out[0].Sorted || !slices.Equal(timesOf(t, out[0].Data), got) {
		t.Errorf("merged again: %d files", len(out))
	}
}

// The statistics of a file written batch by batch are those of one written at once.
func TestWriterStats(t *testing.T) {
	table := everything("ts")
	rnd := rand.New(rand.NewPCG(5, 6))
	rows := rowsOf(rnd, 0, 3000)
	whole := batchOf(t, table, rows)
	defer whole.Release()
	want, err := Encode(whole, table, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(table, Options{RowGroup: 700}, 0)
	body, _ := withoutPartition(whole, table)
	defer body.Release()
	for from := int64(0); from < 3000; from += 500 {
		part := body.NewSlice(from, from+500)
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		part.Release()
	}
	got, err := w.Close()
	if err != nil || got.Rows != 3000 || got.Stats != want.Stats {
		t.Errorf("%v, %d rows\n got %s\nwant %s", err, got.Rows, got.Stats, want.Stats)
	}
	if !slices.Equal(read(t, table, got.Data), read(t, table, want.Data)) {
		t.Error("rows differ")
	}
	if _, err := NewWriter(table, Options{}, 0).Close(); !errors.Is(err, ErrNoRows) {
		t.Errorf("closed without rows: %v", err)
	}
}

// Columns that came later are NULL in files from before, also within structs; columns that the table
// doesn't have are left out.
func TestReaderFollowsTheSchema(t *testing.T) {
	old := &tableschema.Table{PartitionBy: "d", Columns: []tableschema.Column{
		{Name: "gone", Type: str},
		{Name: "tries", Type: tableschema.ListOf(tableschema.StructOf(tableschema.Column{Name: "n", Type: long}))},
		{Name: "d", Type: day},
		{Name: "ID", Type: long},
	}}
	now := everything("ts")
	data := fileOf(t, old, []string{`{"ID":1,"gone":"x","d":"2026-11-20","tries":[{"n":5},null]}`, `{"d":"2026-11-20"}`})
	got := read(t, now, data)
	if len(got) != 2 || !strings.Contains(got[0], `"id":1`) || !strings.Contains(got[0], `"tries":[{"n":5,"why":null},null]`) || !strings.Contains(got[0], `"ts":null`) ||
		strings.Contains(got[0], "gone") || !strings.Contains(got[1], `"who":null`) {
		t.Errorf("got %s", got)
	}
	rows, files := merge(t, now, MergeOptions{}, input(data, math.MinInt64), input(fileOf(t, now, rowsOf(rand.New(rand.NewPCG(1, 1)), 0, 10)), math.MinInt64))
	if rows != 12 || len(files) != 1 || !files[0].Sorted {
		t.Errorf("%d rows, %d files", rows, len(files))
	}
	none := &tableschema.Table{Columns: []tableschema.Column{{Name: "other", Type: str}}}
	if got := read(t, none, data); len(got) != 2 || got[0] != `"other":null` {
		t.Errorf("got %s", got)
	}
}

// foreign writes one column as another engine might.
func foreign(t *testing.T, a arrow.Array, props ...parquet.WriterProperty) []byte {
	t.Helper()
	return foreignWith(t, a, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()), props...)
}

func foreignWith(t *testing.T, a arrow.Array, how pqarrow.ArrowWriterProperties, props ...parquet.WriterProperty) []byte {
	t.Helper()
	b := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "c", Type: a.DataType(), Nullable: true}}, nil), []arrow.Array{a}, int64(a.Len()))
	defer b.Release()
	out := &bytes.Buffer{}
	w, err := pqarrow.NewFileWriter(b.Schema(), out, parquet.NewWriterProperties(props...), how)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(b), w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestForeignFiles(t *testing.T) {
	stamps := array.NewTimestampBuilder(mem, &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"})
	stamps.AppendValues([]arrow.Timestamp{1_700_000_000_123_456_789, -1}, nil)
	large := array.NewLargeStringBuilder(mem)
	large.AppendValues([]string{"a", "b"}, nil)
	dict := array.NewDictionaryBuilder(mem, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}).(*array.BinaryDictionaryBuilder)
	if err := errors.Join(dict.AppendString("a"), dict.AppendString("b")); err != nil {
		t.Fatal(err)
	}
	ints := array.NewInt32Builder(mem)
	ints.AppendValues([]int32{1, 2}, nil)
	blobs := array.NewBinaryBuilder(mem, arrow.BinaryTypes.Binary)
	blobs.AppendValues([][]byte{{1}, {2}}, nil)
	st := stamps.NewArray()
	for _, c := range []struct {
		name string
		data []byte
		typ  tableschema.Type
		want string
	}{
		{"nanoseconds", foreign(t, st), at, `"c":"2023-11-14T22:13:20.123456Z" "c":"1969-12-31T23:59:59.999999Z"`},
		{"INT96", foreignWith(t, st, pqarrow.NewArrowWriterProperties(pqarrow.WithDeprecatedInt96Timestamps(true))), at, `"c":"2023-11-14T22:13:20.123456Z" "c":"1969-12-31T23:59:59.999999Z"`},
		{"large strings", foreign(t, large.NewArray()), str, `"c":"a" "c":"b"`},
		{"dictionary", foreign(t, dict.NewArray()), str, `"c":"a" "c":"b"`},
	} {
		table := &tableschema.Table{Columns: []tableschema.Column{{Name: "c", Type: c.typ}}}
		if got := strings.Join(read(t, table, c.data), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	for want, c := range map[string]struct {
		a   arrow.Array
		typ tableschema.Type
	}{
		"column c: no such column in the file: the file has int32 where the table has int64": {ints.NewArray(), long},
		"column c: no such column in the file: the file has binary where the table has utf8": {blobs.NewArray(), str},
	} {
		table := &tableschema.Table{Columns: []tableschema.Column{{Name: "c", Type: c.typ}}}
		if _, err := OpenReader(t.Context(), bytes.NewReader(foreign(t, c.a)), table); !errors.Is(err, ErrNoColumn) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestMergeOfDamagedFiles(t *testing.T) {
	table := everything("ts")
	data := fileOf(t, table, rowsOf(rand.New(rand.NewPCG(1, 1)), 0, 500))
	for at := 4; at < len(data); at += len(data) / 60 {
		bad := bytes.Clone(data)
		for i := range 8 {
			bad[min(at+i, len(bad)-1)] ^= 0xff
		}
		rows := int64(0)
		n, err := Merge(t.Context(), []Input{input(bad, 0), input(data, 0)}, table, MergeOptions{TargetBytes: 1 << 20}, func(m Merged) error { rows += m.Rows; return nil })
		if err == nil && (n != 1000 || rows != 1000) {
			t.Errorf("damage at %d: %d rows, %d written", at, n, rows)
		}
	}
	gone := errors.New("gone")
	in := Input{Name: "third", Open: func(context.Context) (Source, func() error, error) { return nil, nil, gone }}
	if _, err := Merge(t.Context(), []Input{input(data, 0), in}, table, MergeOptions{TargetBytes: 1 << 20}, func(Merged) error { return nil }); !errors.Is(err, gone) || err.Error() != "file third: gone" {
		t.Errorf("got %v", err)
	}
	in = input(data, 0)
	in.Name, in.Read = "third", func(b arrow.RecordBatch) error { return gone }
	if _, err := Merge(t.Context(), []Input{in}, table, MergeOptions{TargetBytes: 1 << 20}, func(Merged) error { return nil }); !errors.Is(err, gone) || err.Error() != "file third: gone" {
		t.Errorf("got %v", err)
	}
	if _, err := Merge(t.Context(), []Input{input(data, 0)}, table, MergeOptions{TargetBytes: 1}, func(Merged) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkMerge(b *testing.B) {
	batch, table := usageBatch(50_000)
	table.SortBy = []string{"request_time"}
	var inputs []Input
	for n := int64(0); n < 50_000; n += 500 {
		part := batch.NewSlice(n, n+500)
		f, err := Encode(part, table, Options{})
		if err != nil {
			b.Fatal(err)
		}
		inputs = append(inputs, input(f.Data, int64(part.Column(3).(*array.Timestamp).Value(0))))
	}
	checked := memory.NewCheckedAllocator(mem)
	defer checked.AssertSize(b, 0)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		_, files := merge(b, table, MergeOptions{}, inputs...)
		size = len(files[0].Data)
	}
	b.ReportMetric(50_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(size)/50_000, "B/row")
}
