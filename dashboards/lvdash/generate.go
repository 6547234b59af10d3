package lvdash

import (
	"fmt"
	"strings"
)

// generator writes expressions as Databricks SQL over the columns of one dataset.
type generator struct {
	dataset *Dataset
	binds   *binds
	passes  string // predicate that stands for associative; "" for TRUE
	inside  []string
	err     error
}

// sql parses and writes one expression.
func (g *generator) sql(source string) (string, *expr, error) {
	e, err := parseExpr(source)
	if err != nil {
		return "", nil, err
	}
	s := g.write(e)
	return s, e, g.err
}

func (g *generator) fail(format string, args ...any) string {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
	return "NULL"
}

func (g *generator) write(e *expr) string {
	switch e.op {
	case "column":
		return g.column(e)
	case "number", "word":
		return e.name
	case "text":
		return g.text(e.name)
	case "call":
		return g.call(e)
	case "case":
		return g.caseWhen(e)
	case "cast":
		return "CAST(" + g.write(e.args[0]) + " AS " + e.name + ")"
	case "in":
		return g.in(e)
	case "between":
		return "(" + g.write(e.args[0]) + not(e) + " BETWEEN " + g.write(e.args[1]) + " AND " + g.write(e.args[2]) + ")"
	case "LIKE":
		return "(" + g.write(e.args[0]) + not(e) + " LIKE " + g.write(e.args[1]) + ")"
	case "isnull":
		return "(" + g.write(e.args[0]) + " IS" + not(e) + " NULL)"
	case "not":
		return "(NOT " + g.write(e.args[0]) + ")"
	case "neg":
		return "(- " + g.write(e.args[0]) + ")"
	}
	return "(" + g.write(e.args[0]) + " " + e.op + " " + g.write(e.args[1]) + ")"
}

func not(e *expr) string {
	if e.negated {
		return " NOT"
	}
	return ""
}

func (g *generator) column(e *expr) string {
	if len(e.args) == 1 && e.args[0].name == associative {
		if g.passes == "" {
			return "TRUE"
		}
		return g.passes
	}
	parts := make([]string, len(e.args))
	for i, a := range e.args {
		parts[i] = quoteName(a.name)
	}
	return strings.Join(parts, ".")
}

// quoteName writes an identifier that can't end early.
func quoteName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// text writes a string: as a literal when every dialect reads it alike, else as a parameter.
func (g *generator) text(s string) string {
	if plain(s) {
		return "'" + s + "'"
	}
	return g.binds.add(s, "STRING")
}

func plain(s string) bool {
	for _, r := range s {
		if r == '\'' || r == '\\' || r == '"' || r < ' ' || r > '~' {
			return false
		}
	}
	return true
}

func (g *generator) call(e *expr) string {
	arg := func(i int) string { return g.write(e.args[i]) }
	switch e.name {
	case "COUNT":
		if c := e.args[0]; c.op == "column" && len(c.args) == 1 && c.args[0].name == "*" {
			return "COUNT(*)"
		}
	case "DATE_TRUNC":
		return "DATE_TRUNC('" + strings.ToUpper(e.args[0].name) + "', " + arg(1) + ")"
	case "PERCENTILE":
		return "PERCENTILE_CONT(" + e.args[1].name + ") WITHIN GROUP (ORDER BY " + arg(0) + ")"
	case "BIN_FLOOR":
		return "(FLOOR(" + arg(0) + " / " + e.args[1].name + ") * " + e.args[1].name + ")"
	case "TRY_DIVIDE":
		return "(" + arg(0) + " / NULLIF(" + arg(1) + ", 0))"
	case "IF":
		return "(CASE WHEN " + arg(0) + " THEN " + arg(1) + " ELSE " + arg(2) + " END)"
	case "IFNULL", "NVL":
		return "COALESCE(" + arg(0) + ", " + arg(1) + ")"
	case "MEASURE":
		return g.measure(e.args[0])
	}
	args := make([]string, len(e.args))
	for i := range e.args {
		args[i] = arg(i)
	}
	distinct := ""
	if e.distinct {
		distinct = "DISTINCT "
	}
	return e.name + "(" + distinct + strings.Join(args, ", ") + ")"
}

// measure writes the expression that the dataset calls by this name.
func (g *generator) measure(e *expr) string {
	if e.op != "column" {
		return g.fail("MEASURE needs a name")
	}
	name := e.args[len(e.args)-1].name
	for _, outer := range g.inside {
		if outer == name {
			return g.fail("the measure %s is defined by itself", printable(name))
		}
	}
	for _, m := range g.dataset.Measures {
		if !strings.EqualFold(m.Name, name) {
			continue
		}
		x, err := parseExpr(m.Expression)
		if err != nil {
			return g.fail("measure %s: %w", printable(name), err)
		}
		g.inside = append(g.inside, name)
		s := g.write(x)
		g.inside = g.inside[:len(g.inside)-1]
		return "(" + s + ")"
	}
	if g.dataset.Asset != "" { // a metric view has measures of its own
		return "MEASURE(" + quoteName(name) + ")"
	}
	return g.fail("the dataset %s defines no measure %s", g.dataset.Title, printable(name))
}

func (g *generator) caseWhen(e *expr) string {
	var b strings.Builder
	b.WriteString("(CASE")
	args := e.args
	if e.name == "simple" {
		b.WriteString(" " + g.write(args[0]))
		args = args[1:]
	}
	for len(args) >= 2 {
		b.WriteString(" WHEN " + g.write(args[0]) + " THEN " + g.write(args[1]))
		args = args[2:]
	}
	if e.negated {
		b.WriteString(" ELSE " + g.write(args[0]))
	}
	b.WriteString(" END)")
	return b.String()
}

func (g *generator) in(e *expr) string {
	if len(e.args) == 1 { // an empty list holds nothing
		if e.negated {
			return "TRUE"
		}
		return "FALSE"
	}
	var xs []string
	for _, a := range e.args[1:] {
		xs = append(xs, g.write(a))
	}
	return "(" + g.write(e.args[0]) + not(e) + " IN (" + strings.Join(xs, ", ") + "))"
}
