// Package views holds the views every lake has: Databricks' tables for usage, spend and billing
// over our own ledger. One file per view, in Databricks SQL.
//
// A view's file says, in comments at its top, what it is called, which tables it needs and what
// its columns are; a test of sql/worker holds the query to that. A view is there when all the
// tables it needs are. Everything is read once, at start, and never changes.
package views

import (
	"embed"
	"fmt"
	"path"
	"sort"
	"strings"

	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/dialect"
)

//go:embed *.sql
var files embed.FS

// View is a named query.
type View struct {
	Schema *tableschema.Table // its name, columns and comment
	Needs  []string           // full names of the tables it reads
	SQL    string             // in Databricks SQL
}

var all = mustLoad()

// All returns every view, by name.
func All() []*View { return all }

// Lookup returns the view of a full name, ignoring case.
func Lookup(name string) (*View, bool) {
	for _, v := range all {
		if strings.EqualFold(v.Schema.Name.String(), name) {
			return v, true
		}
	}
	return nil, false
}

func mustLoad() []*View {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err)
	}
	var out []*View
	for _, e := range entries {
		b, err := files.ReadFile(e.Name())
		if err != nil {
			panic(err)
		}
		v, err := parse(strings.TrimSuffix(path.Base(e.Name()), ".sql"), string(b))
		if err != nil {
			panic(err)
		}
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Schema.Name.String() < out[j].Schema.Name.String() })
	return out
}

// parse reads a view's file: comment lines "about", "needs" and "column name TYPE", then the query.
func parse(name, text string) (*View, error) {
	n, err := tableschema.ParseName(name)
	if err != nil {
		return nil, err
	}
	v := &View{Schema: &tableschema.Table{Name: n}}
	var query []string
	for line := range strings.Lines(text) {
		note, isNote := strings.CutPrefix(line, "-- ")
		if !isNote {
			query = append(query, line)
			continue
		}
		kind, rest, _ := strings.Cut(strings.TrimSpace(note), " ")
		switch kind {
		case "about":
			v.Schema.Comment = strings.TrimSpace(v.Schema.Comment + " " + rest)
		case "needs":
			v.Needs = append(v.Needs, rest)
		case "column":
			c, err := column(rest)
			if err != nil {
				return nil, fmt.Errorf("view %s: %w", name, err)
			}
			v.Schema.Columns = append(v.Schema.Columns, c)
		default:
			return nil, fmt.Errorf("view %s: unknown note %q", name, kind)
		}
	}
	v.SQL = strings.TrimSpace(strings.Join(query, ""))
	return v, v.Schema.Validate()
}

func column(s string) (tableschema.Column, error) {
	name, ddl, _ := strings.Cut(s, " ")
	t, err := dialect.ParseType(ddl)
	if err != nil {
		return tableschema.Column{}, fmt.Errorf("column %s: %w", name, err)
	}
	ty, ok := t.Schema()
	if !ok {
		return tableschema.Column{}, fmt.Errorf("column %s: type %s is not one tables have", name, ddl)
	}
	return tableschema.Column{Name: name, Type: ty}, nil
}
