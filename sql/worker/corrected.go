package worker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/sql/protocol"
)

// The ledger's columns that corrections change, and what its rows are known by.
var costColumns = []string{"cost", "cost_nanos", "list_cost_nanos", "price_version"}

const requestID = "databricks_request_id"

// correct reports whether a scan reads costs of the ledger that corrections may change. What the
// statistics of files say of these columns is then no reason to leave files out.
func (s *scan) correct() bool {
	if s.table != protocol.Ledger || s.at != nil && s.at.version != nil {
		return false
	}
	s.filter = slices.DeleteFunc(s.filter, func(p prune.Predicate) bool { return isCost(p.Column) })
	return s.columns == nil || slices.ContainsFunc(costColumns, func(c string) bool { return s.columns[c] })
}

func isCost(column string) bool {
	return slices.ContainsFunc(costColumns, func(c string) bool { return strings.EqualFold(c, column) })
}

// corrected is the text of a query over the ledger with the corrections of its costs added up. Both
// numbers are integers of nano-dollars, so that the sum is exact.
func (r *relations) corrected(ctx context.Context, t, corrections protocol.Table, columns columnSet, terms []string) (string, error) {
	wanted := columns.only(t.Schema)
	var inner columnSet
	if columns != nil {
		inner = columnSet{requestID: true, "cost_nanos": true} // cost is made of it
		for c := range columns {
			inner[c] = true
		}
	}
	ledger, err := r.query(ctx, t, inner, terms)
	if err != nil {
		return "", err
	}
	changes, err := r.query(ctx, corrections, columnSet{
		requestID: true, "cost_nanos": true, "list_cost_nanos": true, "price_version": true, "corrected_at": true,
	}, nil)
	if err != nil {
		return "", err
	}
	nanos, list := added("cost_nanos"), added("list_cost_nanos")
	cols := make([]string, len(wanted.Columns))
	for i, c := range wanted.Columns {
		id := quoteIdent(c.Name)
		switch c.Name {
		case "cost_nanos":
			cols[i] = nanos + " AS " + id
		case "list_cost_nanos":
			cols[i] = list + " AS " + id
		case "cost":
			cols[i] = "CAST(CAST(" + nanos + " AS DECIMAL(28,0)) * CAST('0.000000001' AS DECIMAL(10,9)) AS DECIMAL(18,9)) AS " + id
		case "price_version":
			cols[i] = "coalesce(lg_c.lg_version, lg_u.price_version) AS " + id
		default:
			cols[i] = "lg_u." + id
		}
	}
	return fmt.Sprintf("SELECT %s FROM (%s) lg_u LEFT JOIN (SELECT %s AS lg_id, "+
		"CAST(sum(cost_nanos) AS BIGINT) AS lg_cost_nanos, CAST(sum(list_cost_nanos) AS BIGINT) AS lg_list_cost_nanos, max_by(price_version, corrected_at) AS lg_version FROM (%s) GROUP BY 1) lg_c ON lg_u.%s = lg_c.lg_id",
		strings.Join(cols, ", "), ledger, requestID, changes, requestID), nil
}

// added is a column of the ledger and what is added to it; what was not known counts as 0 once it
// is corrected.
func added(column string) string {
	return fmt.Sprintf("CASE WHEN lg_c.lg_%[1]s IS NULL THEN lg_u.%[1]s ELSE coalesce(lg_u.%[1]s, 0) + lg_c.lg_%[1]s END", column)
}
