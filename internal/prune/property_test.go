package prune

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// cell is a value of a row, nil for NULL: *big.Rat, float64, string.
type cell any

// A filter never drops a file that has a matching row: files of random rows with the statistics that
// lakegate writes, random filters, and every row tried one by one.
func TestNeverDropsAMatch(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	flat := *schema
	flat.PartitionBy = ""
	flat.Columns = flat.Columns[1:10]
	dropped := 0
	for range 300 {
		rows, stats := randomFile(t, rnd, &flat)
		for range 40 {
			f := randomFilter(rnd, &flat, rows)
			keep := f.Keep(&flat, nil, stats)
			if !keep {
				dropped++
			}
			for _, row := range rows {
				if !keep && matches(&flat, f, row) {
					t.Fatalf("dropped a file with a row that matches %v\nrow %v\nstatistics %s", f, row, stats)
				}
			}
		}
	}
	if dropped < 1000 {
		t.Errorf("only %d of 12000 files were dropped: the test shows little", dropped)
	}
}

// randomFile makes rows of values near each other, and the statistics of a file with them.
func randomFile(t *testing.T, rnd *rand.Rand, table *tableschema.Table) (rows [][]cell, stats string) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Arrow())
	defer b.Release()
	around := rnd.Int64N(1<<rnd.IntN(62)) - rnd.Int64N(1<<rnd.IntN(62))
	nulls := []int{0, 0, 30, 100}[rnd.IntN(4)]
	for range 1 + rnd.IntN(8) {
		var row []cell
		for i, c := range table.Columns {
			if rnd.IntN(100) < nulls {
				b.Field(i).AppendNull()
				row = append(row, nil)
				continue
			}
			row = append(row, appendRandom(rnd, b.Field(i), c.Type, around))
		}
		rows = append(rows, row)
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	file, err := datafile.Encode(batch, table, datafile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rows, file.Stats
}

func appendRandom(rnd *rand.Rand, b array.Builder, typ tableschema.Type, around int64) cell {
	n := around + rnd.Int64N(5) - 2
	switch b := b.(type) {
	case *array.Int32Builder:
		b.Append(int32(n))
		return new(big.Rat).SetInt64(int64(int32(n)))
	case *array.Int64Builder:
		b.Append(n)
		return new(big.Rat).SetInt64(n)
	case *array.Float64Builder:
		v := []float64{float64(n), float64(n) / 3, math.NaN(), math.Inf(1), math.Copysign(0, -1), math.Inf(-1)}[rnd.IntN(3+rnd.IntN(4))]
		b.Append(v)
		return v
	case *array.BooleanBuilder:
		b.Append(n%2 == 0)
		return new(big.Rat).SetInt64(map[bool]int64{true: 1}[n%2 == 0])
	case *array.Date32Builder:
		day := int32(n % 1_000_000)
		b.Append(arrow.Date32(day))
		return new(big.Rat).SetInt64(int64(day))
	case *array.TimestampBuilder:
		us := n % (200_000_000_000 * 1_000_000 / 8)
		b.Append(arrow.Timestamp(us))
		return new(big.Rat).SetInt64(us)
	case *array.Decimal128Builder:
		x := big.NewInt(n % 1_000_000_000_000_000_000)
		if typ.Precision == 38 && rnd.IntN(2) == 0 {
			x = new(big.Int).Mul(big.NewInt(n), big.NewInt(1_000_000_007*int64(1+rnd.IntN(1000))))
		}
		b.Append(decimal128.FromBigInt(x))
		return new(big.Rat).SetFrac(x, power(typ.Scale))
	case *array.StringBuilder:
		s := randomString(rnd)
		b.Append(s)
		return s
	}
	panic(typ)
}

func randomString(rnd *rand.Rand) string {
	alphabet := []string{"a", "b", "é", "\x7f", "\U0010FFFF", "\U0001F600", "\"", "\\", "\n", "\uFFFD"}
	s := strings.Repeat(alphabet[rnd.IntN(2)], []int{0, 1, 31, 32, 33, 63, 64}[rnd.IntN(7)])
	for range rnd.IntN(4) {
		s += alphabet[rnd.IntN(len(alphabet))]
	}
	return s
}

func randomFilter(rnd *rand.Rand, table *tableschema.Table, rows [][]cell) (f Filter) {
	for range 1 + rnd.IntN(2) {
		i := rnd.IntN(len(table.Columns))
		c := table.Columns[i]
		p := Predicate{Column: c.Name, Op: Op(1 + rnd.IntN(int(NotNull)))}
		n := 1
		switch p.Op {
		case IsNull, NotNull:
			n = 0
		case In:
			n = rnd.IntN(4)
		}
		for range n {
			p.Values = append(p.Values, randomText(rnd, c.Type, rows[rnd.IntN(len(rows))][i]))
		}
		f = append(f, p)
	}
	return f
}

// randomText is a value of a row, or one near it, in canonical text.
func randomText(rnd *rand.Rand, typ tableschema.Type, near cell) string {
	switch near := near.(type) {
	case *big.Rat:
		x := new(big.Rat).Add(near, big.NewRat(rnd.Int64N(5)-2, []int64{1, 1, 2, 1_000_000_000, 1_000_000_000_000}[rnd.IntN(5)]))
		switch typ.Kind {
		case tableschema.Boolean:
			return strconv.FormatBool(near.Sign() > 0)
		case tableschema.Date:
			return time.Unix(floor(x)*86400, 0).UTC().Format(time.DateOnly)
		case tableschema.Timestamp:
			return time.UnixMicro(floor(x)).UTC().Format("2006-01-02T15:04:05.000000Z")
		}
		return x.FloatString(12)
	case float64:
		return strconv.FormatFloat(near+float64(rnd.IntN(3)-1)/2, 'g', -1, 64)
	case string:
		return []string{near, near + "a", randomString(rnd), near[:len(near)/2]}[rnd.IntN(4)]
	}
	return []string{"0", "true", "2026-11-20", "x", ""}[rnd.IntN(5)]
}

func floor(x *big.Rat) int64 { return new(big.Int).Div(x.Num(), x.Denom()).Int64() }

// matches evaluates the filter for one row, without knowing of bounds.
func matches(table *tableschema.Table, f Filter, row []cell) bool {
	for _, p := range f {
		_, i, _ := table.Column(p.Column)
		if !matchesOne(p, table.Columns[i].Type, row[i]) {
			return false
		}
	}
	return true
}

func matchesOne(p Predicate, typ tableschema.Type, v cell) bool {
	if v == nil || p.Op == IsNull || p.Op == NotNull {
		return (p.Op == IsNull) == (v == nil) && (v == nil || p.Op == NotNull)
	}
	for _, text := range p.Values {
		c, ok := order(typ, v, text)
		if !ok {
			return true // no value of the type: an engine would refuse the query
		}
		if map[Op]bool{Eq: c == 0, In: c == 0, Ne: c != 0, Lt: c < 0, Le: c <= 0, Gt: c > 0, Ge: c >= 0}[p.Op] {
			return true
		}
	}
	return false
}

func order(typ tableschema.Type, v cell, text string) (int, bool) {
	switch v := v.(type) {
	case string:
		return strings.Compare(v, text), true
	case float64:
		w, err := strconv.ParseFloat(text, 64)
		switch {
		case math.IsNaN(v) || math.IsNaN(w):
			return cmp.Compare(map[bool]int{true: 1}[math.IsNaN(v)], map[bool]int{true: 1}[math.IsNaN(w)]), err == nil
		}
		return map[bool]int{v < w: -1, v > w: 1}[true], err == nil
	case *big.Rat:
		w := new(big.Rat)
		switch typ.Kind {
		case tableschema.Boolean:
			w.SetInt64(map[string]int64{"true": 1}[text])
			return v.Cmp(w), text == "true" || text == "false"
		case tableschema.Date:
			at, err := time.Parse(time.DateOnly, text)
			return v.Cmp(w.SetInt64(at.Unix() / 86400)), err == nil
		case tableschema.Timestamp:
			at, err := time.Parse(time.RFC3339Nano, text)
			return v.Cmp(w.SetInt64(at.UnixMicro())), err == nil
		}
		_, ok := w.SetString(text)
		return v.Cmp(w), ok
	}
	panic(fmt.Sprintf("%T", v))
}

// BenchmarkKeep prunes 100,000 files by two columns: once with statistics that were never asked for,
// then with statistics that were.
func BenchmarkKeep(b *testing.B) {
	const n = 100_000
	stats := `{"numRecords":1000,"minValues":{"i":5,"l":12345,"ts":"2026-11-20T10:00:00.123Z","m":0.000000001,"s":"abcdef"},` +
		`"maxValues":{"i":500,"l":%d,"ts":"2026-11-20T10:00:10.123Z","m":12.5,"s":"zzzzz"},"nullCount":{"i":0,"l":0,"ts":0,"m":3,"s":0,"x":0}}`
	day := map[string]string{"d": "2026-11-20"}
	f := Filter{
		{"d", Ge, []string{"2026-11-20"}},
		{"ts", Ge, []string{"2026-11-20T10:00:05Z"}},
		{"l", Gt, []string{"199000"}},
	}
	fresh := func() []*Stats {
		files := make([]*Stats, n)
		for i := range files {
			files[i] = NewStats(fmt.Sprintf(stats, 100_000+i))
		}
		return files
	}
	prune := func(b *testing.B, files []*Stats) {
		p := f.For(schema)
		kept := 0
		for _, s := range files {
			if p.Keep(day, s) {
				kept++
			}
		}
		if kept != 999 {
			b.Fatalf("kept %d", kept)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			files := fresh()
			b.StartTimer()
			prune(b, files)
		}
	})
	b.Run("again", func(b *testing.B) {
		files := fresh()
		prune(b, files)
		for b.Loop() {
			prune(b, files)
		}
	})
}
