package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDemo runs the whole main job on a small scale, twice on one folder, and then breaks it.
func TestDemo(t *testing.T) {
	data := t.TempDir()
	demo := func() string {
		t.Helper()
		out, _, err := run(t, "", "demo", "--once", "--data", data, "--listen", "127.0.0.1:0", "--history", "2000", "--requests", "80")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		return lines[len(lines)-1]
	}
	if got, want := demo(), "requests=2080 rows=2080 lost=0 duplicates=0"; got != want {
		t.Fatalf("first run: %s, want %s", got, want)
	}
	if got, want := demo(), "requests=2160 rows=2160 lost=0 duplicates=0"; got != want {
		t.Fatalf("second run: %s, want %s", got, want)
	}
	t.Run("the report's total is the sum of the column", func(t *testing.T) { totalsAgree(t, data) })
	t.Run("a month is closed", func(t *testing.T) { monthCloses(t, data) })
	t.Run("costs are corrected", func(t *testing.T) { repriced(t, data) })
	t.Run("the ledger is reconciled", func(t *testing.T) { reconciled(t, data) })
	t.Run("tables", func(t *testing.T) { tablesOf(t, data) })
	t.Run("travel", func(t *testing.T) { travelOf(t, data) })
	t.Run("verify notices a file that is gone", func(t *testing.T) { verifyNotices(t, data) })
}

func totalsAgree(t *testing.T, data string) {
	out, _, err := run(t, "", "sql", "--data", data, "--format", "json", "SELECT CAST(sum(cost) AS STRING) AS s, sum(cost_nanos) AS n, count(*) AS rows FROM `system`.serving.endpoint_usage")
	if err != nil {
		t.Fatal(err)
	}
	var sum []struct {
		S    string
		N    json.Number
		Rows int64
	}
	if err := json.Unmarshal([]byte(out), &sum); err != nil || len(sum) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	md, _, err := run(t, "", "report", "chargeback", "--data", data, "--by", "team,model", "--from", "2025-01-01", "--to", "2035-01-01", "--tz", "Europe/Berlin", "--format", "md")
	if err != nil {
		t.Fatal(err)
	}
	// allocated $A + untagged $B + unpriced $C = total $T
	m := regexp.MustCompile(`allocated \$?([\d,.]+) .* total \$([\d,.]+)`).FindStringSubmatch(md)
	if m == nil {
		t.Fatalf("the report shows no equation:\n%s", md)
	}
	total := strings.TrimRight(strings.ReplaceAll(m[2], ",", ""), "0")
	if want := strings.TrimRight(sum[0].S, "0"); total != want {
		t.Errorf("the report's total is %s, SELECT sum(cost) %s", total, want)
	}
	if nanos := strings.TrimLeft(strings.Replace(sum[0].S, ".", "", 1), "0"); nanos != sum[0].N.String() {
		t.Errorf("sum(cost) is %s and sum(cost_nanos) %s", sum[0].S, sum[0].N)
	}
	if sum[0].Rows != 2160 {
		t.Errorf("%d rows, want 2160", sum[0].Rows)
	}
}

func verifyNotices(t *testing.T, data string) {
	if out, _, err := run(t, "", "verify", "--data", data); err != nil || !strings.Contains(out, "verified: ") {
		t.Fatalf("before anything is broken: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(data, "lake/system/serving/endpoint_usage/*/*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no data files: %v", err)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	out, _, err := run(t, "", "verify", "--data", data)
	if _, is := err.(exitError); !is || !strings.Contains(out, "NOT VERIFIED") || !strings.Contains(out, filepath.Base(files[0])) {
		t.Errorf("want exit 1 and the file's name, got %v\n%s", err, out)
	}
}
