package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/pricing"
	"github.com/lakegate/lakegate/internal/reprice"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// repriced doubles the prices of a copy of a demo's folder, and looks at the sums everywhere.
func repriced(t *testing.T, demo string) {
	data := t.TempDir()
	if err := os.CopyFS(data, os.DirFS(demo)); err != nil {
		t.Fatal(err)
	}
	lakegate := func(args ...string) string {
		t.Helper()
		out, _, err := run(t, "", append(args, "--data", data)...)
		var exit exitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	one := func(sql string) string {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(lakegate("sql", "--format", "csv", sql)), "\n")
		return lines[len(lines)-1]
	}
	const sums = "SELECT sum(cost_nanos), sum(list_cost_nanos), count(*), sum(CASE WHEN cost IS NULL THEN 1 ELSE 0 END) FROM `system`.serving.endpoint_usage"
	month := time.Now().UTC().AddDate(0, 0, -time.Now().UTC().Day()).Format("2006-01")
	lakegate("report", "close", "--month", month, "--by", "team", "--tz", "UTC", "--force")
	if out := lakegate("prices", "reprice"); !strings.Contains(out, " 0 were corrected, 0 got a cost") {
		t.Errorf("prices that have not changed correct something:\n%s", out)
	}
	// What racers that were cut off cost is an estimate, which stays.
	total := one("SELECT 2 * sum(cost_nanos) - sum(coalesce(extra_cost_nanos, 0)), 2 * sum(list_cost_nanos) - sum(coalesce(extra_cost_nanos, 0)), count(*), sum(CASE WHEN cost IS NULL THEN 1 ELSE 0 END) FROM `system`.serving.endpoint_usage")

	store, err := fsstore.Open(filepath.Join(data, "lake"))
	if err != nil {
		t.Fatal(err)
	}
	twice := func(provider, model string, at time.Time, u inference.Usage) *inference.Cost {
		c := pricing.Builtin().Cost(provider, model, at, u)
		if c != nil {
			c.NanoUSD, c.PriceVersion = 2*c.NanoUSD, "twice"
			if c.ListNanoUSD != nil {
				list := 2 * *c.ListNanoUSD
				c.ListNanoUSD = &list
			}
		}
		return c
	}
	r, err := reprice.Run(t.Context(), reprice.Config{
		Store: store, Ledger: systemtables.EndpointUsage(), Corrections: systemtables.CostCorrections(), Price: twice, Now: time.Now,
	}, reprice.Options{By: "ann", Reason: "a test"})
	if err != nil || r.Corrected == 0 || r.Priced != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	check := func(when string) {
		t.Helper()
		if got := one(sums); got != total {
			t.Errorf("%s the sums are %s, want %s", when, got, total)
		}
	}
	check("after the correction")
	lakegate("tables", "compact", "cost_corrections", "--full")
	check("after compaction")
	if out := lakegate("report", "statements", "--check", month); !strings.Contains(out, "gives the same document again") || !strings.Contains(out, "lines differ") {
		t.Errorf("the check of a closed month does not show the correction:\n%s", out)
	}
	lakegate("report", "close", "--month", month, "--revise")
	if out := lakegate("report", "statements", "--check", month); !strings.Contains(out, "gives the same document again") || !strings.Contains(out, "the same on every line") {
		t.Errorf("the revision does not have the correction:\n%s", out)
	}
	if out := lakegate("verify"); !strings.Contains(out, "lost=0 duplicates=0") {
		t.Errorf("verify:\n%s", out)
	}
	id := one("SELECT databricks_request_id FROM `system`.serving.cost_corrections LIMIT 1")
	lakegate("tables", "forget", "--request-id", id)
	if n := one("SELECT count(*) FROM `system`.serving.cost_corrections WHERE databricks_request_id = '" + id + "'"); n != "0" {
		t.Errorf("a request was forgotten, and %s corrections of it are there", n)
	}
}

// reconciled compares the ledger of a demo with reports made of its own numbers.
func reconciled(t *testing.T, demo string) {
	bill, _, err := run(t, "", "sql", "--data", demo, "--format", "csv", "SELECT request_date AS date, model, sum(input_token_count) AS input_tokens, "+
		"sum(output_token_count) AS output_tokens, sum(cost) AS cost FROM `system`.serving.endpoint_usage WHERE provider = 'openai' AND usage_source <> 'none' AND NOT generated GROUP BY 1, 2")
	if err != nil {
		t.Fatal(err)
	}
	reconcile := func(in string, args ...string) (string, error) {
		out, _, err := run(t, in, append([]string{"prices", "reconcile", "-", "--provider", "openai", "--data", demo, "--tolerance", "0"}, args...)...)
		return out, err
	}
	if out, err := reconcile(bill); err != nil || !strings.HasPrefix(out, "0 of ") {
		t.Errorf("the ledger differs from itself: %v\n%s", err, out)
	}
	more := bill + "2026-01-01,elsewhere,5,5,1.5\n"
	out, err := reconcile(more)
	if !errors.As(err, new(exitError)) || !strings.Contains(out, "elsewhere") || !strings.Contains(out, "1 of ") {
		t.Errorf("what the ledger does not have passes: %v\n%s", err, out)
	}
	if _, err := reconcile("nonsense"); err == nil || !strings.Contains(err.Error(), "no column is the date") {
		t.Errorf("nonsense: %v", err)
	}
}
