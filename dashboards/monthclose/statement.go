// Package monthclose freezes a month's chargeback into a statement that never changes.
//
// A Statement is a document: the lines of report.Chargeback in nano-dollars with their equation, the
// version of the ledger that they were read from, the price versions in them, who closed the month
// and when, and a SHA-256 over all of it. A month is closed once; what turns out later makes a
// revision, which names every line that changed. Nothing is ever overwritten or deleted.
//
// The numbers come from one version of the ledger, read AS OF it, so that the same statement can be
// made from it again: Check does, for as long as that version can be read (vacuum ends that; the
// numbers stay). Check also compares the statement with the ledger of now: rows of the month that
// came later are the difference. The statement of the month after has them as its late rows.
//
// Books may be used by many goroutines and processes at once: of two who close one month, one is
// told that it is closed. The fakes are a Ledger of the test's own and memstore under state.Docs.
package monthclose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/dashboards/report"
	"github.com/lakegate/lakegate/internal/state"
)

// Errors to test for with errors.Is; their text says what to do.
var (
	ErrClosed    = errors.New("the month is closed already")
	ErrNotClosed = errors.New("the month is not closed")
	ErrTooEarly  = errors.New("the month can't be closed yet")
	ErrSame      = errors.New("nothing has changed since the statement")
	// ErrRequest says that what was asked for is not possible; asking again will not help.
	ErrRequest = errors.New("not a month that can be closed like this")
	// ErrTampered says that a stored statement is not what was frozen.
	ErrTampered = errors.New("the statement does not have its SHA-256")
)

// format is what a statement says it is; another shape gets another number.
const format = "lakegate chargeback statement 1"

// Statement is a month's chargeback, frozen. It must not be changed. docs/chargeback.md describes
// the document.
type Statement struct {
	Format   string `json:"statement"`
	Month    string `json:"month"`    // 2026-11
	Revision int    `json:"revision"` // from 1

	From     string   `json:"from"` // RFC 3339 in the zone
	To       string   `json:"to"`   // not included
	TimeZone string   `json:"time_zone"`
	By       []string `json:"by"`
	Table    Table    `json:"table"`

	ClosedAt      string   `json:"closed_at"`
	ClosedBy      string   `json:"closed_by"`
	Forced        []string `json:"forced,omitempty"` // what spoke against closing, and was overruled
	NewestRequest *string  `json:"newest_request"`

	Prices    []Price         `json:"price_versions"`
	Lines     []Line          `json:"lines"`
	Sums      map[string]Sums `json:"sums"` // allocated, untagged, unpriced, total
	Equations []string        `json:"equations"`

	Late     *Late     `json:"late,omitempty"`     // rows of the month before that came after its statement
	Replaces *Replaces `json:"replaces,omitempty"` // for a revision: what changed

	SHA256 string `json:"sha256"`
}

// Table is where the numbers come from.
type Table struct {
	Name        string `json:"name"`
	Version     int64  `json:"version"`
	CommittedAt string `json:"committed_at"`
	// Corrections is the version of system.serving.cost_corrections whose corrections are in the
	// numbers, nil when there were none.
	Corrections *int64 `json:"corrections_version,omitempty"`
}

// Price is what one version of the price list was used for.
type Price struct {
	Version   string `json:"price_version"`
	Requests  int64  `json:"requests"`
	CostNanos string `json:"cost_nanos"`
}

// Line is one line of the report.
type Line struct {
	Line   string             `json:"line"` // allocated, untagged, unpriced
	Reason string             `json:"reason,omitempty"`
	Group  map[string]*string `json:"group"`
	Sums
}

// Sums are the numbers of a line, or of the difference between two. Money is text: it can be more
// than a double holds.
type Sums struct {
	Requests  int64  `json:"requests"`
	Failed    int64  `json:"failed_requests"`
	Generated int64  `json:"generated_requests"`
	Input     int64  `json:"input_tokens"`
	Output    int64  `json:"output_tokens"`
	Cached    int64  `json:"cached_input_tokens"`
	CostNanos string `json:"cost_nanos"`
	CostUSD   string `json:"cost_usd"`
}

// Late is how a statement's month has changed since.
type Late struct {
	Month    string   `json:"month"`
	Revision int      `json:"revision"`
	SHA256   string   `json:"sha256"`
	Changes  []Change `json:"changes"`
	Total    Sums     `json:"total"` // of the differences
}

// Replaces is how a revision differs from the one before.
type Replaces struct {
	Revision int      `json:"revision"`
	SHA256   string   `json:"sha256"`
	Changes  []Change `json:"changes"`
	Total    Sums     `json:"total"`
}

// Change is one line that differs. Was or Now is nil where the line is not there.
type Change struct {
	Line   string             `json:"line"`
	Reason string             `json:"reason,omitempty"`
	Group  map[string]*string `json:"group"`
	Was    *Sums              `json:"was"`
	Now    *Sums              `json:"now"`
	Diff   Sums               `json:"difference"`
}

// Docs is what Books needs of state.Docs.
type Docs interface {
	Create(ctx context.Context, kind, id string, doc []byte) (state.Version, error)
	Get(ctx context.Context, kind, id string) ([]byte, state.Version, error)
	List(ctx context.Context, kind string) ([]string, error)
}

// Kind is the kind of the documents: _lakegate/statements/<month>.<revision>.json.
const Kind = "statements"

// Books are the statements of one lake.
type Books struct{ docs Docs }

// New returns the statements among docs.
func New(docs Docs) *Books { return &Books{docs} }

func id(month string, revision int) string { return month + "." + strconv.Itoa(revision) }

// Revisions returns the revisions there are of a month, in order; none when it is not closed.
func (b *Books) Revisions(ctx context.Context, month string) ([]int, error) {
	ids, err := b.docs.List(ctx, Kind)
	if err != nil {
		return nil, fmt.Errorf("list statements: %w", err)
	}
	var revisions []int
	for _, id := range ids {
		if m, r, ok := parseID(id); ok && m == month {
			revisions = append(revisions, r)
		}
	}
	slices.Sort(revisions)
	return revisions, nil
}

func parseID(id string) (month string, revision int, ok bool) {
	month, number, ok := strings.Cut(id, ".")
	revision, err := strconv.Atoi(number)
	return month, revision, ok && err == nil && revision > 0
}

// Get returns a statement, the newest of its month when revision is 0. ErrNotClosed; ErrTampered
// when it is not the one that was frozen, which is then returned all the same.
func (b *Books) Get(ctx context.Context, month string, revision int) (*Statement, error) {
	if revision == 0 {
		all, err := b.Revisions(ctx, month)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%s: %w", month, ErrNotClosed)
		}
		revision = all[len(all)-1]
	}
	doc, _, err := b.docs.Get(ctx, Kind, id(month, revision))
	if errors.Is(err, state.ErrNotFound) {
		return nil, fmt.Errorf("%s: there is no revision %d: %w", month, revision, ErrNotClosed)
	}
	if err != nil {
		return nil, fmt.Errorf("read the statement of %s: %w", month, err)
	}
	return open(doc)
}

// open reads a stored document and checks its hash: the document's own, so that a key this program
// doesn't know counts too.
func open(doc []byte) (*Statement, error) {
	s := &Statement{}
	if err := json.Unmarshal(doc, s); err != nil {
		return nil, fmt.Errorf("read a statement: %w", err)
	}
	sum, err := Hash(doc)
	if err != nil {
		return nil, fmt.Errorf("read a statement: %w", err)
	}
	if sum != s.SHA256 {
		return s, fmt.Errorf("statement of %s, revision %d: %w: it says %s, its content has %s", s.Month, s.Revision, ErrTampered, s.SHA256, sum)
	}
	return s, nil
}

// List returns every statement there is, by month and revision. One that was tampered with is among
// them, and its error in the joined one.
func (b *Books) List(ctx context.Context) ([]*Statement, error) {
	ids, err := b.docs.List(ctx, Kind)
	if err != nil {
		return nil, fmt.Errorf("list statements: %w", err)
	}
	var all []*Statement
	var errs []error
	for _, id := range ids {
		month, revision, ok := parseID(id)
		if !ok {
			continue
		}
		s, err := b.Get(ctx, month, revision)
		errs = append(errs, err)
		if s != nil {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(x, y *Statement) int {
		if c := strings.Compare(x.Month, y.Month); c != 0 {
			return c
		}
		return x.Revision - y.Revision
	})
	return all, errors.Join(errs...)
}

// freeze makes the lines, sums and dates of a report a statement's.
func freeze(r *report.Report) *Statement {
	stamp := func(t time.Time) string { return t.In(r.Location).Format(time.RFC3339) }
	s := &Statement{
		Format: format, From: stamp(r.From), To: stamp(r.To), TimeZone: r.Location.String(), By: []string{},
		Prices: []Price{}, Lines: []Line{}, Sums: map[string]Sums{"total": sums(r.Total)}, Equations: r.Equations(),
	}
	if r.Newest != nil {
		newest := stamp(*r.Newest)
		s.NewestRequest = &newest
	}
	for _, d := range r.By {
		s.By = append(s.By, d.String())
	}
	for _, p := range r.Prices {
		s.Prices = append(s.Prices, Price{p.Version, p.Requests, p.Cost.String()})
	}
	for c, x := range r.ByClass {
		s.Sums[string(c)] = sums(x)
	}
	for _, l := range r.Lines {
		group := map[string]*string{}
		for i, v := range l.Group {
			group[s.By[i]] = v
		}
		s.Lines = append(s.Lines, Line{string(l.Class), string(l.Reason), group, sums(l.Sums)})
	}
	return s
}

func sums(s report.Sums) Sums {
	return Sums{s.Requests, s.Failed, s.Generated, s.Input, s.Output, s.Cached, s.Cost.String(), report.USD(s.Cost)}
}

func (s Sums) cost() *big.Int {
	n, ok := new(big.Int).SetString(s.CostNanos, 10)
	if !ok {
		return new(big.Int) // a zero Sums
	}
	return n
}

// minus returns the difference of two.
func (s Sums) minus(o Sums) Sums {
	cost := s.cost()
	cost.Sub(cost, o.cost())
	return Sums{
		s.Requests - o.Requests, s.Failed - o.Failed, s.Generated - o.Generated, s.Input - o.Input, s.Output - o.Output, s.Cached - o.Cached,
		cost.String(), report.USD(cost),
	}
}

func (s Sums) zero() bool {
	return s.Requests == 0 && s.Failed == 0 && s.Generated == 0 && s.Input == 0 && s.Output == 0 && s.Cached == 0 && s.cost().Sign() == 0
}

// encode is the statement as it is stored: readable, with its hash.
func (s *Statement) encode() ([]byte, error) {
	s.SHA256 = ""
	doc, err := indented(s)
	if err != nil {
		return nil, err
	}
	if s.SHA256, err = Hash(doc); err != nil {
		return nil, err
	}
	return indented(s)
}

func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode a statement: %w", err)
	}
	return b.Bytes(), nil
}
