package worker

import (
	"fmt"
	"sort"
	"strings"

	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/views"
)

// catalog is the tables one caller may read, and no others: what is not in it cannot be told from
// what does not exist.
type catalog struct {
	readable        map[string]string // by lower-case full name, as declared
	catalog, schema string
}

func newCatalog(q *protocol.Query) *catalog {
	c := &catalog{readable: map[string]string{}, catalog: q.Catalog, schema: q.Schema}
	for _, n := range q.Readable {
		c.readable[strings.ToLower(n)] = n
	}
	return c
}

type tableKind int

const (
	noTable tableKind = iota
	baseTable
	viewTable
	infoTable
)

// infoColumns are the tables of information_schema and their columns.
var infoColumns = map[string][]string{
	"tables":   {"table_catalog", "table_schema", "table_name", "table_type", "comment"},
	"columns":  {"table_catalog", "table_schema", "table_name", "column_name", "ordinal_position", "is_nullable", "data_type", "full_data_type", "comment"},
	"schemata": {"catalog_name", "schema_name"},
}

// lookup finds a table by one to three names and returns its full lower-case name.
func (c *catalog) lookup(parts []string) (string, tableKind) {
	full := strings.ToLower(strings.Join(c.qualify(parts), "."))
	if rest, ok := strings.CutPrefix(full[strings.IndexByte(full, '.')+1:], "information_schema."); ok && infoColumns[rest] != nil {
		return full, infoTable
	}
	if _, ok := c.readable[full]; !ok {
		return full, noTable
	}
	if _, ok := views.Lookup(full); ok {
		return full, viewTable
	}
	return full, baseTable
}

func (c *catalog) qualify(parts []string) []string {
	switch len(parts) {
	case 1:
		return []string{c.catalog, c.schema, parts[0]}
	case 2:
		return []string{c.catalog, parts[0], parts[1]}
	default:
		return parts
	}
}

// maxListed bounds the tables an error names.
const maxListed = 30

// notFound says the same of a table that is not there and of one that may not be read.
func (c *catalog) notFound(parts []string) error {
	names := c.names()
	more := ""
	if len(names) > maxListed {
		more = fmt.Sprintf(" and %d more", len(names)-maxListed)
		names = names[:maxListed]
	}
	can := "you can read: " + strings.Join(names, ", ") + more
	if len(names) == 0 {
		can = "there is no table you can read"
	}
	return &protocol.Failure{
		Class:   protocol.NotFound,
		Message: fmt.Sprintf("table or view not found, or you may not read it: %s; %s", strings.Join(parts, "."), can),
	}
}

// names returns the readable tables, in order.
func (c *catalog) names() []string {
	out := make([]string, 0, len(c.readable))
	for _, n := range c.readable {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// infoQuery is a table of information_schema over what the caller may read, as a query.
func (c *catalog) infoQuery(full string, tables map[string]protocol.Table) string {
	parts := strings.Split(full, ".")
	rows := c.infoRows(parts[len(parts)-1], tables)
	cols := infoColumns[parts[len(parts)-1]]
	ids := make([]string, len(cols))
	for i, col := range cols {
		ids[i] = quoteIdent(col)
	}
	where := ""
	if len(rows) == 0 {
		rows, where = [][]string{make([]string, len(cols))}, " WHERE false"
	}
	lines := make([]string, len(rows))
	for i, r := range rows {
		q := make([]string, len(r))
		for j, v := range r {
			q[j] = quote(v)
			if cols[j] == "ordinal_position" {
				q[j] = "CAST(" + quote(v) + " AS INTEGER)"
			}
		}
		lines[i] = "(" + strings.Join(q, ", ") + ")"
	}
	return fmt.Sprintf("SELECT * FROM (VALUES %s) t(%s)%s", strings.Join(lines, ", "), strings.Join(ids, ", "), where)
}

func (c *catalog) infoRows(what string, tables map[string]protocol.Table) [][]string {
	var rows [][]string
	seen := map[string]bool{}
	for _, full := range c.names() {
		t, ok := tables[strings.ToLower(full)]
		if !ok {
			continue
		}
		n := t.Schema.Name
		switch what {
		case "schemata":
			if key := n.Catalog + "." + n.Schema; !seen[key] {
				seen[key] = true
				rows = append(rows, []string{n.Catalog, n.Schema})
			}
		case "tables":
			kind := "MANAGED"
			if t.View {
				kind = "VIEW"
			}
			rows = append(rows, []string{n.Catalog, n.Schema, n.Table, kind, t.Schema.Comment})
		default:
			for i, col := range t.Schema.Columns {
				ty := col.Type.SQL()
				short, _, _ := strings.Cut(ty, "<")
				short, _, _ = strings.Cut(short, "(")
				rows = append(rows, []string{n.Catalog, n.Schema, n.Table, col.Name, fmt.Sprint(i), "YES", short, ty, col.Comment})
			}
		}
	}
	return rows
}
