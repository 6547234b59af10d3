package worker

import (
	"context"
	"path"
	"sort"
	"strings"

	"github.com/lakegate/lakegate/sql/dialect"
	"github.com/lakegate/lakegate/sql/protocol"
)

// command answers SHOW and DESCRIBE from the catalog and the tables' logs, without the engine.
func (s *session) command(ctx context.Context, st *dialect.Statement, cat *catalog) (*protocol.Done, error) {
	switch st.Kind {
	case dialect.Describe, dialect.ShowColumns:
		return s.describe(ctx, st, cat)
	case dialect.History, dialect.Detail:
		return s.tablePast(ctx, st, cat)
	case dialect.ShowTables:
		return s.answer([]string{"database", "tableName", "isTemporary"}, cat.showTables(st))
	case dialect.ShowCatalogs:
		return s.answer([]string{"catalog"}, cat.distinct(st, 1))
	default:
		return s.answer([]string{"databaseName"}, cat.showSchemas(st))
	}
}

func (s *session) describe(ctx context.Context, st *dialect.Statement, cat *catalog) (*protocol.Done, error) {
	full, kind := cat.lookup(st.Name)
	if kind == noTable || kind == infoTable {
		return nil, cat.notFound(st.Name)
	}
	answer, err := s.need(ctx, &protocol.Need{All: true})
	if err != nil {
		return nil, err
	}
	for _, t := range answer.Shapes {
		if !strings.EqualFold(t.Schema.Name.String(), full) {
			continue
		}
		var rows [][]string
		for _, c := range t.Schema.Columns {
			if st.Kind == dialect.ShowColumns {
				rows = append(rows, []string{c.Name})
				continue
			}
			rows = append(rows, []string{c.Name, strings.ToLower(c.Type.SQL()), c.Comment})
		}
		if st.Kind == dialect.ShowColumns {
			return s.answer([]string{"col_name"}, rows)
		}
		return s.answer([]string{"col_name", "data_type", "comment"}, rows)
	}
	return nil, cat.notFound(st.Name)
}

// showTables lists the tables of one schema, or of every schema when none is named and the
// default has none.
func (c *catalog) showTables(st *dialect.Statement) [][]string {
	var rows [][]string
	for _, full := range c.names() {
		p := strings.SplitN(full, ".", 3)
		if !c.within(st.Name, p) || !like(st.Like, p[2]) {
			continue
		}
		rows = append(rows, []string{p[0] + "." + p[1], p[2], "false"})
	}
	return rows
}

// within reports whether a table is in the schema that was named: schema, or catalog.schema.
func (c *catalog) within(name, p []string) bool {
	switch len(name) {
	case 0:
		return true
	case 1:
		return strings.EqualFold(name[0], p[1])
	default:
		return strings.EqualFold(name[0], p[0]) && strings.EqualFold(name[1], p[1])
	}
}

func (c *catalog) showSchemas(st *dialect.Statement) [][]string {
	var rows [][]string
	for _, r := range c.distinct(&dialect.Statement{}, 2) {
		p := strings.SplitN(r[0], ".", 2)
		if (len(st.Name) == 0 || strings.EqualFold(st.Name[0], p[0])) && like(st.Like, p[1]) {
			rows = append(rows, []string{r[0]})
		}
	}
	return rows
}

// distinct returns the different first n parts of the readable names.
func (c *catalog) distinct(st *dialect.Statement, n int) [][]string {
	seen := map[string]bool{}
	for _, full := range c.names() {
		prefix := strings.Join(strings.SplitN(full, ".", 3)[:n], ".")
		if like(st.Like, prefix) {
			seen[prefix] = true
		}
	}
	var rows [][]string
	for p := range seen {
		rows = append(rows, []string{p})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][0] < rows[j][0] })
	return rows
}

// like matches SHOW's patterns: * for anything, | between alternatives.
func like(pattern, s string) bool {
	if pattern == "" {
		return true
	}
	for alt := range strings.SplitSeq(strings.ToLower(pattern), "|") {
		if ok, err := path.Match(strings.ReplaceAll(alt, "%", "*"), strings.ToLower(s)); err == nil && ok {
			return true
		}
	}
	return false
}

// answer sends a small table of text.
func (s *session) answer(columns []string, rows [][]string) (*protocol.Done, error) {
	cols := make([]protocol.Column, len(columns))
	for i, c := range columns {
		cols[i] = protocol.Column{Name: c, TypeName: "STRING", TypeText: "STRING"}
	}
	out := make([][]*string, len(rows))
	for i, r := range rows {
		for j := range r {
			out[i] = append(out[i], &r[j])
		}
	}
	return s.answerCells(cols, out)
}

// answerCells sends a small table.
func (s *session) answerCells(cols []protocol.Column, rows [][]*string) (*protocol.Done, error) {
	if err := s.conn.Send(&protocol.Message{Columns: &protocol.Columns{Columns: cols}}); err != nil {
		return nil, err
	}
	if err := s.conn.Send(&protocol.Message{Rows: &protocol.Rows{Rows: rows}}); err != nil {
		return nil, err
	}
	return &protocol.Done{Rows: int64(len(rows))}, nil
}
