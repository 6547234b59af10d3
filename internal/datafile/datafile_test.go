package datafile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// every is a table with a column of every type.
var every = &tableschema.Table{
	Name:        tableschema.Name{Catalog: "c", Schema: "s", Table: "every"},
	PartitionBy: "request_date",
	Columns: []tableschema.Column{
		{Name: "id", Type: str},
		{Name: "i", Type: tableschema.Type{Kind: tableschema.Int}},
		{Name: "request_date", Type: day},
		{Name: "l", Type: long},
		{Name: "d", Type: dbl},
		{Name: "b", Type: tableschema.Type{Kind: tableschema.Boolean}},
		{Name: "day", Type: day},
		{Name: "at", Type: at},
		{Name: "cents", Type: tableschema.DecimalOf(9, 2)},
		{Name: "cost", Type: tableschema.DecimalOf(18, 9)},
		{Name: "wide", Type: tableschema.DecimalOf(38, 4)},
		{Name: "tags", Type: tableschema.StringMap()},
		{Name: "words", Type: tableschema.ListOf(str)},
		{Name: "point", Type: tableschema.StructOf(tableschema.Column{Name: "x", Type: long}, tableschema.Column{Name: "y", Type: str})},
		{Name: "attempts", Type: tableschema.ListOf(tableschema.StructOf(
			tableschema.Column{Name: "action", Type: str}, tableschema.Column{Name: "status", Type: tableschema.Type{Kind: tableschema.Int}},
		))},
		{Name: "body", Type: str, NoStats: true},
	},
}

// rows returns JSON of n rows, about a third of the values NULL.
func rows(rnd *rand.Rand, n int) string {
	var out strings.Builder
	for i := range n {
		row := map[string]any{"request_date": "2026-11-20", "id": fmt.Sprintf("id-%d", i)}
		set := func(name string, v any) {
			if row[name] = v; rnd.IntN(3) == 0 {
				row[name] = nil
			}
		}
		set("i", rnd.IntN(5))
		set("l", rnd.Int64())
		set("d", rnd.NormFloat64())
		set("b", rnd.IntN(2) == 0)
		set("day", fmt.Sprintf("2026-%02d-11", 1+rnd.IntN(12)))
		set("at", fmt.Sprintf("2026-11-20 10:00:%02d.%06dZ", rnd.IntN(60), rnd.IntN(1e6)))
		set("cents", fmt.Sprintf("%d.%02d", rnd.IntN(1e7), rnd.IntN(100)))
		set("cost", fmt.Sprintf("-%d.%09d", rnd.IntN(1e9), rnd.IntN(1e9)))
		set("wide", fmt.Sprintf("%d%018d.%04d", rnd.Int64N(1e15), rnd.Int64N(1e18), rnd.IntN(1e4)))
		set("tags", []any{map[string]any{"key": "team", "value": fmt.Sprint(rnd.IntN(4))}, map[string]any{"key": "nothing", "value": nil}}[:rnd.IntN(3)])
		set("words", []any{"a", nil, "ü"}[:rnd.IntN(4)])
		set("point", map[string]any{"x": rnd.IntN(9), "y": nil})
		set("attempts", []any{map[string]any{"action": "call", "status": 200}, nil, map[string]any{"action": nil, "status": nil}}[:rnd.IntN(4)])
		set("body", strings.Repeat("text ", rnd.IntN(50)))
		b, err := json.Marshal(row)
		if err != nil {
			panic(err)
		}
		out.Write(b)
		out.WriteByte('\n')
	}
	return out.String()
}

// batch builds a batch of t from JSON rows, and checks at the end that nobody keeps any of it.
func batch(t *testing.T, table *tableschema.Table, jsonRows string) arrow.RecordBatch {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	bld := array.NewRecordBuilder(mem, table.Arrow())
	defer bld.Release()
	dec := json.NewDecoder(strings.NewReader(jsonRows))
	for dec.More() {
		var row json.RawMessage
		if err := dec.Decode(&row); err != nil {
			t.Fatal(err)
		}
		if err := bld.UnmarshalJSON(row); err != nil {
			t.Fatal(err)
		}
	}
	b := bld.NewRecordBatch()
	t.Cleanup(b.Release)
	return b
}

func encode(t *testing.T, b arrow.RecordBatch, table *tableschema.Table, opt Options) *File {
	t.Helper()
	f, err := Encode(b, table, opt)
	if err != nil {
		t.Fatal(err)
	}
	if f.Rows != b.NumRows() {
		t.Fatalf("file has %d rows, the batch %d", f.Rows, b.NumRows())
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, n := range []int{0, 1, 2, 100, 5000} {
		for _, opt := range []Options{{}, {Compression: None}, {RowGroup: 7}, {RowGroup: 1000}} {
			t.Run(fmt.Sprintf("%d rows %v", n, opt), func(t *testing.T) {
				b := batch(t, every, rows(rand.New(rand.NewPCG(seed, uint64(n))), n))
				f := encode(t, b, every, opt)
				if !json.Valid([]byte(f.Stats)) {
					t.Errorf("stats are not JSON: %s", f.Stats)
				}
				got, err := ReadColumns(t.Context(), bytes.NewReader(f.Data))
				if err != nil {
					t.Fatal(err)
				}
				defer got.Release()
				want, _ := withoutPartition(b, every)
				defer want.Release()
				sameColumns(t, got, want)
				if m, err := Rows(bytes.NewReader(f.Data)); err != nil || m != int64(n) {
					t.Errorf("footer says %d rows, %v", m, err)
				}
			})
		}
	}
}

func sameColumns(t *testing.T, got arrow.Table, want arrow.RecordBatch) {
	t.Helper()
	if got.NumRows() != want.NumRows() || got.NumCols() != want.NumCols() {
		t.Fatalf("read %d rows of %d columns, want %d of %d", got.NumRows(), got.NumCols(), want.NumRows(), want.NumCols())
	}
	for i, f := range want.Schema().Fields() {
		if name := got.Schema().Field(i).Name; name != f.Name {
			t.Fatalf("column %d is %s, want %s", i, name, f.Name)
		}
		row := 0
		for _, chunk := range got.Column(i).Data().Chunks() {
			for k := range chunk.Len() {
				if g, w := value(t, chunk, k), value(t, want.Column(i), row); g != w {
					t.Fatalf("%s of row %d: got %s, want %s", f.Name, row, g, w)
				}
				row++
			}
		}
	}
}

func value(t *testing.T, a arrow.Array, i int) string {
	t.Helper()
	b, err := json.Marshal(a.GetOneForMarshal(i))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestLayout pins what other engines rely on.
func TestLayout(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	f := encode(t, batch(t, every, rows(rnd, 50)), every, Options{RowGroup: 20})
	r, err := file.NewParquetReader(bytes.NewReader(f.Data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []string
	for i := range r.MetaData().Schema.NumColumns() {
		c := r.MetaData().Schema.Column(i)
		got = append(got, fmt.Sprintf("%s %s %s", c.Path(), c.PhysicalType(), c.LogicalType()))
	}
	want := []string{
		"id BYTE_ARRAY String",
		"i INT32 Int(bitWidth=32, isSigned=true)",
		"l INT64 Int(bitWidth=64, isSigned=true)",
		"d DOUBLE None",
		"b BOOLEAN None",
		"day INT32 Date",
		"at INT64 Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false)",
		"cents INT32 Decimal(precision=9, scale=2)",
		"cost INT64 Decimal(precision=18, scale=9)",
		"wide FIXED_LEN_BYTE_ARRAY Decimal(precision=38, scale=4)",
		"tags.key_value.key BYTE_ARRAY String",
		"tags.key_value.value BYTE_ARRAY String",
		"words.list.element BYTE_ARRAY String",
		"point.x INT64 Int(bitWidth=64, isSigned=true)",
		"point.y BYTE_ARRAY String",
		"attempts.list.element.action BYTE_ARRAY String",
		"attempts.list.element.status INT32 Int(bitWidth=32, isSigned=true)",
		"body BYTE_ARRAY String",
	}
	if !slices.Equal(got, want) {
		t.Errorf("layout:\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	if r.NumRowGroups() != 3 {
		t.Errorf("%d row groups, want 3", r.NumRowGroups())
	}
}

func TestDictionariesOnlyWhereValuesRepeat(t *testing.T) {
	f := encode(t, batch(t, every, rows(rand.New(rand.NewPCG(3, 4)), 1000)), every, Options{})
	r, err := file.NewParquetReader(bytes.NewReader(f.Data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var with []string
	for i := range r.MetaData().Schema.NumColumns() {
		c, err := r.MetaData().RowGroup(0).ColumnChunk(i)
		if err != nil {
			t.Fatal(err)
		}
		if c.HasDictionaryPage() {
			with = append(with, c.PathInSchema().String())
		}
	}
	want := []string{"i", "day", "tags.key_value.key", "tags.key_value.value", "words.list.element", "point.x", "attempts.list.element.action", "attempts.list.element.status", "body"}
	if !slices.Equal(with, want) {
		t.Errorf("dictionaries for\n%q, want\n%q", with, want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	narrow := &tableschema.Table{Name: every.Name, Columns: every.Columns[:3], PartitionBy: "request_date"}
	for _, c := range []struct {
		name, rows string
		table      *tableschema.Table
		want       string
	}{
		{"two partitions", `{"request_date":"2026-11-20"} {"request_date":"2026-11-20"} {"request_date":"2026-11-21"}`, narrow, "different partitions"},
		{"NULL and a partition", `{"request_date":"2026-11-20"} {"request_date":null}`, narrow, "different partitions"},
		{"fewer columns", `{"id":"a"}`, &tableschema.Table{Name: every.Name, Columns: every.Columns[:2]}, "3 columns"},
		{"other type", `{"id":"a"}`, &tableschema.Table{Name: every.Name, Columns: []tableschema.Column{{Name: "id", Type: str}, {Name: "i", Type: long}, {Name: "request_date", Type: day}}}, "column i int32"},
		{"other name", `{"id":"a"}`, &tableschema.Table{Name: every.Name, Columns: []tableschema.Column{{Name: "key", Type: str}, narrow.Columns[1], narrow.Columns[2]}}, "column id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Encode(batch(t, narrow, c.rows), c.table, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
		})
	}
}

func TestReadStrings(t *testing.T) {
	const n = 3000
	rnd := rand.New(rand.NewPCG(5, 6))
	f := encode(t, batch(t, every, rows(rnd, n)), every, Options{RowGroup: 1700})
	i := 0
	err := ReadStrings(t.Context(), bytes.NewReader(f.Data), "id", func(s string, null bool) error {
		if want := fmt.Sprintf("id-%d", i); s != want || null {
			return fmt.Errorf("value %d is %q, null %v", i, s, null)
		}
		i++
		return nil
	})
	if err != nil || i != n {
		t.Errorf("read %d of %d: %v", i, n, err)
	}
	nulls, values := 0, 0
	err = ReadStrings(t.Context(), bytes.NewReader(f.Data), "body", func(s string, null bool) error {
		if null {
			nulls++
		} else {
			values += len(s)
		}
		return nil
	})
	if err != nil || nulls == 0 || values == 0 {
		t.Errorf("%d nulls, %d bytes, %v", nulls, values, err)
	}
	stop := errors.New("enough")
	if err := ReadStrings(t.Context(), bytes.NewReader(f.Data), "id", func(string, bool) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v, want the callback's", err)
	}
	for _, column := range []string{"nope", "i", "words"} {
		if err := ReadStrings(t.Context(), bytes.NewReader(f.Data), column, func(string, bool) error { return nil }); !errors.Is(err, ErrNoColumn) {
			t.Errorf("column %s: %v, want ErrNoColumn", column, err)
		}
	}
}

func TestReadColumns(t *testing.T) {
	f := encode(t, batch(t, every, rows(rand.New(rand.NewPCG(7, 8)), 100)), every, Options{})
	got, err := ReadColumns(t.Context(), bytes.NewReader(f.Data), "attempts", "id")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	if got.NumCols() != 2 || got.Schema().Field(0).Name != "id" || got.Schema().Field(1).Name != "attempts" {
		t.Errorf("columns %s, want id and attempts", got.Schema())
	}
	if _, err := ReadColumns(t.Context(), bytes.NewReader(f.Data), "id", "nope"); !errors.Is(err, ErrNoColumn) {
		t.Errorf("error %v, want ErrNoColumn", err)
	}
}

// A damaged file is an error, never a panic.
func TestDamagedFiles(t *testing.T) {
	f := encode(t, batch(t, every, rows(rand.New(rand.NewPCG(9, 10)), 40)), every, Options{})
	read := func(data []byte) error {
		tbl, err := ReadColumns(t.Context(), bytes.NewReader(data))
		if err == nil {
			tbl.Release()
		}
		return errors.Join(err, ReadStrings(t.Context(), bytes.NewReader(data), "id", func(string, bool) error { return nil }))
	}
	for n := range 64 {
		if err := read(f.Data[:len(f.Data)*n/64]); err == nil {
			t.Errorf("a file cut at %d/64 was read", n)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		data := bytes.Clone(f.Data)
		data[rnd.IntN(len(data))] ^= byte(1 + rnd.IntN(255))
		_ = read(data) // may go unnoticed, but must return
	}
}
