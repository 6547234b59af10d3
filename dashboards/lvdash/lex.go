package lvdash

import "strings"

// tokenKind tells the few kinds of SQL token that matter here.
type tokenKind int

const (
	space    tokenKind = iota // white space and comments
	word                      // identifiers and keywords
	quoted                    // `identifier`
	str                       // 'text' or "text"
	num                       // 12, 0.5, 1e9
	marker                    // :name or :name.min
	template                  // {name} or ${name}
	punct                     // anything else, one byte; || and the comparisons are one token
)

// token is a piece of SQL; text is as written, the joined texts of all tokens are the input.
type token struct {
	kind tokenKind
	text string
}

// is reports whether the token is this keyword or sign.
func (t token) is(s string) bool {
	return (t.kind == word || t.kind == punct) && strings.EqualFold(t.text, s)
}

// lex splits SQL into tokens. It never fails: what it doesn't know is punct.
func lex(sql string) []token {
	var out []token
	for i := 0; i < len(sql); {
		k, n := next(sql, i)
		out = append(out, token{k, sql[i : i+n]})
		i += n
	}
	return out
}

// next returns the kind and length of the token at i.
func next(s string, i int) (tokenKind, int) {
	c := s[i]
	switch {
	case isSpace(c):
		return space, runLen(s[i:], isSpace)
	case strings.HasPrefix(s[i:], "--"):
		return space, lineLen(s[i:])
	case strings.HasPrefix(s[i:], "/*"):
		return space, commentLen(s[i:])
	case c == '\'' || c == '"':
		return str, stringLen(s[i:])
	case c == '`':
		return quoted, backtickLen(s[i:])
	case c >= '0' && c <= '9', c == '.' && i+1 < len(s) && isDigit(s[i+1]):
		return num, numberLen(s[i:])
	case isLetter(c):
		return word, runLen(s[i:], isWord)
	case c == ':':
		return punctOrMarker(s, i)
	case c == '{' || c == '$':
		if n := templateLen(s[i:]); n > 0 {
			return template, n
		}
	}
	for _, op := range []string{"||", "<=>", "<=", ">=", "<>", "!=", "==", "->", "=>"} {
		if strings.HasPrefix(s[i:], op) {
			return punct, len(op)
		}
	}
	return punct, 1
}

func isSpace(c byte) bool  { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) }

func runLen(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func lineLen(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n + 1
	}
	return len(s)
}

// commentLen handles nested comments, which Databricks has.
func commentLen(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// stringLen knows both ways to write a quote inside: doubled, and after a backslash.
func stringLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == s[0] && i+1 < len(s) && s[i+1] == s[0]:
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

func backtickLen(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '`' {
			if i+1 < len(s) && s[i+1] == '`' {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(s)
}

func numberLen(s string) int {
	n := runLen(s, isDigit)
	if n < len(s) && s[n] == '.' {
		n += 1 + runLen(s[n+1:], isDigit)
	}
	if n < len(s) && s[n]|0x20 == 'e' {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if d := runLen(s[m:], isDigit); d > 0 {
			n = m + d
		}
	}
	return n
}

// punctOrMarker tells :name from the casts a::INT and the JSON paths column:path, which follow
// right after what they act on.
func punctOrMarker(s string, i int) (tokenKind, int) {
	if strings.HasPrefix(s[i:], "::") {
		return punct, 2
	}
	afterValue := i > 0 && (isWord(s[i-1]) || strings.IndexByte("`)]\"'", s[i-1]) >= 0)
	if afterValue || i+1 >= len(s) || !isLetter(s[i+1]) {
		return punct, 1
	}
	n := 1 + runLen(s[i+1:], isWord)
	for _, side := range []string{".min", ".max"} {
		if end := n + len(side); strings.HasPrefix(s[i+n:], side) && (i+end == len(s) || !isWord(s[i+end])) {
			return marker, end
		}
	}
	return marker, n
}

// templateLen returns the length of a {name} or ${name}, 0 when there is none.
func templateLen(s string) int {
	open := strings.IndexByte(s, '{')
	if open < 0 || open > 1 {
		return 0
	}
	n := open + 1 + runLen(s[open+1:], isWord)
	if n == open+1 || n >= len(s) || s[n] != '}' {
		return 0
	}
	return n + 1
}
