// Package guard decides what SQL from people may run: one SELECT whose parse tree holds only node
// kinds, functions, table functions and types it has a list of, and whose tables the caller names.
//
// Everything is an allow-list. A node kind the engine learns tomorrow is refused until someone
// has looked at it. Check also renames every common table expression to a name no one can
// write, so that a table that looks like a CTE to us and like something else to the engine
// cannot be found by it. The rendered text is checked a second time by the same code: what runs
// is what was checked, even if rendering had a fault.
//
// The guard is one of four walls; the engine's settings, the kernel's and the killing of a
// worker that overstays are the others. It is pure: trees in, trees and errors out. A tree
// belongs to one goroutine.
package guard

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/sql/ast"
)

// Policy says what a tree may hold beyond the fixed lists.
type Policy struct {
	// Function reports whether a function, aggregate, window function or operator may be called,
	// by its lower-case name.
	Function func(name string) bool
	// TableFunction reports whether a function may be used as a table. It sees the whole node; its
	// arguments are checked like any others unless trusted.
	TableFunction func(name string, call ast.Node) (allowed, trusted bool)
	// TimeTravel lets tables have an AT clause. Its expression is checked like any other.
	TimeTravel bool
	// CTEPrefix begins the names common table expressions are given.
	CTEPrefix string
	// MaxNodes bounds the objects of the tree.
	MaxNodes int
}

// maxDepth bounds how deep a tree nests, counted in JSON levels.
const maxDepth = 1500

// Ref is a table the query names. Node is its place in the tree.
type Ref struct {
	Node  ast.Node
	Parts []string // as written: one to three names
}

// Checked is what Check found.
type Checked struct {
	Refs  []Ref
	Calls map[string]int // functions called, by lower-case name
}

// Kind says what is wrong with a tree.
type Kind int

// The kinds of refusal.
const (
	Refused Kind = iota
	Unsupported
	TooLarge
)

// Error is a refusal, in words for the caller.
type Error struct {
	Kind    Kind
	Message string
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

func refuse(format string, args ...any) error {
	return &Error{Refused, fmt.Sprintf(format, args...)}
}

// Check walks a statement. After nil, every node of it is allowed, CTEs have new names, and the
// tables left to be resolved are in Refs. Errors are *Error.
func Check(statement ast.Node, p Policy) (*Checked, error) {
	if p.MaxNodes == 0 {
		p.MaxNodes = 50_000
	}
	w := &walker{policy: p, found: &Checked{Calls: map[string]int{}}}
	if err := w.visit(statement, nil, 0); err != nil {
		return nil, err
	}
	w.shortenColumns()
	return w.found, nil
}

type walker struct {
	policy  Policy
	found   *Checked
	nodes   int
	ctes    int
	columns []ast.Node
}

// scope is the CTEs that can be seen from a place, innermost first.
type scope struct {
	outer       *scope
	name, fresh string
}

func (s *scope) lookup(name string) (string, bool) {
	for ; s != nil; s = s.outer {
		if strings.EqualFold(s.name, name) {
			return s.fresh, true
		}
	}
	return "", false
}

func (w *walker) visit(v any, s *scope, depth int) error {
	if depth > maxDepth {
		return &Error{TooLarge, "the query nests too deep"}
	}
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			if err := w.visit(e, s, depth+1); err != nil {
				return err
			}
		}
	case ast.Node:
		if w.nodes++; w.nodes > w.policy.MaxNodes {
			return &Error{TooLarge, "the query is too large"}
		}
		return w.node(x, s, depth)
	}
	return nil
}

func (w *walker) node(n ast.Node, s *scope, depth int) error {
	if class := ast.Class(n); class != "" {
		return w.expression(n, class, s, depth)
	}
	switch t := n["type"].(type) {
	case string:
		return w.structure(n, t, s, depth)
	case ast.Node: // a bare value, as PIVOT and TABLESAMPLE have them
		return checkType(t)
	}
	return w.children(n, s, depth)
}

// children visits all fields of a node but those named.
func (w *walker) children(n ast.Node, s *scope, depth int, except ...string) error {
	for k, v := range n {
		skip := false
		for _, e := range except {
			skip = skip || k == e
		}
		if skip {
			continue
		}
		if err := w.visit(v, s, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) expression(n ast.Node, class string, s *scope, depth int) error {
	if !expressions[class] {
		return refuse("%s is not allowed in a query", strings.ToLower(class))
	}
	switch class {
	case "CONSTANT":
		return checkType(ast.Child(ast.Child(n, "value"), "type"))
	case "CAST":
		if err := checkType(ast.Child(n, "cast_type")); err != nil {
			return err
		}
		return w.children(n, s, depth, "cast_type")
	case "FUNCTION", "WINDOW":
		if err := w.call(n); err != nil {
			return err
		}
	case "COLUMN_REF":
		w.columns = append(w.columns, n)
	}
	return w.children(n, s, depth)
}

func (w *walker) call(n ast.Node) error {
	name := ast.FuncName(n)
	if ast.Str(n, "catalog") != "" || (ast.Str(n, "schema") != "" && ast.Str(n, "schema") != "main") || !w.policy.Function(name) {
		return refuseFunction(name)
	}
	w.found.Calls[name]++
	return checkSizes(name, n)
}

func refuseFunction(name string) error {
	if strings.HasPrefix(name, "ai_") {
		return &Error{Unsupported, fmt.Sprintf("function %s is not supported yet", name)}
	}
	return refuse("function %s is not available", name)
}

func (w *walker) structure(n ast.Node, kind string, s *scope, depth int) error {
	if !structures[kind] {
		if kind == "SHOW_REF" {
			return refuse("SHOW, DESCRIBE and SUMMARIZE are not allowed inside a query")
		}
		return refuse("%s is not allowed in a query", strings.ToLower(kind))
	}
	switch kind {
	case "BASE_TABLE":
		return w.table(n, s, depth)
	case "TABLE_FUNCTION":
		return w.tableFunction(n, s, depth)
	case "PIVOT":
		for _, p := range ast.List(n, "pivots") {
			if c, _ := p.(ast.Node); ast.Str(c, "pivot_enum") != "" {
				return refuse("PIVOT over an enum is not allowed")
			}
		}
	case "SELECT_NODE", "SET_OPERATION_NODE":
		inner, err := w.withClause(n, s, depth)
		if err != nil {
			return err
		}
		return w.children(n, inner, depth, "cte_map")
	case "RECURSIVE_CTE_NODE":
		return refuse("a recursive query must be in a WITH clause")
	}
	return w.children(n, s, depth)
}

// withClause checks and renames the CTEs of a node and returns the scope of the node's own query.
// A CTE sees those before it, and itself only when it is recursive.
func (w *walker) withClause(n ast.Node, s *scope, depth int) (*scope, error) {
	for _, e := range ast.List(ast.Child(n, "cte_map"), "map") {
		entry, _ := e.(ast.Node)
		value := ast.Child(entry, "value")
		if len(ast.List(value, "key_targets")) > 0 {
			return nil, refuse("WITH … USING KEY is not allowed")
		}
		w.ctes++
		own := &scope{outer: s, name: ast.Str(entry, "key"), fresh: fmt.Sprintf("%s%d", w.policy.CTEPrefix, w.ctes)}
		entry["key"] = own.fresh
		query := ast.Child(value, "query")
		body := ast.Child(query, "node")
		var err error
		if ast.Str(body, "type") == "RECURSIVE_CTE_NODE" {
			err = w.recursive(body, s, own, depth+4)
		} else {
			err = w.visit(query, s, depth+3)
		}
		if err != nil {
			return nil, err
		}
		s = own
	}
	return s, nil
}

// recursive checks a recursive CTE: its first part does not see itself, the second does.
func (w *walker) recursive(body ast.Node, outer, own *scope, depth int) error {
	inner, err := w.withClause(body, outer, depth)
	if err != nil {
		return err
	}
	body["cte_name"] = own.fresh
	if err := w.visit(body["left"], inner, depth+1); err != nil {
		return err
	}
	both := own
	if inner != outer { // the body's own WITH is nearer than its name
		both = &scope{outer: inner, name: own.name, fresh: own.fresh}
	}
	return w.children(body, both, depth, "left", "cte_map")
}

func (w *walker) table(n ast.Node, s *scope, depth int) error {
	if err := w.travel(n, s); err != nil {
		return err
	}
	catalog, schema, name := ast.Str(n, "catalog_name"), ast.Str(n, "schema_name"), ast.Str(n, "table_name")
	if fresh, ok := s.lookup(name); ok && catalog == "" && schema == "" {
		if ast.Str(n, "alias") == "" {
			n["alias"] = name
		}
		n["table_name"] = fresh
		return w.children(n, s, depth)
	}
	var parts []string
	for _, p := range []string{catalog, schema, name} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	w.found.Refs = append(w.found.Refs, Ref{Node: n, Parts: parts})
	return w.children(n, s, depth)
}

// travel checks the AT clause of a table: constants and calls, nothing that reads.
func (w *walker) travel(n ast.Node, s *scope) error {
	at := n["at_clause"]
	if at == nil {
		return nil
	}
	if !w.policy.TimeTravel {
		return refuse("time travel is not allowed here")
	}
	if _, ok := s.lookup(ast.Str(n, "table_name")); ok && ast.Str(n, "schema_name") == "" {
		return refuse("time travel on a common table expression is not possible: write it at the tables inside")
	}
	clause, _ := at.(ast.Node)
	if unit := strings.ToLower(ast.Str(clause, "unit")); unit != "version" && unit != "timestamp" {
		return refuse("tables travel to a version or a timestamp")
	}
	var failed error
	ast.Each(clause, func(c ast.Node) {
		if ast.Class(c) == "SUBQUERY" || ast.Class(c) == "WINDOW" || ast.Str(c, "type") == "SELECT_NODE" {
			failed = refuse("time travel takes a constant, not a query")
		}
	})
	return failed
}

func (w *walker) tableFunction(n ast.Node, s *scope, depth int) error {
	call := ast.Child(n, "function")
	name := ast.FuncName(call)
	allowed, trusted := w.policy.TableFunction(name, n)
	if ast.Class(call) != "FUNCTION" || ast.Str(call, "schema") != "" || ast.Str(call, "catalog") != "" || !allowed {
		return refuse("table function %s is not available", name)
	}
	if trusted {
		return nil
	}
	if err := checkSizes(name, call); err != nil {
		return err
	}
	if err := w.children(call, s, depth+1); err != nil {
		return err
	}
	return w.children(n, s, depth, "function")
}

// shortenColumns turns catalog.schema.table.column into table.column where the table was named
// that way, because the table's place is taken by a subquery with its last name.
func (w *walker) shortenColumns() {
	for _, c := range w.columns {
		names := ast.List(c, "column_names")
		for _, r := range w.found.Refs {
			if k := len(r.Parts); k > 1 && len(names) > k && hasPrefix(names, r.Parts) {
				c["column_names"] = names[k-1:]
				break
			}
		}
	}
}

func hasPrefix(names []any, parts []string) bool {
	for i, p := range parts {
		if s, _ := names[i].(string); !strings.EqualFold(s, p) {
			return false
		}
	}
	return true
}
