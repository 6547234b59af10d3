package forget

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/maintain/lease"
)

// leaseTTL is how long a process that died keeps others from going on.
const leaseTTL = 20 * time.Second

// maxRounds bounds how often the tables are gone through again because rows of the subject came in
// meanwhile: from requests that ran when the request to forget was made.
const maxRounds = 3

// Run forgets a subject, or goes on with a request for the same that was not finished. It returns
// when everything is done that can be done now: Report.Clean says whether that is everything. An
// error comes with what was done so far; running it again finishes the work, and waits for a process
// that is at it already.
func Run(ctx context.Context, cfg Config, s Subject, o Options) (*Report, error) {
	cfg = cfg.withDefaults()
	if err := s.Validate(); err != nil {
		return nil, err
	}
	r := newRequest(s, o)
	if o.DryRun {
		return dryRun(ctx, cfg, r)
	}
	old, err := unfinished(ctx, cfg.docs(), s, r.Mode)
	if err != nil {
		return nil, err
	}
	if old != nil {
		old.Requested = r.Requested
		return takeOver(ctx, cfg, old, o)
	}
	return underLease(ctx, cfg, r)
}

// Resume goes on with a request that was not finished. ErrRunning, ErrNoRequest.
func Resume(ctx context.Context, cfg Config, id string) (*Report, error) {
	cfg = cfg.withDefaults()
	r, err := Load(ctx, cfg.docs(), id)
	if err != nil {
		return nil, err
	}
	if r.State == Done {
		return r.Report, nil
	}
	return underLease(ctx, cfg, r)
}

func underLease(ctx context.Context, cfg Config, r *Request) (*Report, error) {
	l, err := lease.Acquire(ctx, cfg.docs(), leaseName(r.ID), cfg.Holder, leaseTTL)
	if errors.Is(err, lease.ErrHeld) {
		return nil, fmt.Errorf("%w: %w", ErrRunning, err)
	}
	if err != nil {
		return nil, err
	}
	return withLease(ctx, cfg, r, l)
}

// takeOver goes on with a request that was made before: when whoever is at it, maybe a gateway, has
// ended or died.
func takeOver(ctx context.Context, cfg Config, r *Request, o Options) (*Report, error) {
	l, err := lease.NewObserver(cfg.docs(), cfg.Holder).Wait(ctx, leaseName(r.ID), leaseTTL)
	if err != nil {
		return nil, err
	}
	now, err := Load(ctx, cfg.docs(), r.ID)
	if err != nil {
		return nil, errors.Join(err, l.Release(ctx))
	}
	if now.State == Done {
		return now.Report, l.Release(ctx)
	}
	// Asked again: what came in meanwhile is meant too.
	now.Requested, now.Gone, now.State = r.Requested, append(now.Gone, o.Gone...), Landing
	now.Asked++
	now.Waiting, now.Statements = nil, o.RedactStatements
	return withLease(ctx, cfg, now, l)
}

func leaseName(id string) string { return "forget-" + id }

func withLease(ctx context.Context, cfg Config, r *Request, l *lease.Lease) (report *Report, err error) {
	err = l.Do(ctx, func(ctx context.Context) error {
		report, err = (&work{cfg: cfg, req: r, began: time.Now()}).do(ctx)
		return err
	})
	if err != nil && report != nil {
		report.Clean = false // nothing was proven
	}
	return report, err
}

// work is one process's work on a request.
type work struct {
	cfg    Config
	req    *Request
	began  time.Time
	eraser *eraser
	report *Report
}

func newEraser(cfg Config, r *Request) *eraser {
	m := newMatcher(*r.Subject)
	m.before = r.Requested.UnixMicro()
	return &eraser{cfg: cfg, req: r, matcher: m, tables: map[string]*TableReport{}, clean: map[string]bool{}, logs: map[string]bool{}, quiet: map[string]bool{}}
}

func dryRun(ctx context.Context, cfg Config, r *Request) (*Report, error) {
	w := &work{cfg: cfg, req: r, began: time.Now(), report: &Report{DryRun: true}, eraser: newEraser(cfg, r)}
	err := w.tables(ctx)
	w.describe()
	return w.report, err
}

// do does everything that is left to do.
func (w *work) do(ctx context.Context) (*Report, error) {
	w.report, w.eraser = &Report{}, newEraser(w.cfg, w.req)
	err := w.steps(ctx)
	w.describe()
	if err != nil {
		return w.report, err
	}
	w.req.Report = w.report
	if w.req.State = Done; len(w.req.Waiting) > 0 {
		w.req.State = Waiting
	} else {
		// From here on nobody needs the name.
		w.req.Subject = nil
	}
	return w.report, w.req.save(ctx, w.cfg.docs())
}

func (w *work) steps(ctx context.Context) error {
	if err := w.enter(ctx, Landing); err != nil {
		return err
	}
	down, err := w.await(ctx, ackLanded)
	if err != nil {
		return err
	}
	w.req.Waiting = down
	for round := 1; ; round++ {
		if err := w.round(ctx); err != nil {
			return err
		}
		if !w.report.Proof.mine() || round == maxRounds {
			return nil
		}
	}
}

// round goes through the tables, has the gateways drop their copies, and scans everything.
func (w *work) round(ctx context.Context) error {
	if err := w.enter(ctx, Rewriting); err != nil {
		return err
	}
	if err := w.tables(ctx); err != nil {
		return err
	}
	if err := w.unlisted(ctx); err != nil {
		return err
	}
	if w.req.Statements {
		if err := redact(ctx, w.cfg, w.req, w.report); err != nil {
			return err
		}
	}
	if err := w.enter(ctx, Cleaning); err != nil {
		return err
	}
	down, err := w.await(ctx, ackCleaned)
	if err != nil {
		return err
	}
	for _, log := range down {
		if !slices.Contains(w.req.Waiting, log) {
			w.req.Waiting = append(w.req.Waiting, log)
		}
	}
	w.report.Proof, err = w.eraser.prove(ctx, w.cfg.Folders)
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	return w.cfg.failPoint("proved")
}

func (w *work) enter(ctx context.Context, s State) error {
	w.req.State = s
	if s == Cleaning {
		w.req.Round++
	}
	if err := w.req.save(ctx, w.cfg.docs()); err != nil {
		return err
	}
	return w.cfg.failPoint("state " + string(s))
}

// tables takes the subject out of every table, newest version first, then the files of older ones.
func (w *work) tables(ctx context.Context) error {
	paths, err := tablesOf(ctx, w.cfg.Store)
	if err != nil {
		return err
	}
	w.report.Left = nil
	for _, path := range paths {
		err := w.eraser.undisturbed(ctx, path, func(ctx context.Context) error { return w.eraser.rewrite(ctx, path) })
		if err != nil {
			return err
		}
	}
	if err := w.cfg.failPoint("rewritten"); err != nil {
		return err
	}
	if err := w.eraser.strays(ctx); err != nil {
		return err
	}
	for _, path := range paths {
		if err := w.eraser.settled(ctx, path); err != nil {
			return err
		}
		left, err := w.eraser.deadFiles(ctx, path)
		w.report.Left = append(w.report.Left, left...)
		if err != nil {
			return err
		}
	}
	slices.Sort(w.req.Deleted)
	w.req.Deleted = slices.Compact(w.req.Deleted)
	return nil
}

// unlisted notes the logs that wrote into tables and are not on the list of gateways: of a lakegate
// that made no list yet, or taken off it.
func (w *work) unlisted(ctx context.Context) error {
	all, err := gateways.List(ctx, w.cfg.docs())
	if err != nil {
		return err
	}
	w.report.Unlisted, w.report.Versions = nil, w.versions(ctx)
	for _, log := range slices.Sorted(maps.Keys(w.eraser.logs)) {
		if !slices.ContainsFunc(all, func(g gateways.Gateway) bool { return g.LogID == log }) {
			w.report.Unlisted = append(w.report.Unlisted, log)
		}
	}
	return nil
}

// silence is how long nothing is heard of a gateway that is down: six heartbeats.
const silence = time.Minute

// What a report says of the versions that a store keeps of objects.
const (
	versionsKept    = "kept"
	versionsUnknown = "unknown"
)

// versions says whether the store keeps what was overwritten and deleted, as far as it can tell.
func (w *work) versions(ctx context.Context) string {
	s, ok := w.cfg.Store.(interface {
		KeepsVersions(context.Context) (bool, error)
	})
	if !ok {
		return ""
	}
	kept, err := s.KeepsVersions(ctx)
	switch {
	case err != nil:
		w.cfg.Logger.Warn("it cannot be told whether the store keeps old versions of objects", "error", err)
		return versionsUnknown
	case kept:
		return versionsKept
	}
	return ""
}

// Steps that gateways acknowledge.
const (
	ackLanded  = "landed"
	ackCleaned = "cleaned"
)

// await waits until every gateway that is not down has done a step, and returns the logs of those
// that have not.
func (w *work) await(ctx context.Context, step string) (down []string, err error) {
	if w.cfg.self != nil {
		if err := w.cfg.self(ctx, w.req); err != nil {
			return nil, err
		}
	}
	deadline := time.Now().Add(w.cfg.Patience)
	for {
		all, err := gateways.List(ctx, w.cfg.docs())
		if err != nil {
			return nil, err
		}
		down = nil
		busy := false
		for _, g := range all {
			if !g.Acks[w.req.ack(step)].IsZero() || g.Done() || slices.Contains(w.req.Gone, g.LogID) {
				continue
			}
			down = append(down, g.LogID)
			known := step == ackCleaned && slices.Contains(w.req.Waiting, g.LogID)
			busy = busy || !known && !g.Silent(time.Now(), silence) && g.Stopped.IsZero()
		}
		if !busy || time.Now().After(deadline) {
			return down, nil
		}
		if err := sleep(ctx, w.cfg.Poll); err != nil {
			return nil, err
		}
	}
}

// describe fills the report from what was done.
func (w *work) describe() {
	r := w.report
	r.ID, r.Mode, r.Subject, r.Hash = w.req.ID, w.req.Mode, w.req.Subject.kind(), w.req.Hash
	r.Requested, r.Finished, r.Took = w.req.Requested, time.Now().UTC(), time.Since(w.began)
	r.Tables = nil
	for _, name := range slices.Sorted(maps.Keys(w.eraser.tables)) {
		r.Tables = append(r.Tables, *w.eraser.tables[name])
	}
	r.Waiting = w.req.Waiting
	r.Clean = !r.DryRun && len(r.Waiting) == 0 && len(r.Left) == 0 && len(r.Proof.Found) == 0
	slices.SortFunc(r.Tables, func(a, b TableReport) int { return strings.Compare(a.Table, b.Table) })
}
