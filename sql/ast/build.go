package ast

import (
	"encoding/json"
	"strconv"
)

// noLocation is how the parser says that a node has no place in the text.
const noLocation = json.Number("18446744073709551615")

// Text builds a string constant.
func Text(s string) Node { return constant("VARCHAR", s) }

// Int builds a 64-bit constant.
func Int(i int64) Node { return constant("BIGINT", json.Number(strconv.FormatInt(i, 10))) }

// Bool builds a boolean constant.
func Bool(b bool) Node { return constant("BOOLEAN", b) }

// Null builds an untyped NULL.
func Null() Node {
	return Node{
		"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "query_location": noLocation,
		"value": Node{"type": Node{"id": "NULL", "type_info": nil}, "is_null": true},
	}
}

func constant(typeID string, v any) Node {
	return Node{
		"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "query_location": noLocation,
		"value": Node{"type": Node{"id": typeID, "type_info": nil}, "is_null": false, "value": v},
	}
}

// Call builds a function call.
func Call(name string, args ...any) Node {
	if args == nil {
		args = []any{}
	}
	return Node{
		"class": "FUNCTION", "type": "FUNCTION", "alias": "", "query_location": noLocation,
		"function_name": name, "schema": "", "catalog": "", "children": args, "filter": nil,
		"order_bys": Node{"type": "ORDER_MODIFIER", "orders": []any{}},
		"distinct":  false, "is_operator": false, "export_state": false,
	}
}

// Column builds a reference to a column by its parts.
func Column(parts ...string) Node {
	names := make([]any, len(parts))
	for i, p := range parts {
		names[i] = p
	}
	return Node{"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "query_location": noLocation, "column_names": names}
}

// Cast builds a cast to a type tree, as the parser writes types.
func Cast(child any, castType Node, try bool) Node {
	return Node{
		"class": "CAST", "type": "OPERATOR_CAST", "alias": "", "query_location": noLocation,
		"child": child, "cast_type": castType, "try_cast": try,
	}
}

// Operator builds an operator node such as OPERATOR_NOT or OPERATOR_IS_NOT_NULL.
func Operator(kind string, args ...any) Node {
	return Node{"class": "OPERATOR", "type": kind, "alias": "", "query_location": noLocation, "children": args}
}

// And joins two conditions; a nil one counts as true.
func And(a, b any) any {
	if a == nil {
		return b
	}
	return Node{"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "alias": "", "query_location": noLocation, "children": []any{a, b}}
}

// Case builds CASE WHEN when THEN then … ELSE otherwise END from pairs of conditions and values.
func Case(otherwise any, pairs ...any) Node {
	checks := []any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		checks = append(checks, Node{"when_expr": pairs[i], "then_expr": pairs[i+1]})
	}
	return Node{"class": "CASE", "type": "CASE_EXPR", "alias": "", "query_location": noLocation, "case_checks": checks, "else_expr": otherwise}
}

// Compare builds a comparison such as COMPARE_EQUAL.
func Compare(kind string, left, right any) Node {
	return Node{"class": "COMPARISON", "type": kind, "alias": "", "query_location": noLocation, "left": left, "right": right}
}

// Subquery builds a table that is a query.
func Subquery(statement Node, alias string) Node {
	return Node{
		"type": "SUBQUERY", "alias": alias, "sample": nil, "query_location": noLocation,
		"subquery": statement, "column_name_alias": []any{},
	}
}

// SelectAll builds SELECT * FROM table.
func SelectAll(table Node) Node {
	star := Node{
		"class": "STAR", "type": "STAR", "alias": "", "query_location": noLocation, "relation_name": "",
		"exclude_list": []any{}, "replace_list": []any{}, "columns": false, "expr": nil,
		"qualified_exclude_list": []any{}, "rename_list": []any{},
	}
	return Node{
		"type": "SELECT_NODE", "modifiers": []any{}, "cte_map": Node{"map": []any{}}, "select_list": []any{star},
		"from_table": table, "where_clause": nil, "group_expressions": []any{}, "group_sets": []any{},
		"aggregate_handling": "STANDARD_HANDLING", "having": nil, "sample": nil, "qualify": nil,
	}
}

// Select builds a SELECT of expressions from a table.
func Select(table Node, list ...any) Node {
	n := SelectAll(table)
	n["select_list"] = list
	return n
}

// Nothing is the table of a SELECT without FROM.
func Nothing() Node {
	return Node{"type": "EMPTY", "alias": "", "sample": nil, "query_location": noLocation}
}

// Table builds a table by its last name.
func Table(name string) Node {
	return Node{
		"type": "BASE_TABLE", "alias": "", "sample": nil, "query_location": noLocation, "catalog_name": "", "schema_name": "",
		"table_name": name, "column_name_alias": []any{}, "at_clause": nil,
	}
}

// Document builds the document of one query, for Encode.
func Document(node Node) Node {
	return Node{"error": false, "statements": []any{Node{"node": node, "named_param_map": []any{}}}}
}

// Lambda builds a function of one argument.
func Lambda(param string, body any) Node {
	return Node{"class": "LAMBDA", "type": "LAMBDA", "alias": "", "query_location": noLocation, "lhs": Column(param), "expr": body}
}

// Limit builds the modifier LIMIT n.
func Limit(n int64) Node { return Node{"type": "LIMIT_MODIFIER", "limit": Int(n), "offset": nil} }

// Clone copies a tree.
func Clone(v any) any {
	switch t := v.(type) {
	case Node:
		c := make(Node, len(t))
		for k, x := range t {
			c[k] = Clone(x)
		}
		return c
	case []any:
		c := make([]any, len(t))
		for i, x := range t {
			c[i] = Clone(x)
		}
		return c
	default:
		return v
	}
}

// Each calls f for every object of the tree, parents first. The values of constants and the
// descriptions of types are not part of the tree: they hold no expressions.
func Each(v any, f func(Node)) {
	switch t := v.(type) {
	case []any:
		for _, x := range t {
			Each(x, f)
		}
	case Node:
		f(t)
		for k, x := range t {
			if (k == "value" && Class(t) == "CONSTANT") || k == "cast_type" {
				continue
			}
			Each(x, f)
		}
	}
}
