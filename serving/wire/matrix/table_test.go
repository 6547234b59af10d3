package matrix

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const page = "../../../docs/translation.md"

const (
	begin = "<!-- begin matrix -->\n"
	end   = "<!-- end matrix -->"
)

// writeTable holds the page's tables to what was found.
func writeTable(t *testing.T, cells map[string]cell) { writeRegion(t, begin, end, tables(cells)) }

// writeRegion holds the part of the page between two marks to what was found.
func writeRegion(t *testing.T, begin, end, want string) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q ... %q", page, begin, end)
	}
	if old == want {
		return
	}
	if !*update {
		t.Errorf("%s differs from what the tests found; run: go test ./serving/wire/matrix -update", page)
		return
	}
	if err := os.WriteFile(page, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tables are two of each client: what it can ask of whom, and whose answers it gets.
func tables(cells map[string]cell) string {
	var s strings.Builder
	for _, c := range clients {
		fmt.Fprintf(&s, "\n### %s clients\n\n", c.name)
		s.WriteString("| case |")
		line := "| --- |"
		for _, p := range providers {
			if p.format != c.format {
				s.WriteString(" to " + p.name + " |")
				line += " --- |"
			}
		}
		s.WriteString("\n" + line + "\n")
		for _, scenario := range scenarios {
			fmt.Fprintf(&s, "| `%s` |", scenario)
			for _, p := range providers {
				if p.format != c.format {
					s.WriteString(" " + cells[fmt.Sprintf("%s-to-%s/%s", c.format, p.format, scenario)].text() + " |")
				}
			}
			s.WriteString("\n")
		}
	}
	return s.String()
}

// text is a cell of the table.
func (x cell) text() string {
	ask := "–"
	switch {
	case x.refused != "":
		ask = "refused"
	case len(x.lost) > 0:
		ask = "refused: `" + strings.Join(slices.Compact(slices.Sorted(slices.Values(x.lost))), "`, `") + "`"
	case x.asked && len(x.hints) > 0:
		ask = "without `" + strings.Join(slices.Compact(slices.Sorted(slices.Values(x.hints))), "`, `") + "`"
	case x.asked:
		ask = "yes"
	}
	answer := "–"
	switch {
	case x.answered && x.streamed:
		answer = "whole, stream"
	case x.answered:
		answer = "whole"
	case x.streamed:
		answer = "stream"
	}
	return ask + " / " + answer
}
