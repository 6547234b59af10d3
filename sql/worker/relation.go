package worker

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/protocol"
)

// relations builds, on the connection of one query, what stands for each table: a query over
// exactly the files of the snapshot.
//
// read_parquet is given the table's columns as a schema keyed by name: files written before a
// column was added give NULL, and no file is opened to find that out (but see lone). The partition column is cut
// out of the path, which lets the engine skip files without opening them. Timestamps lose their
// zone: all of them are UTC, and the engine's functions on zoned ones are ten times slower.
type relations struct {
	engine *engine
	conn   *sql.Conn
	count  int
}

// table returns SELECT columns over the files, as a statement's tree. The terms are conditions on the
// columns as the files have them.
func (r *relations) table(ctx context.Context, t protocol.Table, columns columnSet, terms []string) (ast.Node, error) {
	text, err := r.query(ctx, t, columns, terms)
	if err != nil {
		return nil, err
	}
	return r.parse(ctx, text)
}

// query is table's text.
func (r *relations) query(ctx context.Context, t protocol.Table, columns columnSet, terms []string) (string, error) {
	if c := t.Corrections; c != nil && len(c.Files) > 0 {
		t.Corrections = nil
		return r.corrected(ctx, t, *c, columns, terms)
	}
	t.Schema = columns.only(t.Schema)
	groups := groupFiles(t)
	if len(groups) == 0 {
		return emptyRelation(t.Schema), nil
	}
	r.count++
	schema := fmt.Sprintf("lg_schema_%d", r.count)
	if err := r.set(ctx, schema, schemaLiteral(t.Schema)); err != nil {
		return "", err
	}
	where := ""
	if len(terms) > 0 {
		where = " WHERE " + strings.Join(terms, " AND ")
	}
	selects := make([]string, len(groups))
	for i, g := range groups {
		r.count++
		files := fmt.Sprintf("lg_files_%d", r.count)
		if err := r.set(ctx, files, listLiteral(g.paths)); err != nil {
			return "", err
		}
		as := ", schema := getvariable('" + schema + "')"
		if r.lone(ctx, t.Schema, g, files) {
			as = ""
		}
		selects[i] = fmt.Sprintf("SELECT %s FROM read_parquet(getvariable('%s')%s, filename := true)%s", selectList(t.Schema, g), files, as, where)
	}
	return strings.Join(selects, " UNION ALL "), nil
}

func (r *relations) set(ctx context.Context, name, literal string) error {
	if _, err := r.conn.ExecContext(ctx, "SET VARIABLE "+name+" = "+literal); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

func (r *relations) parse(ctx context.Context, text string) (ast.Node, error) {
	_, statement, err := r.engine.parse(ctx, text)
	return statement, err
}

// group is files whose partition value is found the same way.
type group struct {
	offset int     // where in the path the value begins, from 1; 0 for none
	value  *string // the value, when it is not in the path
	null   bool
	paths  []string
}

// groupFiles sorts files by where their partition value is. Most tables have one or two groups:
// the lake's folder and the local one.
func groupFiles(t protocol.Table) []group {
	index := map[string]int{}
	var out []group
	for _, f := range t.Files {
		g := group{}
		switch {
		case t.Schema.PartitionBy == "":
		case f.Partition == nil:
			g.null = true
		default:
			if g.offset = partitionOffset(t.Schema.PartitionBy, f); g.offset == 0 {
				g.value = f.Partition
			}
		}
		key := fmt.Sprint(g.offset, g.null)
		if g.value != nil {
			key += *g.value
		}
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			out = append(out, g)
		}
		out[i].paths = append(out[i].paths, f.Path)
	}
	return out
}

// partitionOffset returns the place after "/column=" in the path when the value follows there.
func partitionOffset(column string, f protocol.File) int {
	if len(*f.Partition) != len("2006-01-02") {
		return 0
	}
	i := strings.LastIndex(f.Path, "/"+column+"="+*f.Partition+"/")
	if i < 0 {
		return 0
	}
	return len([]rune(f.Path[:i])) + len("/"+column+"=") + 1
}

func selectList(t *tableschema.Table, g group) string {
	cols := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		id := quoteIdent(c.Name)
		switch {
		case c.Name == t.PartitionBy && g.null:
			cols[i] = "CAST(NULL AS DATE) AS " + id
		case c.Name == t.PartitionBy && g.value != nil:
			cols[i] = "CAST(" + quote(*g.value) + " AS DATE) AS " + id
		case c.Name == t.PartitionBy:
			cols[i] = fmt.Sprintf("CAST(substring(filename, %d, 10) AS DATE) AS %s", g.offset, id)
		case c.Type.Kind == tableschema.Timestamp:
			cols[i] = "make_timestamp(epoch_us(" + id + ")) AS " + id
		default:
			cols[i] = id
		}
	}
	return strings.Join(cols, ", ")
}

var sqlOps = map[prune.Op]string{prune.Eq: "=", prune.Lt: "<", prune.Le: "<=", prune.Gt: ">", prune.Ge: ">="}

// rawFilter repeats the bounds on timestamps for the columns as they are in the files: their
// conversion stands between the statement's own bounds and the statistics of row groups.
func rawFilter(t *tableschema.Table, filter prune.Filter) []string {
	var terms []string
	for _, p := range filter {
		c, _, ok := t.Column(p.Column)
		op := sqlOps[p.Op]
		if !ok || op == "" || c.Type.Kind != tableschema.Timestamp || len(p.Values) != 1 {
			continue
		}
		terms = append(terms, fmt.Sprintf("%s %s CAST(%s AS TIMESTAMP WITH TIME ZONE)", quoteIdent(c.Name), op, quote(p.Values[0])))
	}
	return terms
}

func emptyRelation(t *tableschema.Table) string {
	cols := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		ty := c.Type.DuckDB()
		if c.Type.Kind == tableschema.Timestamp {
			ty = "TIMESTAMP"
		}
		cols[i] = "CAST(NULL AS " + ty + ") AS " + quoteIdent(c.Name)
	}
	return "SELECT " + strings.Join(cols, ", ") + " WHERE false"
}

// schemaLiteral is the value of read_parquet's schema parameter: the columns, by name.
func schemaLiteral(t *tableschema.Table) string {
	var cols []string
	for _, c := range t.Columns {
		if c.Name == t.PartitionBy {
			continue
		}
		cols = append(cols, fmt.Sprintf("%s: {name: %s, type: %s, default_value: NULL}", quote(c.Name), quote(c.Name), quote(c.Type.DuckDB())))
	}
	return "MAP {" + strings.Join(cols, ", ") + "}"
}

func listLiteral(values []string) string {
	q := make([]string, len(values))
	for i, v := range values {
		q[i] = quote(v)
	}
	return "[" + strings.Join(q, ", ") + "]"
}
