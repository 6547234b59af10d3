package worker

import (
	"strings"

	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/ast"
)

// rawBounds moves comparisons of a timestamp with a constant from the WHERE of a SELECT over one table
// to where the table's files are read. There they compare the column as it is stored, instead of its
// conversion, which costs more than all else that the filter does. It returns the terms in SQL.
//
// Only what cannot mean anything else is moved: parts of a top-level AND, in a SELECT whose FROM is
// the table alone, so that the name of a column is a column of it.
func (s *scan) rawBounds(t *tableschema.Table, sel ast.Node) []string {
	if sel == nil || len(ast.List(s.node, "column_name_alias")) > 0 {
		return nil
	}
	where, _ := sel["where_clause"].(ast.Node)
	parts := []any{where}
	if ast.Str(where, "type") == "CONJUNCTION_AND" {
		parts = ast.Args(where)
	}
	var terms []string
	var rest any
	for _, p := range parts {
		n, _ := p.(ast.Node)
		if moved := s.rawTerms(t, n); moved != nil {
			terms = append(terms, moved...)
			continue
		}
		rest = ast.And(rest, p)
	}
	if len(terms) > 0 {
		sel["where_clause"] = rest
	}
	return terms
}

// rawTerms is a comparison as the files' reader takes it; nil for what stays.
func (s *scan) rawTerms(t *tableschema.Table, n ast.Node) []string {
	kind := ast.Str(n, "type")
	if kind == "COMPARE_BETWEEN" {
		lower, ok1 := s.rawTerm(t, n["input"], ">=", n["lower"])
		upper, ok2 := s.rawTerm(t, n["input"], "<=", n["upper"])
		if ok1 && ok2 {
			return []string{lower, upper}
		}
		return nil
	}
	op, ok := comparisons[kind]
	if !ok {
		return nil
	}
	if term, ok := s.rawTerm(t, n["left"], op, n["right"]); ok {
		return []string{term}
	}
	if term, ok := s.rawTerm(t, n["right"], mirrored[op], n["left"]); ok {
		return []string{term}
	}
	return nil
}

func (s *scan) rawTerm(t *tableschema.Table, column any, op string, constant any) (string, bool) {
	n, _ := column.(ast.Node)
	names := ast.List(n, "column_names")
	if ast.Class(n) != "COLUMN_REF" || len(names) == 0 || len(names) > 2 {
		return "", false
	}
	if table, _ := names[0].(string); len(names) == 2 && !strings.EqualFold(table, ast.Str(s.node, "alias")) {
		return "", false
	}
	name, _ := names[len(names)-1].(string)
	c, _, ok := t.Column(name)
	if !ok || c.Type.Kind != tableschema.Timestamp {
		return "", false
	}
	value, ok := typedText(constant, "TIMESTAMP")
	if !ok {
		value, ok = ast.StringConst(constant)
	}
	if !ok || !plainTime.MatchString(value) && !plainDate.MatchString(value) {
		return "", false
	}
	if plainDate.MatchString(value) {
		value += " 00:00:00"
	}
	return quoteIdent(c.Name) + " " + op + " CAST(" + quote(value+"+00") + " AS TIMESTAMP WITH TIME ZONE)", true
}

// selectsOf finds, for each scan, the SELECT whose FROM is that scan and nothing else.
func selectsOf(statement ast.Node) map[int]ast.Node {
	out := map[int]ast.Node{}
	ast.Each(statement, func(n ast.Node) {
		if ast.Str(n, "type") != "SELECT_NODE" {
			return
		}
		if from := ast.Child(n, "from_table"); from["sample"] == nil {
			if i, ok := scanOf(from); ok {
				out[i] = n
			}
		}
	})
	return out
}
