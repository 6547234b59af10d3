package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// table writes aligned columns: words to the left, numbers to the right.
func (r *Report) table() string {
	g := r.grid()
	width := make([]int, len(g.head))
	for _, row := range append([][]string{g.head}, g.rows...) {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var s strings.Builder
	line := func(row []string) {
		var l strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i > 0 {
				l.WriteString("  ")
			}
			if i < g.left {
				l.WriteString(c + pad)
			} else {
				l.WriteString(pad + c)
			}
		}
		s.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	rule := make([]string, len(width))
	for i, w := range width {
		rule[i] = strings.Repeat("-", w)
	}
	s.WriteString(r.title() + "\n" + strings.Join(r.facts(), "\n") + "\n\n")
	line(g.head)
	line(rule)
	for i, row := range g.rows {
		if i == len(g.rows)-g.totals {
			line(rule)
		}
		line(row)
	}
	s.WriteString("\n" + strings.Join(r.Equations(), "\n") + "\n")
	for _, n := range r.notes() {
		s.WriteString("\n" + n)
	}
	if len(r.notes()) > 0 {
		s.WriteString("\n")
	}
	return s.String()
}

// markdown writes a page that renders the same everywhere: values are escaped.
func (r *Report) markdown() string {
	g := r.grid()
	var s strings.Builder
	fmt.Fprintf(&s, "# %s\n\n", escapeMarkdown(r.title()))
	for _, f := range r.facts() {
		fmt.Fprintf(&s, "- %s\n", f)
	}
	s.WriteString("\n")
	line := func(row []string, style string) {
		for i, c := range row {
			if i < g.left {
				c = escapeMarkdown(c)
			}
			if c != "" {
				c = style + c + style
			}
			s.WriteString("| " + c + " ")
		}
		s.WriteString("|\n")
	}
	line(g.head, "")
	for i := range g.head {
		if i < g.left {
			s.WriteString("| :-- ")
		} else {
			s.WriteString("| --: ")
		}
	}
	s.WriteString("|\n")
	for i, row := range g.rows {
		if i >= len(g.rows)-g.totals {
			line(row, "**")
		} else {
			line(row, "")
		}
	}
	s.WriteString("\n")
	for _, e := range r.Equations() {
		s.WriteString("**" + e + "**\n\n")
	}
	for _, n := range r.notes() {
		s.WriteString("- " + n + "\n")
	}
	return s.String()
}

var markdownEscaper = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`, "~", `\~`,
)

func escapeMarkdown(s string) string { return markdownEscaper.Replace(s) }
