package dialect

import (
	"strconv"
	"strings"
)

// advice says what to do instead of a statement that is not a query.
var advice = map[string]string{
	"set":     "SET is not allowed: settings are fixed",
	"reset":   "RESET is not allowed: settings are fixed",
	"use":     "USE is not supported: give the catalog and schema with the request, or write names in three parts",
	"pivot":   "the PIVOT statement is not supported: write SELECT * FROM t PIVOT (...)",
	"unpivot": "the UNPIVOT statement is not supported: write SELECT * FROM t UNPIVOT (...)",
}

// command recognises statements that are not SELECT: it returns one that runs, an error that says
// why it does not, or neither for a SELECT.
func command(src string, in []token) (*Statement, *Error) {
	first := in[0]
	if first.kind == symbol && first.text == "(" || first.kind == word && queryStart[first.low] {
		return nil, nil
	}
	if first.kind != word {
		return nil, syntaxError(src, first.pos, "syntax error at %q: expected SELECT", first.text)
	}
	switch first.low {
	case "show":
		return show(src, in)
	case "describe", "desc":
		return describe(src, in)
	case "explain":
		return explain(src, in)
	}
	if a := advice[first.low]; a != "" {
		return nil, refused("%s", a)
	}
	return nil, refused("only SELECT is allowed, not %s: SQL here is read-only, one statement at a time", strings.ToUpper(first.text))
}

func show(src string, in []token) (*Statement, *Error) {
	st := &Statement{source: src}
	what, rest := "", in[1:]
	if len(rest) > 0 {
		what, rest = rest[0].low, rest[1:]
	}
	switch what {
	case "tables", "views":
		st.Kind = ShowTables
	case "schemas", "databases":
		st.Kind = ShowSchemas
	case "catalogs":
		st.Kind = ShowCatalogs
	case "columns":
		st.Kind = ShowColumns
	default:
		return nil, unsupported("SHOW %s is not supported; SHOW TABLES, SCHEMAS, CATALOGS and COLUMNS are", strings.ToUpper(what))
	}
	if len(rest) > 0 && (rest[0].low == "in" || rest[0].low == "from") {
		var err *Error
		if st.Name, rest, err = commandName(src, rest[1:]); err != nil {
			return nil, err
		}
	}
	if len(rest) > 0 && rest[0].low == "like" {
		rest = rest[1:]
	}
	if len(rest) == 1 && rest[0].kind == text {
		st.Like, rest = rest[0].low, nil
	}
	if len(rest) > 0 {
		return nil, syntaxError(src, rest[0].pos, "syntax error at %q", rest[0].text)
	}
	if st.Kind == ShowColumns && st.Name == nil {
		return nil, syntaxError(src, in[0].pos, "SHOW COLUMNS needs a table: SHOW COLUMNS IN t")
	}
	return st, nil
}

func describe(src string, in []token) (*Statement, *Error) {
	rest := in[1:]
	for len(rest) > 0 && rest[0].kind == word && (rest[0].low == "table" || rest[0].low == "extended" || rest[0].low == "formatted") {
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0].kind == word {
		switch rest[0].low {
		case "history":
			return tableCommand(src, History, rest[1:])
		case "detail":
			return tableCommand(src, Detail, rest[1:])
		case "select", "with", "query", "function", "schema", "database", "catalog":
			return nil, unsupported("DESCRIBE %s is not supported; DESCRIBE TABLE is", strings.ToUpper(rest[0].text))
		}
	}
	name, rest, err := commandName(src, rest)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, syntaxError(src, rest[0].pos, "syntax error at %q", rest[0].text)
	}
	return &Statement{Kind: Describe, Name: name, source: src}, nil
}

// tableCommand is DESCRIBE HISTORY t [LIMIT n] and DESCRIBE DETAIL t.
func tableCommand(src string, what Kind, in []token) (*Statement, *Error) {
	name, rest, err := commandName(src, in)
	if err != nil {
		return nil, err
	}
	st := &Statement{Kind: what, Name: name, source: src}
	if what == History && len(rest) == 2 && rest[0].low == "limit" && rest[1].kind == number {
		if st.Limit, _ = strconv.Atoi(rest[1].text); st.Limit > 0 {
			return st, nil
		}
		return nil, syntaxError(src, rest[1].pos, "LIMIT takes a whole number above 0")
	}
	if len(rest) > 0 {
		return nil, syntaxError(src, rest[0].pos, "syntax error at %q", rest[0].text)
	}
	return st, nil
}

// explain is EXPLAIN SELECT …: the text of the query is in SQL, as the caller wrote it.
func explain(src string, in []token) (*Statement, *Error) {
	rest := in[1:]
	for len(rest) > 0 && rest[0].kind == word && explainModes[rest[0].low] {
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0].text != "(" && !queryStart[rest[0].low] {
		return nil, refused("EXPLAIN takes a query: EXPLAIN SELECT ...")
	}
	return &Statement{Kind: Explain, SQL: src[rest[0].pos:], source: src}, nil
}

var explainModes = wordSet("extended formatted cost codegen")

// commandName reads a dotted name.
func commandName(src string, in []token) (parts []string, rest []token, err *Error) {
	for {
		if len(in) == 0 {
			return nil, nil, syntaxError(src, len(src), "a name is missing at the end")
		}
		switch t := in[0]; t.kind {
		case quoted:
			parts = append(parts, strings.ReplaceAll(t.text[1:len(t.text)-1], `""`, `"`))
		case word:
			parts = append(parts, t.text)
		default:
			return nil, nil, syntaxError(src, t.pos, "expected a name at %q", t.text)
		}
		in = in[1:]
		if len(in) == 0 || in[0].text != "." {
			return parts, in, nil
		}
		in = in[1:]
	}
}
