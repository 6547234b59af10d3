package report

import (
	"fmt"
	"strings"
	"time"
)

// Ledger is the table that the report reads.
const Ledger = "system.serving.endpoint_usage"

// measures are the sums that every line has, in the order of the result.
var measures = []struct{ name, expr string }{
	{"requests", "COUNT(*)"},
	{"failed", "COALESCE(SUM(CASE WHEN outcome = 'ok' THEN 0 ELSE 1 END), 0)"},
	{"generated", "COALESCE(SUM(CASE WHEN generated THEN 1 ELSE 0 END), 0)"},
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
func query(by []Dimension, w window, asOf *int64) string {
	table := Ledger
	if asOf != nil {
		table = fmt.Sprintf("%s VERSION AS OF %d", Ledger, *asOf)
	}
	var s strings.Builder
	s.WriteString("WITH calls AS (\n  SELECT\n")
	var groups, nulls []string
	for i, d := range by {
		g := fmt.Sprintf("g%d", i+1)
		groups, nulls = append(groups, g), append(nulls, "NULL")
		s.WriteString("    " + d.expr(w) + " AS " + g + ",\n")
	}
	s.WriteString("    " + classify(by) + " AS line,\n")
	s.WriteString("    price_version, outcome, generated, input_token_count, output_token_count, cached_input_token_count, cost_nanos, request_time\n")
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
