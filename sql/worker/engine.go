package worker

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/dialect"
	"github.com/lakegate/lakegate/sql/guard"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/views"
)

// engine is one in-memory DuckDB with our macros in it and its settings locked.
type engine struct {
	db      *sql.DB
	parser  *sql.Conn // parses and renders; never runs a query
	dirs    []string
	version string
	views   map[string]ast.Node // the checked tree of each view, by full name
	planner *planner
}

func openEngine(ctx context.Context, cfg *protocol.Init) (*engine, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	e := &engine{db: sql.OpenDB(connector), dirs: cfg.Dirs, views: map[string]ast.Node{}}
	// A connection is used for one query and dropped: its variables and temporary objects with it.
	e.db.SetMaxIdleConns(-1)
	if e.parser, err = e.db.Conn(ctx); err != nil {
		return nil, fmt.Errorf("connect to duckdb: %w", err)
	}
	if err := e.parser.QueryRowContext(ctx, "SELECT version()").Scan(&e.version); err != nil {
		return nil, fmt.Errorf("read duckdb version: %w", err)
	}
	setup := append(settings(cfg), dialect.Macros()...)
	setup = append(setup, "SET GLOBAL lock_configuration = true")
	for _, s := range setup {
		if _, err := e.parser.ExecContext(ctx, s); err != nil {
			return nil, fmt.Errorf("set up duckdb: %s: %w", s, err)
		}
	}
	if err := registerAI(e.parser); err != nil {
		return nil, err
	}
	if e.planner, err = openPlanner(ctx); err != nil {
		return nil, err
	}
	for _, v := range views.All() {
		if e.views[strings.ToLower(v.Schema.Name.String())], err = e.prepareView(ctx, v); err != nil {
			return nil, fmt.Errorf("view %s: %w", v.Schema.Name, err)
		}
	}
	return e, nil
}

// settings are the engine's own walls. Access to files is cut down to our folders before it is
// switched off, and everything is locked last. GLOBAL matters: some settings would else hold for
// this connection only.
func settings(cfg *protocol.Init) []string {
	dirs := make([]string, len(cfg.Dirs))
	for i, d := range cfg.Dirs {
		dirs[i] = quote(strings.TrimSuffix(d, "/") + "/")
	}
	return []string{
		"SET GLOBAL TimeZone = 'UTC'",
		"SET GLOBAL default_null_order = 'nulls_first_on_asc_last_on_desc'", // as Databricks orders
		"SET GLOBAL ieee_floating_point_ops = false",                        // x / 0 is NULL, not infinity
		"SET GLOBAL threads = " + strconv.Itoa(max(cfg.Threads, 1)),
		"SET GLOBAL memory_limit = '" + strconv.FormatInt(cfg.MemoryBytes/1_000_000, 10) + "MB'",
		"SET GLOBAL max_temp_directory_size = '0KB'",
		"SET GLOBAL temp_directory = ''",
		"SET GLOBAL autoinstall_known_extensions = false",
		"SET GLOBAL autoload_known_extensions = false",
		"SET GLOBAL allow_community_extensions = false",
		"SET GLOBAL allow_persistent_secrets = false",
		"SET GLOBAL validate_external_file_cache = 'NO_VALIDATION'", // files never change under a name
		"SET GLOBAL max_expression_depth = 500",
		"SET GLOBAL allowed_directories = [" + strings.Join(dirs, ", ") + "]",
		"SET GLOBAL enable_external_access = false",
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// parse returns the tree of a text, without running it.
func (e *engine) parse(ctx context.Context, text string) (root, statement ast.Node, err error) {
	var doc string
	if err := e.parser.QueryRowContext(ctx, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", text).Scan(&doc); err != nil {
		return nil, nil, fmt.Errorf("parse: %w", err)
	}
	return ast.Decode([]byte(doc))
}

// text turns a tree back into text.
func (e *engine) text(ctx context.Context, root ast.Node) (text string, err error) {
	doc, err := ast.Encode(root)
	if err != nil {
		return "", err
	}
	if err := e.parser.QueryRowContext(ctx, "SELECT json_deserialize_sql(CAST(? AS JSON))", doc).Scan(&text); err != nil {
		return "", fmt.Errorf("render: %w", err)
	}
	return text, nil
}

// render turns a checked tree back into text, and checks what came out.
func (e *engine) render(ctx context.Context, root ast.Node) (string, error) {
	text, err := e.text(ctx, root)
	if err != nil {
		return "", err
	}
	if err := e.recheck(ctx, text); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		// The tree was allowed and its text is not: a fault in rendering, or in us.
		return "", &protocol.Failure{Class: protocol.Internal, Message: "the query could not be rendered: " + err.Error()}
	}
	return text, nil
}

// recheck guards a rendered text as if it came from outside, with the names we put in.
func (e *engine) recheck(ctx context.Context, text string) error {
	_, statement, err := e.parse(ctx, text)
	if err != nil {
		return err
	}
	found, err := guard.Check(statement, innerPolicy)
	if err != nil {
		return err
	}
	if len(found.Refs) > 0 {
		return fmt.Errorf("table %v is still there", found.Refs[0].Parts)
	}
	return nil
}
