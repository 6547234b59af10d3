package datafile

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/tableschema"
)

var (
	str  = tableschema.Type{Kind: tableschema.String}
	long = tableschema.Type{Kind: tableschema.Long}
	dbl  = tableschema.Type{Kind: tableschema.Double}
	day  = tableschema.Type{Kind: tableschema.Date}
	at   = tableschema.Type{Kind: tableschema.Timestamp}
)

// TestStats has one column c per case, its values as a JSON array, and wants minValues, maxValues
// and nullCount of it.
func TestStats(t *testing.T) {
	point := tableschema.StructOf(
		tableschema.Column{Name: "x", Type: long},
		tableschema.Column{Name: "s", Type: tableschema.StructOf(tableschema.Column{Name: "deep", Type: str})},
		tableschema.Column{Name: "secret", Type: str, NoStats: true},
		tableschema.Column{Name: "l", Type: tableschema.ListOf(long)},
	)
	for _, c := range []struct {
		name            string
		typ             tableschema.Type
		values          string
		min, max, nulls string
	}{
		{"long", long, `[3,-9223372036854775808,null,9223372036854775807]`, `{"c":-9223372036854775808}`, `{"c":9223372036854775807}`, `{"c":1}`},
		{"int", tableschema.Type{Kind: tableschema.Int}, `[200,429,200]`, `{"c":200}`, `{"c":429}`, `{"c":0}`},
		{"all null", long, `[null,null]`, `{}`, `{}`, `{"c":2}`},
		{"no rows", long, `[]`, `{}`, `{}`, `{"c":0}`},
		{"double", dbl, `[0.25,-1e300,null]`, `{"c":-1e+300}`, `{"c":0.25}`, `{"c":1}`},
		{"zeros", dbl, `[0,-0.0,0]`, `{"c":-0}`, `{"c":0}`, `{"c":0}`},
		{"NaN", dbl, `[0.25,"NaN"]`, `{}`, `{}`, `{"c":0}`},
		{"infinite", dbl, `[0.25,"-Inf"]`, `{}`, `{}`, `{"c":0}`},
		{"boolean has no bounds", tableschema.Type{Kind: tableschema.Boolean}, `[true,null]`, `{}`, `{}`, `{"c":1}`},
		{"date", day, `["2026-11-20","1969-12-31"]`, `{"c":"1969-12-31"}`, `{"c":"2026-11-20"}`, `{"c":0}`},
		{
			"timestamps are floored to the millisecond", at, `["2026-11-20 10:00:00.123999Z","2026-11-20 10:00:00.000001Z"]`,
			`{"c":"2026-11-20T10:00:00.000Z"}`, `{"c":"2026-11-20T10:00:00.123Z"}`, `{"c":0}`,
		},
		{
			"before 1970 too", at, `["1969-12-31 23:59:59.999999Z"]`,
			`{"c":"1969-12-31T23:59:59.999Z"}`, `{"c":"1969-12-31T23:59:59.999Z"}`, `{"c":0}`,
		},
		{
			"decimals are numbers", tableschema.DecimalOf(18, 9), `["0.000000042","-1.5",null,"123456789.987654321"]`,
			`{"c":-1.500000000}`, `{"c":123456789.987654321}`, `{"c":1}`,
		},
		{
			"wide decimal", tableschema.DecimalOf(38, 2), `["999999999999999999999999999999999999.99"]`,
			`{"c":999999999999999999999999999999999999.99}`, `{"c":999999999999999999999999999999999999.99}`, `{"c":0}`,
		},
		{"string", str, `["b","","é",null]`, `{"c":""}`, `{"c":"é"}`, `{"c":1}`},
		{"strings are JSON", str, `["\"<&>\n"]`, `{"c":"\"<&>\n"}`, `{"c":"\"<&>\n"}`, `{"c":0}`},
		{
			"long string", str, `["` + strings.Repeat("a", 40) + `"]`,
			`{"c":"` + strings.Repeat("a", 32) + `"}`, `{"c":"` + strings.Repeat("a", 32) + "\x7f" + `"}`, `{"c":0}`,
		},
		{"no upper bound", str, `["` + strings.Repeat("\U0010FFFF", 70) + `"]`, `{"c":"` + strings.Repeat("\U0010FFFF", 32) + `"}`, `{}`, `{"c":0}`},
		{"map", tableschema.StringMap(), `[[{"key":"a","value":"b"}],null,[]]`, `{}`, `{}`, `{"c":1}`},
		{"list", tableschema.ListOf(str), `[["a"],null,null]`, `{}`, `{}`, `{"c":2}`},
		{
			"struct", point, `[{"x":1,"s":{"deep":"b"},"secret":"s","l":[1]},{"x":null,"s":null,"secret":null,"l":null},null,{"x":-7,"s":{"deep":"a"},"secret":null,"l":[]}]`,
			`{"c":{"x":-7,"s":{"deep":"a"}}}`, `{"c":{"x":1,"s":{"deep":"b"}}}`, `{"c":{"x":2,"s":{"deep":2},"secret":3,"l":2}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := func(lo, hi string, rows int) string {
				return fmt.Sprintf(`{"numRecords":%d,"minValues":%s,"maxValues":%s,"nullCount":%s}`, rows, lo, hi, c.nulls)
			}
			got, rows := statsOf(t, tableschema.Column{Name: "c", Type: c.typ}, c.values)
			if got != want(c.min, c.max, rows) {
				t.Errorf("\n got %s\nwant %s", got, want(c.min, c.max, rows))
			}
			got, _ = statsOf(t, tableschema.Column{Name: "c", Type: c.typ, NoStats: true}, c.values)
			if got != want("{}", "{}", rows) {
				t.Errorf("with NoStats\n got %s\nwant %s", got, want("{}", "{}", rows))
			}
		})
	}
}

func statsOf(t *testing.T, c tableschema.Column, values string) (stat string, rows int) {
	t.Helper()
	a, _, err := array.FromJSON(memory.DefaultAllocator, c.Type.Arrow(), strings.NewReader(values))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	table := &tableschema.Table{Columns: []tableschema.Column{c}}
	b := array.NewRecordBatch(table.Arrow(), []arrow.Array{a}, int64(a.Len()))
	defer b.Release()
	return stats(b, table.Columns), a.Len()
}

// A value under a NULL struct is not there, whatever the child array holds.
func TestStatsOfHiddenValues(t *testing.T) {
	typ := tableschema.StructOf(tableschema.Column{Name: "x", Type: long})
	bld := array.NewInt64Builder(memory.DefaultAllocator)
	defer bld.Release()
	bld.AppendValues([]int64{5, 999, 3}, nil)
	x := bld.NewArray()
	defer x.Release()
	fields := typ.Arrow().(*arrow.StructType).Fields()
	a, err := array.NewStructArrayWithFieldsAndNulls([]arrow.Array{x}, fields, memory.NewBufferBytes([]byte{0b101}), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	table := &tableschema.Table{Columns: []tableschema.Column{{Name: "c", Type: typ}}}
	b := array.NewRecordBatch(table.Arrow(), []arrow.Array{a}, 3)
	defer b.Release()
	want := `{"numRecords":3,"minValues":{"c":{"x":3}},"maxValues":{"c":{"x":5}},"nullCount":{"c":{"x":1}}}`
	if got := stats(b, table.Columns); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestStatsOfInvalidText(t *testing.T) {
	bld := array.NewStringBuilder(memory.DefaultAllocator)
	defer bld.Release()
	bld.AppendValues([]string{"a", "\xff\xfe"}, nil)
	a := bld.NewArray()
	defer a.Release()
	limits := newLimits(str)
	limits.add(a, a.IsValid)
	if lo, hi := limits.json(); lo != "" || hi != "" {
		t.Errorf("bounds %s, %s of text that is not UTF-8, want none", lo, hi)
	}
}

func TestTruncate(t *testing.T) {
	r := strings.Repeat
	const top = "\U0010FFFF"
	for _, c := range []struct {
		name, in, min, max string // max "": none
	}{
		{"short", "abc", "abc", "abc"},
		{"32 characters", r("é", 32), r("é", 32), r("é", 32)},
		{"ASCII cut", r("a", 33), r("a", 32), r("a", 32) + "\x7f"},
		{"ASCII cut after others", r("日", 32) + "a", r("日", 32), r("日", 32) + "\x7f"},
		{"DEL cut", r("a", 32) + "\x7fz", r("a", 32), r("a", 32) + top},
		{"other cut", r("é", 40), r("é", 32), r("é", 32) + top},
		{"highest cut, then ASCII", r("a", 32) + top + "bc", r("a", 32), r("a", 32) + top + "\x7f"},
		{"highest to the end", r("a", 32) + r(top, 5), r("a", 32), r("a", 32) + r(top, 5)},
		{"highest up to the limit", r("a", 32) + r(top, 32), r("a", 32), r("a", 32) + r(top, 32)},
		{"last chance", r("a", 32) + r(top, 32) + "b", r("a", 32), r("a", 32) + r(top, 32) + "\x7f"},
		{"highest beyond it", r("a", 32) + r(top, 33), r("a", 32), ""},
		{"all highest", r(top, 100), r(top, 32), ""},
	} {
		lo := truncateMin(c.in)
		hi, ok := truncateMax(c.in)
		if lo != c.min || hi != c.max || ok != (c.max != "") {
			t.Errorf("%s: got %q and %q, %v; want %q and %q", c.name, lo, hi, ok, c.min, c.max)
		}
	}
}

func FuzzTruncate(f *testing.F) {
	for _, s := range []string{"", "a", strings.Repeat("é", 50), strings.Repeat("a", 32) + strings.Repeat("\U0010FFFF", 40)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		if lo := truncateMin(s); lo > s || utf8.RuneCountInString(lo) > boundChars {
			t.Errorf("lower bound %q of %q", lo, s)
		}
		if hi, ok := truncateMax(s); ok && (hi < s || utf8.RuneCountInString(hi) > maxChars+1) {
			t.Errorf("upper bound %q of %q", hi, s)
		}
	})
}
