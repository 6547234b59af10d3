package cohere

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestExtracted reads the usage of recorded answers of Cohere, and compares with what a public
// list of prices made of them.
func TestExtracted(t *testing.T) {
	dir := os.Getenv("LAKEGATE_DATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	b, err := os.ReadFile(filepath.Join(dir, "prices", "priced-responses.json"))
	if err != nil {
		t.Skipf("SKIPPED: no recorded answers: %v; set LAKEGATE_DATA to the folder that has prices/priced-responses.json", err)
	}
	var all []struct {
		Body struct {
			File  string
			Usage json.RawMessage
		}
		Extracted []struct {
			Extractors []struct {
				Provider string `json:"provider_id"`
				Flavor   string `json:"api_flavor"`
			}
			Usage map[string]int64
		}
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, a := range all {
		for _, x := range a.Extracted {
			for _, e := range x.Extractors {
				if e.Provider != "cohere" || e.Flavor != "default" {
					continue
				}
				n++
				u, ok := ParseUsage(a.Body.Usage)
				if !ok || *u.Input != x.Usage["input_tokens"] || *u.Output != x.Usage["output_tokens"] {
					t.Errorf("%s: %s, want %v", a.Body.File, usageText(u, ok), x.Usage)
				}
			}
		}
	}
	if t.Logf("%d answers", n); n == 0 {
		t.Error("no answers of Cohere")
	}
}
