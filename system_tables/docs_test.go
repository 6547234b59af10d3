package systemtables

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	ts "github.com/lakegate/lakegate/internal/tableschema"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/tables.md")

const page = "../docs/tables.md"

// The page has every column of every table with its type and meaning, as the code has them.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, table := range Tables() {
		begin, end := "<!-- begin "+table.Name.String()+" -->\n", "<!-- end "+table.Name.String()+" -->"
		head, rest, ok := strings.Cut(text, begin)
		old, tail, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no %q ... %q", page, begin, end)
		}
		if want := markdown(table); old != want {
			if !*update {
				t.Errorf("%s differs from the columns of %s; run: go test ./system_tables -update", page, table.Name)
			}
			text = head + begin + want + end + tail
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func markdown(table *ts.Table) string {
	var s strings.Builder
	s.WriteString("\n| column | type | meaning |\n| --- | --- | --- |\n")
	for _, c := range table.Columns {
		fmt.Fprintf(&s, "| `%s` | `%s` | %s |\n", c.Name, c.Type.SQL(), c.Comment)
		inner := c.Type.Fields
		if c.Type.Elem != nil {
			inner = c.Type.Elem.Fields
		}
		for _, f := range inner {
			fmt.Fprintf(&s, "| `%s.%s` | `%s` | %s |\n", c.Name, f.Name, f.Type.SQL(), f.Comment)
		}
	}
	s.WriteString("\n")
	return s.String()
}
