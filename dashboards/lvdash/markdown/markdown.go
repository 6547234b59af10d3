// Package markdown turns the markdown of text widgets, HTML included, into a small tree that a page
// can draw without ever setting HTML.
//
// The tree holds only known elements, text, and links to http, https and mailto addresses; scripts,
// styles, events, forms and frames have no place in it. Images become their alternative text unless
// they are data: pictures, because a dashboard must not make the viewer's browser call other hosts.
// Parse never fails and keeps no state; it is safe for concurrent use.
package markdown

import (
	"regexp"
	"strings"
)

// Node is an element with children, or text.
type Node struct {
	Tag   string `json:"tag,omitempty"` // h1..h6 p ul ol li blockquote pre code hr table tr th td strong em del a br img span; "" for text
	Text  string `json:"text,omitempty"`
	Href  string `json:"href,omitempty"`  // of a
	Src   string `json:"src,omitempty"`   // of img
	Align string `json:"align,omitempty"` // of th, td, p and headings
	Kids  []Node `json:"kids,omitempty"`
}

const (
	maxDepth  = 12
	maxSource = 100_000 // bytes; longer text is cut
)

// Parse reads markdown.
func Parse(s string) []Node {
	if len(s) > maxSource {
		s = strings.ToValidUTF8(s[:maxSource], "")
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\t", "    ")
	return blocks(strings.Split(stripHidden(s), "\n"), 0)
}

var (
	comment = regexp.MustCompile(`(?s)<!--.*?(-->|$)`)
	hidden  = regexp.MustCompile(`(?is)<(script|style|template|iframe|object|noscript|svg|math|textarea|title)\b.*?(</(script|style|template|iframe|object|noscript|svg|math|textarea|title)\s*>|$)`)
	heading = regexp.MustCompile(`^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$`)
	rule    = regexp.MustCompile(`^ {0,3}([-*_])( *[-*_]){2,}\s*$`)
	bullet  = regexp.MustCompile(`^( {0,8})([-*+]|\d{1,9}[.)])\s+(.*)$`)
	fence   = regexp.MustCompile("^ {0,3}(```+|~~~+)")
	divider = regexp.MustCompile(`^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$`)
	block   = regexp.MustCompile(`(?i)^\s*</?(div|p|h[1-6]|ul|ol|li|center|table|thead|tbody|tr|section|header|footer|blockquote|hr)\b`)
)

// stripHidden removes what must not be shown even as text.
func stripHidden(s string) string {
	return hidden.ReplaceAllString(comment.ReplaceAllString(s, ""), "")
}

func blocks(lines []string, depth int) []Node {
	var out []Node
	for i := 0; i < len(lines); {
		line := lines[i]
		switch {
		case strings.TrimSpace(line) == "":
			i++
		case fence.MatchString(line):
			n := fenced(lines[i:])
			out = append(out, Node{Tag: "pre", Kids: []Node{{Text: strings.Join(lines[i+1:min(i+n, len(lines))], "\n")}}})
			i += n + 1
		case heading.MatchString(line):
			m := heading.FindStringSubmatch(line)
			out = append(out, Node{Tag: "h" + string(rune('0'+len(m[1]))), Kids: inline(m[2], depth)})
			i++
		case rule.MatchString(line):
			out = append(out, Node{Tag: "hr"})
			i++
		case strings.HasPrefix(strings.TrimSpace(line), ">") && depth < maxDepth:
			n := quoteLen(lines[i:])
			out = append(out, Node{Tag: "blockquote", Kids: blocks(unquote(lines[i:i+n]), depth+1)})
			i += n
		case bullet.MatchString(line) && depth < maxDepth:
			n := listLen(lines[i:])
			out = append(out, items(lines[i:i+n], depth+1))
			i += n
		case i+1 < len(lines) && strings.Contains(line, "|") && divider.MatchString(lines[i+1]):
			n := tableLen(lines[i:])
			out = append(out, table(lines[i:i+n], depth))
			i += n
		default:
			n := paragraphLen(lines[i:])
			out = append(out, paragraph(strings.Join(lines[i:i+n], "\n"), depth)...)
			i += n
		}
	}
	return out
}

// fenced returns the index of the closing fence, or the number of lines.
func fenced(lines []string) int {
	mark := strings.TrimSpace(fence.FindString(lines[0]))
	for i := 1; i < len(lines); i++ {
		if strings.HasPrefix(strings.TrimSpace(lines[i]), mark) {
			return i
		}
	}
	return len(lines)
}

func quoteLen(lines []string) int {
	n := 0
	for n < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[n]), ">") {
		n++
	}
	return n
}

func unquote(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(l), ">"), " ")
	}
	return out
}

// listLen counts the lines of a list: its items, what is indented below them, and single blank lines.
func listLen(lines []string) int {
	n := 1
	for n < len(lines) {
		l := lines[n]
		blank := strings.TrimSpace(l) == ""
		if blank && (n+1 >= len(lines) || !continues(lines[n+1])) {
			break
		}
		if !blank && !continues(l) {
			break
		}
		n++
	}
	return n
}

func continues(line string) bool { return bullet.MatchString(line) || strings.HasPrefix(line, "  ") }

// items reads one list. Lines indented further than its first item belong to the item before them.
func items(lines []string, depth int) Node {
	first := bullet.FindStringSubmatch(lines[0])
	indent := len(first[1])
	out := Node{Tag: "ul"}
	if first[2][0] >= '0' && first[2][0] <= '9' {
		out.Tag = "ol"
	}
	var item []string
	flush := func() {
		if item != nil {
			out.Kids = append(out.Kids, Node{Tag: "li", Kids: itemKids(item, depth)})
		}
	}
	for _, l := range lines {
		if m := bullet.FindStringSubmatch(l); m != nil && len(m[1]) <= indent+1 {
			flush()
			item = []string{m[3]}
			continue
		}
		item = append(item, outdent(l, indent+2))
	}
	flush()
	return out
}

// itemKids shows the text of an item without a paragraph around it.
func itemKids(lines []string, depth int) []Node {
	kids := blocks(lines, depth)
	if len(kids) > 0 && kids[0].Tag == "p" {
		return append(append([]Node{}, kids[0].Kids...), kids[1:]...)
	}
	return kids
}

func outdent(l string, n int) string {
	for n > 0 && strings.HasPrefix(l, " ") {
		l, n = l[1:], n-1
	}
	return l
}

func tableLen(lines []string) int {
	n := 2
	for n < len(lines) && strings.Contains(lines[n], "|") {
		n++
	}
	return n
}

func table(lines []string, depth int) Node {
	var aligns []string
	for _, c := range cells(lines[1]) {
		left, right := strings.HasPrefix(c, ":"), strings.HasSuffix(c, ":")
		a := ""
		if right {
			a = "right"
		}
		if left && right {
			a = "center"
		}
		aligns = append(aligns, a)
	}
	out := Node{Tag: "table"}
	for i, l := range lines {
		if i == 1 {
			continue
		}
		row := Node{Tag: "tr"}
		for j, c := range cells(l) {
			cell := Node{Tag: "td", Kids: inline(c, depth)}
			if i == 0 {
				cell.Tag = "th"
			}
			if j < len(aligns) {
				cell.Align = aligns[j]
			}
			row.Kids = append(row.Kids, cell)
		}
		out.Kids = append(out.Kids, row)
	}
	return out
}

func cells(l string) []string {
	l = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(l), "|"), "|")
	out := strings.Split(l, "|")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// paragraphLen counts lines up to a blank one or the start of another block.
func paragraphLen(lines []string) int {
	n := 1
	for n < len(lines) {
		l := lines[n]
		if strings.TrimSpace(l) == "" || heading.MatchString(l) || fence.MatchString(l) || rule.MatchString(l) ||
			bullet.MatchString(l) || block.MatchString(l) || block.MatchString(lines[n-1]) {
			break
		}
		n++
	}
	return n
}
