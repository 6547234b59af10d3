package datafile

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// stats returns add.stats of one batch.
func stats(b arrow.RecordBatch, cols []tableschema.Column) string {
	t := newTracker(cols)
	t.add(b.Columns(), b.NumRows())
	return t.json()
}

// tracker collects add.stats over the batches of a file: the number of rows, and per column the
// smallest and largest value and the number of NULLs, structs as nested objects. Columns without a
// bound that JSON can say have none: all NULL, NaN or infinite values, maps, lists, booleans.
type tracker struct {
	rows int64
	root structTracker
}

func newTracker(cols []tableschema.Column) *tracker {
	return &tracker{root: newStructTracker(cols, false)}
}

// add takes the columns of a batch in.
func (t *tracker) add(arrays []arrow.Array, rows int64) {
	t.rows += rows
	t.root.fields(arrays, nil)
}

func (t *tracker) json() string {
	s := t.root.bound()
	var out strings.Builder
	fmt.Fprintf(&out, `{"numRecords":%d`, t.rows)
	for _, part := range []struct{ name, json string }{{"minValues", s.min}, {"maxValues", s.max}, {"nullCount", s.nulls}} {
		if part.json == "" {
			part.json = "{}"
		}
		fmt.Fprintf(&out, `,"%s":%s`, part.name, part.json)
	}
	return out.String() + "}"
}

// bound is what is known of a column, as JSON; "" for nothing to say.
type bound struct{ min, max, nulls string }

// columnTracker collects what is known of one column. present says whether the struct it is part of
// is there in a row; nil for always.
type columnTracker interface {
	add(a arrow.Array, present func(int) bool)
	bound() bound
}

func newColumnTracker(c tableschema.Column, noStats bool) columnTracker {
	noStats = noStats || c.NoStats
	if c.Type.Kind == tableschema.Struct {
		s := newStructTracker(c.Type.Fields, noStats)
		return &s
	}
	l := &leafTracker{}
	if !noStats {
		l.limits = newLimits(c.Type)
	}
	return l
}

// structTracker is several columns.
type structTracker struct {
	names   []string
	columns []columnTracker
}

func newStructTracker(cols []tableschema.Column, noStats bool) structTracker {
	var s structTracker
	for _, c := range cols {
		s.names = append(s.names, c.Name)
		s.columns = append(s.columns, newColumnTracker(c, noStats))
	}
	return s
}

func (s *structTracker) fields(arrays []arrow.Array, present func(int) bool) {
	for i, c := range s.columns {
		c.add(arrays[i], present)
	}
}

func (s *structTracker) add(a arrow.Array, present func(int) bool) {
	of := a.(*array.Struct)
	fields := make([]arrow.Array, of.NumField())
	for i := range fields {
		fields[i] = of.Field(i)
	}
	s.fields(fields, both(a, present))
}

func (s *structTracker) bound() bound {
	var mins, maxs, nulls members
	for i, c := range s.columns {
		b := c.bound()
		mins.add(s.names[i], b.min)
		maxs.add(s.names[i], b.max)
		nulls.add(s.names[i], b.nulls)
	}
	return bound{mins.json(), maxs.json(), nulls.json()}
}

// both says whether a row has a value in a and is present.
func both(a arrow.Array, present func(int) bool) func(int) bool {
	if present == nil {
		return a.IsValid
	}
	return func(i int) bool { return a.IsValid(i) && present(i) }
}

// leafTracker is a column of any other type; limits is nil when it has none.
type leafTracker struct {
	nulls  int
	limits limits
}

func (l *leafTracker) add(a arrow.Array, present func(int) bool) {
	valid := both(a, present)
	nulls := a.NullN()
	if present != nil {
		nulls = 0
		for i := range a.Len() {
			if !valid(i) {
				nulls++
			}
		}
	}
	l.nulls += nulls
	if l.limits != nil && nulls < a.Len() {
		l.limits.add(a, valid)
	}
}

func (l *leafTracker) bound() bound {
	b := bound{nulls: strconv.Itoa(l.nulls)}
	if l.limits != nil {
		b.min, b.max = l.limits.json()
	}
	return b
}

// members are those of a JSON object.
type members []string

func (m *members) add(name, value string) {
	if value != "" {
		*m = append(*m, quote(name)+":"+value)
	}
}

func (m *members) json() string {
	if len(*m) == 0 {
		return ""
	}
	return "{" + strings.Join(*m, ",") + "}"
}

// quote returns the string as JSON, with <, > and & as they are.
func quote(s string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // strings always encode
	}
	return strings.TrimSuffix(out.String(), "\n")
}
