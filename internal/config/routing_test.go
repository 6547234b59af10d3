package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every example of docs/routing.md works.
func TestExamplesOfRoutingWork(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "routing.md"))
	must(t, err)
	parts := strings.Split(string(text), "```yaml\n")
	for i, part := range parts[1:] {
		example, _, _ := strings.Cut(part, "```")
		if _, err := Parse([]byte(example), func(name string) (string, bool) { return hidden + name, true }); err != nil {
			t.Errorf("example %d: %v\n%s", i+1, err, example)
		}
	}
	if len(parts) == 1 {
		t.Error("there is no example")
	}
}
