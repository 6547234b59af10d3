// Package dialect translates Databricks SQL to DuckDB's, in three layers.
//
// Rewrite works on tokens, before the parser: backticks, double-quoted strings, escapes,
// :parameters, IDENTIFIER(), LATERAL VIEW and whatever else DuckDB's grammar would not take.
// Tree works on the parse tree: functions with another name, order of arguments or meaning, casts
// that truncate, arrays that start at 0. Macros holds the functions DuckDB lacks, as SQL macros to
// be created once; all of their names start with lg_, so none shadows a builtin.
//
// The package is about meaning, not about safety: what may run is decided by sql/guard on the
// tree, so a trick that fools the tokeniser gains nothing. The list of functions that may be
// called (functions.txt, LookupFunction) lives here because it is also the list of what is
// translated. Everything is pure and safe for concurrent use.
package dialect

import (
	"fmt"
	"strings"
)

// Param is the value of a :name marker. See protocol.Param for the meaning of the fields.
type Param struct {
	Name, Type string
	Value      *string
	Multi      bool
	Values     []string
}

// Kind says what a statement is.
type Kind int

// The kinds of statement that run.
const (
	Select Kind = iota
	ShowTables
	ShowSchemas
	ShowCatalogs
	ShowColumns
	Describe
	History // DESCRIBE HISTORY
	Detail  // DESCRIBE DETAIL
	Explain
)

// Statement is one statement after the token pass.
type Statement struct {
	Kind   Kind
	SQL    string   // for Select: text for DuckDB's parser; for Explain: the query as the caller wrote it
	Name   []string // for the others: the table or schema, in parts
	Limit  int      // of History, 0 for none
	Like   string   // SHOW ... LIKE pattern, "" for none
	Labels []string // names for the select list's unnamed columns, as the caller wrote them; nil when unsure

	params map[string]Param // markers in SQL, by the name the token pass gave them
	spans  []span
	source string
}

// span maps a place in the rewritten text to the place it came from.
type span struct{ out, in int }

// Error is a fault in the caller's text.
type Error struct {
	Message      string
	Line, Column int // from 1; 0 when there is no one place
	Refused      bool
	Unsupported  bool
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

func syntaxError(src string, pos int, format string, args ...any) *Error {
	line, col := place(src, pos)
	return &Error{Message: fmt.Sprintf(format, args...), Line: line, Column: col}
}

func refused(format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Refused: true}
}

func unsupported(format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Unsupported: true}
}

// Place translates a byte offset in the rewritten text to a line and a column, both from 1, of
// the caller's text.
func (s *Statement) Place(offset int) (line, column int) {
	in := 0
	for _, p := range s.spans {
		if p.out > offset {
			break
		}
		in = p.in
	}
	return place(s.source, in)
}

func place(src string, pos int) (line, column int) {
	before := src[:min(max(pos, 0), len(src))]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
}

// InsertAs returns the statement with AS put before the word at an offset of its text, and
// whether that makes sense: DuckDB takes fewer words as aliases without AS than Databricks does.
func (s *Statement) InsertAs(offset int) (*Statement, bool) {
	if offset <= 0 || offset >= len(s.SQL) || !isIdentStart(rune(s.SQL[offset])) {
		return nil, false
	}
	before := strings.ToUpper(strings.TrimSpace(s.SQL[:offset]))
	if before == "" || strings.HasSuffix(before, " AS") || strings.HasSuffix(before, ",") {
		return nil, false
	}
	end := offset
	for end < len(s.SQL) && isIdentPart(rune(s.SQL[end])) {
		end++
	}
	c := *s
	c.SQL = s.SQL[:offset] + `AS "` + s.SQL[offset:end] + `"` + s.SQL[end:]
	c.spans = make([]span, len(s.spans))
	for i, p := range s.spans {
		if p.out > offset {
			p.out += len(`AS ""`)
		}
		c.spans[i] = p
	}
	return &c, true
}
