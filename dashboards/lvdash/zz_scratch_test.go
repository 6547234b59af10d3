package lvdash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestScratch(t *testing.T) {
	fs, _ := filepath.Glob("/tmp/dash/corpus/*")
	tot := map[string]int{}
	for _, f := range fs {
		raw, _ := os.ReadFile(f)
		d, err := Parse(raw)
		if err != nil {
			fmt.Println("FAIL", f, err)
			continue
		}
		r := Check(d, nil, nil)
		for _, w := range r.Widgets {
			tot[w.State]++
			tot["type "+w.Type]++
			if w.State != Drawn {
				fmt.Println(filepath.Base(f)[:40], "|", w.Widget, "|", w.Type, w.State, w.Detail, w.Place)
			}
		}
		for _, x := range r.Datasets {
			if x.Error != "" {
				fmt.Println(filepath.Base(f)[:40], "DATASET", x.Name, x.Error)
			}
			tot["datasets"]++
		}
		if len(r.Placeholders) > 0 {
			fmt.Println(filepath.Base(f)[:40], "HOLES", r.Placeholders)
		}
		if len(r.Notes) > 0 {
			fmt.Println(filepath.Base(f)[:40], "NOTES", r.Notes)
		}
	}
	fmt.Println(tot)
}
