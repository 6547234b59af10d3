package systemtables

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/inference"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// Losses is system.serving.losses: what was dropped, or is gone from the log, and why. Without a row
// nothing is missing.
func Losses() *ts.Table { return losses }

var losses = mustTable(&ts.Table{
	Name:    ts.Name{Catalog: "system", Schema: "serving", Table: "losses"},
	Comment: "One row per stretch of facts that were dropped by policy or are gone from the log.",
	Columns: []ts.Column{
		{Name: "account_id", Type: text, Comment: "The installation's account."},
		{Name: "workspace_id", Type: text, Comment: "The installation's workspace."},
		{Name: "loss_time", Type: moment, Comment: "When it was noticed, UTC."},
		{Name: "since", Type: moment, Comment: "When the first of them was lost, UTC; NULL when that is not known."},
		{Name: "table_name", Type: text, Comment: "The table that lacks the rows; NULL when it cannot be told: then they were log records, each a row of the usage table or half of one."},
		{Name: "lost_rows", Type: number, Comment: "How many rows, or log records, are known to be missing."},
		{Name: "at_least", Type: boolean, Comment: "Whether there may be more than lost_rows."},
		{Name: "reason", Type: text, Comment: "DISK_FULL, BACKLOG, TABLE_STUCK: dropped by policy. POWER_CUT: not on disk when the power went. GIVEN_UP: damaged, and repaired without them."},
		{Name: "detail", Type: text, Comment: "For people.", NoStats: true},
	},
})

// Positions of losses' columns, in order.
const (
	lAccountID = iota
	lWorkspaceID
	lTime
	lSince
	lTable
	lRows
	lAtLeast
	lReason
	lDetail
)

// LossFeed turns losses into rows of system.serving.losses.
type LossFeed struct {
	cfg    Config
	schema schemaCheck
	row    row
}

// NewLossFeed returns a feed whose rows carry cfg.
func NewLossFeed(cfg Config) *LossFeed {
	return &LossFeed{cfg: cfg, schema: schemaCheck{want: losses.Arrow()}}
}

// Table returns losses for a loss and nil for any other fact.
func (f *LossFeed) Table(fact inference.Fact) *ts.Table {
	if fact.Loss == nil {
		return nil
	}
	return losses
}

// Append adds the loss's row to b, or nothing and says why.
func (f *LossFeed) Append(b *array.RecordBuilder, fact inference.Fact) error {
	l := fact.Loss
	if l == nil || l.Time.IsZero() {
		return fmt.Errorf("row of %s: %w", losses.Name, errors.New("the fact is not a loss with a time"))
	}
	if err := f.schema.check(b); err != nil {
		return fmt.Errorf("row of %s: %w", losses.Name, err)
	}
	r := &f.row
	r.b = b
	r.text(lAccountID, f.cfg.AccountID)
	r.text(lWorkspaceID, f.cfg.WorkspaceID)
	r.moment(lTime, l.Time)
	if l.Since.Unix() <= 0 {
		b.Field(lSince).(*array.TimestampBuilder).AppendNull()
	} else {
		r.moment(lSince, l.Since)
	}
	r.text(lTable, l.Table)
	r.count(lRows, &l.Rows)
	r.flag(lAtLeast, l.AtLeast)
	r.text(lReason, string(l.Reason))
	r.text(lDetail, l.Detail)
	r.b = nil
	return nil
}
