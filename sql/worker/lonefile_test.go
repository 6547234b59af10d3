package worker_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// TestLoneFile reads a table that is one large file: with the table's columns, with fewer, and with one
// of another type. The engine is asked differently in the first case, and must answer the same.
func TestLoneFile(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	blob := make([]byte, 12<<20) // the file must be large, also compressed
	_, _ = random.Read(blob)
	const columns = "id INT\nd DATE\nmoment TIMESTAMP\ntags MAP<STRING,STRING>\nnested STRUCT<a: INT, `order`: STRING>\ncost DECIMAL(18,9)\nbody STRING"
	row := fmt.Sprintf(`[{"id":1,"moment":"2026-11-02T01:02:03Z","tags":[{"key":"team","value":"red"}],"nested":{"a":2,"order":"x"},"cost":"1.5","body":"%s"},
		{"id":2,"moment":"2026-11-02T01:02:04Z","tags":[{"key":"team","value":"blue"}],"cost":"0.000000001","body":"short"}]`, base64.StdEncoding.EncodeToString(blob))
	for name, table := range map[string]struct{ columns, later string }{
		"the same columns": {columns, "NULL"},
		"a later column":   {columns + "\nlater STRING", "later"},
		"another type":     {"id BIGINT" + columns[len("id INT"):], "NULL"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLake(t)
			written := l.define(t, "main.t.lone", "d", columns)
			l.write(t, written, "lake", "2026-11-02", row)
			path := l.files["main.t.lone"][0].Path
			if info, err := os.Stat(path); err != nil || info.Size() < 8<<20 {
				t.Fatalf("the file is too small: %v %v", info.Size(), err)
			}
			l.tables = l.tables[:len(l.tables)-1]
			l.define(t, "main.t.lone", "d", table.columns)
			w := start(t, l, nil)
			for sql, want := range map[string]string{
				"SELECT id, d, moment, tags['team'], nested.`order`, cost, length(body) FROM main.t.lone ORDER BY id": "1|2026-11-02|2026-11-02T01:02:03.000Z|red|x|1.500000000|16777216\n2|2026-11-02|2026-11-02T01:02:04.000Z|blue|NULL|0.000000001|5\n",
				"SELECT count(*), sum(cost) FROM main.t.lone WHERE moment > '2026-11-02T01:02:03Z'":                   "1|0.000000001\n",
				"SELECT count(*), count(" + table.later + ") FROM main.t.lone WHERE d = '2026-11-02'":                 "2|0\n",
				"SELECT count(*) FROM main.t.lone WHERE d > '2026-11-02'":                                             "0\n",
			} {
				r, err := ask(w, sql)
				if err != nil {
					t.Errorf("%s: %v", sql, err)
					continue
				}
				if got := text(r); got != want {
					t.Errorf("%s\n got %q\nwant %q", sql, got, want)
				}
			}
		})
	}
}
