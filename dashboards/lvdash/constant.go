package lvdash

import (
	"fmt"
	"strings"
)

// constant is a value known before the query runs: text, a truth, or NULL.
type constant struct {
	text  string
	truth bool
	null  bool
}

// identifier evaluates IDENTIFIER(...), of which tokens is the part after the word, to a quoted
// name. Inside may stand strings, parameters, ||, CONCAT, CASE and the like: nothing that needs a
// row. It returns how many tokens that took, 0 when IDENTIFIER isn't called.
func (s *binder) identifier(tokens []token) (string, int, error) {
	i := skipSpace(tokens, 0)
	if i >= len(tokens) || !tokens[i].is("(") {
		return "", 0, nil
	}
	p := &exprParser{constants: true}
	end, depth := i, 0
	for ; end < len(tokens); end++ {
		if tokens[end].is("(") {
			depth++
		}
		if tokens[end].is(")") {
			if depth--; depth == 0 {
				break
			}
		}
		if tokens[end].kind != space {
			p.tokens = append(p.tokens, tokens[end])
		}
	}
	if end == len(tokens) {
		return "", 0, fmt.Errorf("IDENTIFIER( is never closed")
	}
	p.tokens = p.tokens[1:]
	e := p.or()
	if p.err == nil && p.i < len(p.tokens) {
		p.fail("%q is not expected there", p.tokens[p.i].text)
	}
	if p.err != nil {
		return "", 0, fmt.Errorf("IDENTIFIER(...): %w", p.err)
	}
	c, err := s.evaluate(e)
	if err != nil {
		return "", 0, fmt.Errorf("IDENTIFIER(...): %w", err)
	}
	name, err := tableName(c.text)
	return name, end + 1, err
}

func (s *binder) evaluate(e *expr) (constant, error) {
	switch e.op {
	case "text", "number":
		return constant{text: e.name}, nil
	case "word":
		return constant{truth: e.name == "TRUE", null: e.name == "NULL"}, nil
	case "marker":
		return s.constant(e.name)
	case "case":
		return s.evaluateCase(e)
	case "cast":
		return s.evaluate(e.args[0])
	}
	args := make([]constant, len(e.args))
	for i, a := range e.args {
		c, err := s.evaluate(a)
		if err != nil {
			return constant{}, err
		}
		args[i] = c
	}
	return operate(e, args)
}

// constant returns what a parameter or placeholder is set to.
func (s *binder) constant(written string) (constant, error) {
	if written[0] != ':' {
		v, err := s.template(written)
		return constant{text: v}, err
	}
	keyword, side, _ := strings.Cut(written[1:], ".")
	_, sel, err := s.lookup(keyword)
	switch {
	case err != nil:
		return constant{}, err
	case side == "min":
		return constant{text: sel.Min}, nil
	case side == "max":
		return constant{text: sel.Max}, nil
	case len(sel.Values) == 0 || sel.Values[0] == nil:
		return constant{null: true}, nil
	}
	return constant{text: *sel.Values[0]}, nil
}

func (s *binder) evaluateCase(e *expr) (constant, error) {
	args := e.args
	subject := constant{truth: true}
	if e.name == "simple" {
		c, err := s.evaluate(args[0])
		if err != nil {
			return c, err
		}
		subject, args = c, args[1:]
	}
	for len(args) >= 2 {
		c, err := s.evaluate(args[0])
		if err != nil {
			return c, err
		}
		if c == subject {
			return s.evaluate(args[1])
		}
		args = args[2:]
	}
	if e.negated {
		return s.evaluate(args[0])
	}
	return constant{null: true}, nil
}

// operate applies an operator or function to constants.
func operate(e *expr, args []constant) (constant, error) {
	switch e.op {
	case "OR":
		return constant{truth: args[0].truth || args[1].truth}, nil
	case "AND":
		return constant{truth: args[0].truth && args[1].truth}, nil
	case "not":
		return constant{truth: !args[0].truth}, nil
	case "isnull":
		return constant{truth: args[0].null != e.negated}, nil
	case "=", "<>":
		known := !args[0].null && !args[1].null
		return constant{truth: known && (args[0].text == args[1].text) == (e.op == "=")}, nil
	case "in":
		found := false
		for _, a := range args[1:] {
			found = found || !a.null && a.text == args[0].text
		}
		return constant{truth: found != e.negated}, nil
	case "||":
		return glue(args), nil
	case "call":
		return call(e.name, args)
	}
	return constant{}, fmt.Errorf("a name can't be made with %s", e.op)
}

func glue(args []constant) constant {
	var out constant
	for _, a := range args {
		if a.null {
			return constant{null: true}
		}
		out.text += a.text
	}
	return out
}

func call(name string, args []constant) (constant, error) {
	switch name {
	case "CONCAT":
		return glue(args), nil
	case "LOWER":
		return constant{text: strings.ToLower(args[0].text), null: args[0].null}, nil
	case "UPPER":
		return constant{text: strings.ToUpper(args[0].text), null: args[0].null}, nil
	case "TRIM":
		return constant{text: strings.TrimSpace(args[0].text), null: args[0].null}, nil
	case "IF":
		if args[0].truth {
			return args[1], nil
		}
		return args[2], nil
	case "COALESCE", "IFNULL", "NVL":
		for _, a := range args {
			if !a.null {
				return a, nil
			}
		}
		return constant{null: true}, nil
	}
	return constant{}, fmt.Errorf("a name can't be made with %s", name)
}
