// Package format writes the rows of a query for people and programs: an aligned table, CSV, JSON
// or Markdown.
//
// Cells come as text with NULL as nil, as sql/warehouse returns them. CSV has an empty field for
// NULL and quotes an empty text, JSON an array of objects in which numbers and booleans are such,
// whole numbers beyond 2^53 and decimals exact as written. A Writer belongs to one goroutine.
package format

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/lakegate/lakegate/sql/protocol"
)

// Format is how rows are written.
type Format string

// The formats.
const (
	Table    Format = "table"
	CSV      Format = "csv"
	JSON     Format = "json"
	Markdown Format = "md"
)

// Parse reads the name of a format.
func Parse(s string) (Format, error) {
	switch f := Format(strings.ToLower(s)); f {
	case Table, CSV, JSON, Markdown:
		return f, nil
	case "markdown":
		return Markdown, nil
	}
	return "", fmt.Errorf("format %q: want table, csv, json or md", s)
}

// Write writes all rows. Errors are those of w.
func Write(w io.Writer, f Format, columns []protocol.Column, rows [][]*string) error {
	b := bufio.NewWriter(w)
	switch f {
	case CSV:
		writeCSV(b, columns, rows)
	case JSON:
		writeJSON(b, columns, rows)
	case Markdown:
		writeMarkdown(b, columns, rows)
	default:
		writeTable(b, columns, rows)
	}
	return b.Flush()
}

// maxCell is the widest cell of a table, in characters; CSV and JSON have the whole text.
const maxCell = 100

// numeric reports whether a column is aligned to the right, and a bare number in JSON.
func numeric(c protocol.Column) bool {
	switch c.TypeName {
	case "BYTE", "SHORT", "INT", "LONG", "FLOAT", "DOUBLE", "DECIMAL":
		return true
	}
	return false
}

// printable is a cell on one line, without control characters a terminal would obey.
func printable(s *string, limit int) string {
	if s == nil {
		return "NULL"
	}
	var b strings.Builder
	n := 0
	for _, r := range *s {
		if n == limit {
			b.WriteRune('…')
			break
		}
		switch {
		case r == '\n':
			b.WriteRune('⏎')
		case r == '\t':
			b.WriteRune(' ')
		case r < 0x20, r >= 0x7f && r < 0xa0:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
		n++
	}
	return b.String()
}

// writeLines writes a lone text of several lines, such as a plan, as it is.
func writeLines(b *bufio.Writer, text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		line = strings.TrimSuffix(line, "\n")
		fmt.Fprintln(b, printable(&line, len(line)))
	}
}

func writeTable(b *bufio.Writer, columns []protocol.Column, rows [][]*string) {
	if len(columns) == 1 && len(rows) == 1 && rows[0][0] != nil && strings.Contains(*rows[0][0], "\n") {
		writeLines(b, *rows[0][0])
		return
	}
	width := make([]int, len(columns))
	cells := make([][]string, 0, len(rows)+1)
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = printable(&c.Name, maxCell)
	}
	cells = append(cells, head)
	for _, r := range rows {
		line := make([]string, len(r))
		for i, c := range r {
			line[i] = printable(c, maxCell)
		}
		cells = append(cells, line)
	}
	for _, line := range cells {
		for i, c := range line {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for n, line := range cells {
		var out strings.Builder
		for i, c := range line {
			if i > 0 {
				out.WriteString("  ")
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if numeric(columns[i]) {
				out.WriteString(pad + c)
			} else {
				out.WriteString(c + pad)
			}
		}
		fmt.Fprintln(b, strings.TrimRight(out.String(), " "))
		if n == 0 {
			rule := make([]string, len(width))
			for i, w := range width {
				rule[i] = strings.Repeat("-", w)
			}
			fmt.Fprintln(b, strings.Join(rule, "  "))
		}
	}
}

func writeMarkdown(b *bufio.Writer, columns []protocol.Column, rows [][]*string) {
	escape := strings.NewReplacer("|", `\|`, "\\", `\\`)
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	head, rule := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		head[i] = escape.Replace(printable(&c.Name, maxCell))
		rule[i] = "---"
		if numeric(c) {
			rule[i] = "--:"
		}
	}
	line(head)
	line(rule)
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = escape.Replace(printable(c, 1<<20))
		}
		line(cells)
	}
}
