package prune

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/lakegate/lakegate/internal/tableschema"
)

var schema = &tableschema.Table{
	Name: tableschema.Name{Catalog: "a", Schema: "b", Table: "c"}, PartitionBy: "d",
	Columns: []tableschema.Column{
		{Name: "d", Type: tableschema.Type{Kind: tableschema.Date}},
		{Name: "i", Type: tableschema.Type{Kind: tableschema.Int}},
		{Name: "l", Type: tableschema.Type{Kind: tableschema.Long}},
		{Name: "x", Type: tableschema.Type{Kind: tableschema.Double}},
		{Name: "b", Type: tableschema.Type{Kind: tableschema.Boolean}},
		{Name: "day", Type: tableschema.Type{Kind: tableschema.Date}},
		{Name: "ts", Type: tableschema.Type{Kind: tableschema.Timestamp}},
		{Name: "m", Type: tableschema.Type{Kind: tableschema.Decimal, Precision: 18, Scale: 9}},
		{Name: "huge", Type: tableschema.Type{Kind: tableschema.Decimal, Precision: 38}},
		{Name: "s", Type: tableschema.Type{Kind: tableschema.String}},
		{Name: "odd.name", Type: tableschema.Type{Kind: tableschema.Long}},
		{Name: "tags", Type: tableschema.StringMap()},
	},
}

// Each line: the statistics of a column, a predicate, and whether the file is kept.
func TestKeep(t *testing.T) {
	const longA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, tc := range []struct {
		name, stats string
		pred        Predicate
		want        bool
	}{
		{"below", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Lt, []string{"5"}}, false},
		{"at most the least", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Le, []string{"5"}}, true},
		{"above", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Gt, []string{"9"}}, false},
		{"at least the largest", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Ge, []string{"9"}}, true},
		{"equal inside", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Eq, []string{"7"}}, true},
		{"equal outside", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Eq, []string{"10"}}, false},
		{"none of", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", In, []string{"10", "4", "-1"}}, false},
		{"one of", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", In, []string{"10", "6", "-1"}}, true},
		{"one of nothing", `{}`, Predicate{"i", In, nil}, false},
		{"all the same", `{"minValues":{"i":5},"maxValues":{"i":5}}`, Predicate{"i", Ne, []string{"5"}}, false},
		{"not all the same", `{"minValues":{"i":5},"maxValues":{"i":6}}`, Predicate{"i", Ne, []string{"5"}}, true},
		{"the column's name in other case", `{"minValues":{"i":5}}`, Predicate{"I", Lt, []string{"5"}}, false},
		{"only a lower bound", `{"minValues":{"i":5}}`, Predicate{"i", Gt, []string{"100"}}, true},
		{"a fraction", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Gt, []string{"8.5"}}, true},
		{"a fraction above", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Ge, []string{"9.000001"}}, false},
		{"no integer", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Eq, []string{"7.5"}}, false},
		{"below a fraction", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Lt, []string{"5.5"}}, true},
		{"beyond everything", `{"minValues":{"l":5},"maxValues":{"l":9}}`, Predicate{"l", Gt, []string{"1e30"}}, false},
		{"below everything", `{"minValues":{"l":5},"maxValues":{"l":9}}`, Predicate{"l", Lt, []string{"-1e30"}}, false},
		{"less than beyond", `{"minValues":{"l":5},"maxValues":{"l":9}}`, Predicate{"l", Lt, []string{"1e30"}}, true},

		{"unknown column", `{}`, Predicate{"nope", Eq, []string{"1"}}, true},
		{"no statistics", ``, Predicate{"i", Eq, []string{"1"}}, true},
		{"damaged statistics", `{"minValues":{"i":5`, Predicate{"i", Eq, []string{"1"}}, true},
		{"not of the type", `{"minValues":{"i":"5"},"maxValues":{"i":{}}}`, Predicate{"i", Eq, []string{"1"}}, true},
		{"not a value", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Eq, []string{"one"}}, true},
		{"too few values", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Eq, nil}, true},
		{"unknown comparison", `{"minValues":{"i":5},"maxValues":{"i":9}}`, Predicate{"i", Op(77), []string{"1"}}, true},
		{"a name with a dot", `{"minValues":{"odd.name":5,"odd":{"name":1}}}`, Predicate{"odd.name", Lt, []string{"5"}}, false},

		{"no NULL", `{"numRecords":3,"nullCount":{"i":0}}`, Predicate{"i", IsNull, nil}, false},
		{"some NULL", `{"numRecords":3,"nullCount":{"i":1}}`, Predicate{"i", IsNull, nil}, true},
		{"only NULL", `{"numRecords":3,"nullCount":{"i":3}}`, Predicate{"i", NotNull, nil}, false},
		{"only NULL is not equal", `{"numRecords":3,"nullCount":{"i":3}}`, Predicate{"i", Eq, []string{"1"}}, false},
		{"NULL not counted", `{"numRecords":3}`, Predicate{"i", IsNull, nil}, true},
		{"rows not counted", `{"nullCount":{"i":3}}`, Predicate{"i", NotNull, nil}, true},
		{"count is not exact", `{"numRecords":3,"tightBounds":false,"nullCount":{"i":0}}`, Predicate{"i", IsNull, nil}, true},
		{"no NULL map", `{"numRecords":3,"nullCount":{"tags":0}}`, Predicate{"tags", IsNull, nil}, false},
		{"a map is not compared", `{"numRecords":3,"minValues":{"tags":1}}`, Predicate{"tags", Gt, []string{"1"}}, true},

		{"microseconds after the bound", `{"maxValues":{"ts":"2026-11-20T10:00:00.123Z"}}`, Predicate{"ts", Gt, []string{"2026-11-20T10:00:00.123998Z"}}, true},
		{"after the millisecond", `{"maxValues":{"ts":"2026-11-20T10:00:00.123Z"}}`, Predicate{"ts", Gt, []string{"2026-11-20T10:00:00.123999Z"}}, false},
		{"equal within the millisecond", `{"minValues":{"ts":"2026-11-20T10:00:00.123Z"},"maxValues":{"ts":"2026-11-20T10:00:00.123Z"}}`, Predicate{"ts", Eq, []string{"2026-11-20T10:00:00.123456Z"}}, true},
		{"not all the same microsecond", `{"minValues":{"ts":"2026-11-20T10:00:00.123Z"},"maxValues":{"ts":"2026-11-20T10:00:00.123Z"}}`, Predicate{"ts", Ne, []string{"2026-11-20T10:00:00.123Z"}}, true},
		{"another zone", `{"maxValues":{"ts":"2026-11-20T10:00:00.000+02:00"}}`, Predicate{"ts", Ge, []string{"2026-11-20T08:00:01Z"}}, false},
		{"no zone", `{"maxValues":{"ts":"2026-11-20T10:00:00.000"}}`, Predicate{"ts", Ge, []string{"2026-11-20T18:00:01Z"}}, true},
		{"before 1970", `{"minValues":{"ts":"1969-12-31T23:59:59.999Z"}}`, Predicate{"ts", Le, []string{"1969-12-31T23:59:59.998500Z"}}, true},

		{"nano-dollars", `{"minValues":{"m":0.000000001},"maxValues":{"m":123456789.123456789}}`, Predicate{"m", Lt, []string{"0.000000001"}}, false},
		{"exponent", `{"minValues":{"m":1E-9}}`, Predicate{"m", Lt, []string{"0.000000001"}}, false},
		{"between nano-dollars", `{"minValues":{"m":1E-9}}`, Predicate{"m", Lt, []string{"0.0000000011"}}, true},
		{"a decimal that was a float64", `{"maxValues":{"m":100000000.0}}`, Predicate{"m", Eq, []string{"100000000.000000001"}}, true},
		{"a long that was a float64", `{"maxValues":{"l":9007199254740992}}`, Predicate{"l", Eq, []string{"9007199254740993"}}, true},
		{"a long above", `{"maxValues":{"l":9007199254740992}}`, Predicate{"l", Eq, []string{"9007199254841000"}}, false},
		{"the largest long", `{"maxValues":{"l":9223372036854775807}}`, Predicate{"l", Gt, []string{"9223372036854775806"}}, true},
		{"38 digits", `{"maxValues":{"huge":99999999999999999999999999999999999999}}`, Predicate{"huge", Eq, []string{"99999999999999999999999999999999999999"}}, true},
		{"38 digits wanted", `{"maxValues":{"huge":5}}`, Predicate{"huge", Gt, []string{"99999999999999999999999999999999999999"}}, false},

		{"NaN is above", `{"minValues":{"x":1},"maxValues":{"x":2}}`, Predicate{"x", Gt, []string{"5"}}, true},
		{"NaN is not below", `{"minValues":{"x":1},"maxValues":{"x":2}}`, Predicate{"x", Lt, []string{"0.5"}}, false},
		{"NaN is not equal", `{"minValues":{"x":1},"maxValues":{"x":2}}`, Predicate{"x", Eq, []string{"5"}}, false},
		{"equal to NaN", `{"minValues":{"x":1},"maxValues":{"x":2}}`, Predicate{"x", Eq, []string{"NaN"}}, true},
		{"minus zero", `{"minValues":{"x":0},"maxValues":{"x":0}}`, Predicate{"x", Eq, []string{"-0"}}, true},
		{"NaN as text", `{"minValues":{"x":"NaN"},"maxValues":{"x":"NaN"}}`, Predicate{"x", Lt, []string{"0"}}, true},

		{"strings", `{"minValues":{"s":"b"},"maxValues":{"s":"d"}}`, Predicate{"s", Eq, []string{"a"}}, false},
		{"strings above", `{"minValues":{"s":"b"},"maxValues":{"s":"d"}}`, Predicate{"s", Gt, []string{"d"}}, false},
		{"cut string", `{"maxValues":{"s":"` + longA + `\u007f"}}`, Predicate{"s", Eq, []string{longA + "zz"}}, true},
		{"cut without care", `{"maxValues":{"s":"` + longA + `"}}`, Predicate{"s", Eq, []string{longA + "zz"}}, true},
		{"above cut without care", `{"maxValues":{"s":"` + longA + `"}}`, Predicate{"s", Gt, []string{longA + "zz"}}, true},
		{"above every cut", `{"maxValues":{"s":"` + longA + `"}}`, Predicate{"s", Eq, []string{"b"}}, false},
		{"all the same string may be cut", `{"minValues":{"s":"a"},"maxValues":{"s":"a"}}`, Predicate{"s", Ne, []string{"a"}}, true},
		{"bytes that were no text", `{"minValues":{"s":"\ufffd"}}`, Predicate{"s", Eq, []string{"a"}}, true},
		{"beyond the plane", `{"maxValues":{"s":"\uffff"}}`, Predicate{"s", Ge, []string{"\U0001F600"}}, false},

		{"true", `{"minValues":{"b":false},"maxValues":{"b":false}}`, Predicate{"b", Eq, []string{"true"}}, false},
		{"a date", `{"minValues":{"day":"2026-11-20"}}`, Predicate{"day", Lt, []string{"2026-11-20"}}, false},
		{"a year of five digits", `{"minValues":{"day":"+12026-11-20"}}`, Predicate{"day", Lt, []string{"2026-11-20"}}, true},
	} {
		f := Filter{tc.pred}
		if got := f.Keep(schema, nil, tc.stats); got != tc.want {
			t.Errorf("%s: %v with %s: kept %v", tc.name, f, tc.stats, got)
		}
	}
}

func TestKeepPartition(t *testing.T) {
	day := map[string]string{"d": "2026-11-20"}
	for _, tc := range []struct {
		partition map[string]string
		pred      Predicate
		want      bool
	}{
		{day, Predicate{"d", Eq, []string{"2026-11-20"}}, true},
		{day, Predicate{"D", Eq, []string{"2026-11-21"}}, false},
		{day, Predicate{"d", Ne, []string{"2026-11-20"}}, false},
		{day, Predicate{"d", Ge, []string{"2026-11-20"}}, true},
		{day, Predicate{"d", Lt, []string{"2026-11-20"}}, false},
		{day, Predicate{"d", In, []string{"2026-11-01", "2026-11-20"}}, true},
		{day, Predicate{"d", IsNull, nil}, false},
		{day, Predicate{"d", NotNull, nil}, true},
		{map[string]string{"d": ""}, Predicate{"d", IsNull, nil}, true},
		{map[string]string{"d": ""}, Predicate{"d", NotNull, nil}, false},
		{map[string]string{"d": ""}, Predicate{"d", Eq, []string{"2026-11-20"}}, false},
		{map[string]string{"d": "tomorrow"}, Predicate{"d", Eq, []string{"2026-11-20"}}, true},
		{nil, Predicate{"d", Eq, []string{"2026-11-20"}}, true},
		{nil, Predicate{"d", IsNull, nil}, true},
		{map[string]string{"m": "1.50"}, Predicate{"m", Eq, []string{"1.5"}}, true}, // of another writer's table
		{map[string]string{"s": "x"}, Predicate{"s", Ne, []string{"x"}}, false},
		{map[string]string{"ts": "2026-11-20 10:00:00"}, Predicate{"ts", Lt, []string{"2020-01-01T00:00:00Z"}}, true},
	} {
		if got := (Filter{tc.pred}).Keep(schema, tc.partition, `{"numRecords":1,"nullCount":{"d":0}}`); got != tc.want {
			t.Errorf("%v in %v: kept %v", tc.pred, tc.partition, got)
		}
	}
	both := Filter{{"d", Eq, []string{"2026-11-20"}}, {"i", Gt, []string{"9"}}}
	if both.Keep(schema, day, `{"maxValues":{"i":9}}`) || !both.Keep(schema, day, `{"maxValues":{"i":10}}`) {
		t.Error("predicates are not joined by and")
	}
	if (Filter{}).For(schema).All() != true || both.For(schema).All() {
		t.Error("All")
	}
}

func TestFilterCrossesAPipe(t *testing.T) {
	f := Filter{{"d", Ge, []string{"2026-11-20"}}, {"s", In, []string{"a,b", "ü\n"}}, {"i", IsNull, nil}}
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back Filter
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(back) != fmt.Sprint(f) || fmt.Sprint(f[0]) != "d >= 2026-11-20" {
		t.Errorf("%v became %v", f, back)
	}
	if _, err := json.Marshal(Filter{{Column: "d"}}); err == nil {
		t.Error("a predicate without comparison was encoded")
	}
	if err := json.Unmarshal([]byte(`[{"column":"d","op":"like"}]`), &back); err == nil {
		t.Error("an unknown comparison was decoded")
	}
}
