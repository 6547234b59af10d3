package bedrock

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestExtracted reads the usage of recorded answers of Converse, and compares with what a public
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
				if e.Provider != "aws" || e.Flavor != "default" {
					continue
				}
				n++
				u, ok := ParseUsage(a.Body.Usage)
				if !ok || *u.Input != x.Usage["input_tokens"] || *u.Output != x.Usage["output_tokens"] || *sum(u.CachedInput) != x.Usage["cache_read_tokens"] || *sum(u.CacheWrite) != x.Usage["cache_write_tokens"] {
					t.Errorf("%s: %s, want %v", a.Body.File, usageText(u, ok), x.Usage)
				}
				if *u.Total != *u.Input+*u.Output {
					t.Errorf("%s: the total is %d", a.Body.File, *u.Total)
				}
			}
		}
	}
	if t.Logf("%d answers", n); n == 0 {
		t.Error("no answers of Converse")
	}
}
