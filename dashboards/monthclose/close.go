package monthclose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/dashboards/report"
	"github.com/lakegate/lakegate/internal/state"
)

// Ledger is the usage table, as SQL reads it.
type Ledger interface {
	report.Runner
	// Newest returns the newest version of the table, with everything in it that the caller's gateway
	// could land.
	Newest(ctx context.Context) (Version, error)
}

// Version is one version of the ledger.
type Version struct {
	Number    int64
	Committed time.Time
	// Corrections is the version of the table of corrections; nil: there are none.
	Corrections *int64
}

// Request asks for a month to be closed.
type Request struct {
	Month    string // 2026-11
	By       []report.Dimension
	Location *time.Location
	Who      string
	Now      time.Time
	// Revise makes a revision of a closed month. By and Location are those of its statement.
	Revise bool
	// Missing says, a sentence each, why rows of the month may not be in the ledger yet.
	Missing []string
	// Force closes the month all the same, and has the statement say so.
	Force bool
}

// maxLines bounds a statement. It is a document for people; a grouping with more lines is a slip.
const maxLines = 50_000

// Close freezes the month and returns the statement. ErrClosed, ErrNotClosed, ErrTooEarly, ErrSame,
// and what the report says.
func (b *Books) Close(ctx context.Context, ledger Ledger, q Request) (*Statement, error) {
	was, err := b.Get(ctx, q.Month, 0)
	switch {
	case err != nil && !errors.Is(err, ErrNotClosed):
		return nil, err
	case was != nil && !q.Revise:
		return nil, closed(was)
	case was == nil && q.Revise:
		return nil, fmt.Errorf("%s: %w, so there is nothing to revise: close it without --revise", q.Month, ErrNotClosed)
	case was != nil:
		if q, err = q.like(was); err != nil {
			return nil, err
		}
	}
	o, err := q.options()
	if err != nil {
		return nil, err
	}
	reasons := q.Missing
	if q.Now.Before(o.To) {
		reasons = append([]string{fmt.Sprintf("it ends on %s", o.To.In(o.Location).Format("2006-01-02 15:04 MST"))}, reasons...)
	}
	if len(reasons) > 0 && !q.Force {
		return nil, fmt.Errorf("%s: %w: %s. Wait, or close it with --force; the statement then says so", q.Month, ErrTooEarly, strings.Join(reasons, "; "))
	}
	version, err := ledger.Newest(ctx)
	if err != nil {
		return nil, fmt.Errorf("close %s: %w", q.Month, err)
	}
	s, err := read(ctx, ledger, o, version)
	if err != nil {
		return nil, fmt.Errorf("close %s: %w", q.Month, err)
	}
	s.Month, s.Revision, s.Forced = q.Month, 1, reasons
	s.ClosedBy, s.ClosedAt = q.Who, o.Made.In(o.Location).Format(time.RFC3339)
	if was != nil {
		if err := s.replace(was); err != nil {
			return nil, err
		}
	} else if err := b.late(ctx, ledger, s, version); err != nil {
		return nil, err
	}
	return s, b.store(ctx, s)
}

func closed(was *Statement) error {
	return fmt.Errorf("%s: %w: by %s at %s, revision %d, total $%s. Rows that came since are in `lakegate report statements --check %[1]s`; to freeze them use --revise",
		was.Month, ErrClosed, was.ClosedBy, was.ClosedAt, was.Revision, was.Sums["total"].CostUSD)
}

// like takes the grouping and the zone of a statement, so that lines can be compared.
func (q Request) like(was *Statement) (Request, error) {
	by, err := report.ParseBy(strings.Join(was.By, ","))
	if err == nil {
		q.Location, err = report.LoadZone(was.TimeZone)
	}
	if err != nil {
		return q, fmt.Errorf("revise %s: its statement: %w", was.Month, err)
	}
	q.By = by
	return q, nil
}

// ValidMonth passes for a month such as 2026-11. ErrRequest.
func ValidMonth(month string) error {
	if _, err := time.Parse("2006-01", month); err != nil {
		return fmt.Errorf("%w: month %q: want a month such as 2026-11", ErrRequest, month)
	}
	return nil
}

func (q Request) options() (report.Options, error) {
	if err := ValidMonth(q.Month); err != nil {
		return report.Options{}, err
	}
	from, to, err := report.ParsePeriod(q.Month, "", q.Location, q.Now)
	return report.Options{By: q.By, From: from, To: to, Location: q.Location, Made: q.Now}, err
}

// read makes the numbers of a statement from one version of the ledger.
func read(ctx context.Context, run report.Runner, o report.Options, v Version) (*Statement, error) {
	o.AsOf = &report.AsOf{Version: v.Number, Corrections: v.Corrections}
	r, err := report.Chargeback(ctx, run, o)
	if err != nil {
		return nil, err
	}
	if len(r.Lines) > maxLines {
		return nil, fmt.Errorf("the statement would have %d lines, more than %d: group by fewer things", len(r.Lines), maxLines)
	}
	s := freeze(r)
	s.Table = Table{report.Ledger, v.Number, v.Committed.UTC().Format(time.RFC3339), v.Corrections}
	return s, nil
}

// replace makes s the revision after was.
func (s *Statement) replace(was *Statement) error {
	changes, total := compare(was, s)
	if len(changes) == 0 {
		return fmt.Errorf("%s: %w of revision %d: there is nothing to revise", was.Month, ErrSame, was.Revision)
	}
	s.Revision = was.Revision + 1
	s.Replaces = &Replaces{was.Revision, was.SHA256, changes, total}
	return nil
}

// late adds what changed in the month before since that was closed.
func (b *Books) late(ctx context.Context, ledger Ledger, s *Statement, v Version) error {
	month, err := time.Parse("2006-01", s.Month)
	if err != nil {
		return err
	}
	was, err := b.Get(ctx, month.AddDate(0, -1, 0).Format("2006-01"), 0)
	if errors.Is(err, ErrNotClosed) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := again(ctx, ledger, was, v)
	if err != nil {
		return fmt.Errorf("late rows of %s: %w", was.Month, err)
	}
	if changes, total := compare(was, now); len(changes) > 0 {
		s.Late = &Late{was.Month, was.Revision, was.SHA256, changes, total}
	}
	return nil
}

func (b *Books) store(ctx context.Context, s *Statement) error {
	doc, err := s.encode()
	if err != nil {
		return err
	}
	_, err = b.docs.Create(ctx, Kind, id(s.Month, s.Revision), doc)
	if errors.Is(err, state.ErrExists) {
		return fmt.Errorf("%s: %w: somebody else was faster", s.Month, ErrClosed)
	}
	if err != nil {
		return fmt.Errorf("store the statement of %s: %w", s.Month, err)
	}
	return nil
}

// compare returns the lines that differ between two statements of one grouping, and the difference
// of their totals.
func compare(was, now *Statement) ([]Change, Sums) {
	type pair struct{ was, now *Line }
	pairs := map[string]*pair{}
	var order []string
	at := func(l *Line) *pair {
		k := l.key(was.By)
		if pairs[k] == nil {
			pairs[k] = &pair{}
			order = append(order, k)
		}
		return pairs[k]
	}
	for i := range was.Lines {
		at(&was.Lines[i]).was = &was.Lines[i]
	}
	for i := range now.Lines {
		at(&now.Lines[i]).now = &now.Lines[i]
	}
	changes := []Change{}
	for _, k := range order {
		p := pairs[k]
		var c Change
		var before, after Sums
		if p.was != nil {
			c.Line, c.Reason, c.Group, c.Was, before = p.was.Line, p.was.Reason, p.was.Group, &p.was.Sums, p.was.Sums
		}
		if p.now != nil {
			c.Line, c.Reason, c.Group, c.Now, after = p.now.Line, p.now.Reason, p.now.Group, &p.now.Sums, p.now.Sums
		}
		if c.Diff = after.minus(before); !c.Diff.zero() {
			changes = append(changes, c)
		}
	}
	return slices.Clip(changes), now.Sums["total"].minus(was.Sums["total"])
}

// key tells the lines of a statement apart.
func (l *Line) key(by []string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s/%s", l.Line, l.Reason)
	for _, d := range by {
		if v := l.Group[d]; v != nil {
			fmt.Fprintf(&s, " %d:%s", len(*v), *v)
		} else {
			s.WriteString(" -")
		}
	}
	return s.String()
}
