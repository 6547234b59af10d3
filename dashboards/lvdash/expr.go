package lvdash

import (
	"fmt"
	"strings"
)

// expr is a parsed expression of the file: a tree that can only be what the language allows.
type expr struct {
	op       string // column, number, text, word (TRUE, NULL), marker, call, case, cast, in, between, isnull, not, neg, or a binary operator
	name     string // of a column or function; a number or text itself; the type of a cast
	args     []*expr
	distinct bool // COUNT(DISTINCT x)
	negated  bool // NOT IN, NOT BETWEEN, NOT LIKE, IS NOT NULL
}

// associative is a column that isn't there: Databricks asks with it whether a row passes the
// other filters.
const associative = "associative_filter_predicate_group"

// maxExpression bounds an expression, in bytes; the longest of the corpus has about 900.
const maxExpression = 20_000

// parseExpr parses one expression of a field, filter, order or measure.
func parseExpr(s string) (*expr, error) {
	if len(s) > maxExpression {
		return nil, fmt.Errorf("the expression has %d bytes; the most is %d", len(s), maxExpression)
	}
	p := &exprParser{}
	for _, t := range lex(s) {
		if t.kind != space {
			p.tokens = append(p.tokens, t)
		}
	}
	e := p.or()
	if p.err == nil && p.i < len(p.tokens) {
		p.fail("%q is not expected there", p.tokens[p.i].text)
	}
	if p.err != nil {
		return nil, fmt.Errorf("expression %s: %w", printable(s), p.err)
	}
	return e, nil
}

// exprParser is a recursive descent over tokens; after the first error it only returns.
type exprParser struct {
	tokens    []token
	i         int
	depth     int
	constants bool // parameters may stand in it, and columns may not
	err       error
}

func (p *exprParser) fail(format string, args ...any) *expr {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.i = len(p.tokens)
	return &expr{op: "word", name: "NULL"}
}

func (p *exprParser) peek() token {
	if p.i < len(p.tokens) {
		return p.tokens[p.i]
	}
	return token{}
}

// take moves over the words or signs if they come next.
func (p *exprParser) take(ss ...string) bool {
	for j, s := range ss {
		if p.i+j >= len(p.tokens) || !p.tokens[p.i+j].is(s) {
			return false
		}
	}
	p.i += len(ss)
	return true
}

func (p *exprParser) want(s string) {
	if !p.take(s) {
		if p.i >= len(p.tokens) {
			p.fail("it ends where %q should stand", s)
			return
		}
		p.fail("%q stands where %q should", p.peek().text, s)
	}
}

func (p *exprParser) or() *expr {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > 60 {
		return p.fail("it is nested too deeply")
	}
	e := p.and()
	for p.take("OR") {
		e = &expr{op: "OR", args: []*expr{e, p.and()}}
	}
	return e
}

func (p *exprParser) and() *expr {
	e := p.not()
	for p.take("AND") {
		e = &expr{op: "AND", args: []*expr{e, p.not()}}
	}
	return e
}

func (p *exprParser) not() *expr {
	if p.take("NOT") {
		p.depth++
		defer func() { p.depth-- }()
		if p.depth > 60 {
			return p.fail("it is nested too deeply")
		}
		return &expr{op: "not", args: []*expr{p.not()}}
	}
	return p.comparison()
}

var comparisons = []struct{ written, means string }{
	{"=", "="}, {"==", "="}, {"<>", "<>"}, {"!=", "<>"}, {"<=", "<="}, {">=", ">="}, {"<", "<"}, {">", ">"},
}

func (p *exprParser) comparison() *expr {
	e := p.sum()
	for _, op := range comparisons {
		if p.take(op.written) {
			return &expr{op: op.means, args: []*expr{e, p.sum()}}
		}
	}
	if p.take("IS") {
		neg := p.take("NOT")
		p.want("NULL")
		return &expr{op: "isnull", negated: neg, args: []*expr{e}}
	}
	neg := p.take("NOT")
	switch {
	case p.take("IN"):
		p.want("(")
		return &expr{op: "in", negated: neg, args: append([]*expr{e}, p.list()...)}
	case p.take("BETWEEN"):
		low := p.sum()
		p.want("AND")
		return &expr{op: "between", negated: neg, args: []*expr{e, low, p.sum()}}
	case p.take("LIKE"):
		return &expr{op: "LIKE", negated: neg, args: []*expr{e, p.sum()}}
	}
	if neg {
		return p.fail("NOT is followed by neither IN, BETWEEN nor LIKE")
	}
	return e
}

// list parses up to the closing parenthesis; the opening one was taken.
func (p *exprParser) list() []*expr {
	var out []*expr
	if p.take(")") {
		return out
	}
	for {
		out = append(out, p.or())
		if !p.take(",") {
			p.want(")")
			return out
		}
	}
}

func (p *exprParser) sum() *expr {
	e := p.product()
	for {
		switch {
		case p.take("+"):
			e = &expr{op: "+", args: []*expr{e, p.product()}}
		case p.take("-"):
			e = &expr{op: "-", args: []*expr{e, p.product()}}
		case p.take("||"):
			e = &expr{op: "||", args: []*expr{e, p.product()}}
		default:
			return e
		}
	}
}

func (p *exprParser) product() *expr {
	e := p.unary()
	for {
		switch {
		case p.take("*"):
			e = &expr{op: "*", args: []*expr{e, p.unary()}}
		case p.take("/"):
			e = &expr{op: "/", args: []*expr{e, p.unary()}}
		case p.take("%"):
			e = &expr{op: "%", args: []*expr{e, p.unary()}}
		default:
			return e
		}
	}
}

func (p *exprParser) unary() *expr {
	if p.take("-") {
		p.depth++
		defer func() { p.depth-- }()
		if p.depth > 60 {
			return p.fail("it is nested too deeply")
		}
		return &expr{op: "neg", args: []*expr{p.unary()}}
	}
	return p.primary()
}

func (p *exprParser) primary() *expr {
	t := p.peek()
	switch {
	case p.i >= len(p.tokens):
		return p.fail("it ends too early")
	case p.take("("):
		e := p.or()
		p.want(")")
		return e
	case t.kind == num:
		p.i++
		return &expr{op: "number", name: t.text}
	case t.kind == str:
		p.i++
		return &expr{op: "text", name: unquote(t.text)}
	case p.constants && (t.kind == marker || t.kind == template):
		p.i++
		return &expr{op: "marker", name: t.text}
	case t.kind == quoted:
		return p.column()
	case t.kind == word:
		return p.word()
	}
	return p.fail("%q is not expected there", t.text)
}

// column parses `a` and `a`.`b`.
func (p *exprParser) column() *expr {
	e := &expr{op: "column"}
	if p.constants {
		return p.fail("the column %s is not known before the query runs", printable(p.peek().text))
	}
	for {
		t := p.peek()
		if t.kind != quoted && t.kind != word {
			return p.fail("a column name is missing")
		}
		p.i++
		name := t.text
		if t.kind == quoted {
			name = unquote(t.text)
		}
		e.args = append(e.args, &expr{name: name})
		if !p.take(".") {
			return e
		}
	}
}

func (p *exprParser) word() *expr {
	switch {
	case p.take("CASE"):
		return p.caseWhen()
	case p.take("CAST"):
		return p.cast()
	}
	for _, w := range []string{"TRUE", "FALSE", "NULL"} {
		if p.take(w) {
			return &expr{op: "word", name: w}
		}
	}
	if p.i+1 < len(p.tokens) && p.tokens[p.i+1].is("(") {
		return p.call()
	}
	return p.column()
}

func (p *exprParser) call() *expr {
	name := strings.ToUpper(p.peek().text)
	if _, known := functions[name]; !known {
		return p.fail("the function %s is not one a dashboard may use in an expression", printable(name))
	}
	p.i += 2
	e := &expr{op: "call", name: name, distinct: p.take("DISTINCT")}
	if name == "COUNT" && p.take("*") {
		p.want(")")
		e.args = []*expr{{op: "column", args: []*expr{{name: "*"}}}}
	} else {
		e.args = p.list()
	}
	if p.err == nil {
		if err := functions[name].check(e); err != nil {
			return p.fail("%w", err)
		}
	}
	return e
}

func (p *exprParser) caseWhen() *expr {
	e := &expr{op: "case"}
	if !p.peek().is("WHEN") {
		e.name = "simple" // CASE x WHEN ...
		e.args = append(e.args, p.or())
	}
	for p.take("WHEN") {
		e.args = append(e.args, p.or())
		p.want("THEN")
		e.args = append(e.args, p.or())
	}
	if p.take("ELSE") {
		e.negated = true // has an else
		e.args = append(e.args, p.or())
	}
	p.want("END")
	return e
}

var castTypes = map[string]bool{
	"STRING": true, "INT": true, "BIGINT": true, "LONG": true, "DOUBLE": true, "FLOAT": true,
	"DATE": true, "TIMESTAMP": true, "BOOLEAN": true,
}

func (p *exprParser) cast() *expr {
	p.want("(")
	e := &expr{op: "cast", args: []*expr{p.or()}}
	p.want("AS")
	e.name = strings.ToUpper(p.peek().text)
	if !castTypes[e.name] {
		return p.fail("CAST to %s is not one a dashboard may use", printable(p.peek().text))
	}
	if e.name == "LONG" {
		e.name = "BIGINT"
	}
	p.i++
	p.want(")")
	return e
}

// unquote returns what a quoted token means: doubled quotes and backslash escapes resolved, the
// latter not in `identifiers`.
func unquote(s string) string {
	q := s[0]
	s = s[1:]
	s = strings.TrimSuffix(s, string(q))
	if q == '`' {
		return strings.ReplaceAll(s, "``", "`")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(unescape(s[i]))
		case s[i] == q && i+1 < len(s) && s[i+1] == q:
			i++
			b.WriteByte(q)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	}
	return c
}
