package guard_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/sql/ast"
	"github.com/lakegate/lakegate/sql/guard"
)

// The hundreds of queries that must and must not pass are in sql/worker's testdata, where
// DuckDB's parser makes the trees. Here are trees no parser makes, and the details of renaming.

func policy() guard.Policy {
	return guard.Policy{
		CTEPrefix: "fresh",
		Function:  func(name string) bool { return name == "upper" || name == "range" || name == "repeat" || name == "+" },
		TableFunction: func(name string, _ ast.Node) (allowed, trusted bool) {
			return name == "range" || name == "ours", name == "ours"
		},
	}
}

func table(parts ...string) ast.Node {
	p := append(make([]string, 3-len(parts)), parts...)
	return ast.Node{
		"type": "BASE_TABLE", "alias": "", "sample": nil, "catalog_name": p[0], "schema_name": p[1], "table_name": p[2],
		"column_name_alias": []any{}, "at_clause": nil,
	}
}

func tableFunction(name string, args ...any) ast.Node {
	return ast.Node{"type": "TABLE_FUNCTION", "alias": "", "function": ast.Call(name, args...), "column_name_alias": []any{}}
}

func statement(node ast.Node) ast.Node { return ast.Node{"node": node, "named_param_map": []any{}} }

// selecting makes SELECT items FROM from.
func selecting(from ast.Node, items ...any) ast.Node {
	n := ast.SelectAll(from)
	if len(items) > 0 {
		n["select_list"] = items
	}
	return n
}

func with(node ast.Node, name string, query ast.Node) ast.Node {
	m := ast.Child(node, "cte_map")
	m["map"] = append(ast.List(m, "map"), ast.Node{"key": name, "value": ast.Node{
		"aliases": []any{}, "query": statement(query), "materialized": "CTE_MATERIALIZE_DEFAULT", "key_targets": []any{},
	}})
	return node
}

var empty = ast.Node{"type": "EMPTY", "alias": "", "sample": nil}

func TestRefusals(t *testing.T) {
	qualified := ast.Call("upper", ast.Text("x"))
	qualified["catalog"] = "system"
	window := ast.Call("getvariable", ast.Text("x"))
	window["class"], window["type"] = "WINDOW", "WINDOW_AGGREGATE"
	timeTravel := table("t")
	timeTravel["at_clause"] = ast.Node{"unit": "VERSION"}
	enum := ast.Node{"type": "PIVOT", "source": table("t"), "pivots": []any{ast.Node{"pivot_enum": "e"}}}
	deep := ast.Call("upper", ast.Text("x"))
	for range 2000 {
		deep = ast.Call("upper", deep)
	}
	for name, c := range map[string]struct {
		node ast.Node
		kind guard.Kind
	}{
		"an unknown class":                {selecting(empty, ast.Node{"class": "BOUND_REF", "type": "BOUND_REF"}), guard.Refused},
		"an unknown kind of table":        {selecting(ast.Node{"type": "COLUMN_DATA"}), guard.Refused},
		"an unknown kind of query":        {ast.Node{"type": "INSERT_NODE"}, guard.Refused},
		"SHOW":                            {selecting(ast.Node{"type": "SHOW_REF", "query": nil}), guard.Refused},
		"a function":                      {selecting(empty, ast.Call("getvariable", ast.Text("x"))), guard.Refused},
		"a function of another catalog":   {selecting(empty, qualified), guard.Refused},
		"a function as a window":          {selecting(empty, window), guard.Refused},
		"a function in a CTE":             {with(selecting(table("a")), "a", selecting(empty, ast.Call("getvariable"))), guard.Refused},
		"a function in a constant's type": {selecting(empty, ast.Cast(ast.Text("x"), ast.Node{"id": "POINTER"}, false)), guard.Refused},
		"a type of a field":               {selecting(empty, ast.Cast(ast.Null(), ast.Node{"id": "STRUCT", "type_info": ast.Node{"child_types": []any{ast.Node{"first": "a", "second": ast.Node{"id": "ENUM"}}}}}, false)), guard.Refused},
		"a table function":                {selecting(tableFunction("read_text", ast.Text("/etc/passwd"))), guard.Refused},
		"an argument of a table function": {selecting(tableFunction("range", ast.Call("getvariable"))), guard.Refused},
		"a function nobody has yet":       {selecting(empty, ast.Call("ai_forecast")), guard.Unsupported},
		"time travel":                     {selecting(timeTravel), guard.Refused},
		"a pivot over an enum":            {selecting(enum), guard.Refused},
		"too deep":                        {selecting(empty, deep), guard.TooLarge},
		"too long a text":                 {selecting(empty, ast.Call("repeat", ast.Text("x"), ast.Int(1<<30))), guard.TooLarge},
		"too long a list":                 {selecting(empty, ast.Call("range", ast.Int(0), ast.Int(1<<40))), guard.TooLarge},
		"too many rows":                   {selecting(tableFunction("range", ast.Int(1<<40))), guard.TooLarge},
	} {
		_, err := guard.Check(statement(c.node), policy())
		var e *guard.Error
		if !errors.As(err, &e) || e.Kind != c.kind {
			t.Errorf("%s: got %v, want kind %d", name, err, c.kind)
		}
	}
}

func TestTooManyNodes(t *testing.T) {
	p := policy()
	p.MaxNodes = 50
	var items []any
	for range 100 {
		items = append(items, ast.Text("x"))
	}
	_, err := guard.Check(statement(selecting(empty, items...)), p)
	var e *guard.Error
	if !errors.As(err, &e) || e.Kind != guard.TooLarge {
		t.Errorf("got %v", err)
	}
}

func TestTrustedTableFunction(t *testing.T) {
	if _, err := guard.Check(statement(selecting(tableFunction("ours", ast.Call("getvariable")))), policy()); err != nil {
		t.Errorf("the arguments of our own function were checked: %v", err)
	}
}

func refs(c *guard.Checked) string {
	var out []string
	for _, r := range c.Refs {
		out = append(out, strings.Join(r.Parts, "."))
	}
	return fmt.Sprint(out)
}

func TestCTEs(t *testing.T) {
	// WITH a AS (SELECT * FROM a), b AS (SELECT * FROM a) SELECT * FROM b
	outer, inner, use := table("a"), table("a"), table("B")
	node := with(with(selecting(use), "a", selecting(outer)), "b", selecting(inner))
	found, err := guard.Check(statement(node), policy())
	if err != nil {
		t.Fatal(err)
	}
	if got := refs(found); got != "[a]" {
		t.Errorf("tables %s: a CTE must not see itself", got)
	}
	if ast.Str(outer, "table_name") != "a" || ast.Str(inner, "table_name") != "fresh1" || ast.Str(use, "table_name") != "fresh2" {
		t.Errorf("names: %s, %s, %s", ast.Str(outer, "table_name"), ast.Str(inner, "table_name"), ast.Str(use, "table_name"))
	}
	if ast.Str(use, "alias") != "B" {
		t.Errorf("a renamed CTE has the alias %q", ast.Str(use, "alias"))
	}
}

func TestRecursiveCTE(t *testing.T) {
	first, second, use := table("r"), table("r"), table("r")
	body := ast.Node{
		"type": "RECURSIVE_CTE_NODE", "modifiers": []any{}, "cte_map": ast.Node{"map": []any{}}, "cte_name": "r", "union_all": true,
		"left": selecting(first), "right": selecting(second), "aliases": []any{}, "key_targets": []any{},
	}
	found, err := guard.Check(statement(with(selecting(use), "r", body)), policy())
	if err != nil {
		t.Fatal(err)
	}
	if got := refs(found); got != "[r]" {
		t.Errorf("tables %s: only the first part reads a table r", got)
	}
	if ast.Str(body, "cte_name") != "fresh1" || ast.Str(second, "table_name") != "fresh1" || ast.Str(first, "table_name") != "r" {
		t.Errorf("names: %s, %s, %s", ast.Str(body, "cte_name"), ast.Str(second, "table_name"), ast.Str(first, "table_name"))
	}
	if _, err := guard.Check(statement(body), policy()); err == nil {
		t.Error("a recursive query outside WITH went through")
	}
}

func TestQualifiedNamesAreNoCTEs(t *testing.T) {
	found, err := guard.Check(statement(with(selecting(table("x", "s", "t")), "t", selecting(empty))), policy())
	if err != nil || refs(found) != "[x.s.t]" {
		t.Errorf("got %v %v", refs(found), err)
	}
}

func TestColumnsLoseTheirTablesCatalog(t *testing.T) {
	long, short, other := ast.Column("C", "s", "t", "x"), ast.Column("t", "x"), ast.Column("c", "s", "u", "x")
	if _, err := guard.Check(statement(selecting(table("c", "s", "t"), long, short, other)), policy()); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[*ast.Node]string{&long: "[t x]", &short: "[t x]", &other: "[c s u x]"} {
		if got := fmt.Sprint((*n)["column_names"]); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestCalls(t *testing.T) {
	found, err := guard.Check(statement(selecting(empty, ast.Call("upper", ast.Call("UPPER", ast.Text("x"))))), policy())
	if err != nil || found.Calls["upper"] != 2 {
		t.Errorf("got %v %v", found, err)
	}
}
