package format

import (
	"bufio"
	"encoding/json"
	"strings"

	"github.com/lakegate/lakegate/sql/protocol"
)

// writeCSV writes RFC 4180 with a header line.
func writeCSV(b *bufio.Writer, columns []protocol.Column, rows [][]*string) {
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(csvField(c.Name))
	}
	b.WriteString("\r\n")
	for _, r := range rows {
		for i, c := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			if c != nil {
				b.WriteString(csvField(*c))
			}
		}
		b.WriteString("\r\n")
	}
}

// csvField quotes what needs it, and the empty text, which would read as NULL.
func csvField(s string) string {
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// writeJSON writes an array of objects, one per line, with the columns in their order.
func writeJSON(b *bufio.Writer, columns []protocol.Column, rows [][]*string) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quoted(c.Name)
	}
	b.WriteByte('[')
	for n, r := range rows {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n{")
		for i, c := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(names[i] + ":" + jsonCell(columns[i], c))
		}
		b.WriteByte('}')
	}
	if len(rows) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
}

// jsonCell is a cell as JSON. Text that its column's type says is a number or a boolean is one, when
// JSON can say it: NaN and infinity stay text.
func jsonCell(c protocol.Column, s *string) string {
	switch {
	case s == nil:
		return "null"
	case numeric(c) && json.Valid([]byte(*s)):
		return *s
	case c.TypeName == "BOOLEAN" && (*s == "true" || *s == "false"):
		return *s
	}
	return quoted(*s)
}

func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes, and a Builder takes all
	return strings.TrimSuffix(b.String(), "\n")
}
