package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/lakegate/lakegate/dashboards/monthclose"
	"github.com/lakegate/lakegate/dashboards/report"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// statementBook is where month closes are kept and made: in a running gateway, or in a stopped lake.
type statementBook interface {
	close(ctx context.Context, q closeRequest) (*monthclose.Statement, error)
	list(ctx context.Context) ([]*monthclose.Statement, error)
	get(ctx context.Context, month string, revision int) (*monthclose.Statement, error)
	check(ctx context.Context, month string, revision int) (*monthclose.Check, error)
}

// closeRequest asks for a month to be closed, as it is sent to a gateway.
type closeRequest struct {
	Month    string `json:"month"`
	By       string `json:"by"`
	TimeZone string `json:"time_zone"`
	Revise   bool   `json:"revise,omitempty"`
	Force    bool   `json:"force,omitempty"`
}

// lateness is how long after the end of a month requests that began in it may become rows.
const lateness = 15 * time.Minute

// books closes months over a lake that this process has open.
type books struct {
	*monthclose.Books
	docs   *state.Docs
	ledger usageLedger
	own    string                                        // log id that land lands; "" for none
	land   func(ctx context.Context) (problems []string) // lands what this process can land
	now    func() time.Time
}

func newBooks(docs *state.Docs, ledger usageLedger, own string, land func(context.Context) []string) *books {
	return &books{monthclose.New(sharedDocs{docs}), docs, ledger, own, land, time.Now}
}

// close freezes a month for who.
func (b *books) close(ctx context.Context, q closeRequest, who string) (*monthclose.Statement, error) {
	r := monthclose.Request{Month: q.Month, Who: who, Now: b.now().UTC(), Revise: q.Revise, Force: q.Force}
	var err error
	if r.By, err = report.ParseBy(q.By); err != nil {
		return nil, fmt.Errorf("%w: %w", monthclose.ErrRequest, err)
	}
	if r.Location, err = report.LoadZone(q.TimeZone); err != nil {
		return nil, fmt.Errorf("%w: %w", monthclose.ErrRequest, err)
	}
	if err := monthclose.ValidMonth(q.Month); err != nil {
		return nil, err
	}
	_, end, err := report.ParsePeriod(q.Month, "", r.Location, r.Now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", monthclose.ErrRequest, err)
	}
	if r.Missing = b.land(ctx); end.Before(r.Now) {
		others, err := b.missing(ctx, end.Add(lateness), r.Now)
		if err != nil {
			return nil, err
		}
		r.Missing = append(r.Missing, others...)
	}
	return b.Books.Close(ctx, b.ledger, r)
}

// missing says why rows of requests that ended before a time may not be in the tables, other than
// those of this process.
func (b *books) missing(ctx context.Context, before, now time.Time) ([]string, error) {
	var why []string
	if now.Before(before) {
		why = append(why, fmt.Sprintf("requests that began in it may still run, until %s", before.UTC().Format("15:04 MST")))
	}
	all, err := gateways.List(ctx, b.docs)
	if err != nil {
		return nil, storeAway(fmt.Errorf("see which gateways have landed their rows: %w", err))
	}
	for _, g := range all {
		if g.LogID == b.own || g.Done() || !landedUntil(&g).Before(before) {
			continue
		}
		name := fmt.Sprintf("gateway %.8s on %s", g.LogID, g.Host)
		if g.UnlandedBytes == 0 {
			why = append(why, fmt.Sprintf("%s was last heard of at %s and may have rows since (lakegate tables gateways)", name, g.Seen.UTC().Format(time.RFC3339)))
			continue
		}
		why = append(why, fmt.Sprintf("%s has rows in its log that are not landed since %s (heard of at %s)",
			name, landedUntil(&g).UTC().Format(time.RFC3339), g.Seen.UTC().Format(time.RFC3339)))
	}
	return why, nil
}

// landedUntil returns until when everything a gateway had logged is in the tables: when it was heard
// of, or when the first segment that is not landed began at the earliest.
func landedUntil(g *gateways.Gateway) time.Time {
	if g.UnlandedBytes == 0 {
		return g.Seen
	}
	return time.UnixMicro(int64(g.LandedThrough))
}

// usageLedger is the usage table, as SQL and its Delta log have it.
type usageLedger struct {
	query func(ctx context.Context, sql string, rows int) (*warehouse.Result, error)
	store objstore.Store
}

// Query implements report.Runner.
func (l usageLedger) Query(ctx context.Context, sql string) (report.Rows, error) {
	return reportRunner{l.query}.Query(ctx, sql)
}

// Newest implements monthclose.Ledger.
func (l usageLedger) Newest(ctx context.Context) (monthclose.Version, error) {
	t, err := delta.OpenExisting(ctx, l.store, tablePath(report.Ledger), delta.Options{Version: version})
	if errors.Is(err, delta.ErrNotTable) {
		return monthclose.Version{}, fmt.Errorf("%w: there is no usage table yet", monthclose.ErrRequest)
	}
	if err != nil {
		return monthclose.Version{}, storeAway(err)
	}
	newest, err := t.History(ctx, 1)
	if err != nil {
		return monthclose.Version{}, storeAway(err)
	}
	if len(newest) == 0 {
		return monthclose.Version{}, errors.New("the usage table has no history")
	}
	corrections, err := l.corrections(ctx)
	if err != nil {
		return monthclose.Version{}, err
	}
	return monthclose.Version{Number: newest[0].Version, Committed: newest[0].Timestamp, Corrections: corrections}, nil
}

// corrections returns the version of the table of corrections, nil when nothing was corrected.
func (l usageLedger) corrections(ctx context.Context) (*int64, error) {
	t, err := delta.Open(ctx, l.store, tablePath(report.Corrections))
	if errors.Is(err, delta.ErrNotTable) {
		return nil, nil
	}
	if err != nil {
		return nil, storeAway(err)
	}
	defer t.Close()
	if s := t.Snapshot(); s.NumFiles() > 0 {
		return &s.Version, nil
	}
	return nil, nil
}

// stoppedBook closes months over a lake whose gateway, if it has one here, does not run.
type stoppedBook struct{ *books }

func openStoppedBook(s *stopped) stoppedBook {
	land := func(ctx context.Context) []string {
		snap, err := s.lake.Snapshot(ctx, []string{report.Ledger})
		if err != nil {
			return []string{err.Error()}
		}
		defer snap.Release()
		if len(snap.Tables[report.Ledger].Hot) > 0 {
			return []string{"the log in this data folder has rows that are in no table yet: start the gateway on it, it lands them"}
		}
		return nil
	}
	return stoppedBook{newBooks(state.New(s.store), usageLedger{s.query, s.store}, "", land)}
}

func (b stoppedBook) close(ctx context.Context, q closeRequest) (*monthclose.Statement, error) {
	return b.books.close(ctx, q, localUser())
}

func (b stoppedBook) list(ctx context.Context) ([]*monthclose.Statement, error) { return b.List(ctx) }

func (b stoppedBook) get(ctx context.Context, month string, revision int) (*monthclose.Statement, error) {
	return b.Get(ctx, month, revision)
}

func (b stoppedBook) check(ctx context.Context, month string, revision int) (*monthclose.Check, error) {
	return b.Check(ctx, b.ledger, month, revision)
}

// localUser names who runs a command.
func localUser() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
