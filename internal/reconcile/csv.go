package reconcile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usual are the names that columns of exports have, by what they are. OpenAI's, Azure's, Google's and
// FOCUS' exports are among them.
var usual = map[string][]string{
	"date":     {"date", "day", "usage_date", "start_time_iso", "timestamp", "start_time", "usage_start_time", "chargeperiodstart"},
	"model":    {"model", "model_version", "model_name", "deployment", "skumeter", "line_item"},
	"requests": {"requests", "num_model_requests", "num_requests", "request_count", "calls"},
	"input":    {"input", "input_tokens", "prompt_tokens", "n_context_tokens_total"},
	"output":   {"output", "output_tokens", "completion_tokens", "n_generated_tokens_total"},
	"cached":   {"cached", "input_cached_tokens", "cached_tokens", "cache_read_input_tokens", "n_cached_context_tokens_total"},
	"written":  {"written", "cache_creation_input_tokens", "cache_write_tokens"},
	"cost":     {"cost", "cost_usd", "amount", "amount_value", "total_cost", "usd", "billedcost"},
}

func readCSV(in io.Reader, columns map[string]string) ([]Row, error) {
	r := csv.NewReader(in)
	r.ReuseRecord, r.TrimLeadingSpace = true, true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	at, err := places(header, columns)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for {
		record, err := r.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row, err := readRecord(record, at)
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, row)
	}
}

// places finds the columns.
func places(header []string, columns map[string]string) (map[string]int, error) {
	at := map[string]int{}
	find := func(name string) int {
		return slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) })
	}
	for what, name := range columns {
		if usual[what] == nil {
			return nil, fmt.Errorf("there is no %q to map a column to; there are %s", what, strings.Join(slices.Sorted(maps.Keys(usual)), ", "))
		}
		i := find(name)
		if i < 0 {
			return nil, fmt.Errorf("the file has no column %q; it has %s", name, strings.Join(header, ", "))
		}
		at[what] = i
	}
	for what, names := range usual {
		for _, n := range names {
			if _, ok := at[what]; ok {
				break
			}
			if i := find(n); i >= 0 {
				at[what] = i
			}
		}
	}
	for _, what := range []string{"date", "model"} {
		if _, ok := at[what]; !ok {
			return nil, fmt.Errorf("no column is the %s; say which: %s=COLUMN (the file has %s)", what, what, strings.Join(header, ", "))
		}
	}
	if len(at) == 2 {
		return nil, errors.New("no column has tokens or costs; say which: input=COLUMN, output=COLUMN or cost=COLUMN")
	}
	return at, nil
}

func readRecord(record []string, at map[string]int) (row Row, err error) {
	if row.Day, err = dayOf(record[at["date"]]); err != nil {
		return row, err
	}
	if row.Model = strings.TrimSpace(record[at["model"]]); row.Model == "" {
		return row, errors.New("it names no model")
	}
	for what, into := range map[string]**int64{
		"requests": &row.Requests, "input": &row.Input, "output": &row.Output, "cached": &row.Cached, "written": &row.Written,
	} {
		i, ok := at[what]
		if !ok || strings.TrimSpace(record[i]) == "" {
			continue
		}
		n, err := count(record[i])
		if err != nil {
			return row, fmt.Errorf("%s: %w", what, err)
		}
		*into = &n
	}
	if i, ok := at["cost"]; ok && strings.TrimSpace(record[i]) != "" {
		if row.dollars, err = dollars(record[i], ""); err != nil {
			return row, fmt.Errorf("cost: %w", err)
		}
	}
	return row, nil
}

func count(s string) (int64, error) {
	s = strings.ReplaceAll(strings.TrimSpace(s), ",", "")
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f < 1<<53 && f == math.Trunc(f) {
		return int64(f), nil // 1200.0
	}
	return 0, fmt.Errorf("%.40q is not a count", s)
}

// dayOf reads a day or a time; times without zone are UTC.
func dayOf(s string) (string, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 MST", "01/02/2006", "2006/01/02", "20060102"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format(time.DateOnly), nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 1e9 && n < 1e11 {
		return time.Unix(n, 0).UTC().Format(time.DateOnly), nil
	}
	return "", fmt.Errorf("%.40q is not a date such as 2026-11-20", s)
}
