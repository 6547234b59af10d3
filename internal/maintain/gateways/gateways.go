// Package gateways keeps the list of the gateways that write into one lake: who they are, when they
// were last heard of, and what is still in their logs only.
//
// Each gateway writes a document of its own, _lakegate/gateways/<log id>.json, every ten seconds as
// long as it runs (Registration.Run), and says there what it has done with requests that every
// gateway must act on (Ack). When Ack returns nil, everybody can read it. A gateway that is gone for
// good stays in the list, with the rows it may have taken along, until somebody removes it.
//
// Times are by each gateway's own clock; compare them in minutes, not in seconds. A document is
// written by the process that has locked the log of that id, so by one at a time. Everything may be
// called from many goroutines at once. The fake is memstore.
package gateways

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/state"
)

// Kind is the kind of the documents.
const Kind = "gateways"

// Interval is the time from one heartbeat to the next.
const Interval = 10 * time.Second

// Gateway is what one gateway says of itself.
type Gateway struct {
	LogID   string    `json:"log_id"`
	Host    string    `json:"host"`
	Version string    `json:"version"` // of lakegate
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`    // last heartbeat
	Stopped time.Time `json:"stopped"` // zero while it runs, and after a crash

	Status

	// Acks has the time at which the gateway had done what a request asks for, by the request's id.
	Acks map[string]time.Time `json:"acks,omitempty"`
}

// Status is what changes from one heartbeat to the next.
type Status struct {
	LandedThrough uint64 `json:"landed_through"` // segments of the log up to this one are in the tables
	UnlandedBytes int64  `json:"unlanded_bytes"` // of the log that is in no table yet
}

// Silent reports whether the gateway has not been heard of for d: it crashed, or can't reach the
// store. One that stopped and had landed all is not silent: it has nothing to say.
func (g *Gateway) Silent(now time.Time, d time.Duration) bool {
	return !g.Done() && now.Sub(g.Seen) > d
}

// Done reports whether the gateway has stopped and left nothing in its log.
func (g *Gateway) Done() bool { return !g.Stopped.IsZero() && g.UnlandedBytes == 0 }

// List returns all gateways there are, by log id.
func List(ctx context.Context, docs *state.Docs) ([]Gateway, error) {
	ids, err := docs.List(ctx, Kind)
	if err != nil {
		return nil, err
	}
	var all []Gateway
	for _, id := range ids {
		g, _, err := get(ctx, docs, id)
		if errors.Is(err, state.ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// Remove takes a gateway that is gone for good off the list. One that runs comes back with its next
// heartbeat.
func Remove(ctx context.Context, docs *state.Docs, logID string) error {
	return docs.Delete(ctx, Kind, logID)
}

func get(ctx context.Context, docs *state.Docs, id string) (Gateway, state.Version, error) {
	doc, version, err := docs.Get(ctx, Kind, id)
	if err != nil {
		return Gateway{}, "", err
	}
	var g Gateway
	if err := json.Unmarshal(doc, &g); err != nil {
		return Gateway{}, version, fmt.Errorf("document of gateway %s: %w", id, err)
	}
	return g, version, nil
}

// Registration is this process's entry in the list.
type Registration struct {
	docs   *state.Docs
	logger *slog.Logger
	status func() Status

	mu      sync.Mutex // held while the document is written
	gateway Gateway
	version state.Version
	known   bool // version is what the store has
}

// Register prepares the entry of a gateway, which has at least a LogID; nothing is written before
// Run or Ack. status is asked at each heartbeat.
func Register(docs *state.Docs, g Gateway, status func() Status, logger *slog.Logger) *Registration {
	g.Started = time.Now().UTC()
	g.Acks = maps.Clone(g.Acks)
	return &Registration{docs: docs, logger: logger, status: status, gateway: g}
}

// Run writes heartbeats until ctx ends. A store that is away is no error: it is tried again. At the
// end call Stop.
func (r *Registration) Run(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	away := false
	for {
		try, stop := context.WithTimeout(ctx, Interval)
		err := r.write(try, func(*Gateway) {})
		stop()
		if ctx.Err() == nil && (err != nil) != away {
			if away = err != nil; away {
				r.logger.Warn("heartbeat can't be written; others will take this gateway for silent", "error", err)
			} else {
				r.logger.Info("heartbeats are written again")
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Ack says that this gateway has done what a request asks for. After nil everybody can read it.
func (r *Registration) Ack(ctx context.Context, request string) error {
	err := r.write(ctx, func(g *Gateway) {
		if g.Acks == nil {
			g.Acks = map[string]time.Time{}
		}
		if g.Acks[request].IsZero() {
			g.Acks[request] = time.Now().UTC()
		}
	})
	if err != nil {
		return fmt.Errorf("acknowledge %s: %w", request, err)
	}
	return nil
}

// Unack forgets acknowledgements of requests that exist no more, at the next heartbeat.
func (r *Registration) Unack(requests ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range requests {
		delete(r.gateway.Acks, id)
	}
}

// Stop says that the gateway has ended, in order and with this status. Nothing is written after it
// but by a later Register.
func (r *Registration) Stop(ctx context.Context) error {
	err := r.write(ctx, func(g *Gateway) { g.Stopped = time.Now().UTC() })
	if err != nil {
		return fmt.Errorf("say that the gateway has stopped: %w", err)
	}
	return nil
}

// write brings the document up to date and changes it. A change whose write fails is in the next.
func (r *Registration) write(ctx context.Context, change func(*Gateway)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := &r.gateway
	change(g)
	if !r.known {
		if err := r.find(ctx); err != nil {
			return err
		}
	}
	g.Seen, g.Status = time.Now().UTC(), r.status()
	doc, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("encode gateway: %w", err)
	}
	if r.version == "" {
		r.version, err = r.docs.Create(ctx, Kind, g.LogID, doc)
	} else {
		r.version, err = r.docs.Replace(ctx, Kind, g.LogID, r.version, doc)
	}
	r.known = err == nil
	return err
}

// find finds the version there is. Acknowledgements of an earlier process are kept: what it did with
// its log, which is this one's, is done.
func (r *Registration) find(ctx context.Context) error {
	was, version, err := get(ctx, r.docs, r.gateway.LogID)
	switch {
	case errors.Is(err, state.ErrNotFound):
	case err != nil && version == "":
		return err
	}
	r.version, r.known = version, true
	for id, at := range was.Acks {
		if r.gateway.Acks == nil {
			r.gateway.Acks = map[string]time.Time{}
		}
		if _, have := r.gateway.Acks[id]; !have {
			r.gateway.Acks[id] = at
		}
	}
	return nil
}
