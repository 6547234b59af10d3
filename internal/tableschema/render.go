package tableschema

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Arrow returns the Arrow schema of the table, the partition column included.
// Timestamps carry the zone UTC: without it Delta readers take them for local times.
func (t *Table) Arrow() *arrow.Schema {
	f := make([]arrow.Field, len(t.Columns))
	for i, c := range t.Columns {
		f[i] = arrow.Field{Name: c.Name, Type: c.Type.Arrow(), Nullable: true}
	}
	return arrow.NewSchema(f, nil)
}

// Arrow returns the Arrow type.
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case Int:
		return arrow.PrimitiveTypes.Int32
	case Long:
		return arrow.PrimitiveTypes.Int64
	case Double:
		return arrow.PrimitiveTypes.Float64
	case Boolean:
		return arrow.FixedWidthTypes.Boolean
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case Decimal:
		return &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}
	case Map:
		return arrow.MapOf(t.Key.Arrow(), t.Elem.Arrow())
	case List:
		return arrow.ListOf(t.Elem.Arrow())
	case Struct:
		f := make([]arrow.Field, len(t.Fields))
		for i, c := range t.Fields {
			f[i] = arrow.Field{Name: c.Name, Type: c.Type.Arrow(), Nullable: true}
		}
		return arrow.StructOf(f...)
	default:
		return arrow.BinaryTypes.String
	}
}

var deltaNames = map[Kind]string{
	String: "string", Int: "integer", Long: "long", Double: "double", Boolean: "boolean",
	Date: "date", Timestamp: "timestamp",
}

var sqlNames = map[Kind]string{
	String: "STRING", Int: "INT", Long: "BIGINT", Double: "DOUBLE", Boolean: "BOOLEAN",
	Date: "DATE", Timestamp: "TIMESTAMP",
}

// SQL returns the type as Databricks SQL writes it, e.g. MAP<STRING,STRING>.
func (t Type) SQL() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case Map:
		return "MAP<" + t.Key.SQL() + "," + t.Elem.SQL() + ">"
	case List:
		return "ARRAY<" + t.Elem.SQL() + ">"
	case Struct:
		f := make([]string, len(t.Fields))
		for i, c := range t.Fields {
			f[i] = c.Name + ": " + c.Type.SQL()
		}
		return "STRUCT<" + strings.Join(f, ", ") + ">"
	default:
		return sqlNames[t.Kind]
	}
}

// DuckDB returns the type as DuckDB writes it, e.g. MAP(VARCHAR, VARCHAR).
func (t Type) DuckDB() string {
	switch t.Kind {
	case String:
		return "VARCHAR"
	case Timestamp:
		return "TIMESTAMP WITH TIME ZONE"
	case Int:
		return "INTEGER"
	case Map:
		return "MAP(" + t.Key.DuckDB() + ", " + t.Elem.DuckDB() + ")"
	case List:
		return t.Elem.DuckDB() + "[]"
	case Struct:
		f := make([]string, len(t.Fields))
		for i, c := range t.Fields {
			f[i] = `"` + strings.ReplaceAll(c.Name, `"`, `""`) + `" ` + c.Type.DuckDB()
		}
		return "STRUCT(" + strings.Join(f, ", ") + ")"
	default:
		return t.SQL()
	}
}

// DeltaSchema returns the schemaString of the table: a JSON document of type struct, as the
// Delta protocol's section "Schema Serialization Format" has it.
func (t *Table) DeltaSchema() string {
	b, err := json.Marshal(StructOf(t.Columns...).delta())
	if err != nil {
		panic(err) // maps of strings and bools always marshal
	}
	return string(b)
}

type deltaField struct {
	Name     string            `json:"name"`
	Type     any               `json:"type"`
	Nullable bool              `json:"nullable"`
	Metadata map[string]string `json:"metadata"`
}

func (t Type) delta() any {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case Map:
		return map[string]any{"type": "map", "keyType": t.Key.delta(), "valueType": t.Elem.delta(), "valueContainsNull": true}
	case List:
		return map[string]any{"type": "array", "elementType": t.Elem.delta(), "containsNull": true}
	case Struct:
		fs := make([]deltaField, len(t.Fields))
		for i, c := range t.Fields {
			m := map[string]string{}
			if c.Comment != "" {
				m["comment"] = c.Comment
			}
			fs[i] = deltaField{c.Name, c.Type.delta(), true, m}
		}
		return map[string]any{"type": "struct", "fields": fs}
	default:
		return deltaNames[t.Kind]
	}
}
