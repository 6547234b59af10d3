package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the yardstick

	"github.com/lakegate/lakegate/dashboards/report"
)

// duckResult is what plain DuckDB took, and the report's requests and cost.
type duckResult struct {
	median time.Duration
	sum    string
}

// plainDuckDB writes the rows of the files into one, and runs the report's statement on it.
func plainDuckDB(ctx context.Context, files []string, one string, day time.Time, statement string) (r duckResult, err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return r, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	list := "'" + strings.Join(files, "','") + "'"
	for _, s := range []string{
		"SET threads = 2", "SET memory_limit = '1GiB'", "SET TimeZone = 'UTC'", "SET preserve_insertion_order = true",
		fmt.Sprintf("COPY (SELECT *, DATE '%s' AS request_date FROM read_parquet([%s], hive_partitioning = false)) TO '%s' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)",
			day.Format(time.DateOnly), list, one),
		fmt.Sprintf("CREATE VIEW ledger AS SELECT * FROM read_parquet('%s')", one),
	} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return r, fmt.Errorf("plain DuckDB: %w", err)
		}
	}
	statement = strings.ReplaceAll(statement, report.Ledger, "ledger")
	var all []time.Duration
	for range times {
		begun := time.Now()
		if r.sum, err = total(ctx, db, statement); err != nil {
			return r, fmt.Errorf("plain DuckDB: %w", err)
		}
		all = append(all, time.Since(begun))
	}
	slices.Sort(all)
	r.median = all[len(all)/2]
	return r, nil
}

// total runs the statement to its end and returns requests and cost of the line "total".
func total(ctx context.Context, db *sql.DB, statement string) (string, error) {
	rows, err := db.QueryContext(ctx, statement)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	line, requests, nanos := slices.Index(columns, "line"), slices.Index(columns, "requests"), slices.Index(columns, "cost_nanos")
	cells, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	found := ""
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		if cells[line] != "total" {
			continue
		}
		cost, ok := new(big.Int).SetString(fmt.Sprint(cells[nanos]), 10)
		if !ok {
			return "", fmt.Errorf("a cost of %v", cells[nanos])
		}
		found = fmt.Sprint(cells[requests], cost)
	}
	return found, rows.Err()
}
