package dialect

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/sql/ast"
)

// ruleSize counts the elements of a list or the keys of a map. An argument with an aggregate in
// it is a list: its type is not known when DuckDB picks the macro's overload.
func ruleSize(_ *translator, n ast.Node) error {
	rename(n, "lg_size")
	for _, a := range ast.Args(n) {
		ast.Each(a, func(c ast.Node) {
			if f := ast.FuncName(c); f == "list" || f == "array_agg" || ast.Class(c) == "WINDOW" || ast.Class(c) == "SUBQUERY" {
				rename(n, "len")
			}
		})
	}
	return nil
}

// ruleExists turns exists(list, x -> …) into a fold of the list of answers.
func ruleExists(fold string) rule {
	return func(_ *translator, n ast.Node) error {
		a := ast.Args(n)
		if len(a) != 2 {
			return fmt.Errorf("takes an array and a function")
		}
		ast.Replace(n, ast.Call(fold, ast.Call("list_transform", a...)))
		return nil
	}
}

// ruleReduce puts the start value last, where DuckDB has it, and applies a closing function by
// mapping the one result.
func ruleReduce(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) != 3 && len(a) != 4 {
		return fmt.Errorf("takes an array, a start, a function and perhaps a closing function")
	}
	reduced := ast.Call("list_reduce", a[0], a[2], a[1])
	if len(a) == 4 {
		mapped := ast.Call("list_transform", ast.Call("list_value", reduced), a[3])
		reduced = ast.Operator("ARRAY_EXTRACT", mapped, ast.Int(1))
	}
	ast.Replace(n, reduced)
	return nil
}

func ruleSortArray(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) == 2 {
		asc, ok := ast.BoolConst(a[1])
		if !ok {
			return fmt.Errorf("the order must be true or false")
		}
		a[1] = ast.Text("ASC")
		if !asc {
			a[1] = ast.Text("DESC")
		}
	}
	rename(n, "list_sort")
	return nil
}

// ruleGet is the index from 0 written as a function.
func ruleGet(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) != 2 {
		return fmt.Errorf("takes an array and an index")
	}
	plus := ast.Call("+", a[1], ast.Int(1))
	plus["is_operator"] = true
	ast.Replace(n, ast.Operator("ARRAY_EXTRACT", a[0], plus))
	return nil
}

// ruleFromJSON reads JSON as the type a constant names.
func ruleFromJSON(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	if len(a) < 2 {
		return fmt.Errorf("takes a text and a type")
	}
	shape, ok := ast.StringConst(a[1])
	if !ok {
		return unsupported("from_json: the type must be constant text")
	}
	t, err := ParseType(shape)
	if err != nil {
		return fmt.Errorf("%w", err)
	}
	ast.Replace(n, ReadJSON(a[0], t))
	return nil
}

// ReadJSON reads JSON text as a type, leniently: unknown keys are ignored, what is missing or
// does not fit is NULL.
func ReadJSON(text any, t Type) ast.Node {
	return ast.Call("json_transform", text, ast.Text(t.jsonShape()))
}

// jsonShape renders a type as json_transform takes it: {"a": ["INTEGER"]}.
func (t Type) jsonShape() string {
	switch t.name {
	case "ARRAY":
		return "[" + t.parts[0].jsonShape() + "]"
	case "STRUCT":
		f := make([]string, len(t.parts))
		for i, p := range t.parts {
			f[i] = jsonText(t.names[i]) + ": " + p.jsonShape()
		}
		return "{" + strings.Join(f, ", ") + "}"
	default:
		return jsonText(t.DuckDB())
	}
}

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(b)
}

// ruleZip names the fields of arrays_zip, which list_zip leaves without names.
func ruleZip(_ *translator, n ast.Node) error {
	a := ast.Args(n)
	fields := make([]any, len(a))
	for i := range a {
		f := ast.Call("struct_extract_at", ast.Column("lg_pair"), ast.Int(int64(i+1)))
		f["alias"] = fmt.Sprint(i)
		fields[i] = f
	}
	pair := ast.Lambda("lg_pair", ast.Call("struct_pack", fields...))
	ast.Replace(n, ast.Call("list_transform", ast.Call("list_zip", a...), pair))
	return nil
}

// TypeTree renders any type as the parser writes it.
func TypeTree(t Type) ast.Node {
	switch t.name {
	case "ARRAY":
		return ast.Node{"id": "LIST", "type_info": ast.Node{
			"type": "LIST_TYPE_INFO", "alias": "", "extension_info": nil, "child_type": TypeTree(t.parts[0]),
		}}
	case "MAP":
		entry := structTree([]string{"key", "value"}, t.parts)
		return ast.Node{"id": "MAP", "type_info": ast.Node{
			"type": "LIST_TYPE_INFO", "alias": "", "extension_info": nil, "child_type": entry,
		}}
	case "STRUCT":
		return structTree(t.names, t.parts)
	case "JSON":
		return ast.Node{"id": "VARCHAR", "type_info": nil}
	default:
		return castType(t)
	}
}

func structTree(names []string, parts []Type) ast.Node {
	var fields []any
	for i, p := range parts {
		fields = append(fields, ast.Node{"first": names[i], "second": TypeTree(p)})
	}
	return ast.Node{"id": "STRUCT", "type_info": ast.Node{
		"type": "STRUCT_TYPE_INFO", "alias": "", "extension_info": nil, "child_types": fields,
	}}
}

func ruleVariantGet(try bool) rule {
	return func(_ *translator, n ast.Node) error {
		a := ast.Args(n)
		if len(a) != 2 && len(a) != 3 {
			return fmt.Errorf("takes a value, a path and perhaps a type")
		}
		get := ast.Call("json_extract_string", a[0], a[1])
		if len(a) == 2 {
			ast.Replace(n, get)
			return nil
		}
		name, ok := ast.StringConst(a[2])
		if !ok {
			return unsupported("variant_get: the type must be constant text")
		}
		t, err := ParseType(name)
		if err != nil {
			return fmt.Errorf("%w", err)
		}
		if t.Nested() {
			ast.Replace(n, ReadJSON(get, t))
			return nil
		}
		ast.Replace(n, ast.Cast(get, castType(t), try))
		return nil
	}
}

// ruleFirst reads the flag "ignore NULLs" of first(x, true).
func ruleFirst(name string) rule {
	return func(_ *translator, n ast.Node) error {
		a := ast.Args(n)
		ignore := false
		if len(a) == 2 {
			v, ok := ast.BoolConst(a[1])
			if !ok {
				return fmt.Errorf("the second argument must be true or false")
			}
			ignore = v
			n["children"] = a[:1]
		}
		switch {
		case ast.Class(n) == "WINDOW":
			if ignore {
				n["ignore_nulls"] = true
			}
		case name == "first" || name == "first_value":
			rename(n, "first")
			if ignore {
				rename(n, "any_value")
			}
		case name == "last" || name == "last_value":
			rename(n, "last")
			if ignore {
				keepNotNull(n)
			}
		}
		return nil
	}
}

// keepNotNull adds "argument IS NOT NULL" to the filter of an aggregate.
func keepNotNull(n ast.Node) {
	key := "filter"
	if ast.Class(n) == "WINDOW" {
		key = "filter_expr"
	}
	notNull := ast.Operator("OPERATOR_IS_NOT_NULL", ast.Clone(ast.Args(n)[0]))
	n[key] = ast.And(n[key], notNull)
}

// ruleCollect gathers values without the NULLs, which DuckDB's list keeps.
func ruleCollect(distinct bool) rule {
	return func(_ *translator, n ast.Node) error {
		if len(ast.Args(n)) != 1 {
			return fmt.Errorf("takes one argument")
		}
		rename(n, "list")
		if distinct {
			n["distinct"] = true
		}
		keepNotNull(n)
		return nil
	}
}

// ruleApproxPercentile drops the accuracy, which DuckDB does not take.
func ruleApproxPercentile(_ *translator, n ast.Node) error {
	if a := ast.Args(n); len(a) == 3 {
		n["children"] = a[:2]
	}
	rename(n, "approx_quantile")
	return nil
}
