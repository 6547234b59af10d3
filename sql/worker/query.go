package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lakegate/lakegate/sql/aifunc"
	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/dialect"
	"github.com/lakegate/lakegate/sql/guard"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/views"
)

// maxText bounds a statement's text, in bytes.
const maxText = 64 << 10

// query runs one statement from text to the last row.
func (s *session) query(ctx context.Context, q *protocol.Query) (*protocol.Done, error) {
	began := time.Now()
	if len(q.SQL) > maxText {
		return nil, &protocol.Failure{Class: protocol.TooLarge, Message: fmt.Sprintf("the statement is longer than %d KB", maxText>>10)}
	}
	st, err := dialect.Rewrite(q.SQL, params(q.Params))
	if err != nil {
		return nil, err
	}
	cat := newCatalog(q)
	if st.Kind != dialect.Select {
		return s.command(ctx, st, cat)
	}
	root, statement, found, err := s.engine.check(ctx, st)
	if err != nil {
		return nil, err
	}
	asks := found.Calls[aifunc.Name] > 0
	if asks && q.AICalls == 0 {
		return nil, &protocol.Failure{Class: protocol.Unsupported, Message: "ai_query is not available here: no gateway is running"}
	}
	limit := q.TimeoutMillis
	if asks {
		limit = q.AITimeoutMillis
	}
	ctx, cancel := context.WithDeadline(ctx, began.Add(time.Duration(limit)*time.Millisecond))
	defer cancel()
	if err := translate(st, statement, q); err != nil {
		return nil, err
	}
	conn, err := s.engine.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to duckdb: %w", err)
	}
	defer conn.Close()
	if err := s.bindTables(ctx, conn, cat, statement, found.Refs, asks); err != nil {
		return nil, err
	}
	limitRows(statement, int64(q.RowLimit)+1)
	text, err := s.engine.render(ctx, root)
	if err != nil {
		return nil, err
	}
	ready := time.Since(began)
	batch := aifunc.NewBatch(s.asks.asker(s.conn), q.AICalls, q.AIWidth)
	done, err := s.stream(withBatch(ctx, batch), conn, text, q)
	if err != nil {
		return nil, err
	}
	done.AICalls = int64(batch.Calls())
	done.RewriteMic = ready.Microseconds()
	return done, nil
}

func params(in []protocol.Param) []dialect.Param {
	out := make([]dialect.Param, len(in))
	for i, p := range in {
		out[i] = dialect.Param(p)
	}
	return out
}

// check parses a statement, binds its parameters and guards it. DuckDB's grammar takes fewer bare
// aliases than Databricks': at the place of a syntax error AS is tried, a few times.
func (e *engine) check(ctx context.Context, st *dialect.Statement) (root, statement ast.Node, found *guard.Checked, err error) {
	root, statement, err = e.parse(ctx, st.SQL)
	for range 8 {
		var bad *ast.SyntaxError
		if !errors.As(err, &bad) || bad.Position < 0 {
			break
		}
		with, ok := st.InsertAs(bad.Position)
		if !ok {
			break
		}
		r, s, again := e.parse(ctx, with.SQL)
		var still *ast.SyntaxError
		if errors.As(again, &still) && still.Position <= bad.Position+len(" AS") {
			break // AS did not help: report the first error
		}
		*st, root, statement, err = *with, r, s, again
	}
	if err != nil {
		var bad *ast.SyntaxError
		if errors.As(err, &bad) {
			return nil, nil, nil, syntaxFailure(st, bad)
		}
		return nil, nil, nil, err
	}
	if err := st.Bind(root); err != nil {
		return nil, nil, nil, err
	}
	if found, err = guard.Check(statement, outerPolicy("lgcte")); err != nil {
		return nil, nil, nil, err
	}
	return root, statement, found, nil
}

func syntaxFailure(st *dialect.Statement, bad *ast.SyntaxError) error {
	if strings.Contains(bad.Message, "expression depth") {
		return &protocol.Failure{Class: protocol.TooLarge, Message: "the query nests too deep"}
	}
	f := &protocol.Failure{Class: protocol.Syntax, Message: bad.Message}
	if bad.Position >= 0 {
		f.Line, f.Column = st.Place(bad.Position)
		f.Message = fmt.Sprintf("%s (line %d, column %d)", bad.Message, f.Line, f.Column)
	}
	return f
}

// translate gives a checked tree its Databricks meaning.
func translate(st *dialect.Statement, statement ast.Node, q *protocol.Query) error {
	st.Label(statement)
	session := dialect.Session{User: q.User, Groups: q.Groups, Catalog: q.Catalog, Schema: q.Schema}
	if err := dialect.Translate(statement, session); err != nil {
		return err
	}
	if err := aifunc.Rewrite(statement); err != nil {
		return &protocol.Failure{Class: protocol.Invalid, Message: err.Error()}
	}
	return nil
}

// prepareView checks and translates a view once, at start. Its tables keep their full names.
func (e *engine) prepareView(ctx context.Context, v *views.View) (ast.Node, error) {
	st, err := dialect.Rewrite(v.SQL, nil)
	if err != nil {
		return nil, err
	}
	_, statement, err := e.parse(ctx, st.SQL)
	if err != nil {
		return nil, err
	}
	if _, err := guard.Check(statement, outerPolicy("lgview")); err != nil {
		return nil, err
	}
	return statement, dialect.Translate(statement, dialect.Session{})
}

// bindTables puts what the caller may read in the place of each table.
func (s *session) bindTables(ctx context.Context, conn *sql.Conn, cat *catalog, statement ast.Node, refs []guard.Ref, asks bool) error {
	names, all, err := cat.resolve(refs)
	if err != nil {
		return err
	}
	tables := map[string]protocol.Table{}
	if len(names) > 0 || all || asks {
		answer, err := s.need(ctx, &protocol.Need{Names: names, All: all, AI: asks})
		if err != nil {
			return err
		}
		for _, t := range answer {
			tables[strings.ToLower(t.Schema.Name.String())] = t
		}
	}
	r := &relations{engine: s.engine, conn: conn}
	used := usedColumns(statement)
	built := map[string]ast.Node{}
	for _, ref := range refs {
		if err := s.bindTable(ctx, r, cat, tables, built, used, ref); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) bindTable(ctx context.Context, r *relations, cat *catalog, tables map[string]protocol.Table, built map[string]ast.Node, used columnSet, ref guard.Ref) error {
	name, kind := cat.lookup(ref.Parts)
	statement, ok := built[name]
	if !ok {
		var err error
		switch kind {
		case infoTable:
			statement, err = r.parse(ctx, cat.infoQuery(name, tables))
		case viewTable:
			v, _ := views.Lookup(name)
			s.seen = append(s.seen, v.Schema)
			statement, err = s.bindView(ctx, r, tables, used, name)
		default:
			t, there := tables[name]
			if !there {
				return cat.notFound(ref.Parts)
			}
			s.seen = append(s.seen, t.Schema)
			statement, err = r.table(ctx, t, used)
		}
		if err != nil {
			return err
		}
		built[name] = statement
	}
	replaceTable(ref.Node, ast.Clone(statement).(ast.Node))
	return nil
}

// bindView returns a view's tree, without the columns nobody asks for, with its tables put in.
func (s *session) bindView(ctx context.Context, r *relations, tables map[string]protocol.Table, used columnSet, name string) (ast.Node, error) {
	view, _ := ast.Clone(s.engine.views[name]).(ast.Node)
	used.prune(ast.Child(view, "node"))
	below := usedColumns(view)
	var failed error
	ast.Each(view, func(n ast.Node) {
		if failed != nil || ast.Str(n, "type") != "BASE_TABLE" || ast.Str(n, "catalog_name") == "" {
			return
		}
		base := strings.ToLower(ast.Str(n, "catalog_name") + "." + ast.Str(n, "schema_name") + "." + ast.Str(n, "table_name"))
		t, there := tables[base]
		if !there {
			failed = fmt.Errorf("view %s: table %s is not in the snapshot", name, base)
			return
		}
		statement, err := r.table(ctx, t, below)
		if err != nil {
			failed = err
			return
		}
		replaceTable(n, statement)
	})
	return view, failed
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

// limitRows makes sure that a statement gives at most n rows: the engine would gather all of
// them in memory first.
func limitRows(statement ast.Node, n int64) {
	node := ast.Child(statement, "node")
	mods := ast.List(node, "modifiers")
	for _, m := range mods {
		mod, _ := m.(ast.Node)
		switch ast.Str(mod, "type") {
		case "LIMIT_PERCENT_MODIFIER":
			statement["node"] = limited(node, n)
			return
		case "LIMIT_MODIFIER":
			if mod["limit"] == nil {
				mod["limit"] = ast.Int(n)
			} else if v, ok := ast.IntConst(mod["limit"]); !ok {
				statement["node"] = limited(node, n)
			} else if v > n {
				mod["limit"] = ast.Int(n)
			}
			return
		}
	}
	node["modifiers"] = append(mods, ast.Limit(n))
}

func limited(node ast.Node, n int64) ast.Node {
	outer := ast.SelectAll(ast.Subquery(ast.Node{"node": node, "named_param_map": []any{}}, "lg_result"))
	outer["modifiers"] = []any{ast.Limit(n)}
	return outer
}
