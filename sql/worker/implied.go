package worker

import (
	"strings"

	"github.com/lakegate/lakegate/sql/ast"
)

// impliedBounds adds to comparisons of CAST(column AS DATE) and date_trunc(unit, column) what follows
// from them for the column itself, which the optimiser does not find: A becomes A AND B, where B is
// true wherever A is, so nothing changes. It is for planning only.
func impliedBounds(tree ast.Node) {
	var found []ast.Node
	ast.Each(tree, func(n ast.Node) {
		if _, ok := comparisons[ast.Str(n, "type")]; ok || ast.Str(n, "type") == "COMPARE_BETWEEN" {
			found = append(found, n)
		}
	})
	for _, n := range found {
		if b := boundsOf(n); b != nil {
			original := ast.Node{}
			for k, v := range n {
				original[k] = v
			}
			original["alias"] = ""
			ast.Replace(n, ast.And(original, b).(ast.Node))
		}
	}
}

func boundsOf(n ast.Node) any {
	kind := ast.Str(n, "type")
	if kind == "COMPARE_BETWEEN" {
		return bothBounds(n["input"], n["lower"], n["upper"])
	}
	left, right, op := n["left"], n["right"], comparisons[kind]
	if _, _, ok := rounded(left); !ok {
		left, right, op = right, left, mirrored[op]
	}
	switch op {
	case "=":
		return bothBounds(left, right, right)
	case ">", ">=":
		return bothBounds(left, right, nil)
	case "<", "<=":
		return bothBounds(left, nil, right)
	default:
		return nil
	}
}

// rounded returns the column below a cast to DATE or a date_trunc, and the unit it is cut to.
func rounded(v any) (column ast.Node, unit string, ok bool) {
	n, _ := v.(ast.Node)
	switch {
	case ast.Class(n) == "CAST" && ast.Str(ast.Child(n, "cast_type"), "id") == "DATE":
		column, _ = n["child"].(ast.Node)
		unit = "day"
	case ast.FuncName(n) == "lg_to_date" && len(ast.Args(n)) == 1:
		column, _ = ast.Args(n)[0].(ast.Node)
		unit = "day"
	case ast.FuncName(n) == "lg_date_trunc" && len(ast.Args(n)) == 2:
		column, _ = ast.Args(n)[1].(ast.Node)
		unit, _ = ast.StringConst(ast.Args(n)[0])
	}
	if try, _ := n["try_cast"].(bool); try {
		return nil, "", false
	}
	return column, unit, ast.Class(column) == "COLUMN_REF" && truncUnits[unit]
}

var truncUnits = map[string]bool{"hour": true, "day": true, "week": true, "month": true, "quarter": true, "year": true}

var (
	dateType      = ast.Node{"id": "DATE", "type_info": nil}
	timestampType = ast.Node{"id": "TIMESTAMP", "type_info": nil}
)

// bothBounds is column >= lower AND column < the unit after upper. lower <= trunc(column) <= column
// gives the first, trunc(column) <= upper gives trunc(column) <= trunc(upper), and so the second.
func bothBounds(v, lower, upper any) any {
	column, unit, ok := rounded(v)
	if !ok {
		return nil
	}
	n, _ := v.(ast.Node)
	isDate := ast.FuncName(n) != "lg_date_trunc"
	column = ast.Cast(column, timestampType, false)
	// A day is compared with a text as a day, with a timestamp as a timestamp; cutting the constant
	// to its day is right for both.
	cut := func(x any) any {
		if isDate {
			x = ast.Cast(x, dateType, false)
		}
		return ast.Cast(x, timestampType, false)
	}
	var out any
	if lower != nil && constant(lower) {
		out = ast.Compare("COMPARE_GREATERTHANOREQUALTO", ast.Clone(column), cut(ast.Clone(lower)))
	}
	if upper != nil && constant(upper) {
		next := ast.Call("lg_dateadd", ast.Text(unit), ast.Int(1), ast.Call("date_trunc", ast.Text(unit), cut(ast.Clone(upper))))
		out = ast.And(out, ast.Compare("COMPARE_LESSTHAN", ast.Clone(column), next))
	}
	return out
}

// constant reports whether an expression reads nothing.
func constant(v any) bool {
	fixed := true
	ast.Each(v, func(n ast.Node) {
		switch ast.Class(n) {
		case "CONSTANT", "CAST", "FUNCTION", "OPERATOR", "CASE":
		case "":
			fixed = fixed && ast.Str(n, "type") != "SELECT_NODE"
		default:
			fixed = false
		}
		fixed = fixed && !strings.HasPrefix(ast.FuncName(n), "lg_ai") && ast.FuncName(n) != "random"
	})
	return fixed
}
