package worker

import (
	"context"
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
	explain := st.Kind == dialect.Explain
	if explain {
		if st, err = dialect.Rewrite(st.SQL, params(q.Params)); err != nil {
			return nil, err
		}
	}
	cat := newCatalog(q)
	if st.Kind != dialect.Select {
		return s.command(ctx, st, cat)
	}
	root, statement, found, err := s.engine.check(ctx, st)
	if err != nil {
		return nil, err
	}
	asks := found.Calls[aifunc.Name] > 0 && !explain
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
	b := &binder{session: s, conn: conn, cat: cat, explain: explain, asks: asks}
	if err := b.bind(ctx, root, statement, found.Refs); err != nil {
		return nil, err
	}
	if explain {
		return s.explain(b.scans)
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
	pinNow(statement, time.Now())
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
