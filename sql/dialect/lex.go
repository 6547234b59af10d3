package dialect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	word   kind = iota // identifier or keyword
	quoted             // identifier in backticks
	text               // string
	number
	symbol
	marker // a parameter after replacement
)

// token is one significant token. text is what DuckDB gets to see; low is the lower-case name of
// a word, the name in backticks, or the value of a string.
type token struct {
	kind kind
	text string
	low  string
	pos  int // in the caller's text
	end  int
}

func isIdentStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }
func isIdentPart(r rune) bool {
	return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

func quoteText(s string) string  { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func textToken(s string, pos int) token {
	return token{text, quoteText(s), s, pos, pos}
}

func identToken(s string, pos int) token {
	return token{quoted, quoteIdent(s), strings.ToLower(s), pos, pos}
}

var symbols = []string{"<=>", "->>", "->", "=>", "::", "||", "<=", ">=", "<>", "!=", "==", "<<", ">>", "**", "&&"}

// lexer cuts the caller's text into tokens; comments and space are dropped.
type lexer struct {
	src string
	at  int
	out []token
}

func lex(src string) ([]token, *Error) {
	l := &lexer{src: src}
	for {
		if err := l.skipSpace(); err != nil {
			return nil, err
		}
		if l.at >= len(src) {
			return l.out, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

func (l *lexer) rest() string { return l.src[l.at:] }

func (l *lexer) add(k kind, text, low string, size int) {
	l.out = append(l.out, token{k, text, low, l.at, l.at + size})
	l.at += size
}

func (l *lexer) skipSpace() *Error {
	for l.at < len(l.src) {
		rest := l.rest()
		r, w := utf8.DecodeRuneInString(rest)
		switch {
		case unicode.IsSpace(r) || r == '\uFEFF':
			l.at += w
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			l.at += n
		case strings.HasPrefix(rest, "/*"):
			n := commentLength(rest)
			if n < 0 {
				return syntaxError(l.src, l.at, "comment without end")
			}
			l.at += n
		default:
			return nil
		}
	}
	return nil
}

// commentLength returns the length of the bracketed comment s starts with; they nest, as in both dialects.
func commentLength(s string) int {
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
	return -1
}

func (l *lexer) next() *Error {
	rest := l.rest()
	c := rest[0]
	switch {
	case c == '\'' || c == '"':
		return l.text(0, false)
	case (c == 'r' || c == 'R') && len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"'):
		return l.text(1, true)
	case (c == 'x' || c == 'X') && len(rest) > 1 && rest[1] == '\'':
		return l.hex()
	case c == '`':
		return l.backticks()
	case c == '$':
		return l.dollar()
	case c >= '0' && c <= '9' || c == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9' && !l.afterOperand():
		l.number()
		return nil
	}
	r, w := utf8.DecodeRuneInString(rest)
	if isIdentStart(r) {
		for w < len(rest) {
			r, n := utf8.DecodeRuneInString(rest[w:])
			if !isIdentPart(r) {
				break
			}
			w += n
		}
		l.add(word, rest[:w], strings.ToLower(rest[:w]), w)
		return nil
	}
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			l.add(symbol, s, s, len(s))
			return nil
		}
	}
	l.add(symbol, rest[:w], rest[:w], w)
	return nil
}

func (l *lexer) afterOperand() bool {
	return len(l.out) > 0 && endsOperand(l.out[len(l.out)-1])
}

// text reads a Databricks string: backslash escapes unless raw, quotes doubled inside.
func (l *lexer) text(prefix int, raw bool) *Error {
	s := l.rest()[prefix:]
	q := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == q && i+1 < len(s) && s[i+1] == q:
			b.WriteByte(q)
			i++
		case c == q:
			l.add(text, quoteText(b.String()), b.String(), prefix+i+1)
			return nil
		case c == '\\' && !raw && i+1 < len(s):
			i += unescape(&b, s[i+1:])
		default:
			b.WriteByte(c)
		}
	}
	return syntaxError(l.src, l.at, "string without end")
}

// unescape writes the character that follows a backslash and returns how many bytes it took.
func unescape(b *strings.Builder, s string) int {
	switch s[0] {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 'b':
		b.WriteByte('\b')
	case '%', '_': // kept for LIKE
		b.WriteByte('\\')
		b.WriteByte(s[0])
	case 'u', 'U':
		n := 4
		if s[0] == 'U' {
			n = 8
		}
		if r, ok := hexRune(s[1:], n); ok {
			b.WriteRune(r)
			return 1 + n
		}
		b.WriteByte(s[0])
	default:
		b.WriteByte(s[0])
	}
	return 1
}

func hexRune(s string, n int) (rune, bool) {
	if len(s) < n {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[:n]) {
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, r != 0 && utf8.ValidRune(r)
}

// hex reads X'1C' as a DuckDB blob literal.
func (l *lexer) hex() *Error {
	s := l.rest()
	end := strings.IndexByte(s[2:], '\'')
	if end < 0 {
		return syntaxError(l.src, l.at, "string without end")
	}
	digits := s[2 : 2+end]
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		b.WriteString(`\x` + digits[i:i+2])
	}
	l.add(marker, "CAST("+quoteText(b.String())+" AS BLOB)", "", end+3)
	return nil
}

func (l *lexer) backticks() *Error {
	s := l.rest()
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '`' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		if b.Len() == 0 {
			return syntaxError(l.src, l.at, "empty identifier")
		}
		l.add(quoted, quoteIdent(b.String()), strings.ToLower(b.String()), i+1)
		return nil
	}
	return syntaxError(l.src, l.at, "identifier without closing backtick")
}

// dollar reads $$text$$ and $tag$text$tag$.
func (l *lexer) dollar() *Error {
	s := l.rest()
	n := strings.IndexByte(s[1:], '$')
	if n < 0 || strings.ContainsFunc(s[1:1+n], func(r rune) bool { return !isIdentPart(r) }) {
		return syntaxError(l.src, l.at, "unexpected $: parameters are written :name")
	}
	tag := s[:n+2]
	end := strings.Index(s[len(tag):], tag)
	if end < 0 {
		return syntaxError(l.src, l.at, "string without end")
	}
	v := s[len(tag) : len(tag)+end]
	l.add(text, quoteText(v), v, end+2*len(tag))
	return nil
}

// number reads digits, fraction, exponent, and drops Databricks' type letters (1L, 1.5D, 2.5BD).
func (l *lexer) number() {
	s := l.rest()
	i := 0
	digits := func() {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
	}
	digits()
	if i < len(s) && s[i] == '.' {
		i++
		digits()
	}
	if i+1 < len(s) && s[i]|0x20 == 'e' {
		j := i + 1
		if s[j] == '+' || s[j] == '-' {
			j++
		}
		if j < len(s) && s[j] >= '0' && s[j] <= '9' {
			i = j
			digits()
		}
	}
	value, size := s[:i], i
	for _, suffix := range []string{"bd", "l", "d", "f", "s", "y"} {
		end := i + len(suffix)
		if end <= len(s) && strings.EqualFold(s[i:end], suffix) && (end == len(s) || !isIdentPart(rune(s[end]))) {
			size = end
			break
		}
	}
	l.add(number, value, "", size)
}
