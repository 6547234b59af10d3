package dialect

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Rewrite translates one statement's text. Every :name in it must have a value in params.
// Errors are *Error.
func Rewrite(src string, params []Param) (*Statement, error) {
	if !utf8.ValidString(src) {
		return nil, refused("the statement is not valid UTF-8 text")
	}
	if strings.IndexByte(src, 0) >= 0 {
		return nil, refused("the statement contains a NUL character")
	}
	tokens, lexErr := lex(src)
	if lexErr != nil {
		return nil, lexErr
	}
	for len(tokens) > 0 && tokens[len(tokens)-1].text == ";" {
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) == 0 {
		return nil, refused("the statement is empty")
	}
	for _, t := range tokens {
		if t.kind == symbol && t.text == ";" {
			return nil, refused("only one statement at a time is allowed")
		}
	}
	st, err := command(src, tokens)
	if st != nil || err != nil {
		return st, asError(err)
	}
	r := &rewriter{src: src, given: map[string]Param{}, st: &Statement{source: src, params: map[string]Param{}}}
	for _, p := range params {
		r.given[strings.ToLower(p.Name)] = p
	}
	if tokens, err = timeTravel(src, tokens); err != nil {
		return nil, err
	}
	if r.in, err = lateralViews(src, tokens); err != nil {
		return nil, err
	}
	if err := r.run(); err != nil {
		return nil, err
	}
	r.finish()
	return r.st, nil
}

// asError keeps a nil *Error from becoming a non-nil error.
func asError(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

// frame is an open bracket.
type frame struct {
	open     string
	call     string // what was called, "" for plain brackets
	castType string // set for int(x) and its like: what the closing bracket must add
	argStart int    // where the current argument begins in out
}

// rewriter makes one pass over the tokens, from in to out.
type rewriter struct {
	src    string
	in     []token
	i      int
	out    []token
	frames []frame
	given  map[string]Param
	st     *Statement
}

func (r *rewriter) at(k int) token {
	if j := r.i + k; j >= 0 && j < len(r.in) {
		return r.in[j]
	}
	return token{kind: symbol}
}

func (r *rewriter) last() token {
	if len(r.out) == 0 {
		return token{kind: symbol}
	}
	return r.out[len(r.out)-1]
}

func (r *rewriter) emit(ts ...token) { r.out = append(r.out, ts...) }

// put emits made-up text in place of token t.
func (r *rewriter) put(t token, k kind, s string) {
	r.emit(token{k, s, strings.ToLower(s), t.pos, t.end})
}

func (r *rewriter) run() *Error {
	for r.i < len(r.in) {
		var err *Error
		switch t := r.in[r.i]; t.kind {
		case word:
			err = r.word(t)
		case symbol:
			err = r.symbol(t)
		case text:
			r.text(t)
		default:
			r.emit(t)
			r.i++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// text joins adjacent strings, as Databricks does.
func (r *rewriter) text(t token) {
	v := t.low
	for r.i++; r.at(0).kind == text; r.i++ {
		v += r.at(0).low
	}
	r.emit(textToken(v, t.pos))
}

func (r *rewriter) symbol(t token) *Error {
	r.i++
	switch t.text {
	case "(", "[", "{":
		r.open(t)
	case ")", "]", "}":
		r.close(t)
	case ",":
		if r.ignoreNulls(t) {
			return nil
		}
		r.emit(t)
		if n := len(r.frames); n > 0 {
			r.frames[n-1].argStart = len(r.out)
		}
	case "<=>":
		r.put(t, word, "IS NOT DISTINCT FROM")
	case "==":
		r.put(t, symbol, "=")
	case "!":
		r.put(t, word, "NOT")
	case ":":
		return r.colon(t)
	case "?":
		return syntaxError(r.src, t.pos, "parameters are written :name, not ?")
	default:
		r.emit(t)
	}
	return nil
}

// ignoreNulls turns first_value(x, true) OVER into first_value(x IGNORE NULLS) OVER: the grammar
// counts the arguments of window functions.
func (r *rewriter) ignoreNulls(comma token) bool {
	n := len(r.frames)
	if n == 0 || !nullFlagCalls[r.frames[n-1].call] {
		return false
	}
	flag, end, over := r.at(0), r.at(1), r.at(2)
	if flag.kind != word || (flag.low != "true" && flag.low != "false") || end.text != ")" || over.low != "over" {
		return false
	}
	if flag.low == "true" {
		r.put(comma, word, "IGNORE NULLS")
	}
	r.i++
	return true
}

func (r *rewriter) open(t token) {
	f := frame{open: t.text}
	if l := r.last(); t.text == "(" && l.kind == word && !notOperand[l.low] {
		f.call = l.low
	}
	r.emit(t)
	f.argStart = len(r.out)
	r.frames = append(r.frames, f)
}

func (r *rewriter) close(t token) {
	if n := len(r.frames); n > 0 {
		if f := r.frames[n-1]; f.castType != "" {
			r.put(t, word, "AS "+f.castType)
		}
		r.frames = r.frames[:n-1]
	}
	r.emit(t)
}

func (r *rewriter) inBraces() bool {
	return len(r.frames) > 0 && r.frames[len(r.frames)-1].open == "{"
}

// finish writes the text and remembers where each part came from.
func (r *rewriter) finish() {
	var b strings.Builder
	for i, t := range r.out {
		if i > 0 && needSpace(r.out[i-1], t) {
			b.WriteByte(' ')
		}
		r.st.spans = append(r.st.spans, span{b.Len(), t.pos})
		b.WriteString(t.text)
	}
	r.st.SQL = b.String()
	r.st.Labels = labels(r.src, r.in)
}

func needSpace(a, b token) bool {
	switch {
	case a.kind == symbol && (a.text == "(" || a.text == "." || a.text == "[" || a.text == "::"):
		return false
	case b.kind == symbol && strings.Contains(") , . ] :: [", b.text):
		return false
	case b.text == "(" && (a.kind == word || a.kind == quoted):
		return notOperand[a.low]
	default:
		return true
	}
}

// colon is a parameter marker or a path into JSON.
func (r *rewriter) colon(t token) *Error {
	next := r.at(0)
	lambda := len(r.out) > 1 && r.out[len(r.out)-2].low == "lambda"
	switch {
	case r.inBraces() || lambda:
		r.emit(t)
		return nil
	case endsOperand(r.last()) && (next.kind == word || next.kind == quoted || next.text == "["):
		r.jsonPath(t)
		return nil
	case next.kind == word || next.kind == quoted:
		p, err := r.param(t)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("lgp%d", len(r.st.params))
		r.st.params[name] = p
		r.emit(token{marker, "$" + name, "", t.pos, t.end})
		return nil
	default:
		return syntaxError(r.src, t.pos, "unexpected ':'")
	}
}

// param reads the name after a colon: the longest dotted name that has a value.
func (r *rewriter) param(colon token) (Param, *Error) {
	name := r.at(0).low
	r.i++
	best, used, found := Param{}, 0, false
	if p, ok := r.given[name]; ok {
		best, found = p, true
	}
	for k, full := 0, name; r.at(k).text == "." && (r.at(k+1).kind == word || r.at(k+1).kind == quoted); k += 2 {
		full += "." + r.at(k+1).low
		if p, ok := r.given[full]; ok {
			best, used, found = p, k+2, true
		}
	}
	if !found {
		return Param{}, syntaxError(r.src, colon.pos, "parameter :%s has no value", name)
	}
	r.i += used
	return best, nil
}

// jsonPath turns payload:choices[0].text into json_extract_string(payload, '$…').
func (r *rewriter) jsonPath(colon token) {
	start := r.operandStart()
	path := "$"
	name := func(t token) {
		v := t.text
		if t.kind == quoted {
			v = strings.ReplaceAll(v[1:len(v)-1], `""`, `"`)
		}
		path += `."` + strings.ReplaceAll(v, `"`, "") + `"`
	}
	if r.at(0).kind != symbol {
		name(r.at(0))
		r.i++
	}
	for {
		a, b, c := r.at(0), r.at(1), r.at(2)
		switch {
		case (a.text == "." || a.text == ":") && a.kind == symbol && (b.kind == word || b.kind == quoted):
			name(b)
			r.i += 2
		case a.text == "[" && b.kind == number && c.text == "]":
			path += "[" + b.text + "]"
			r.i += 3
		case a.text == "[" && b.kind == text && c.text == "]":
			path += `."` + strings.ReplaceAll(b.low, `"`, "") + `"`
			r.i += 3
		default:
			operand := append([]token(nil), r.out[start:]...)
			r.out = r.out[:start]
			r.put(colon, word, "json_extract_string")
			r.put(colon, symbol, "(")
			r.emit(operand...)
			r.put(colon, symbol, ",")
			r.emit(textToken(path, colon.pos))
			r.put(colon, symbol, ")")
			return
		}
	}
}

// operandStart finds where the operand that ends out begins: name.name(…)[…] backwards.
func (r *rewriter) operandStart() int {
	i := len(r.out) - 1
	for i >= 0 && (r.out[i].text == ")" || r.out[i].text == "]") && r.out[i].kind == symbol {
		i = openingOf(r.out, i)
		if i > 0 && endsOperand(r.out[i-1]) {
			i--
			continue
		}
		break
	}
	for i >= 2 && r.out[i-1].text == "." && (r.out[i-2].kind == word || r.out[i-2].kind == quoted) {
		i -= 2
	}
	return max(i, 0)
}

// openingOf returns the index of the bracket that ts[i] closes, 0 when there is none.
func openingOf(ts []token, i int) int {
	depth := 0
	for ; i >= 0; i-- {
		if ts[i].kind != symbol {
			continue
		}
		switch ts[i].text {
		case ")", "]", "}":
			depth++
		case "(", "[", "{":
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return 0
}
