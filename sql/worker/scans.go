package worker

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"

	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/guard"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/views"
)

// scan is one place of a statement where a table is read. While the statement is planned, its node
// is a table called lg_scan_N; no one else can name a table so, since every name that people write
// is resolved before.
type scan struct {
	node    ast.Node
	table   string // full name, as declared
	columns columnSet
	at      *instant
	filter  prune.Filter
	request int // place in Need.Scans

	files, pruned int // what came back, for EXPLAIN
}

var scanName = regexp.MustCompile(`^lg_scan_([0-9]+)$`)

// binder puts what the caller may read in the place of each table of a statement.
type binder struct {
	*session
	conn          *sql.Conn
	cat           *catalog
	explain, asks bool
	used          columnSet // what the statement itself mentions
	scans         []*scan
	infos         []guard.Ref
}

// bind binds every table of a statement to files of one snapshot: those that can have rows the
// statement asks for.
func (b *binder) bind(ctx context.Context, root, statement ast.Node, refs []guard.Ref) error {
	b.used = usedColumns(statement)
	for _, ref := range refs {
		if err := b.open(ctx, ref); err != nil {
			return err
		}
	}
	shapes := &protocol.Need{All: len(b.infos) > 0, AI: b.asks}
	plan := len(b.scans) > 0 && (restricts(statement) || b.explain)
	if plan {
		shapes.Shapes = b.names()
	}
	if !plan && !shapes.All && !b.asks {
		return b.fill(ctx, statement)
	}
	answer, err := b.need(ctx, shapes)
	if err != nil {
		return err
	}
	tables := byName(answer.Shapes)
	if err := b.fillInfos(ctx, tables); err != nil {
		return err
	}
	if plan {
		// A statement that cannot be planned is planned again, over its files, and says then what is
		// wrong with it.
		if err := b.filters(ctx, root, tables); err != nil && (b.explain || ctx.Err() != nil) {
			return err
		}
	}
	return b.fill(ctx, statement)
}

func byName(tables []protocol.Table) map[string]protocol.Table {
	out := map[string]protocol.Table{}
	for _, t := range tables {
		out[strings.ToLower(t.Schema.Name.String())] = t
	}
	return out
}

// open resolves one name: a view is opened into its query, a table becomes a scan.
func (b *binder) open(ctx context.Context, ref guard.Ref) error {
	name, kind := b.cat.lookup(ref.Parts)
	at, err := b.instant(ctx, ref)
	if err != nil {
		return err
	}
	switch kind {
	case noTable:
		return b.cat.notFound(ref.Parts)
	case infoTable:
		if at != nil {
			return noTravel(ref.Parts, "its rows are not kept")
		}
		b.infos = append(b.infos, ref)
		return nil
	case viewTable:
		return b.openView(ref, name, at)
	default:
		b.scan(ref.Node, b.cat.readable[name], b.used, at)
		return nil
	}
}

func (b *binder) scan(node ast.Node, table string, columns columnSet, at *instant) {
	if ast.Str(node, "alias") == "" {
		node["alias"] = ast.Str(node, "table_name")
	}
	node["catalog_name"], node["schema_name"], node["at_clause"] = "", "", nil
	node["table_name"] = fmt.Sprintf("lg_scan_%d", len(b.scans))
	b.scans = append(b.scans, &scan{node: node, table: table, columns: columns, at: at})
}

// openView puts a view's query in its place, without the columns nobody asks for.
func (b *binder) openView(ref guard.Ref, name string, at *instant) error {
	v, _ := views.Lookup(name)
	if at != nil && len(v.Needs) == 0 {
		return noTravel(ref.Parts, "it is a view without a table")
	}
	if at != nil && at.version != nil && len(v.Needs) > 1 {
		return noTravel(ref.Parts, "it is a view of several tables, whose versions differ; use TIMESTAMP AS OF")
	}
	b.seen = append(b.seen, v.Schema)
	view, _ := ast.Clone(b.engine.views[name]).(ast.Node)
	b.used.prune(ast.Child(view, "node"))
	below := usedColumns(view)
	var tables []ast.Node
	ast.Each(view, func(n ast.Node) {
		if ast.Str(n, "type") == "BASE_TABLE" && ast.Str(n, "catalog_name") != "" {
			tables = append(tables, n)
		}
	})
	for _, n := range tables {
		full := ast.Str(n, "catalog_name") + "." + ast.Str(n, "schema_name") + "." + ast.Str(n, "table_name")
		b.scan(n, full, below, at)
	}
	replaceTable(ref.Node, view)
	return nil
}

// names returns the tables that are scanned, each once.
func (b *binder) names() []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range b.scans {
		if !seen[s.table] {
			seen[s.table] = true
			out = append(out, s.table)
		}
	}
	return out
}

func (b *binder) fillInfos(ctx context.Context, tables map[string]protocol.Table) error {
	for _, ref := range b.infos {
		name, _ := b.cat.lookup(ref.Parts)
		_, query, err := b.engine.parse(ctx, b.cat.infoQuery(name, tables))
		if err != nil {
			return err
		}
		replaceTable(ref.Node, query)
	}
	return nil
}

// fill asks for the files and puts a query over them in the place of each scan. Scans that ask for
// the same share one list.
func (b *binder) fill(ctx context.Context, statement ast.Node) error {
	if len(b.scans) == 0 {
		return nil
	}
	need := &protocol.Need{}
	requests := map[string]int{}
	for _, s := range b.scans {
		corrected := s.correct()
		key := fmt.Sprint(s.table, s.at.text(), corrected, len(s.filter), s.filter)
		i, ok := requests[key]
		if !ok {
			i = len(need.Scans)
			requests[key] = i
			need.Scans = append(need.Scans, s.at.pin(protocol.Scan{Name: s.table, Filter: s.filter, Corrected: corrected}))
		}
		s.request = i
	}
	answer, err := b.need(ctx, need)
	if err != nil {
		return err
	}
	if len(answer.Scans) != len(need.Scans) {
		return fmt.Errorf("the snapshot has %d tables, not %d", len(answer.Scans), len(need.Scans))
	}
	r := &relations{engine: b.engine, conn: b.conn}
	selects := selectsOf(statement)
	for i, s := range b.scans {
		t := answer.Scans[s.request]
		b.seen = append(b.seen, t.Schema)
		query, err := r.table(ctx, t, s.columns, append(rawFilter(t.Schema, s.filter), s.rawBounds(t.Schema, selects[i])...))
		if err != nil {
			return err
		}
		s.files, s.pruned = len(t.Files), t.Pruned
		replaceTable(s.node, query)
	}
	return nil
}

// replaceTable puts a query in the place of a table, under the table's alias or last name.
func replaceTable(n, statement ast.Node) {
	alias := ast.Str(n, "alias")
	if alias == "" {
		alias = ast.Str(n, "table_name")
	}
	sub := ast.Subquery(statement, alias)
	sub["sample"] = n["sample"]
	sub["column_name_alias"] = n["column_name_alias"]
	for k := range n {
		delete(n, k)
	}
	for k, v := range sub {
		n[k] = v
	}
}
