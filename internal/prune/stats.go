package prune

import (
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// Stats is the statistics of one file. Each column is parsed when it is first asked for, and kept:
// hold a Stats as long as its file.
type Stats struct {
	text   string
	parsed atomic.Pointer[parsed]
}

// NewStats takes the statistics' JSON as the Delta log has it, "" for none.
func NewStats(text string) *Stats { return &Stats{text: text} }

// parsed is what was asked for so far. It does not change.
type parsed struct {
	rows    int64 // -1 when not said
	counted bool  // counts of NULLs are exact
	invalid bool  // the text is not JSON
	columns []*parsedColumn
}

type parsedColumn struct {
	name  string
	kind  tableschema.Kind
	scale int32
	bounds
}

// nullity is how many of a file's rows have no value in a column.
type nullity byte

const (
	someNulls nullity = iota // or not known
	noNulls
	onlyNulls
)

// bounds is what a file's statistics say of a column.
type bounds struct {
	low, high       value // no value is below low or above high
	hasLow, hasHigh bool
	exact           bool // low and high are values, not just bounds
	nulls           nullity
}

// nothing is what is known of a column without statistics.
var nothing bounds

// column returns what is known of a column; read only.
func (s *Stats) column(name string, t *tableschema.Type) *bounds {
	if s == nil || s.text == "" {
		return &nothing
	}
	p := s.parsed.Load()
	if p != nil {
		for _, c := range p.columns {
			if c.kind == t.Kind && c.scale == t.Scale && c.name == name {
				return &c.bounds
			}
		}
	}
	next := s.head(p)
	c := &parsedColumn{name: name, kind: t.Kind, scale: t.Scale}
	if !next.invalid {
		c.bounds = s.parse(name, *t, next)
	}
	next.columns = append(slices.Clip(next.columns), c)
	s.parsed.CompareAndSwap(p, &next) // somebody else's column is parsed again when asked for
	return &c.bounds
}

// head returns a copy of what is parsed, with what does not belong to a column.
func (s *Stats) head(p *parsed) parsed {
	if p != nil {
		return *p
	}
	if !gjson.Valid(s.text) {
		return parsed{invalid: true, rows: -1}
	}
	h := parsed{rows: -1, counted: gjson.Get(s.text, "tightBounds").Type != gjson.False}
	if n := gjson.Get(s.text, "numRecords"); n.Type == gjson.Number {
		if v, ok := numberOf(n.Raw, 0); ok && v.beyond == 0 {
			h.rows = v.low.n
		}
	}
	return h
}

func (s *Stats) parse(name string, t tableschema.Type, head parsed) bounds {
	key := gjson.Escape(name)
	var b bounds
	if n := gjson.Get(s.text, "nullCount."+key); n.Type == gjson.Number && head.counted {
		v, ok := numberOf(n.Raw, 0)
		switch {
		case !ok || v.beyond != 0 || v.low != v.high:
		case v.low.n == 0:
			b.nulls = noNulls
		case v.low.n == head.rows:
			b.nulls = onlyNulls
		}
	}
	b.low, b.hasLow = lowest(t, gjson.Get(s.text, "minValues."+key))
	b.high, b.hasHigh = highest(t, gjson.Get(s.text, "maxValues."+key))
	b.exact = exactKinds[t.Kind] && b.hasLow && b.hasHigh && rounded(b.low.n) == 0 && rounded(b.high.n) == 0
	return b
}

// exactKinds are those whose bounds nobody rounds or cuts.
var exactKinds = map[tableschema.Kind]bool{
	tableschema.Int: true, tableschema.Long: true, tableschema.Date: true, tableschema.Boolean: true, tableschema.Decimal: true,
}

// text returns the statistics' value as canonical text; false when it is not of the type.
func text(t tableschema.Type, r gjson.Result) (string, bool) {
	switch t.Kind {
	case tableschema.String:
		// A replacement character was another byte before it became JSON.
		return r.Str, r.Type == gjson.String && utf8.ValidString(r.Str) && !strings.ContainsRune(r.Str, utf8.RuneError)
	case tableschema.Date, tableschema.Timestamp:
		return r.Str, r.Type == gjson.String
	case tableschema.Boolean:
		return r.Raw, r.Type == gjson.True || r.Type == gjson.False
	}
	return r.Raw, r.Type == gjson.Number
}

func bound(t tableschema.Type, r gjson.Result) (point, bool) {
	s, ok := text(t, r)
	if !ok {
		return point{}, false
	}
	p, ok := pointOf(t, s)
	return p, ok && p.beyond == 0
}

const (
	millisecond = 1000 // in microseconds
	farthest    = 1 << 62
)

// lowest returns a value that is not above the smallest of the column.
func lowest(t tableschema.Type, r gjson.Result) (value, bool) {
	p, ok := bound(t, r)
	v := p.low
	switch t.Kind {
	case tableschema.Timestamp:
		if v.n < 0 {
			v.n -= millisecond // cut towards 1970, not down
		}
	case tableschema.Int, tableschema.Long, tableschema.Decimal:
		if v.n < -farthest {
			return value{}, false
		}
		v.n -= rounded(v.n)
	}
	return v, ok
}

// highest returns a value that is not below the largest of the column.
func highest(t tableschema.Type, r gjson.Result) (value, bool) {
	p, ok := bound(t, r)
	v := p.high
	switch t.Kind {
	case tableschema.Timestamp:
		v.n += millisecond - 1
	case tableschema.Int, tableschema.Long, tableschema.Decimal:
		if v.n > farthest {
			return value{}, false
		}
		v.n += rounded(v.n)
	}
	return v, ok
}
