package markdown

import (
	"encoding/json"
	"strings"
	"testing"
)

// short writes a tree as text: tag(kids), attributes behind the tag, plain text in quotes.
func short(nodes []Node) string {
	var parts []string
	for _, n := range nodes {
		if n.Tag == "" {
			b, _ := json.Marshal(n.Text)
			parts = append(parts, strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(b)))
			continue
		}
		s := n.Tag
		for _, a := range []string{n.Href, n.Src, n.Align} {
			if a != "" {
				s += "[" + a + "]"
			}
		}
		if len(n.Kids) > 0 {
			s += "(" + short(n.Kids) + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestMarkdown(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"# A **b** _c_", `h1("A " strong("b") " " em("c"))`},
		{"one\ntwo\n\nthree", `p("one\ntwo") p("three")`},
		{"a  \nb", `p("a  " br "b")`},
		{"- a\n- b\n  - c\n\nd", `ul(li("a") li("b" ul(li("c")))) p("d")`},
		{"1. a\n2. b", `ol(li("a") li("b"))`},
		{"> q\n> r", `blockquote(p("q\nr"))`},
		{"```\n<b>x</b>\n```", `pre("<b>x</b>")`},
		{"```\nopen", `pre("open")`},
		{"`a<b`", `p(code("a<b"))`},
		{"---", `hr`},
		{"| a | b |\n|---|--:|\n| 1 | 2 |", `table(tr(th("a") th[right]("b")) tr(td("1") td[right]("2")))`},
		{"[x](https://e.test/?a=1&b=2)", `p(a[https://e.test/?a=1&b=2]("x"))`},
		{"see https://e.test/x.", `p("see " a[https://e.test/x]("https://e.test/x") ".")`},
		{"snake_case_name", `p("snake_case_name")`},
		{"2 * 3 * 4", `p("2 * 3 * 4")`},
		{`\*no\* \<b>`, `p("*no* <b>")`},
		{"a &amp; b &lt;i&gt;", `p("a & b <i>")`},
		{"<b>x</b> <i>y</i><br/>z", `p(strong("x") " " em("y") br "z")`},
		{`<div style="color:red" onclick="x()">hi</div>`, `p("hi")`},
		{"one<div>two</div>", `p("one" br "two")`},
		{`<h2 align="center">T</h2>`, `h2[center]("T")`},

		{"<script>alert(1)</script>after", `p("after")`},
		{"<scr<script>x</script>ipt>alert(1)", `p("alert(1)")`},
		{"<style>*{}</style>x<!-- c -->y", `p("xy")`},
		{"<script>never closed", ``},
		{"[x](javascript:alert(1))", `p(span("x") ")")`},
		{"[x](JaVaScRiPt:alert)", `p(span("x"))`},
		{"[x](java&#115;cript:alert)", `p(span("x"))`},
		{"[x](data:text/html,y)", `p(span("x"))`},
		{"[x](/ui/api/session)", `p(span("x"))`},
		{"[x](//evil.test)", `p(span("x"))`},
		{`<a href="javascript:x" onmouseover=y>z</a>`, `p(span("z"))`},
		{`<a href="https://e.test">z</a>`, `p(a[https://e.test]("z"))`},
		{"![alt](https://e.test/track.png)", `p(em("alt"))`},
		{"![](https://e.test/track.png)", ``},
		{`<img src="x" onerror="alert(1)">ok`, `p("ok")`},
		{"![a](data:image/png;base64,AAAA)", `p(img[data:image/png;base64,AAAA])`},
		{"![a](data:image/svg+xml;base64,AAAA)", `p(em("a"))`},
		{`<iframe src="https://e.test"></iframe><form action=x><input></form>x`, `p("x")`},
	} {
		if got := short(Parse(tc.in)); got != tc.want {
			t.Errorf("%q\n got %s\nwant %s", tc.in, got, tc.want)
		}
	}
}

var allowed = map[string]bool{
	"": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true, "p": true, "ul": true, "ol": true,
	"li": true, "blockquote": true, "pre": true, "code": true, "hr": true, "table": true, "tr": true, "th": true, "td": true,
	"strong": true, "em": true, "del": true, "a": true, "br": true, "img": true, "span": true,
}

func check(t *testing.T, in string, nodes []Node) {
	t.Helper()
	for _, n := range nodes {
		if !allowed[n.Tag] {
			t.Fatalf("%q gave the element %q", in, n.Tag)
		}
		if n.Href != "" && !strings.HasPrefix(n.Href, "http://") && !strings.HasPrefix(n.Href, "https://") && !strings.HasPrefix(n.Href, "mailto:") {
			t.Fatalf("%q gave the link %q", in, n.Href)
		}
		if n.Src != "" && !strings.HasPrefix(n.Src, "data:image/") {
			t.Fatalf("%q gave the picture %q", in, n.Src)
		}
		check(t, in, n.Kids)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"# a\n- b\n  1. c\n> d", "[a](b) ![c](d) **e** `f`", "<a href='x'>y</a><b>", "| a |\n|--|\n| b |", "***", "____", "<!--", "~~a~~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { check(t, s, Parse(s)) })
}

// Text made to be slow must end: each of these keeps a careless parser busy for minutes.
func TestHostileTextEnds(t *testing.T) {
	for _, unit := range []string{"*a ", "_a ", "[", "![", "<a>", "`", "> ", "- ", "**", "<b", "|", "[[a](", "~~"} {
		t.Run(unit, func(t *testing.T) { check(t, unit, Parse(strings.Repeat(unit, 50_000/len(unit)))) })
	}
}
