package dialect

import (
	"errors"
	"strings"

	"github.com/lakegate/lakegate/sql/ast"
)

// Session is what functions such as current_user() answer with.
type Session struct {
	User            string
	Groups          []string
	Catalog, Schema string
}

// Bind replaces the markers of st in the tree by their values. It must come before anything that
// looks at constants. Errors are *Error.
func (st *Statement) Bind(root ast.Node) error {
	var failed error
	ast.Each(root, func(n ast.Node) {
		if _, ok := n["named_param_map"]; ok {
			n["named_param_map"] = []any{}
		}
		if ast.Class(n) != "PARAMETER" || failed != nil {
			return
		}
		p, ok := st.params[ast.Str(n, "identifier")]
		if !ok {
			failed = refused("parameters are written :name")
			return
		}
		v, err := paramValue(p)
		if err != nil {
			failed = err
			return
		}
		ast.Replace(n, v)
	})
	return failed
}

func paramValue(p Param) (ast.Node, error) {
	name := p.Type
	if name == "" {
		name = "STRING"
	}
	t, err := ParseType(name)
	if err != nil || t.Nested() {
		return nil, refused("parameter :%s: %q is not a type for parameters", p.Name, p.Type)
	}
	if p.Multi {
		list := make([]any, len(p.Values))
		for i, v := range p.Values {
			list[i] = typedConst(t, v)
		}
		return ast.Call("list_value", list...), nil
	}
	if p.Value == nil {
		return ast.Cast(ast.Null(), castType(t), false), nil
	}
	return typedConst(t, *p.Value), nil
}

func typedConst(t Type, v string) ast.Node {
	if t.IsText() {
		return ast.Text(v)
	}
	return ast.Cast(ast.Text(v), castType(t), false)
}

// castType renders a simple type as the parser writes it.
func castType(t Type) ast.Node {
	if t.name == "DECIMAL" {
		return ast.Node{"id": "DECIMAL", "type_info": ast.Node{
			"type": "DECIMAL_TYPE_INFO", "alias": "", "extension_info": nil, "width": t.precision, "scale": t.scale,
		}}
	}
	return ast.Node{"id": t.name, "type_info": nil}
}

// Label names the unnamed columns of the outermost select list as the caller wrote them.
func (st *Statement) Label(statement ast.Node) {
	node := ast.Child(statement, "node")
	for ast.Str(node, "type") == "SET_OPERATION_NODE" {
		node = ast.Child(node, "left")
	}
	list := ast.List(node, "select_list")
	if len(list) != len(st.Labels) {
		return
	}
	for i, item := range list {
		n, _ := item.(ast.Node)
		switch ast.Class(n) {
		case "COLUMN_REF", "STAR", "":
			continue
		}
		if ast.Str(n, "alias") == "" && st.Labels[i] != "" {
			n["alias"] = st.Labels[i]
		}
	}
}

// translator carries what the rules need.
type translator struct{ session Session }

// Translate gives the calls, casts and indexes of a tree their Databricks meaning. Every call in
// the tree must be one LookupFunction knows. Errors are *Error.
func Translate(root ast.Node, s Session) error {
	t := &translator{session: s}
	return t.walk(root)
}

// walk goes children first, so that a rule sees arguments that are done.
func (t *translator) walk(v any) error {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			if err := t.walk(e); err != nil {
				return err
			}
		}
	case ast.Node:
		for k, e := range x {
			if (k == "value" && ast.Class(x) == "CONSTANT") || k == "cast_type" {
				continue
			}
			if err := t.walk(e); err != nil {
				return err
			}
		}
		return t.node(x)
	}
	return nil
}

func (t *translator) node(n ast.Node) error {
	switch ast.Class(n) {
	case "FUNCTION", "WINDOW":
		return t.call(n)
	case "CAST":
		translateCast(n)
	case "COLUMN_REF":
		t.column(n)
	case "OPERATOR":
		if ast.Str(n, "type") == "ARRAY_EXTRACT" {
			translateIndex(n)
		}
	}
	if ast.Str(n, "type") == "TABLE_FUNCTION" {
		return t.tableFunction(n)
	}
	return nil
}

func (t *translator) call(n ast.Node) error {
	f, ok := functions[ast.FuncName(n)]
	if !ok {
		return nil // a table function's own call, or one of ours
	}
	if f.rule {
		if err := rules[f.Target](t, n); err != nil {
			var e *Error
			if errors.As(err, &e) {
				return e
			}
			return refused("%s: %v", ast.FuncName(n), err)
		}
		return nil
	}
	rename(n, f.Target)
	return nil
}

// rename changes the function; the schema goes too, which the parser adds to calls it makes up,
// and with it the infix form.
func rename(n ast.Node, target string) {
	if target != ast.FuncName(n) {
		n["schema"] = ""
		if _, ok := n["is_operator"]; ok {
			n["is_operator"] = false
		}
	}
	n["function_name"] = target
}

func (t *translator) tableFunction(n ast.Node) error {
	f := ast.Child(n, "function")
	name := ast.FuncName(f)
	switch name {
	case "lg_sequence":
		name = "sequence"
	case "lg_explode":
		name = "explode"
	}
	if target, ok := tableFunctions[name]; ok {
		f["function_name"] = target.Target
		f["schema"] = ""
	}
	return nil
}

// column answers the niladic functions that parse as columns.
func (t *translator) column(n ast.Node) {
	names := ast.List(n, "column_names")
	if len(names) != 1 {
		return
	}
	name, _ := names[0].(string)
	switch strings.ToLower(name) {
	case "current_user", "session_user":
		ast.Replace(n, ast.Text(t.session.User))
	case "current_timestamp", "localtimestamp":
		ast.Replace(n, ast.Call("lg_now"))
	case "current_catalog":
		ast.Replace(n, ast.Text(t.session.Catalog))
	case "current_schema", "current_database":
		ast.Replace(n, ast.Text(t.session.Schema))
	}
}

// integral are functions whose result is whole already, so that a cast of it cannot round.
var integral = wordSet(`count count_star lg_size length instr row_number rank dense_rank lg_year lg_month lg_day lg_hour
	lg_minute lg_datediff date_diff trunc len epoch_ms epoch_us lg_unix_timestamp`)

var truncating = map[string]string{"INTEGER": "int", "SMALLINT": "smallint", "TINYINT": "tinyint", "BIGINT": "bigint"}

// translateCast cuts fractions off instead of rounding, and keeps timestamps without a zone.
func translateCast(n ast.Node) {
	ty := ast.Child(n, "cast_type")
	id := ast.Str(ty, "id")
	if id == "UNBOUND" {
		if s, ok := simpleTypes[strings.ToLower(ast.Str(ast.Child(ty, "type_info"), "name"))]; ok {
			id = s
			n["cast_type"] = ast.Node{"id": s, "type_info": nil}
		}
	}
	if id == "TIMESTAMP WITH TIME ZONE" {
		n["cast_type"] = ast.Node{"id": "TIMESTAMP", "type_info": nil}
	}
	suffix, ok := truncating[id]
	child, _ := n["child"].(ast.Node)
	if !ok || child == nil {
		return
	}
	if _, isInt := ast.IntConst(child); isInt || integral[ast.FuncName(child)] {
		return
	}
	name := "lg_to_" + suffix
	if try, _ := n["try_cast"].(bool); try {
		name = "lg_try_" + suffix
	}
	ast.Replace(n, ast.Call(name, child))
}

// translateIndex makes arrays start at 0. Maps have the same brackets; what is certain to be a
// number is an index of an array, since the maps of lakegate's tables have text keys.
func translateIndex(n ast.Node) {
	a := ast.Args(n)
	if len(a) != 2 || !isWhole(a[1]) {
		return
	}
	if i, ok := ast.IntConst(a[1]); ok {
		if i < 0 {
			a[1] = ast.Null()
			return
		}
		a[1] = ast.Int(i + 1)
		return
	}
	plus := ast.Call("+", a[1], ast.Int(1))
	plus["is_operator"] = true
	a[1] = plus
}

func isWhole(v any) bool {
	if _, ok := ast.IntConst(v); ok {
		return true
	}
	n, _ := v.(ast.Node)
	switch name := ast.FuncName(n); name {
	case "+", "-", "*", "%", "//":
		return true
	default:
		return integral[name] || strings.HasPrefix(name, "lg_to_int") || strings.HasPrefix(name, "lg_to_bigint")
	}
}
