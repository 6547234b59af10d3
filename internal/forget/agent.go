package forget

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/maintain/lease"
)

// Gateway is what an Agent needs of the gateway it is part of.
type Gateway struct {
	Log  string // its log's id
	Host string
	// Folder is its data folder, scanned once it has dropped its copies. A lake in it is left out.
	Folder string
	// Purge lands the log and drops every segment that had a record when it was called. It returns
	// the newest of these, and how many went.
	Purge func(ctx context.Context) (through uint64, dropped int, err error)
	// DropCopies drops the local copies of objects and returns how many there were. Nil for none.
	DropCopies func(ctx context.Context, keys []string) (int, error)
	// Entry is where acknowledgements go.
	Entry *gateways.Registration
}

// interval is how often an Agent looks for requests: one listing each time, 0.09 dollars a day on S3.
// While one is under way it looks more often.
const (
	interval = 5 * time.Second
	underWay = interval / 10
)

// Agent does a gateway's part of requests to forget, and finishes those whose process died.
type Agent struct {
	cfg      Config
	gateway  Gateway
	observer *lease.Observer
	interval time.Duration
	settled  map[string]bool   // requests with nothing left to do here
	landed   map[string]uint64 // by request: the log's segments up to this one are gone
	acked    map[string]bool   // what was acknowledged
	busy     bool              // a request is under way
}

// NewAgent returns the agent of a gateway.
func NewAgent(cfg Config, g Gateway) *Agent {
	cfg = cfg.withDefaults()
	return &Agent{
		cfg: cfg, gateway: g, observer: lease.NewObserver(cfg.docs(), cfg.Holder), interval: interval,
		settled: map[string]bool{}, landed: map[string]uint64{}, acked: map[string]bool{},
	}
}

// Run looks for requests until ctx ends. A store that is away is tried again.
func (a *Agent) Run(ctx context.Context) {
	for {
		if err := a.Step(ctx, true); err != nil && ctx.Err() == nil {
			a.cfg.Logger.Warn("requests to forget cannot be looked after now", "error", err)
		}
		pause := a.interval
		if a.busy {
			pause = min(pause, underWay)
		}
		if sleep(ctx, pause) != nil {
			return
		}
	}
}

// CatchUp does the gateway's part of requests that were made while it was down, before it serves:
// what it has just landed is erased again.
func (a *Agent) CatchUp(ctx context.Context) error { return a.Step(ctx, false) }

// Step looks once at every request. Of one that no process works on, it goes on with the rest too,
// when it may, or when this gateway was what was waited for.
func (a *Agent) Step(ctx context.Context, adopt bool) error {
	docs := a.cfg.docs()
	names, err := docs.List(ctx, Kind)
	if err != nil {
		return err
	}
	a.busy = false
	var errs []error
	for _, id := range names {
		if a.settled[id] {
			continue
		}
		r, err := Load(ctx, docs, id)
		if errors.Is(err, ErrNoRequest) {
			continue
		}
		if err == nil {
			err = a.request(ctx, r, adopt)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("request %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

func (a *Agent) request(ctx context.Context, r *Request, adopt bool) error {
	waited := r.State == Waiting && slices.Contains(r.Waiting, a.gateway.Log)
	if err := a.part(ctx, r); err != nil {
		return err
	}
	a.busy = a.busy || r.State != Done && r.State != Waiting
	switch {
	case r.State == Done:
		a.settled[r.ID] = true
		return nil
	case waited:
		return a.finish(ctx, r)
	case adopt && r.State != Waiting:
		return a.finish(ctx, r)
	}
	return nil
}

// part does what the gateway has to do for a request in its state.
func (a *Agent) part(ctx context.Context, r *Request) error {
	if r.State != Done {
		if err := a.land(ctx, r); err != nil {
			return err
		}
	}
	if r.State == Cleaning || r.State == Waiting || r.State == Done {
		return a.clean(ctx, r)
	}
	return nil
}

// land brings what the log has into the tables, once for each time that it is asked.
func (a *Agent) land(ctx context.Context, r *Request) error {
	ack := r.ack(ackLanded)
	if a.acked[ack] {
		return nil
	}
	through, dropped, err := a.gateway.Purge(ctx)
	if err != nil {
		return fmt.Errorf("land and drop the log: %w", err)
	}
	if err := a.gateway.Entry.Ack(ctx, ack); err != nil {
		return err
	}
	a.landed[r.ID] = through
	a.acked[ack] = true
	a.cfg.Logger.Info("log landed and dropped for a request to forget", "request", r.ID, "segments", dropped)
	return nil
}

// clean drops copies of deleted files and scans the folder.
func (a *Agent) clean(ctx context.Context, r *Request) error {
	ack := r.ack(ackCleaned)
	if a.acked[ack] {
		return nil
	}
	part := Part{Log: a.gateway.Log, Host: a.gateway.Host}
	if a.gateway.DropCopies != nil {
		n, err := a.gateway.DropCopies(ctx, r.Deleted)
		if err != nil {
			return fmt.Errorf("drop copies: %w", err)
		}
		part.Copies = n
	}
	if r.Subject != nil && a.gateway.Folder != "" {
		p := newProver(newMatcher(*r.Subject), r.Requested)
		if err := p.folder(ctx, a.gateway.Folder, a.landed[r.ID]); err != nil {
			return err
		}
		part.Proof = p.result()
		if err := part.save(ctx, a.cfg.docs(), r.ID); err != nil {
			return err
		}
	}
	if err := a.gateway.Entry.Ack(ctx, ack); err != nil {
		return err
	}
	a.acked[ack] = true
	return nil
}

// finish goes on with a request whose process died. Somebody who is at it is left alone.
func (a *Agent) finish(ctx context.Context, r *Request) error {
	l, err := a.observer.Acquire(ctx, leaseName(r.ID), leaseTTL)
	if errors.Is(err, lease.ErrHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	r, err = Load(ctx, a.cfg.docs(), r.ID)
	if err != nil || r.State == Done {
		return errors.Join(err, l.Release(ctx))
	}
	cfg := a.cfg
	cfg.self = a.part
	report, err := withLease(ctx, cfg, r, l)
	if err != nil {
		return err
	}
	a.cfg.Logger.Info("request to forget was finished here", "request", r.ID, "rows", report.Rows(), "clean", report.Clean, "waiting", len(report.Waiting))
	return nil
}
