package dialect

import (
	"regexp"
	"strings"
	"time"
)

// timeTravel rewrites t VERSION AS OF 12 alias into t alias AT (VERSION => 12), and TIMESTAMP AS OF
// and t@v12 likewise, before everything else, so that the time is rewritten like any expression.
func timeTravel(src string, in []token) ([]token, *Error) {
	var out []token
	for i := 0; i < len(in); {
		unit, n := travelClause(in, i)
		if n == 0 {
			out = append(out, in[i])
			i++
			continue
		}
		at := travel{src: src, in: in, i: i + n, pos: in[i].pos}
		expr, err := at.instant(unit, in[i+n-1])
		if err != nil {
			return nil, err
		}
		out = append(out, at.alias()...)
		add := func(k kind, s string) { out = append(out, token{k, s, strings.ToLower(s), at.pos, at.pos}) }
		add(word, "AT")
		add(symbol, "(")
		add(word, unit)
		add(symbol, "=>")
		out = append(out, expr...)
		add(symbol, ")")
		i = at.i
	}
	return out, nil
}

var travelUnits = map[string]string{"version": "VERSION", "system_version": "VERSION", "timestamp": "TIMESTAMP", "system_time": "TIMESTAMP"}

var versionMark = regexp.MustCompile(`^[vV][0-9]+$`)

// travelClause returns what a clause at in[i] travels to, VERSION or TIMESTAMP, and how many tokens
// begin it: [FOR] VERSION AS OF, or @v12. 0 when there is none. A table's name must come before it.
func travelClause(in []token, i int) (unit string, n int) {
	at := func(k int) token {
		if k < len(in) {
			return in[k]
		}
		return token{kind: symbol}
	}
	if i == 0 || !endsOperand(in[i-1]) || in[i-1].kind == text || in[i-1].kind == number {
		return "", 0
	}
	if at(i).kind == symbol && at(i).text == "@" {
		switch v := at(i + 1); {
		case v.kind == word && versionMark.MatchString(v.text):
			return "VERSION", 2
		case v.kind == number:
			return "TIMESTAMP", 2
		}
		return "", 0
	}
	k := i
	if at(k).kind == word && at(k).low == "for" {
		k++
	}
	unit = travelUnits[at(k).low]
	if unit == "" || at(k).kind != word || at(k+1).low != "as" || at(k+2).low != "of" || at(k+2).kind != word || at(k+3).text == "," || at(k+3).low == "from" {
		return "", 0
	}
	return unit, k + 3 - i
}

// travel reads what comes after the beginning of a clause.
type travel struct {
	src string
	in  []token
	i   int
	pos int
}

func (t *travel) at(k int) token {
	if t.i+k < len(t.in) {
		return t.in[t.i+k]
	}
	return token{kind: symbol, pos: len(t.src)}
}

// instant reads the version or the time; last is the token that began the clause.
func (t *travel) instant(unit string, last token) ([]token, *Error) {
	switch {
	case last.kind == number && unit == "TIMESTAMP":
		if len(last.text) == 17 {
			if at, err := time.Parse("20060102150405.000", last.text[:14]+"."+last.text[14:]); err == nil {
				return []token{textToken(at.Format("2006-01-02 15:04:05.000"), last.pos)}, nil
			}
		}
		return nil, syntaxError(t.src, last.pos, "@%s: a time is written yyyyMMddHHmmssSSS, a version v12", last.text)
	case last.kind == word && versionMark.MatchString(last.text):
		return []token{{number, last.text[1:], "", last.pos, last.end}}, nil
	}
	begin := t.i
	for {
		if !t.operand() {
			return nil, syntaxError(t.src, t.at(0).pos, "%s AS OF: expected a %s at %q", unit, strings.ToLower(unit), t.at(0).text)
		}
		if s := t.at(0); s.kind != symbol || s.text != "+" && s.text != "-" {
			return t.in[begin:t.i], nil
		}
		t.i++
	}
}

// operand passes over one operand of + and -.
func (t *travel) operand() bool {
	for t.at(0).kind == symbol && t.at(0).text == "-" {
		t.i++
	}
	switch a := t.at(0); {
	case a.kind == text || a.kind == number || a.kind == marker:
		t.i++
	case a.kind == symbol && a.text == ":":
		t.i++
		if !t.name() {
			return false
		}
	case a.kind == symbol && a.text == "(":
		return t.brackets()
	case a.kind == word && a.low == "interval":
		t.i++
		if !t.operand() {
			return false
		}
		for timeUnits[t.at(0).low] || t.at(0).low == "to" {
			t.i++
		}
		return true
	case a.kind == word || a.kind == quoted:
		if !t.name() {
			return false
		}
		if t.at(0).kind == text {
			t.i++
		} else if t.at(0).text == "(" && !t.brackets() {
			return false
		}
	default:
		return false
	}
	for t.at(0).text == "::" {
		t.i++
		if !t.name() || t.at(0).text == "(" && !t.brackets() {
			return false
		}
	}
	return true
}

func (t *travel) name() bool {
	for {
		if k := t.at(0).kind; k != word && k != quoted {
			return false
		}
		t.i++
		if t.at(0).text != "." || t.at(0).kind != symbol {
			return true
		}
		t.i++
	}
}

func (t *travel) brackets() bool {
	end := closing(t.in, t.i)
	if end < 0 {
		return false
	}
	t.i = end + 1
	return true
}

// afterTable are the words that can follow a table and are no name for it.
var afterTable = wordSet(`where join inner left right full cross natural semi anti outer on using group order sort having limit offset
	union except intersect minus lateral pivot unpivot tablesample qualify window cluster distribute select from with for`)

// alias passes over the name that follows, which DuckDB wants before.
func (t *travel) alias() []token {
	begin := t.i
	if a := t.at(0); a.kind == word && a.low == "as" {
		t.i++
	}
	a := t.at(0)
	if a.kind != quoted && (a.kind != word || afterTable[a.low]) {
		t.i = begin
		return nil
	}
	t.i++
	if t.at(0).text == "(" {
		t.brackets()
	}
	return t.in[begin:t.i]
}
