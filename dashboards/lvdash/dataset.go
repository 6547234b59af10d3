package lvdash

import (
	"fmt"
	"regexp"
	"strings"
)

// clean makes one statement of what the author wrote: it drops the SET and DECLARE statements that
// Databricks lets stand before a query, and the semicolon at its end. It returns what it dropped.
func clean(sql string) (kept []token, dropped []string, err error) {
	var statements [][]token
	var current []token
	for _, t := range lex(sql) {
		if t.is(";") {
			statements, current = append(statements, current), nil
			continue
		}
		current = append(current, t)
	}
	statements = append(statements, current)
	for _, st := range statements {
		first := firstWord(st)
		switch {
		case first == "":
		case first == "SET" || first == "DECLARE":
			dropped = append(dropped, strings.TrimSpace(join(st)))
		case kept != nil:
			return nil, nil, fmt.Errorf("holds more than one statement")
		default:
			kept = st
		}
	}
	if kept == nil {
		return nil, nil, fmt.Errorf("has no query")
	}
	return kept, dropped, nil
}

// firstWord is the first word in capitals, or the first sign; "" when there is only space.
func firstWord(tokens []token) string {
	for _, t := range tokens {
		if t.kind != space {
			return strings.ToUpper(t.text)
		}
	}
	return ""
}

func join(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.text)
	}
	return b.String()
}

// source returns the dataset's SQL, of the table it names if it has none.
func (ds *Dataset) source() (string, error) {
	if strings.TrimSpace(ds.SQL) != "" {
		return ds.SQL, nil
	}
	if ds.Asset == "" {
		return "", fmt.Errorf("the dataset %s has neither a query nor a table", ds.Title)
	}
	name, err := tableName(ds.Asset)
	if err != nil {
		return "", fmt.Errorf("the dataset %s: %w", ds.Title, err)
	}
	return "SELECT * FROM " + name, nil
}

var namePart = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$`)

// tableName checks and quotes a name of one to three parts.
func tableName(s string) (string, error) {
	parts := strings.Split(s, ".")
	if len(parts) > 3 {
		return "", fmt.Errorf("%q is not a table name: it has more than three parts", printable(s))
	}
	for i, p := range parts {
		p = strings.Trim(strings.TrimSpace(p), "`")
		if !namePart.MatchString(p) {
			return "", fmt.Errorf("%q is not a table name", printable(s))
		}
		parts[i] = quoteName(p)
	}
	return strings.Join(parts, "."), nil
}

// keywords that may stand where a table name is looked for.
var notTables = map[string]bool{
	"SELECT": true, "LATERAL": true, "VALUES": true, "UNNEST": true, "WITH": true, "ONLY": true, "TABLE": true,
	"IDENTIFIER": true, "RANGE": true, "EXPLODE": true,
}

// tables lists the tables a query reads: the names after FROM and JOIN that it doesn't define itself.
// It is for reports and errs on the side of listing.
func tables(tokens []token) []string {
	var toks []token
	for _, t := range tokens {
		if t.kind != space {
			toks = append(toks, t)
		}
	}
	own := ctes(toks)
	var out []string
	seen := map[string]bool{}
	for i := range toks {
		if !toks[i].is("FROM") && !toks[i].is("JOIN") {
			continue
		}
		if toks[i].is("FROM") && inExtract(toks, i) {
			continue
		}
		name, _ := dotted(toks, i+1)
		lower := strings.ToLower(name)
		if name == "" || own[lower] || seen[lower] || notTables[strings.ToUpper(name)] {
			continue
		}
		seen[lower] = true
		out = append(out, name)
	}
	return out
}

// inExtract tells the FROM of EXTRACT(x FROM y) and TRIM(x FROM y) from that of a query.
func inExtract(toks []token, i int) bool {
	for j := i - 1; j >= 0 && j >= i-4; j-- {
		if toks[j].is("(") && j > 0 && (toks[j-1].is("EXTRACT") || toks[j-1].is("TRIM") || toks[j-1].is("SUBSTRING")) {
			return true
		}
	}
	return false
}

// ctes returns the names a query defines with WITH name AS ( and , name AS (.
func ctes(toks []token) map[string]bool {
	out := map[string]bool{}
	for i := 2; i < len(toks); i++ {
		if toks[i].is("(") && toks[i-1].is("AS") && (toks[i-2].kind == word || toks[i-2].kind == quoted) {
			out[strings.ToLower(plainName(toks[i-2]))] = true
		}
	}
	return out
}

func plainName(t token) string {
	if t.kind == quoted {
		return unquote(t.text)
	}
	return t.text
}

// dotted reads a name of several parts at i and returns how many tokens it has.
func dotted(toks []token, i int) (string, int) {
	var parts []string
	n := 0
	for i+n < len(toks) {
		t := toks[i+n]
		if t.kind != word && t.kind != quoted && t.kind != template {
			break
		}
		parts = append(parts, plainName(t))
		n++
		if i+n >= len(toks) || !toks[i+n].is(".") {
			break
		}
		n++
	}
	return strings.Join(parts, "."), n
}
