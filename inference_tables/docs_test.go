package inferencetables

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the payload table of docs/tables.md")

const (
	page  = "../docs/tables.md"
	begin = "<!-- begin payload -->\n"
	end   = "<!-- end payload -->"
)

// The page has every column with its type and meaning, as the code has them.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q ... %q", page, begin, end)
	}
	var want strings.Builder
	want.WriteString("\n| column | type | meaning |\n| --- | --- | --- |\n")
	for _, c := range columns {
		fmt.Fprintf(&want, "| `%s` | `%s` | %s |\n", c.Name, c.Type.SQL(), c.Comment)
	}
	want.WriteString("\n")
	switch {
	case old == want.String():
	case !*update:
		t.Errorf("%s differs from the columns of payload tables; run: go test ./inference_tables -update", page)
	default:
		if err := os.WriteFile(page, []byte(head+begin+want.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
