package monthclose

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lakegate/lakegate/dashboards/report"
)

// Check is a statement compared with what it came from, and with what is there now.
type Check struct {
	Month    string `json:"month"`
	Revision int    `json:"revision"`
	SHA256   string `json:"sha256"` // of the content, which is the one the statement says
	Table    Table  `json:"table"`

	// Reproduced says whether the version that the statement names gives the same lines, sums and
	// prices again. When it does not, Unproven says why it could not be read, or what differs.
	Reproduced bool   `json:"reproduced"`
	Unproven   string `json:"unproven,omitempty"`

	Now     Table    `json:"now"`     // the version it was compared with
	Changes []Change `json:"changes"` // since: rows that came later, or were deleted
	Total   Sums     `json:"total"`   // of the differences
}

// Same reports whether the ledger still says what the statement says.
func (c *Check) Same() bool { return len(c.Changes) == 0 }

// Check makes the statement again, from its own version of the ledger and from the newest. revision
// 0 is the newest. ErrNotClosed, ErrTampered, and what the report says of the newest version.
func (b *Books) Check(ctx context.Context, ledger Ledger, month string, revision int) (*Check, error) {
	was, err := b.Get(ctx, month, revision)
	if err != nil {
		return nil, err
	}
	newest, err := ledger.Newest(ctx)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", month, err)
	}
	now, err := again(ctx, ledger, was, newest)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", month, err)
	}
	c := &Check{Month: was.Month, Revision: was.Revision, SHA256: was.SHA256, Table: was.Table, Now: now.Table}
	c.Changes, c.Total = compare(was, now)
	c.Unproven = unproven(ctx, ledger, was)
	c.Reproduced = c.Unproven == ""
	return c, nil
}

// again makes the lines of a statement from another version of the ledger.
func again(ctx context.Context, run report.Runner, was *Statement, v Version) (*Statement, error) {
	q, err := Request{Month: was.Month, Now: time.Now()}.like(was)
	if err != nil {
		return nil, err
	}
	o, err := q.options()
	if err != nil {
		return nil, err
	}
	return read(ctx, run, o, v)
}

// unproven reads the statement's own version and says what is not as it was, "" for nothing.
func unproven(ctx context.Context, run report.Runner, was *Statement) string {
	committed, err := time.Parse(time.RFC3339, was.Table.CommittedAt)
	if err != nil {
		return "the statement does not say when its version was committed"
	}
	same, err := again(ctx, run, was, Version{was.Table.Version, committed, was.Table.Corrections})
	if err != nil {
		return fmt.Sprintf("version %d of %s can't be read: %v. The numbers of the statement stand, but can't be made again; vacuum and the table's history decide how long they can",
			was.Table.Version, was.Table.Name, err)
	}
	// What is not of the numbers is as the statement has it.
	same.Month, same.Revision, same.ClosedAt, same.ClosedBy, same.Forced = was.Month, was.Revision, was.ClosedAt, was.ClosedBy, was.Forced
	same.Late, same.Replaces = was.Late, was.Replaces
	doc, err := same.encode()
	if err != nil {
		return err.Error()
	}
	if same.SHA256 == was.SHA256 {
		return ""
	}
	changes, total := compare(was, same)
	if len(changes) > 0 {
		return fmt.Sprintf("version %d now gives other numbers: %d lines differ, by %d requests and $%s", was.Table.Version, len(changes), total.Requests, total.CostUSD)
	}
	return fmt.Sprintf("version %d gives the same lines, but not the same document: %s", was.Table.Version, differing(doc, was))
}

// differing names what makes two statements with the same lines differ.
func differing(doc []byte, was *Statement) string {
	now, err := open(doc)
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, x := range []struct {
		name string
		same bool
	}{
		{"its period", now.From == was.From && now.To == was.To},
		{"its newest request", text(now.NewestRequest) == text(was.NewestRequest)},
		{"its price versions", fmt.Sprint(now.Prices) == fmt.Sprint(was.Prices)},
		{"its equations", strings.Join(now.Equations, "") == strings.Join(was.Equations, "")},
	} {
		if !x.same {
			names = append(names, x.name)
		}
	}
	if len(names) == 0 {
		return "it was written by another version of lakegate"
	}
	return strings.Join(names, " and ")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
