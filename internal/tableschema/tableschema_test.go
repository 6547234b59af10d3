package tableschema

import (
	"strings"
	"testing"
)

func all() *Table {
	return &Table{
		Name: Name{"main", "ai", "t"}, PartitionBy: "d",
		Columns: []Column{
			{Name: "s", Type: Type{Kind: String}, Comment: "text"},
			{Name: "i", Type: Type{Kind: Int}},
			{Name: "l", Type: Type{Kind: Long}},
			{Name: "f", Type: Type{Kind: Double}},
			{Name: "b", Type: Type{Kind: Boolean}},
			{Name: "d", Type: Type{Kind: Date}},
			{Name: "ts", Type: Type{Kind: Timestamp}},
			{Name: "m", Type: DecimalOf(18, 9)},
			{Name: "tags", Type: StringMap()},
			{Name: "codes", Type: ListOf(Type{Kind: String})},
			{Name: "tries", Type: ListOf(StructOf(Column{Name: "a", Type: Type{Kind: Int}}, Column{Name: "b", Type: Type{Kind: String}}))},
		},
	}
}

func TestRenderings(t *testing.T) {
	want := []struct{ sql, duck, arrow string }{
		{"STRING", "VARCHAR", "utf8"},
		{"INT", "INTEGER", "int32"},
		{"BIGINT", "BIGINT", "int64"},
		{"DOUBLE", "DOUBLE", "float64"},
		{"BOOLEAN", "BOOLEAN", "bool"},
		{"DATE", "DATE", "date32"},
		{"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "timestamp[us, tz=UTC]"},
		{"DECIMAL(18,9)", "DECIMAL(18,9)", "decimal(18, 9)"},
		{"MAP<STRING,STRING>", "MAP(VARCHAR, VARCHAR)", "map<utf8, utf8, items_nullable>"},
		{"ARRAY<STRING>", "VARCHAR[]", "list<item: utf8, nullable>"},
		{"ARRAY<STRUCT<a: INT, b: STRING>>", `STRUCT("a" INTEGER, "b" VARCHAR)[]`, "list<item: struct<a: int32 nullable, b: utf8 nullable>, nullable>"},
	}
	tb := all()
	if err := tb.Validate(); err != nil {
		t.Fatal(err)
	}
	for i, c := range tb.Columns {
		if got := c.Type.SQL(); got != want[i].sql {
			t.Errorf("%s: SQL %q, want %q", c.Name, got, want[i].sql)
		}
		if got := c.Type.DuckDB(); got != want[i].duck {
			t.Errorf("%s: DuckDB %q, want %q", c.Name, got, want[i].duck)
		}
		if got := c.Type.Arrow().String(); got != want[i].arrow {
			t.Errorf("%s: Arrow %q, want %q", c.Name, got, want[i].arrow)
		}
		if !tb.Arrow().Field(i).Nullable {
			t.Errorf("%s is not nullable", c.Name)
		}
	}
}

func TestDeltaSchema(t *testing.T) {
	got := all().DeltaSchema()
	for _, want := range []string{
		`{"fields":[{"name":"s","type":"string","nullable":true,"metadata":{"comment":"text"}}`,
		`{"name":"ts","type":"timestamp","nullable":true,"metadata":{}}`,
		`{"name":"m","type":"decimal(18,9)"`,
		`{"keyType":"string","type":"map","valueContainsNull":true,"valueType":"string"}`,
		`{"containsNull":true,"elementType":{"fields":[{"name":"a","type":"integer"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("schemaString lacks %s\n%s", want, got)
		}
	}
}

func TestValidateNamesTheFault(t *testing.T) {
	tests := map[string]*Table{
		"used twice":      {Columns: []Column{{Name: "a"}, {Name: "A"}}},
		"not a date":      {Columns: []Column{{Name: "a"}}, PartitionBy: "a"},
		"decimal(0,0)":    {Columns: []Column{{Name: "a", Type: DecimalOf(0, 0)}}},
		"map without key": {Columns: []Column{{Name: "a", Type: Type{Kind: Map}}}},
		"without element": {Columns: []Column{{Name: "a", Type: StructOf(Column{Name: "x", Type: Type{Kind: List}})}}},
		"is empty":        {Columns: []Column{{}}},
		`sorted by "b"`:   {Columns: []Column{{Name: "a"}}, SortBy: []string{"b"}},
		`sorted by "m"`:   {Columns: []Column{{Name: "m", Type: StringMap()}}, SortBy: []string{"m"}},
		`sorted by "d"`:   {Columns: []Column{{Name: "d", Type: Type{Kind: Date}}}, PartitionBy: "d", SortBy: []string{"d"}},
	}
	for want, tb := range tests {
		if err := tb.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestParseName(t *testing.T) {
	n, err := ParseName("system.serving.endpoint_usage")
	if err != nil || n.Path() != "system/serving/endpoint_usage" || n.String() != "system.serving.endpoint_usage" {
		t.Errorf("%v %v", n, err)
	}
	for _, bad := range []string{"", "a.b", "a.b.c.d", "a..c", "a.b.c/d", "a.b.../x", "ä.b.c"} {
		if _, err := ParseName(bad); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
}
