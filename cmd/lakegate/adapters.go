package main

import (
	"context"

	"github.com/lakegate/lakegate/dashboards/report"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// recorder gives the gateway the lake to record calls in.
type recorder struct{ lake *tablewriter.Writer }

func (r recorder) Admit(rec *inference.Record) (gateway.Ticket, error) {
	t, err := r.lake.Admit(rec)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (r recorder) Finish(t gateway.Ticket, rec *inference.Record, strict bool) error {
	return r.lake.Finish(t.(tablewriter.Ticket), rec, strict)
}

func (r recorder) Record(rec *inference.Record, strict bool) error {
	return r.lake.Record(rec, strict)
}

func (r recorder) Comparison(c *inference.Comparison) error { return r.lake.Comparison(c) }

// reportRunner runs a report's SQL wherever the command's SQL runs.
type reportRunner struct {
	query func(ctx context.Context, sql string, rows int) (*warehouse.Result, error)
}

// A report has at most one line per group; more rows than this is a wrong grouping.
const reportRows = 200_000

func (r reportRunner) Query(ctx context.Context, sql string) (report.Rows, error) {
	res, err := r.query(ctx, sql, reportRows)
	if err != nil {
		return report.Rows{}, err
	}
	rows := report.Rows{Values: res.Rows, Truncated: res.Truncated}
	for _, c := range res.Columns {
		rows.Columns = append(rows.Columns, c.Name)
	}
	return rows, nil
}
