package dialect

import "strings"

var queryStart = wordSet("select with from values table")

// word rewrites what a word begins.
func (r *rewriter) word(t token) *Error {
	next := r.at(1)
	call := next.kind == symbol && next.text == "("
	afterDot := r.last().kind == symbol && r.last().text == "."
	if afterDot {
		r.emit(t)
		r.i++
		return nil
	}
	switch {
	case t.low == "identifier" && call:
		return r.identifier(t)
	case r.typeName(t):
		return nil
	case call && r.call(t):
		return nil
	case r.infix(t):
		return nil
	case r.clause(t):
		return nil
	case t.low == "as" && r.structField():
		return nil
	}
	r.emit(t)
	r.i++
	return nil
}

// call rewrites names that DuckDB's grammar does not take in front of a bracket.
func (r *rewriter) call(t token) bool {
	inner := r.at(2)
	subquery := inner.kind == word && queryStart[inner.low] || inner.text == "("
	last := r.last()
	typePlace := last.low == "as" && last.kind == word || last.text == "::"
	switch {
	case typePlace:
		return false
	case t.low == "exists" && !subquery:
		r.put(t, word, "lg_exists")
	case t.low == "struct":
		r.put(t, word, "struct")
	case (t.low == "any" || t.low == "some") && (last.kind == symbol && strings.Contains("= < > <= >= <> !=", last.text) || last.low == "like" || last.low == "ilike"):
		return false
	case t.low == "array" && subquery:
		return false
	case keywordCalls[t.low] != "":
		r.put(t, word, keywordCalls[t.low])
	case castCalls[t.low] != "" && !(t.low == "decimal" && inner.kind == number):
		r.put(t, word, "CAST")
		r.i++
		r.open(r.in[r.i])
		r.i++
		r.frames[len(r.frames)-1].castType = castCalls[t.low]
		return true
	case unitCalls[t.low] && inner.kind == word && timeUnits[inner.low] && r.at(3).text == ",":
		r.emit(t)
		r.i++
		r.open(r.in[r.i])
		r.emit(textToken(inner.low, inner.pos))
		r.i += 2
		return true
	default:
		return false
	}
	r.i++
	return true
}

// infix rewrites operators that are words.
func (r *rewriter) infix(t token) bool {
	last := r.last()
	switch {
	case t.low == "div" && endsOperand(last):
		r.put(t, symbol, "//")
	case t.low == "rlike" || t.low == "regexp":
		negated := last.low == "not" && last.kind == word
		if negated {
			r.out = r.out[:len(r.out)-1]
		}
		if !endsOperand(r.last()) {
			if negated {
				r.emit(last)
			}
			return false
		}
		op := "~"
		if negated {
			op = "!~"
		}
		r.put(t, symbol, op)
	default:
		return false
	}
	r.i++
	return true
}

// clause rewrites words of clauses.
func (r *rewriter) clause(t token) bool {
	next := r.at(1)
	switch {
	case t.low == "except" && r.last().text == "*" && next.text == "(" && !queryStart[r.at(2).low]:
		r.put(t, word, "EXCLUDE")
	case t.low == "left" && next.kind == word && (next.low == "semi" || next.low == "anti"):
		// LEFT SEMI JOIN is SEMI JOIN
	case t.low == "sort" && next.low == "by":
		r.put(t, word, "ORDER")
	case t.low == "lateral" && next.kind == word && r.at(2).text == "(":
		// LATERAL f(x): DuckDB's table functions see the tables before them anyway
	case t.low == "minus" && endsOperand(r.last()) && queryStart[next.low]:
		r.put(t, word, "EXCEPT")
	default:
		return false
	}
	r.i++
	return true
}

// structField turns struct(x AS name) into struct(name := x).
func (r *rewriter) structField() bool {
	n := len(r.frames)
	if n == 0 || r.frames[n-1].call != "struct" {
		return false
	}
	name, after := r.at(1), r.at(2)
	if (name.kind != word && name.kind != quoted) || (after.text != "," && after.text != ")") {
		return false
	}
	start := r.frames[n-1].argStart
	arg := append([]token(nil), r.out[start:]...)
	r.out = r.out[:start]
	label := name.text
	if name.kind == word {
		label = quoteIdent(name.text)
	}
	r.put(name, quoted, label)
	r.put(name, symbol, ":=")
	r.emit(arg...)
	r.i += 2
	return true
}

// typeName rewrites ARRAY<…>, MAP<…> and STRUCT<…> after AS or ::.
func (r *rewriter) typeName(t token) bool {
	last := r.last()
	if !(last.kind == word && last.low == "as" || last.text == "::") || r.at(1).text != "<" {
		return false
	}
	ty, rest, err := parseType(r.src[t.pos:])
	if err != nil {
		return false
	}
	end := len(r.src) - len(rest)
	r.put(t, word, ty.DuckDB())
	for r.i < len(r.in) && r.in[r.i].pos < end {
		r.i++
	}
	return true
}

// identifier replaces IDENTIFIER(:p), IDENTIFIER('a.b') and concatenations of such by the name.
func (r *rewriter) identifier(t token) *Error {
	r.i += 2
	var name strings.Builder
	for {
		v := r.at(0)
		switch {
		case v.kind == text:
			name.WriteString(v.low)
			r.i++
		case v.kind == symbol && v.text == ":":
			r.i++
			p, err := r.param(v)
			if err != nil {
				return err
			}
			if p.Value == nil {
				return syntaxError(r.src, v.pos, "IDENTIFIER(:%s) needs one text, not NULL or a list", p.Name)
			}
			name.WriteString(*p.Value)
		default:
			return syntaxError(r.src, v.pos, "IDENTIFIER takes a string, a parameter, or a concatenation of them")
		}
		sep := r.at(0)
		r.i++
		if sep.text == ")" {
			break
		}
		if sep.text != "||" {
			return syntaxError(r.src, sep.pos, "IDENTIFIER takes a string, a parameter, or a concatenation of them")
		}
	}
	parts, ok := splitName(name.String())
	if !ok {
		return syntaxError(r.src, t.pos, "IDENTIFIER: %q is not a name", name.String())
	}
	for i, p := range parts {
		if i > 0 {
			r.put(t, symbol, ".")
		}
		r.emit(identToken(p, t.pos))
	}
	return nil
}

// splitName splits a dotted name whose parts may be in backticks.
func splitName(s string) ([]string, bool) {
	ts, err := lex(s)
	if err != nil || len(ts)%2 == 0 {
		return nil, false
	}
	var parts []string
	for i, t := range ts {
		switch {
		case i%2 == 1 && t.text != ".":
			return nil, false
		case i%2 == 1:
		case t.kind == quoted:
			parts = append(parts, strings.ReplaceAll(t.text[1:len(t.text)-1], `""`, `"`))
		case t.kind == word:
			parts = append(parts, t.text)
		default:
			return nil, false
		}
	}
	return parts, true
}
