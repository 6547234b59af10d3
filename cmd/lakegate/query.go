package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// query runs SQL of lakegate's own in the gateway, with the right to read everything.
func (a *app) query(ctx context.Context, sql string, rows int) (*warehouse.Result, error) {
	return a.db.Query(ctx, warehouse.Query{
		SQL: sql, RowLimit: rows,
		Principal: inference.Principal{Name: "lakegate", Kind: inference.ServicePrincipal},
		Allow:     func(string) bool { return true },
	})
}

// text returns the one cell of an answer, "NULL" for NULL.
func (a *app) text(ctx context.Context, sql string) (string, error) {
	res, err := a.query(ctx, sql, 1)
	if err != nil {
		return "", err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 1 {
		return "", fmt.Errorf("%s: want one cell, got %d rows", sql, len(res.Rows))
	}
	if res.Rows[0][0] == nil {
		return "NULL", nil
	}
	return *res.Rows[0][0], nil
}

// number returns the one whole number of an answer.
func (a *app) number(ctx context.Context, sql string) (int64, error) {
	s, err := a.text(ctx, sql)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(s, 10, 64)
}
