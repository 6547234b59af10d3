package dialect

import "strings"

var selectListEnds = wordSet("from where group having order limit union except intersect minus qualify window lateral")

// labels returns the text of each item of the outermost select list, so that a column without a
// name is called what the caller wrote, as in Databricks. Nil when the list cannot be told from
// the tokens alone.
func labels(src string, in []token) []string {
	i := firstSelect(in)
	if i < 0 {
		return nil
	}
	i++
	for i < len(in) && (in[i].low == "distinct" || in[i].low == "all") && in[i].kind == word {
		i++
	}
	var out []string
	depth, start := 0, i
	flush := func(end int) {
		if start >= end {
			out = append(out, "")
			return
		}
		out = append(out, strings.Join(strings.Fields(src[in[start].pos:in[end-1].end]), " "))
	}
	for ; i < len(in); i++ {
		t := in[i]
		if t.kind == word && depth == 0 && selectListEnds[t.low] && i > start && in[i-1].text != "." && !(t.low == "except" && in[i-1].text == "*") {
			break
		}
		if t.kind != symbol {
			continue
		}
		switch t.text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth < 0 {
				flush(i)
				return out
			}
		case ",":
			if depth == 0 {
				flush(i)
				start = i + 1
			}
		}
	}
	flush(i)
	return out
}

// firstSelect finds the SELECT of the main query: the first one outside any bracket. A query in
// brackets as a whole begins with its own.
func firstSelect(in []token) int {
	depth, base := 0, 0
	for base < len(in) && in[base].kind == symbol && in[base].text == "(" {
		base++
	}
	for i := base; i < len(in); i++ {
		t := in[i]
		if t.kind == word && t.low == "select" && depth == 0 {
			return i
		}
		if t.kind == symbol && t.text == "(" {
			depth++
		}
		if t.kind == symbol && t.text == ")" {
			depth--
		}
	}
	return -1
}
