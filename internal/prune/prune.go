// Package prune tells which data files of a table a query can leave out, by the partition values
// and the statistics that the Delta log has of each file.
//
// It promises one thing: a file with a row that matches the filter is kept. Whatever it does not
// understand keeps the file: unknown columns, values that are not of the column's type, statistics
// that are missing, damaged, of another type, or that other writers are known to round. It does not
// promise to drop every file without a match: statistics are bounds.
//
// What it allows for: smallest and largest strings are cut, the largest to something above it;
// timestamps are floored to the millisecond; numbers beyond 2^53 may have been through a float64;
// bounds of doubles may leave NaN out, which sorts above every number; a count of NULLs that is not
// exact says nothing.
//
// Values are compared exactly, in the type of the column. Who makes a Filter of a query pushes only
// comparisons that the engine too makes exactly (BIGINT with a DOUBLE is none).
//
// A Filter is data and crosses pipes as JSON. A Stats may be used by many goroutines, a Pruner by one.
package prune

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// Op is how a column is compared.
type Op int

// The comparisons. All but IsNull are false for NULL.
const (
	Eq      Op = iota + 1 // equal to Values[0]
	Ne                    // not equal to Values[0]
	Lt                    // less than Values[0]
	Le                    // at most Values[0]
	Gt                    // greater than Values[0]
	Ge                    // at least Values[0]
	In                    // equal to one of Values
	IsNull                // no values
	NotNull               // no values
)

var opNames = []string{Eq: "=", Ne: "<>", Lt: "<", Le: "<=", Gt: ">", Ge: ">=", In: "in", IsNull: "is null", NotNull: "is not null"}

// String is how SQL writes the comparison.
func (o Op) String() string {
	if o < Eq || int(o) >= len(opNames) {
		return fmt.Sprintf("op(%d)", int(o))
	}
	return opNames[o]
}

// MarshalText implements encoding.TextMarshaler.
func (o Op) MarshalText() ([]byte, error) {
	if o < Eq || int(o) >= len(opNames) {
		return nil, fmt.Errorf("prune: no comparison %d", int(o))
	}
	return []byte(opNames[o]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Op) UnmarshalText(text []byte) error {
	i := slices.Index(opNames, string(text))
	if i < int(Eq) {
		return errors.New("prune: no comparison of this name")
	}
	*o = Op(i)
	return nil
}

// Predicate compares a column with values in canonical text: dates 2026-11-20, timestamps RFC 3339
// with a zone, numbers as decimals, true and false, strings as they are.
type Predicate struct {
	Column string   `json:"column"` // of the table, whatever its case
	Op     Op       `json:"op"`
	Values []string `json:"values,omitempty"`
}

// String is the predicate for people.
func (p Predicate) String() string {
	if len(p.Values) == 0 {
		return p.Column + " " + p.Op.String()
	}
	return p.Column + " " + p.Op.String() + " " + strings.Join(p.Values, ", ")
}

// Filter is predicates that all hold for the rows that are wanted. An empty one wants every row.
type Filter []Predicate

// Keep is false only if no row of the file can match. partition is by column, "" for NULL; stats is
// the statistics' JSON, "" for none. To ask about many files, use For.
func (f Filter) Keep(t *tableschema.Table, partition map[string]string, stats string) bool {
	return f.For(t).Keep(partition, NewStats(stats))
}

// Pruner is a filter made ready for the files of one table.
type Pruner struct{ tests []test }

// test is a predicate whose values are of the column's type.
type test struct {
	column string
	typ    tableschema.Type
	op     Op
	points []point // those of Eq and In that a value can equal, sorted; else the only one
	folder bool    // the table is partitioned by the column

	// The partition that was tested last: files of one come behind each other.
	tested struct {
		value       string
		known, keep bool
	}
}

// For makes the filter ready. Predicates that cannot drop a file are left out.
func (f Filter) For(t *tableschema.Table) *Pruner {
	p := &Pruner{}
	for _, pred := range f {
		c, _, ok := t.Column(pred.Column)
		if !ok {
			continue
		}
		if x, ok := newTest(pred, c); ok {
			x.folder = strings.EqualFold(t.PartitionBy, c.Name)
			p.tests = append(p.tests, x)
		}
	}
	return p
}

// digits is how many decimal digits always fit in a value.
const digits = 18

func newTest(pred Predicate, c tableschema.Column) (test, bool) {
	x := test{column: c.Name, typ: c.Type, op: pred.Op}
	switch pred.Op {
	case IsNull, NotNull:
		return x, true
	case Eq, Ne, Lt, Le, Gt, Ge:
		if len(pred.Values) != 1 {
			return x, false
		}
	case In:
	default:
		return x, false
	}
	for _, v := range pred.Values {
		pt, ok := pointOf(c.Type, v)
		if !ok {
			return x, false
		}
		if pred.Op == Eq || pred.Op == In {
			if pt.beyond != 0 && c.Type.Precision > digits {
				return x, false
			}
			if pt.beyond != 0 || pt.low != pt.high {
				continue // no value of the column's type equals it
			}
		}
		x.points = append(x.points, pt)
	}
	slices.SortFunc(x.points, func(a, b point) int { return compare(&c.Type, &a.low, &b.low) })
	return x, true
}

// All reports whether the pruner keeps every file.
func (p *Pruner) All() bool { return len(p.tests) == 0 }

// Keep is false only if no row of the file can match. s may be nil.
func (p *Pruner) Keep(partition map[string]string, s *Stats) bool {
	for i := range p.tests {
		if !p.tests[i].keep(partition, s) {
			return false
		}
	}
	return true
}

func (x *test) keep(partition map[string]string, s *Stats) bool {
	if v, ok := partition[x.column]; ok {
		if last := &x.tested; !last.known || last.value != v {
			last.value, last.known, last.keep = v, true, x.keepValue(v)
		}
		return x.tested.keep
	}
	if x.folder {
		return true // the log does not say it, and the file does not have it
	}
	b := s.column(x.column, &x.typ)
	switch {
	case x.op == IsNull:
		return b.nulls != noNulls
	case b.nulls == onlyNulls:
		return false
	case x.op == NotNull:
		return true
	}
	return x.within(b)
}

// keepValue tests the value that every row of a partition has.
func (x *test) keepValue(v string) bool {
	switch {
	case x.op == IsNull:
		return v == ""
	case v == "":
		return false
	case x.op == NotNull:
		return true
	}
	at, ok := pointOf(x.typ, v)
	if !ok || at.low != at.high || at.beyond != 0 {
		return true
	}
	return x.within(&bounds{low: at.low, high: at.low, hasLow: true, hasHigh: true, exact: true})
}

// within reports whether a value between the bounds can pass the test.
func (x *test) within(b *bounds) bool {
	switch x.op {
	case Lt, Le:
		return !b.hasLow || x.points[0].mayExceed(&x.typ, &b.low, x.op == Le)
	case Gt, Ge:
		return !b.hasHigh || x.points[0].mayUndercut(&x.typ, &b.high, x.op == Ge)
	case Ne:
		only := b.exact && b.hasLow && b.hasHigh && b.low == b.high
		return !only || !x.points[0].is(b.low)
	}
	// Eq and In: one of the points is between the bounds. Skip those below.
	i := 0
	if b.hasLow {
		i, _ = slices.BinarySearchFunc(x.points, b.low, func(p point, low value) int { return compare(&x.typ, &p.low, &low) })
	}
	if i == len(x.points) {
		return false
	}
	p := &x.points[i].low
	return !b.hasHigh || compare(&x.typ, p, &b.high) <= 0 || prefixed(&x.typ, &b.high, p)
}

// point is a value of a predicate, between two neighbouring values of the column's type, or equal
// to both. beyond is -1 or 1 for a number outside of all that bounds can be.
type point struct {
	low, high value
	beyond    int
}

func (p *point) is(v value) bool { return p.beyond == 0 && p.low == v && p.high == v }

// mayExceed reports whether the point is above a lower bound, or equal to it.
func (p *point) mayExceed(t *tableschema.Type, low *value, orEqual bool) bool {
	if p.beyond != 0 {
		return p.beyond > 0
	}
	if orEqual || t.Kind == tableschema.Double {
		return compare(t, &p.low, low) >= 0
	}
	return compare(t, &p.high, low) > 0
}

// mayUndercut reports whether the point is below an upper bound, or equal to it.
func (p *point) mayUndercut(t *tableschema.Type, high *value, orEqual bool) bool {
	switch {
	case p.beyond != 0:
		return p.beyond < 0
	case t.Kind == tableschema.Double:
		return true // NaN is above every number, and bounds may leave it out
	case prefixed(t, high, &p.low):
		return true
	case orEqual:
		return compare(t, &p.high, high) <= 0
	}
	return compare(t, &p.low, high) < 0
}

// cutLength is from how many bytes on a largest string may be one that a careless writer cut
// without making it larger.
const cutLength = 16

// prefixed reports whether the largest string may have been cut from one above v.
func prefixed(t *tableschema.Type, high, v *value) bool {
	return t.Kind == tableschema.String && len(high.s) >= cutLength && strings.HasPrefix(v.s, high.s)
}

// value is one of a column: n for integers, days, microseconds, scaled decimals and booleans; f for
// doubles; s for strings.
type value struct {
	n int64
	f float64
	s string
}

func compare(t *tableschema.Type, a, b *value) int {
	switch t.Kind {
	case tableschema.String:
		return strings.Compare(a.s, b.s)
	case tableschema.Double:
		switch {
		case a.f < b.f:
			return -1
		case a.f > b.f:
			return 1
		}
		return 0
	}
	switch {
	case a.n < b.n:
		return -1
	case a.n > b.n:
		return 1
	}
	return 0
}

// rounded is how far off a number may be that a writer put through a float64.
func rounded(n int64) int64 {
	if -1<<53 < n && n < 1<<53 {
		return 0
	}
	return int64(math.Abs(float64(n)))>>51 + 1
}
