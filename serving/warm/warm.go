// Package warm opens connections to providers before there are calls, and keeps them open: the first
// call after a start, a reload or a quiet hour finds one, instead of paying for DNS, TCP and TLS.
//
// A Keeper asks each host for HEAD / through the transport that calls go through, whose idle connection
// is then there for them. It sends no key and no part of anything, and whatever the host answers is
// good: an answer of 401 or 404 has opened a connection as well as any. It asks again before
// providers give up on idle connections. What fails is counted and logged when it begins, and changes
// nothing for calls, circuits or strategies.
//
// All methods are safe for concurrent use. Tests bring a transport of their own.
package warm

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

const (
	// every is less than the minute after which the most impatient of providers and their load
	// balancers close an idle connection.
	every   = 45 * time.Second
	timeout = 10 * time.Second
	// atOnce bounds how many hosts are asked at a time.
	atOnce   = 16
	maxDrain = 64 << 10 // bytes; an answer to HEAD has none
)

// Result is what came of asking a host.
type Result string

// The results.
const (
	Opened Result = "opened" // there is a connection that was not there before
	Kept   Result = "kept"   // there is the one that was
	Closed Result = "closed" // the host answered, and closed the connection
	Failed Result = "failed" // there is none
)

// Results returns all of them.
func Results() []Result { return []Result{Opened, Kept, Closed, Failed} }

// Keeper keeps connections open.
type Keeper struct {
	transport http.RoundTripper
	catalog   func() *endpoint.Catalog
	logger    *slog.Logger
	wake      chan struct{}

	mu    sync.Mutex
	state map[string]Result // by scheme and host, of the last round
	count map[Result]int64
}

// New returns a keeper of connections to the providers of the catalog's endpoints that want it.
// Nothing happens before Run.
func New(transport http.RoundTripper, catalog func() *endpoint.Catalog, logger *slog.Logger) *Keeper {
	return &Keeper{
		transport: transport, catalog: catalog, logger: logger, wake: make(chan struct{}, 1),
		state: map[string]Result{}, count: map[Result]int64{},
	}
}

// Run opens connections and keeps them open until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		k.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-t.C:
		}
	}
}

// Wake says that the catalog has changed. It does not wait.
func (k *Keeper) Wake() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// round asks each host once.
func (k *Keeper) round(ctx context.Context) {
	hosts := map[string]*url.URL{}
	for _, t := range targets(k.catalog()) {
		hosts[keyOf(t.entity.BaseURL)] = t.entity.BaseURL
	}
	k.mu.Lock()
	for key := range k.state {
		if hosts[key] == nil {
			delete(k.state, key)
		}
	}
	k.mu.Unlock()
	var all sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for key, u := range hosts {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			r, err := k.ask(ctx, u)
			if ctx.Err() == nil {
				k.note(key, u, r, err)
			}
		})
	}
	all.Wait()
}

// ask has the transport use a connection to a host.
func (k *Keeper) ask(ctx context.Context, u *url.URL) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	result := Opened
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if i.Reused {
			result = Kept
		}
	}})
	r := &http.Request{
		Method: http.MethodHead, URL: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}, Host: u.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"User-Agent": {"lakegate"}},
	}
	resp, err := k.transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return Failed, err
	}
	_, err = io.CopyN(io.Discard, resp.Body, maxDrain)
	_ = resp.Body.Close()
	if resp.Close || err == nil { // it goes on and on: the connection is of no use
		result = Closed
	}
	return result, nil
}

func (k *Keeper) note(key string, u *url.URL, r Result, err error) {
	k.mu.Lock()
	before := k.state[key]
	k.state[key] = r
	k.count[r]++
	k.mu.Unlock()
	if r == before {
		return
	}
	switch r {
	case Failed:
		k.logger.Warn("no connection to a provider could be opened before there are calls", "host", u.Host, "error", err)
	case Closed:
		k.logger.Warn("a provider closes connections that are to be kept open; warm_up is of no use there", "host", u.Host)
	}
}

// target is an entity whose provider is to be kept near.
type target struct {
	endpoint *endpoint.Endpoint
	entity   *endpoint.Entity
}

func targets(c *endpoint.Catalog) []target {
	var list []target
	for _, e := range c.All() {
		if !e.WarmUp {
			continue
		}
		for _, x := range e.Entities {
			list = append(list, target{e, x})
		}
	}
	return list
}

func keyOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

// Stats is how things are, for metrics.
type Stats struct {
	Entities []Entity
	Rounds   map[Result]int64 // how often a host was asked, by what came of it
}

// Entity says whether a connection to an entity's provider was open when that was last looked at.
type Entity struct {
	Endpoint, Provider, Name string
	Open                     bool
}

// Stats returns how things are. It has the entities of the current catalog.
func (k *Keeper) Stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Stats{Rounds: map[Result]int64{}}
	for _, r := range Results() {
		s.Rounds[r] = k.count[r]
	}
	for _, t := range targets(k.catalog()) {
		state := k.state[keyOf(t.entity.BaseURL)]
		s.Entities = append(s.Entities, Entity{
			Endpoint: t.endpoint.Name, Provider: t.entity.Provider, Name: t.entity.Name, Open: state == Opened || state == Kept,
		})
	}
	return s
}
