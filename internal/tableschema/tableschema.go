// Package tableschema declares the columns of a table once, and renders them as Arrow, Delta
// and SQL types.
//
// A Table is immutable after New and safe for concurrent use. Every column is nullable, as
// Delta tables of several writers need; what must not be NULL is the business of whoever
// builds rows.
package tableschema

import (
	"fmt"
	"strings"
)

// Kind is the kind of a type.
type Kind int

// The kinds.
const (
	String Kind = iota
	Int         // 32 bits
	Long        // 64 bits
	Double
	Boolean
	Date
	Timestamp // microseconds, UTC
	Decimal   // Precision and Scale are set
	Map       // Key and Elem are set
	List      // Elem is set
	Struct    // Fields is set
)

// Type is the type of a column or of a part of one.
type Type struct {
	Kind             Kind
	Precision, Scale int32
	Key, Elem        *Type
	Fields           []Column
}

// Column is one column: its name, its type, and one sentence that says what it means.
type Column struct {
	Name    string
	Type    Type
	Comment string
	// NoStats keeps the column's smallest and largest value out of the Delta log: personal data
	// and free text would outlive their deletion there.
	NoStats bool
}

// Name is the full name of a table.
type Name struct{ Catalog, Schema, Table string }

// String returns the three parts joined by dots.
func (n Name) String() string { return n.Catalog + "." + n.Schema + "." + n.Table }

// ParseName splits "catalog.schema.table". Each part is letters, digits, '_' and '-'.
func ParseName(s string) (Name, error) {
	p := strings.Split(s, ".")
	if len(p) != 3 {
		return Name{}, fmt.Errorf("table name %q: want catalog.schema.table", s)
	}
	for _, x := range p {
		if !validPart(x) {
			return Name{}, fmt.Errorf("table name %q: each part is 1 to 255 letters, digits, '_' or '-'", s)
		}
	}
	return Name{p[0], p[1], p[2]}, nil
}

func validPart(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for _, r := range s {
		if r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

// Path is where the table lives below the lake's root: catalog/schema/table.
func (n Name) Path() string { return n.Catalog + "/" + n.Schema + "/" + n.Table }

// Table is a table's name, columns and partitioning.
type Table struct {
	Name        Name
	Comment     string
	Columns     []Column
	PartitionBy string // a Date column, or "" for none
	// SortBy are the columns that compaction puts rows in order of: those that queries ask ranges of.
	// Strings, integers, dates and timestamps can be. Writers needn't keep to it.
	SortBy []string
}

// Column returns the named column and its position, ignoring case.
func (t *Table) Column(name string) (Column, int, bool) {
	for i, c := range t.Columns {
		if strings.EqualFold(c.Name, name) {
			return c, i, true
		}
	}
	return Column{}, -1, false
}

// Validate reports whether names are unique ignoring case, types are complete and the
// partition column is a date.
func (t *Table) Validate() error {
	seen := map[string]bool{}
	for _, c := range t.Columns {
		l := strings.ToLower(c.Name)
		if l == "" || seen[l] {
			return fmt.Errorf("table %s: column name %q is empty or used twice", t.Name, c.Name)
		}
		seen[l] = true
		if err := c.Type.validate(); err != nil {
			return fmt.Errorf("table %s: column %s: %w", t.Name, c.Name, err)
		}
	}
	for _, by := range t.SortBy {
		if c, _, ok := t.Column(by); !ok || c.Name != by || by == t.PartitionBy || !c.Type.sortable() {
			return fmt.Errorf("table %s: can't be sorted by %q", t.Name, by)
		}
	}
	if t.PartitionBy == "" {
		return nil
	}
	c, _, ok := t.Column(t.PartitionBy)
	if !ok || c.Type.Kind != Date {
		return fmt.Errorf("table %s: partition column %q is not a date column", t.Name, t.PartitionBy)
	}
	return nil
}

func (t Type) sortable() bool {
	switch t.Kind {
	case String, Int, Long, Date, Timestamp:
		return true
	}
	return false
}

func (t Type) validate() error {
	switch t.Kind {
	case Decimal:
		if t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
			return fmt.Errorf("decimal(%d,%d) is not a type", t.Precision, t.Scale)
		}
	case Map:
		if t.Key == nil || t.Elem == nil {
			return fmt.Errorf("map without key or value type")
		}
		return t.Elem.validate()
	case List:
		if t.Elem == nil {
			return fmt.Errorf("list without element type")
		}
		return t.Elem.validate()
	case Struct:
		for _, f := range t.Fields {
			if err := f.Type.validate(); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	return nil
}

// StringMap is MAP<STRING,STRING>, the type of tags.
func StringMap() Type { return Type{Kind: Map, Key: &Type{Kind: String}, Elem: &Type{Kind: String}} }

// ListOf is ARRAY<elem>.
func ListOf(elem Type) Type { return Type{Kind: List, Elem: &elem} }

// StructOf is STRUCT<fields>.
func StructOf(fields ...Column) Type { return Type{Kind: Struct, Fields: fields} }

// DecimalOf is DECIMAL(precision,scale).
func DecimalOf(precision, scale int32) Type {
	return Type{Kind: Decimal, Precision: precision, Scale: scale}
}
