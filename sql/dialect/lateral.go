package dialect

// lateralViews rewrites LATERAL VIEW [OUTER] explode(x) t AS c into a lateral join, before
// everything else, so that x is rewritten like any expression.
func lateralViews(src string, in []token) ([]token, *Error) {
	var out []token
	for i := 0; i < len(in); {
		if in[i].low != "lateral" || i+1 >= len(in) || in[i+1].low != "view" || in[i].kind != word {
			out = append(out, in[i])
			i++
			continue
		}
		v, n, err := parseLateralView(src, in[i:])
		if err != nil {
			return nil, err
		}
		out = append(out, v.tokens()...)
		i += n
	}
	return out, nil
}

type lateralView struct {
	pos      int
	outer    bool
	function string
	arg      []token
	alias    token
	columns  []token
}

func parseLateralView(src string, in []token) (*lateralView, int, *Error) {
	at := func(i int) token {
		if i < len(in) {
			return in[i]
		}
		return token{kind: symbol, pos: len(src)}
	}
	v := &lateralView{pos: in[0].pos}
	i := 2
	if at(i).low == "outer" {
		v.outer = true
		i++
	}
	v.function = at(i).low
	switch v.function {
	case "explode_outer", "posexplode_outer":
		v.outer = true
		v.function = v.function[:len(v.function)-len("_outer")]
	case "explode", "posexplode":
	default:
		return nil, 0, unsupported("LATERAL VIEW %s is not supported yet; explode and posexplode are", at(i).text)
	}
	end := closing(in, i+1)
	if at(i+1).text != "(" || end < 0 {
		return nil, 0, syntaxError(src, at(i+1).pos, "LATERAL VIEW: expected (")
	}
	v.arg = in[i+2 : end]
	i = end + 1
	v.alias = identToken("lateral_view", v.pos)
	if t := at(i); (t.kind == word && t.low != "as") || t.kind == quoted {
		v.alias = t
		i++
	}
	if at(i).low == "as" {
		i++
		for at(i).kind == word || at(i).kind == quoted {
			v.columns = append(v.columns, at(i))
			i++
			if at(i).text != "," || len(v.columns) == 2 {
				break
			}
			i++
		}
	}
	return v, i, nil
}

// closing returns the index of the bracket that closes the one at in[i], or -1.
func closing(in []token, i int) int {
	depth := 0
	for ; i < len(in); i++ {
		if in[i].kind != symbol {
			continue
		}
		switch in[i].text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (v *lateralView) tokens() []token {
	var out []token
	add := func(ws ...string) {
		for _, w := range ws {
			k := word
			if w == "(" || w == ")" || w == "," {
				k = symbol
			}
			out = append(out, token{k, w, w, v.pos, v.pos})
		}
	}
	unnest := func(inner string, column token) {
		add("unnest", "(")
		if inner != "" {
			add(inner, "(")
		}
		out = append(out, v.arg...)
		if inner != "" {
			add(")")
		}
		add(")", "as")
		out = append(out, column)
	}
	column := func(i int, fallback string) token {
		if i < len(v.columns) {
			return v.columns[i]
		}
		return identToken(fallback, v.pos)
	}
	// CROSS JOIN LATERAL is kept apart from LATERAL f(x) by the bracket that follows.
	if v.outer {
		add("left", "join", "lateral", "(", "select")
	} else {
		add("cross", "join", "lateral", "(", "select")
	}
	switch {
	case v.function == "posexplode":
		unnest("lg_positions", column(0, "pos"))
		add(",")
		unnest("", column(1, "col"))
	case len(v.columns) == 2:
		unnest("map_keys", column(0, "key"))
		add(",")
		unnest("map_values", column(1, "value"))
	default:
		unnest("", column(0, "col"))
	}
	add(")", "as")
	out = append(out, v.alias)
	if v.outer {
		add("on", "true")
	}
	return out
}
