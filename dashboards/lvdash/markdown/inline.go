package markdown

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

var (
	htmlTag = regexp.MustCompile(`^<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[^<>]*)?)/?>`)
	attr    = regexp.MustCompile(`([a-zA-Z-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)`)
	bare    = regexp.MustCompile(`^https?://[^\s<>()"']*[^\s<>()"'.,;:!?]`)
)

// blockTags are the HTML elements that make a paragraph a block of another kind.
var blockTags = map[string]string{
	"h1": "h1", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h5", "h6": "h6", "li": "li", "hr": "hr", "blockquote": "blockquote",
}

// inlineTags are the HTML elements kept inside text, by what they become.
var inlineTags = map[string]string{
	"b": "strong", "strong": "strong", "i": "em", "em": "em", "u": "em", "s": "del", "del": "del", "code": "code", "kbd": "code", "a": "a",
}

// blockish are the HTML elements that start on a new line.
var blockish = map[string]bool{
	"div": true, "p": true, "li": true, "tr": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
}

// closers find the end tag of each of them.
var closers = func() map[string]*regexp.Regexp {
	out := map[string]*regexp.Regexp{}
	for tag := range inlineTags {
		out[tag] = regexp.MustCompile(`(?i)</` + tag + `\s*>`)
	}
	return out
}()

// paragraph reads running text; HTML headings in it become blocks of their own.
func paragraph(s string, depth int) []Node {
	node := Node{Tag: "p"}
	if tag, attrs, ok := leadingTag(s); ok {
		if t := blockTags[tag]; t != "" {
			node.Tag = t
		}
		if tag == "center" || strings.Contains(strings.ToLower(attrs), "center") {
			node.Align = "center"
		}
	}
	node.Kids = inline(strings.TrimSpace(s), depth)
	if node.Tag == "hr" {
		return []Node{{Tag: "hr"}}
	}
	if !visible(node.Kids) {
		return nil
	}
	return []Node{node}
}

func leadingTag(s string) (tag, attrs string, ok bool) {
	m := htmlTag.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil || m[1] == "/" {
		return "", "", false
	}
	return strings.ToLower(m[2]), m[3], true
}

func visible(kids []Node) bool {
	for _, k := range kids {
		if strings.TrimSpace(k.Text) != "" || k.Tag == "img" || visible(k.Kids) {
			return true
		}
	}
	return false
}

// writer builds the children of one element.
type writer struct {
	out  []Node
	text strings.Builder
}

func (w *writer) flush() {
	if w.text.Len() > 0 {
		w.out = append(w.out, Node{Text: html.UnescapeString(w.text.String())})
		w.text.Reset()
	}
}

// visible reports whether anything was written yet.
func (w *writer) visible() bool { return strings.TrimSpace(w.text.String()) != "" || visible(w.out) }

func (w *writer) add(n Node) { w.flush(); w.out = append(w.out, n) }

// inline reads emphasis, code, links, images and the allowed HTML.
func inline(s string, depth int) []Node {
	if depth > maxDepth {
		return []Node{{Text: s}}
	}
	w := &writer{}
	for i := 0; i < len(s); {
		i += w.step(s, i, depth)
	}
	w.flush()
	return w.out
}

// step handles what stands at i and returns how many bytes that were.
func (w *writer) step(s string, i, depth int) int {
	rest := s[i:]
	switch rest[0] {
	case '\\':
		if len(rest) > 1 && strings.IndexByte("\\`*_{}[]()#+-.!|<>~", rest[1]) >= 0 {
			w.text.WriteString(html.EscapeString(rest[1:2]))
			return 2
		}
	case '\n':
		if strings.HasSuffix(w.text.String(), "  ") {
			w.add(Node{Tag: "br"})
		} else {
			w.text.WriteByte('\n')
		}
		return 1
	case '`':
		if n := w.code(rest); n > 0 {
			return n
		}
	case '!':
		if alt, src, n := target(rest[1:]); n > 0 {
			w.picture(src, alt)
			return n + 1
		}
	case '[':
		if label, href, n := target(rest); n > 0 {
			w.add(anchor(href, inline(label, depth+1)))
			return n
		}
	case '<':
		if n := w.html(rest, depth); n > 0 {
			return n
		}
	case '*', '_', '~':
		if n := w.emphasis(s, i, depth); n > 0 {
			return n
		}
	case 'h':
		if m := bare.FindString(rest); m != "" && (i == 0 || !isLetter(s[i-1])) {
			w.add(anchor(m, []Node{{Text: m}}))
			return len(m)
		}
	}
	w.text.WriteByte(rest[0])
	return 1
}

// maxLabel bounds the text of links and emphasis, in bytes: what never closes must not be searched from every mark.
const maxLabel = 1000

// target reads [label](address "title") and returns how many bytes that were, 0 for none.
func target(s string) (label, address string, n int) {
	window := s[:min(len(s), maxLabel)]
	if !strings.Contains(window, "](") {
		return "", "", 0
	}
	depth, end := 0, -1
	for i := 0; i < len(window) && end < 0; i++ {
		switch window[i] {
		case '\\':
			i++
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				end = i
			}
		}
	}
	if end < 0 || !strings.HasPrefix(s[end:], "](") {
		return "", "", 0
	}
	stop := strings.IndexByte(s[end:], ')')
	if stop < 0 {
		return "", "", 0
	}
	address, _, _ = strings.Cut(strings.TrimSpace(s[end+2:end+stop]), " ")
	return s[1:end], strings.Trim(address, "<>"), end + stop + 1
}

func isLetter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c >= 0x80
}

func (w *writer) code(s string) int {
	ticks := len(s) - len(strings.TrimLeft(s, "`"))
	end := strings.Index(s[ticks:], s[:ticks])
	if end < 0 {
		return 0
	}
	w.add(Node{Tag: "code", Kids: []Node{{Text: strings.TrimSpace(s[ticks : ticks+end])}}})
	return 2*ticks + end
}

// emphasis handles **strong**, *em*, ~~del~~ and their underscore forms.
func (w *writer) emphasis(s string, i, depth int) int {
	for _, m := range []struct{ mark, tag string }{{"**", "strong"}, {"__", "strong"}, {"~~", "del"}, {"*", "em"}, {"_", "em"}} {
		if !strings.HasPrefix(s[i:], m.mark) {
			continue
		}
		if m.mark[0] == '_' && i > 0 && isLetter(s[i-1]) { // snake_case
			return 0
		}
		body := s[i+len(m.mark):]
		end := closing(body, m.mark)
		if end <= 0 || body[0] == ' ' || body[end-1] == ' ' {
			continue
		}
		w.add(Node{Tag: m.tag, Kids: inline(body[:end], depth+1)})
		return 2*len(m.mark) + end
	}
	return 0
}

// closing finds the mark that ends an emphasis, -1 when none does.
func closing(s, mark string) int {
	s = s[:min(len(s), maxLabel)]
	for from := 0; ; {
		n := strings.Index(s[from:], mark)
		if n < 0 {
			return -1
		}
		n += from
		after := n + len(mark)
		doubled := len(mark) == 1 && after < len(s) && s[after] == mark[0]
		inWord := mark[0] == '_' && after < len(s) && isLetter(s[after])
		if !doubled && !inWord {
			return n
		}
		from = after
		if doubled {
			from++
		}
	}
}

// html handles one tag: kept elements become nodes, the others vanish and leave their text.
func (w *writer) html(s string, depth int) int {
	m := htmlTag.FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	tag := strings.ToLower(m[2])
	switch {
	case m[1] == "/":
		return len(m[0])
	case tag == "br", blockish[tag] && w.visible():
		w.add(Node{Tag: "br"})
	case tag == "img":
		a := attributes(m[3])
		w.picture(a["src"], a["alt"])
	case inlineTags[tag] != "" && depth < maxDepth:
		body, n := element(s[len(m[0]):], tag)
		kids := inline(body, depth+1)
		if tag == "a" {
			w.add(anchor(attributes(m[3])["href"], kids))
		} else {
			w.add(Node{Tag: inlineTags[tag], Kids: kids})
		}
		return len(m[0]) + n
	}
	return len(m[0])
}

// element returns the text up to the tag's end and the length of both.
func element(s, tag string) (string, int) {
	end := closers[tag].FindStringIndex(s)
	if end == nil {
		return s, len(s)
	}
	return s[:end[0]], end[1]
}

func attributes(s string) map[string]string {
	out := map[string]string{}
	for _, m := range attr.FindAllStringSubmatch(s, -1) {
		out[strings.ToLower(m[1])] = html.UnescapeString(strings.Trim(m[2], `"'`))
	}
	return out
}

// anchor links to a safe address; any other leaves just the text.
func anchor(href string, kids []Node) Node {
	href = html.UnescapeString(href)
	u, err := url.Parse(strings.TrimSpace(href))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto") {
		return Node{Tag: "span", Kids: kids}
	}
	return Node{Tag: "a", Href: u.String(), Kids: kids}
}

var dataImage = regexp.MustCompile(`^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$`)

// picture shows pictures that are part of the file; others would call another host.
func (w *writer) picture(src, alt string) {
	if dataImage.MatchString(src) {
		w.add(Node{Tag: "img", Src: src, Text: alt})
		return
	}
	if alt = strings.TrimSpace(alt); alt != "" {
		w.add(Node{Tag: "em", Kids: []Node{{Text: alt}}})
	}
}
