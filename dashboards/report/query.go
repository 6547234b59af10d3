package report

import (
	"fmt"
	"strings"
	"time"
)

// Ledger is the table that the report reads, and Corrections the table of differences to its costs.
const (
	Ledger      = "system.serving.endpoint_usage"
	Corrections = "system.serving.cost_corrections"
)

// AsOf is a version of the ledger.
type AsOf struct {
	Version     int64
	Corrections *int64 // version of the corrections; nil: there were none
}

// measures are the sums that every line has, in the order of the result.
var measures = []struct{ name, expr string }{
	{"requests", "COALESCE(SUM(CASE WHEN purpose IS NULL THEN 1 ELSE 0 END), 0)"}, // what lakegate asks by itself is use and cost, and no request
	{"failed", "COALESCE(SUM(CASE WHEN outcome = 'ok' OR purpose IS NOT NULL THEN 0 ELSE 1 END), 0)"},
	{"generated", "COALESCE(SUM(CASE WHEN generated AND purpose IS NULL THEN 1 ELSE 0 END), 0)"},
	{"input_tokens", "COALESCE(SUM(input_token_count), 0)"},
	{"output_tokens", "COALESCE(SUM(output_token_count), 0)"},
	{"cached_tokens", "COALESCE(SUM(cached_input_token_count), 0)"},
	{"cost_nanos", "COALESCE(SUM(cost_nanos), 0)"},
}

// totalLine is the line of the ledger's own sums.
const totalLine = "total"

// query is the report's SELECT for one window. Its rows are groups (g1, g2, ..., line and
// price_version) and one row of line total: sums over the same rows without any grouping, with
// the sum of the column cost, that the groups must add up to. One statement sees one snapshot.
func query(by []Dimension, w window, asOf *AsOf) string {
	table := asOf.table()
	var s strings.Builder
	s.WriteString("WITH calls AS (\n  SELECT\n")
	var groups, nulls []string
	for i, d := range by {
		g := fmt.Sprintf("g%d", i+1)
		groups, nulls = append(groups, g), append(nulls, "NULL")
		s.WriteString("    " + d.expr(w) + " AS " + g + ",\n")
	}
	s.WriteString("    " + classify(by) + " AS line,\n")
	s.WriteString("    price_version, outcome, generated, purpose, input_token_count, output_token_count, cached_input_token_count, cost_nanos, request_time\n")
	s.WriteString("  FROM " + table + "\n  WHERE " + w.where() + "\n)\n")
	groups = append(groups, "line", "price_version")
	nulls = append(nulls, quote(totalLine), "NULL")
	s.WriteString("SELECT " + strings.Join(groups, ", "))
	for _, m := range measures {
		s.WriteString(",\n  " + m.expr + " AS " + m.name)
	}
	s.WriteString(",\n  NULL AS cost_dollars,\n  MAX(request_time) AS newest\nFROM calls\nGROUP BY " + strings.Join(groups, ", "))
	s.WriteString("\nUNION ALL\nSELECT " + strings.Join(nulls, ", "))
	for _, m := range measures {
		s.WriteString(",\n  " + m.expr)
	}
	s.WriteString(",\n  SUM(cost),\n  MAX(request_time)\nFROM " + table + "\nWHERE " + w.where())
	return s.String()
}

// table is SQL for the ledger. The newest one has its corrections added by itself; a version has the
// costs as they were written, and gets those of the corrections' version here.
func (a *AsOf) table() string {
	if a == nil {
		return Ledger
	}
	version := fmt.Sprintf("%s VERSION AS OF %d", Ledger, a.Version)
	if a.Corrections == nil {
		return version
	}
	const nanos = "CASE WHEN c.nanos IS NULL THEN u.cost_nanos ELSE COALESCE(u.cost_nanos, 0) + c.nanos END"
	return "(SELECT u.* EXCEPT (cost, cost_nanos, price_version), " + nanos + " AS cost_nanos,\n" +
		"    CAST(CAST(" + nanos + " AS DECIMAL(28,0)) * CAST('0.000000001' AS DECIMAL(10,9)) AS DECIMAL(18,9)) AS cost,\n" +
		"    COALESCE(c.version, u.price_version) AS price_version\n  FROM " + version + " u\n" +
		"  LEFT JOIN (SELECT databricks_request_id AS id, CAST(SUM(cost_nanos) AS BIGINT) AS nanos, MAX_BY(price_version, corrected_at) AS version\n" +
		fmt.Sprintf("    FROM %s VERSION AS OF %d GROUP BY databricks_request_id) c ON u.databricks_request_id = c.id)", Corrections, *a.Corrections)
}

// classify is SQL for the line of a row.
func classify(by []Dimension) string {
	var untagged []string
	for _, d := range by {
		if d.tag != "" {
			untagged = append(untagged, d.expr(window{})+" IS NULL")
		}
	}
	priced := quote(string(Allocated))
	if len(untagged) > 0 {
		priced = "CASE WHEN " + strings.Join(untagged, " OR ") + " THEN " + quote(string(Untagged)) + " ELSE " + priced + " END"
	}
	return "CASE WHEN cost_nanos IS NOT NULL THEN " + priced +
		"\n      WHEN input_token_count IS NOT NULL AND (output_token_count IS NOT NULL OR task = 'llm/v1/embeddings') THEN " + quote(string(NoPrice)) +
		"\n      WHEN outcome = 'refused' OR outcome = 'upstream_error' AND status_code >= 400 THEN " + quote(string(NoCharge)) +
		"\n      ELSE " + quote(string(NoUsage)) + " END"
}

// where keeps the rows of the window. The dates only spare partitions.
func (w window) where() string {
	lastDay := w.to.Add(-time.Nanosecond)
	return fmt.Sprintf("request_date >= DATE '%s' AND request_date <= DATE '%s' AND request_time >= %s AND request_time < %s",
		w.from.UTC().Format(time.DateOnly), lastDay.UTC().Format(time.DateOnly), instant(w.from), instant(w.to))
}
