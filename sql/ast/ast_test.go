package ast_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/sql/ast"
)

func TestDecode(t *testing.T) {
	const one = `{"error":false,"statements":[{"node":{"type":"SELECT_NODE","query_location":18446744073709551615},"named_param_map":[]}]}`
	root, st, err := ast.Decode([]byte(one))
	if err != nil {
		t.Fatal(err)
	}
	if ast.Str(ast.Child(st, "node"), "type") != "SELECT_NODE" {
		t.Errorf("got %v", st)
	}
	back, err := ast.Encode(root)
	if err != nil || !strings.Contains(back, "18446744073709551615") {
		t.Errorf("a position was changed: %s %v", back, err)
	}
	for doc, want := range map[string]error{
		`{"error":true,"error_type":"not implemented","error_message":"Only SELECT statements can be serialized to json!"}`: ast.ErrNotOneSelect,
		`{"error":false,"statements":[]}`:                        ast.ErrNotOneSelect,
		`{"error":false,"statements":[{"node":{}},{"node":{}}]}`: ast.ErrNotOneSelect,
		`{"error":false,"statements":[{}]}`:                      ast.ErrNotOneSelect,
	} {
		if _, _, err := ast.Decode([]byte(doc)); !errors.Is(err, want) {
			t.Errorf("%s: got %v", doc, err)
		}
	}
	var bad *ast.SyntaxError
	_, _, err = ast.Decode([]byte(`{"error":true,"error_type":"parser","error_message":"syntax error","position":"7"}`))
	if !errors.As(err, &bad) || bad.Position != 7 {
		t.Errorf("got %v", err)
	}
	if _, _, err := ast.Decode([]byte(`{"error"`)); err == nil {
		t.Error("half a document was taken")
	}
}

func TestConstants(t *testing.T) {
	if s, ok := ast.StringConst(ast.Text("x")); !ok || s != "x" {
		t.Errorf("got %q %v", s, ok)
	}
	if i, ok := ast.IntConst(ast.Call("-", ast.Int(5))); !ok || i != -5 {
		t.Errorf("got %d %v", i, ok)
	}
	decimal := ast.Int(5)
	ast.Child(ast.Child(decimal, "value"), "type")["id"] = "DECIMAL"
	for _, v := range []any{decimal, ast.Text("5"), ast.Null(), nil, ast.Column("x"), ast.Call("+", ast.Int(1), ast.Int(2))} {
		if i, ok := ast.IntConst(v); ok {
			t.Errorf("%v is taken for %d", v, i)
		}
	}
	for v, want := range map[*ast.Node]bool{
		ptr(ast.Bool(true)): true, ptr(ast.Bool(false)): false,
		ptr(ast.Cast(ast.Text("t"), ast.Node{"id": "BOOLEAN"}, false)): true,
		ptr(ast.Cast(ast.Text("f"), ast.Node{"id": "BOOLEAN"}, false)): false,
	} {
		if b, ok := ast.BoolConst(*v); !ok || b != want {
			t.Errorf("%v: got %v %v", *v, b, ok)
		}
	}
	if _, ok := ast.BoolConst(ast.Text("t")); ok {
		t.Error("a text is taken for a boolean")
	}
}

func ptr(n ast.Node) *ast.Node { return &n }

func TestReplaceKeepsAliasAndPlace(t *testing.T) {
	n := ast.Column("x")
	n["alias"], n["query_location"] = "name", 7
	ast.Replace(n, ast.Call("f"))
	if ast.FuncName(n) != "f" || ast.Str(n, "alias") != "name" || n["query_location"] != 7 {
		t.Errorf("got %v", n)
	}
	if _, ok := n["column_names"]; ok {
		t.Error("a field of the old node stayed")
	}
}

func TestCloneIsDeep(t *testing.T) {
	a := ast.Call("f", ast.Text("x"))
	b := ast.Clone(a).(ast.Node)
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("%s", d)
	}
	b["children"].([]any)[0].(ast.Node)["alias"] = "changed"
	if ast.Str(a["children"].([]any)[0].(ast.Node), "alias") != "" {
		t.Error("the copy shares its parts")
	}
}

func TestEachLeavesValuesAlone(t *testing.T) {
	seen := 0
	ast.Each(ast.SelectAll(ast.Subquery(ast.Node{"node": ast.SelectAll(ast.Node{"type": "EMPTY"})}, "x")), func(n ast.Node) {
		if ast.Class(n) == "STAR" {
			seen++
		}
		if n["is_null"] != nil {
			t.Errorf("a constant's value is part of the walk: %v", n)
		}
	})
	ast.Each(ast.Text("x"), func(n ast.Node) {
		if n["is_null"] != nil {
			t.Errorf("a constant's value is part of the walk: %v", n)
		}
	})
	if seen != 2 {
		t.Errorf("%d stars, want 2", seen)
	}
}
