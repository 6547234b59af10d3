package worker

import (
	"strings"

	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/ast"
)

// columnSet is the names a query mentions, in lower case; nil stands for every column. Binding a
// table costs time per column, so tables are given only those columns a query may mean.
type columnSet map[string]bool

// usedColumns returns the columns a tree mentions. Whatever can mean columns without naming them
// (a star, a natural join, PIVOT, #1, a whole row by its table's name) makes it all of them.
func usedColumns(tree ast.Node) columnSet {
	used, tables := columnSet{}, map[string]bool{}
	single := map[string]bool{}
	everything := false
	ast.Each(tree, func(n ast.Node) {
		switch ast.Class(n) {
		case "COLUMN_REF":
			names := ast.List(n, "column_names")
			for _, p := range names {
				s, _ := p.(string)
				used[strings.ToLower(s)] = true
			}
			if len(names) == 1 {
				s, _ := names[0].(string)
				single[strings.ToLower(s)] = true
			}
		case "STAR", "POSITIONAL_REFERENCE":
			everything = true
		}
		switch ast.Str(n, "type") {
		case "PIVOT":
			everything = true
		case "JOIN":
			everything = everything || ast.Str(n, "ref_type") == "NATURAL"
			for _, c := range ast.List(n, "using_columns") {
				s, _ := c.(string)
				used[strings.ToLower(s)] = true
			}
		case "BASE_TABLE":
			tables[strings.ToLower(ast.Str(n, "alias"))] = true
			tables[strings.ToLower(ast.Str(n, "table_name"))] = true
			everything = everything || len(ast.List(n, "column_name_alias")) > 0
		}
	})
	for name := range single {
		everything = everything || tables[name]
	}
	if everything {
		return nil
	}
	return used
}

// only returns the table with the columns of a set, and at least one that is in the files.
func (c columnSet) only(t *tableschema.Table) *tableschema.Table {
	if c == nil {
		return t
	}
	cut := *t
	cut.Columns = nil
	stored := 0
	for _, col := range t.Columns {
		if c[strings.ToLower(col.Name)] {
			cut.Columns = append(cut.Columns, col)
			if col.Name != t.PartitionBy {
				stored++
			}
		}
	}
	for _, col := range t.Columns {
		if stored == 0 && col.Name != t.PartitionBy {
			cut.Columns = append(cut.Columns, col)
			stored++
		}
	}
	return &cut
}

// prune drops what a view computes and nobody asks for. A view that groups keeps everything: its
// columns decide its rows.
func (c columnSet) prune(node ast.Node) {
	if c == nil || ast.Str(node, "type") != "SELECT_NODE" || len(ast.List(node, "group_expressions")) > 0 || len(ast.List(node, "modifiers")) > 0 {
		return
	}
	list := ast.List(node, "select_list")
	var kept []any
	for _, item := range list {
		n, _ := item.(ast.Node)
		name := ast.Str(n, "alias")
		if names := ast.List(n, "column_names"); name == "" && len(names) > 0 {
			name, _ = names[len(names)-1].(string)
		}
		if c[strings.ToLower(name)] {
			kept = append(kept, item)
		}
	}
	if len(kept) == 0 {
		kept = list[:1]
	}
	node["select_list"] = kept
}
