package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// row is a row of the model: what the table must have, whoever reads it. Values are string (also
// of dates, 2026-11-20), int64 (also of timestamps, in microseconds, and of decimals, without the
// point), float64, bool, []any, and map[string]any for maps and structs; nil is NULL.
type row map[string]any

// Columns of the table that all engines read.
const (
	idColumn   = "databricks_request_id"
	dateColumn = "request_date"
)

func kind(k tableschema.Kind) tableschema.Type { return tableschema.Type{Kind: k} }

// everything is a table with a column of each type that lakegate writes.
func everything(name string, more ...tableschema.Column) *tableschema.Table {
	return &tableschema.Table{
		Name: tableschema.Name{Catalog: "main", Schema: "readers", Table: name}, PartitionBy: dateColumn, SortBy: []string{"request_time"},
		Columns: append([]tableschema.Column{
			{Name: idColumn, Type: kind(tableschema.String)},
			{Name: dateColumn, Type: kind(tableschema.Date)},
			{Name: "request_time", Type: kind(tableschema.Timestamp)},
			{Name: "streaming", Type: kind(tableschema.Boolean)},
			{Name: "status", Type: kind(tableschema.Int)},
			{Name: "tokens", Type: kind(tableschema.Long)},
			{Name: "ratio", Type: kind(tableschema.Double)},
			{Name: "cost", Type: tableschema.DecimalOf(18, 9)},
			{Name: "wide", Type: tableschema.DecimalOf(38, 2)},
			{Name: "paid_until", Type: kind(tableschema.Date)},
			{Name: "prompt", Type: kind(tableschema.String), NoStats: true},
			{Name: "tags", Type: tableschema.StringMap()},
			{Name: "errors", Type: tableschema.ListOf(kind(tableschema.String))},
			{Name: "attempts", Type: tableschema.ListOf(tableschema.StructOf(
				tableschema.Column{Name: "provider", Type: kind(tableschema.String)},
				tableschema.Column{Name: "at", Type: kind(tableschema.Timestamp)},
			))},
			{Name: "entity", Type: tableschema.StructOf(
				tableschema.Column{Name: "name", Type: kind(tableschema.String)},
				tableschema.Column{Name: "limits", Type: tableschema.StructOf(tableschema.Column{Name: "per_minute", Type: kind(tableschema.Long)})},
			)},
		}, more...),
	}
}

// texts have what encodings get wrong.
var texts = []string{"", "plain", "smørrebrød 🥪", "line\nbreak\tand \"quotes\"", "\u0000 zero", "日本語", strings.Repeat("long ", 200)}

// makeRows makes n rows of a day for the columns of a table.
func makeRows(rnd *rand.Rand, t *tableschema.Table, day string, n int) []row {
	midnight, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err) // days are ours
	}
	rows := make([]row, n)
	for i := range rows {
		r := row{}
		for _, c := range t.Columns {
			r[c.Name] = makeValue(rnd, c.Type)
		}
		id := uuid.UUID{}
		binary.BigEndian.PutUint64(id[:8], rnd.Uint64())
		binary.BigEndian.PutUint64(id[8:], rnd.Uint64())
		r[idColumn], r[dateColumn] = id.String(), day
		r["request_time"] = midnight.UnixMicro() + rnd.Int64N(24*3600*1e6)
		r["tokens"] = rnd.Int64N(10_000)
		rows[i] = r
	}
	return rows
}

func makeValue(rnd *rand.Rand, t tableschema.Type) any {
	if rnd.IntN(8) == 0 {
		return nil
	}
	switch t.Kind {
	case tableschema.String:
		return texts[rnd.IntN(len(texts))]
	case tableschema.Int:
		return int64(int32(rnd.Uint32()))
	case tableschema.Long:
		return int64(rnd.Uint64())
	case tableschema.Double:
		return []float64{0, math.Copysign(0, -1), 1.5, -1e300, 5e-324, 0.1, rnd.Float64()}[rnd.IntN(7)]
	case tableschema.Boolean:
		return rnd.IntN(2) == 0
	case tableschema.Date:
		return time.Date(1960+rnd.IntN(100), 1, 1+rnd.IntN(365), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	case tableschema.Timestamp:
		return time.Date(1950+rnd.IntN(150), 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() + rnd.Int64N(365*24*3600*1e6)
	case tableschema.Decimal:
		return rnd.Int64N(2e17) - 1e17
	case tableschema.Map:
		m := map[string]any{}
		for range rnd.IntN(4) {
			m[fmt.Sprintf("key %d é", rnd.IntN(9))] = makeValue(rnd, *t.Elem)
		}
		return m
	case tableschema.List:
		list := []any{}
		for range rnd.IntN(4) {
			list = append(list, makeValue(rnd, *t.Elem))
		}
		return list
	case tableschema.Struct:
		m := map[string]any{}
		for _, f := range t.Fields {
			m[f.Name] = makeValue(rnd, f.Type)
		}
		return m
	}
	panic("no such kind")
}

// canonical is the text of a value that every engine's values are turned into.
func canonical(t tableschema.Type, v any) string {
	if v == nil {
		return "~"
	}
	switch t.Kind {
	case tableschema.String:
		s := v.(string)
		return fmt.Sprintf("%d:%s", len(s), s)
	case tableschema.Double:
		return fmt.Sprintf("%016x", math.Float64bits(v.(float64)))
	case tableschema.Map:
		m := v.(map[string]any)
		parts := []string{}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			parts = append(parts, canonical(*t.Key, k)+"="+canonical(*t.Elem, m[k]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case tableschema.List:
		parts := []string{}
		for _, e := range v.([]any) {
			parts = append(parts, canonical(*t.Elem, e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case tableschema.Struct:
		m := v.(map[string]any)
		parts := []string{}
		for _, f := range t.Fields {
			parts = append(parts, canonical(f.Type, m[f.Name]))
		}
		return "(" + strings.Join(parts, ",") + ")"
	case tableschema.Boolean:
		return strconv.FormatBool(v.(bool))
	}
	return fmt.Sprint(v) // dates, and integers of one kind or another
}

// digest is what a set of rows is compared by. Its hash is of all columns of all rows, in any order.
type digest struct {
	Rows   int64  `json:"rows"`
	Tokens int64  `json:"tokens"` // sum
	Hash   uint64 `json:"hash,string"`
}

func (d digest) String() string {
	return fmt.Sprintf("%d rows, %d tokens, hash %016x", d.Rows, d.Tokens, d.Hash)
}

func digestOf(t *tableschema.Table, rows []row) digest {
	columns := slices.Clone(t.Columns)
	slices.SortFunc(columns, func(a, b tableschema.Column) int { return cmp.Compare(a.Name, b.Name) })
	var d digest
	for _, r := range rows {
		parts := []string{}
		for _, c := range columns {
			parts = append(parts, c.Name+"="+canonical(c.Type, r[c.Name]))
		}
		sum := sha256.Sum256([]byte(strings.Join(parts, "|")))
		d.Hash += binary.BigEndian.Uint64(sum[:])
		d.Rows++
		if n, ok := r["tokens"].(int64); ok {
			d.Tokens += n
		}
	}
	return d
}

// spec is a table's columns for the engines: [[name, type], ...].
func spec(t *tableschema.Table) [][2]any {
	var columns [][2]any
	for _, c := range t.Columns {
		columns = append(columns, [2]any{c.Name, typeSpec(c.Type)})
	}
	return columns
}

func typeSpec(t tableschema.Type) any {
	switch t.Kind {
	case tableschema.Map:
		return map[string]any{"map": []any{typeSpec(*t.Key), typeSpec(*t.Elem)}}
	case tableschema.List:
		return map[string]any{"list": typeSpec(*t.Elem)}
	case tableschema.Struct:
		fields := [][2]any{}
		for _, f := range t.Fields {
			fields = append(fields, [2]any{f.Name, typeSpec(f.Type)})
		}
		return map[string]any{"struct": fields}
	case tableschema.Decimal:
		return map[string]any{"decimal": t.Scale}
	}
	return t.SQL()
}
