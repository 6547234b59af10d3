package worker

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/dialect"
	"github.com/lakegate/lakegate/sql/guard"
	"github.com/lakegate/lakegate/sql/protocol"
)

// planner is a second, empty engine that finds out which rows of each table a statement can need. It
// plans the statement over empty tables, one for each scan, and reads the filters that the optimiser
// has moved down to them. Every step of that keeps the answer the same whatever the tables hold, so
// rows that fail a scan's filter can be left out of that scan, and files with only such rows too.
//
// That holds as long as no step looks at what is in the tables: the optimisers that use statistics,
// or scan a table twice, are switched off here. Columns have made-up names, so that a filter that
// names something else, such as an alias, is not mistaken for one of a column. What is not understood
// is no filter.
type planner struct {
	db     *sql.DB
	conn   *sql.Conn
	made   map[string]bool // stand-in tables, by name
	policy guard.Policy
}

// maxStandIns bounds the stand-in tables a planner keeps.
const maxStandIns = 1000

// plannerOff are the optimisers that look at what tables hold, or that turn filters into something else.
const plannerOff = "statistics_propagation,empty_result_pullup,compressed_materialization,late_materialization," +
	"top_n_window_elimination,window_self_join,in_clause,join_filter_pushdown,row_group_pruner,common_subplan,join_elimination," +
	"sampling_pushdown,limit_pushdown,top_n,join_order,build_side_probe_side"

func openPlanner(ctx context.Context) (*planner, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open the planner: %w", err)
	}
	p := &planner{db: sql.OpenDB(connector), made: map[string]bool{}, policy: innerPolicy}
	if p.conn, err = p.db.Conn(ctx); err != nil {
		return nil, fmt.Errorf("connect to the planner: %w", err)
	}
	setup := append(settings(&protocol.Init{Threads: 1, MemoryBytes: 256_000_000}), "SET GLOBAL disabled_optimizers = '"+plannerOff+"'")
	setup = append(setup, dialect.Macros()...)
	setup = append(setup, "SET GLOBAL lock_configuration = true")
	for _, s := range setup {
		if _, err := p.conn.ExecContext(ctx, s); err != nil {
			return nil, fmt.Errorf("set up the planner: %s: %w", s, err)
		}
	}
	return p, registerAI(p.conn)
}

// filters finds the filter of each scan. After an error no scan has one.
func (b *binder) filters(ctx context.Context, root ast.Node, tables map[string]protocol.Table) error {
	p := b.engine.planner
	stands := map[string]*standIn{}
	byScan := make([]*standIn, len(b.scans))
	for i, s := range b.scans {
		t, ok := tables[strings.ToLower(s.table)]
		if !ok {
			return fmt.Errorf("the columns of %s are not known", s.table)
		}
		stand, err := p.standIn(ctx, s.columns.only(t.Schema), stands)
		if err != nil {
			return err
		}
		byScan[i] = stand
	}
	copied, _ := ast.Clone(root).(ast.Node)
	ast.Each(copied, func(n ast.Node) {
		if i, ok := scanOf(n); ok && i < len(byScan) {
			replaceTable(n, ast.Node{"node": byScan[i].query(), "named_param_map": []any{}})
		}
	})
	impliedBounds(copied)
	text, err := p.render(ctx, b.engine, copied, stands)
	if err != nil {
		return err
	}
	found, err := p.explain(ctx, text)
	if err != nil {
		return err
	}
	reader := &filterReader{engine: b.engine}
	for i, s := range b.scans {
		s.filter = reader.read(ctx, byScan[i].table, found[byScan[i].name])
	}
	return nil
}

// scanOf returns the number of a scan's node.
func scanOf(n ast.Node) (int, bool) {
	if ast.Str(n, "type") != "BASE_TABLE" {
		return 0, false
	}
	m := scanName.FindStringSubmatch(ast.Str(n, "table_name"))
	if m == nil {
		return 0, false
	}
	i, err := strconv.Atoi(m[1])
	return i, err == nil
}

// standIn is an empty table in the place of a scan. Its columns are called lg_c0, lg_c1, …
type standIn struct {
	name  string
	table *tableschema.Table
}

// standIn returns an empty table with the columns of t, that no other scan of the statement has.
func (p *planner) standIn(ctx context.Context, t *tableschema.Table, taken map[string]*standIn) (*standIn, error) {
	cols := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		ty := c.Type.DuckDB()
		if c.Type.Kind == tableschema.Timestamp {
			ty = "TIMESTAMP"
		}
		cols[i] = fmt.Sprintf("lg_c%d %s", i, ty)
	}
	ddl := strings.Join(cols, ", ")
	h := fnv.New64a()
	h.Write([]byte(ddl))
	s := &standIn{table: t}
	for n := 0; s.name == "" || taken[s.name] != nil; n++ {
		s.name = fmt.Sprintf("lg_stand_%x_%d", h.Sum64(), n)
	}
	taken[s.name] = s
	if p.made[s.name] {
		return s, nil
	}
	if len(p.made) >= maxStandIns {
		return nil, errors.New("too many kinds of tables")
	}
	if _, err := p.conn.ExecContext(ctx, "CREATE TABLE "+s.name+" ("+ddl+")"); err != nil {
		return nil, fmt.Errorf("make a stand-in: %w", err)
	}
	p.made[s.name] = true
	return s, nil
}

// query is the stand-in with the columns' own names.
func (s *standIn) query() ast.Node {
	list := make([]any, len(s.table.Columns))
	for i, c := range s.table.Columns {
		col := ast.Column(fmt.Sprintf("lg_c%d", i))
		col["alias"] = c.Name
		list[i] = col
	}
	return ast.Select(ast.Table(s.name), list...)
}

// render turns the tree into text and guards it, as what runs over data is guarded.
func (p *planner) render(ctx context.Context, e *engine, root ast.Node, stands map[string]*standIn) (string, error) {
	text, err := e.text(ctx, root)
	if err != nil {
		return "", err
	}
	_, statement, err := e.parse(ctx, text)
	if err != nil {
		return "", err
	}
	found, err := guard.Check(statement, p.policy)
	if err != nil {
		return "", err
	}
	for _, r := range found.Refs {
		if len(r.Parts) != 1 || stands[r.Parts[0]] == nil {
			return "", fmt.Errorf("table %v is no stand-in", r.Parts)
		}
	}
	return text, nil
}

// explain plans a statement and returns the filters of each table, as the plan has them: for each
// time the table is scanned.
func (p *planner) explain(ctx context.Context, text string) (map[string][][]string, error) {
	var kind, doc string
	if err := p.conn.QueryRowContext(ctx, "EXPLAIN (FORMAT json) "+text).Scan(&kind, &doc); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	var roots []planNode
	if err := json.Unmarshal([]byte(doc), &roots); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	found := map[string][][]string{}
	for _, r := range roots {
		r.collect(found)
	}
	return found, nil
}

type planNode struct {
	Name     string                     `json:"name"`
	Children []planNode                 `json:"children"`
	Extra    map[string]json.RawMessage `json:"extra_info"`
}

var standTable = regexp.MustCompile(`(?:^|\.)(lg_stand_[0-9a-f]+_[0-9]+)$`)

func (n planNode) collect(found map[string][][]string) {
	for _, c := range n.Children {
		c.collect(found)
	}
	var table string
	if json.Unmarshal(n.Extra["Table"], &table) != nil {
		return
	}
	m := standTable.FindStringSubmatch(table)
	if m == nil {
		return
	}
	var one string
	var many []string
	if json.Unmarshal(n.Extra["Filters"], &one) == nil {
		many = []string{one}
	} else if json.Unmarshal(n.Extra["Filters"], &many) != nil {
		many = nil
	}
	found[m[1]] = append(found[m[1]], many)
}

// restricts reports whether anything in a statement can leave rows of a table out.
func restricts(tree ast.Node) bool {
	found := false
	ast.Each(tree, func(n ast.Node) {
		found = found || n["where_clause"] != nil || n["having"] != nil || n["qualify"] != nil || ast.Str(n, "type") == "JOIN"
	})
	return found
}

// common keeps what holds for every one of several scans of one table.
func common(scans [][]prune.Predicate) prune.Filter {
	var out prune.Filter
	for _, p := range scans[0] {
		everywhere := true
		for _, other := range scans[1:] {
			has := false
			for _, q := range other {
				has = has || q.String() == p.String() && len(q.Values) == len(p.Values)
			}
			everywhere = everywhere && has
		}
		if everywhere {
			out = append(out, p)
		}
	}
	return out
}
