package gateway

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/cache"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// CacheState is what the response cache did for an answer; "" where the endpoint has none.
type CacheState string

// The states.
const (
	CacheHit    CacheState = "hit"    // the answer is from the cache
	CacheMiss   CacheState = "miss"   // it was not there
	CacheBypass CacheState = "bypass" // the cache was not asked: by the client's wish, or because the answer must be fresh
)

// keeper is a Responder that keeps the answer it passes on.
type keeper struct {
	Responder
	state CacheState
	keep  bool // false: it only says the state
	key   cache.Key
	limit int64

	head   Head
	body   []byte
	stream bool

	carries func() bool // whether to go on, now that nobody listens; nil: no
	left    func() error
	begun   bool // the client has seen a stream begin
	deaf    bool // nobody listens any more
}

// limitsOf returns the bounds of an endpoint's part of the cache.
func limitsOf(c *endpoint.ResponseCache) cache.Limits {
	return cache.Limits{TTL: c.TTL, MaxEntries: c.MaxEntries, MaxBytes: c.MaxBytes}
}

// fromCache answers the call from the response cache. false: a provider is to be asked, and what it
// says is kept on the way where that is allowed.
func (w *work) fromCache() bool {
	limits := limitsOf(w.endpoint.Cache)
	k := &keeper{Responder: w.resp, state: CacheBypass, limit: limits.MaxEntry()}
	w.resp = k
	q, ok := w.question()
	if !ok || w.call.NoStore {
		return false
	}
	sum, ok := q.Key()
	if !ok {
		return false
	}
	k.keep, k.key = true, cache.Key{Sum: sum, Shape: w.cacheShape()}
	if w.call.NoCache {
		return false
	}
	k.state = CacheMiss
	w.rec.Cache = &inference.CacheUse{}
	if h := w.findHit(k.key, limits); h != nil {
		w.resp = k.Responder
		w.answerHit(h)
		return true
	}
	return w.endpoint.Cache.SingleFlight && w.joinFlight(k)
}

// cacheShape is how the client wants its answer.
func (w *work) cacheShape() cache.Shape {
	switch {
	case !w.streaming:
		return cache.Whole
	case w.req.WantsUsage:
		return cache.StreamWithUsage
	default:
		return cache.Stream
	}
}

// Answer implements Responder.
func (k *keeper) Answer(h *Head, body []byte) error {
	h.Cache = k.state
	if k.keep {
		if k.keep = h.Err == nil && int64(len(body)) <= k.limit; k.keep {
			k.head, k.body = *h, bytes.Clone(body)
		}
	}
	return k.Responder.Answer(h, body)
}

// Start implements Responder.
func (k *keeper) Start(h *Head) error {
	h.Cache = k.state
	k.head, k.stream = *h, true
	if k.carries != nil && k.left() != nil && k.carries() {
		k.deaf = true
		return nil
	}
	k.begun = true
	return k.heard(k.Responder.Start(h))
}

// Send implements Responder.
func (k *keeper) Send(events []byte) error {
	if k.keep {
		if k.keep = int64(len(k.body)+len(events)) <= k.limit; k.keep {
			k.body = append(k.body, events...)
		} else {
			k.body = nil
		}
	}
	if k.deaf {
		return nil
	}
	return k.heard(k.Responder.Send(events))
}

// heard takes the error of a client that left, where others wait for the rest.
func (k *keeper) heard(err error) error {
	if err == nil || k.carries == nil || !k.carries() {
		return err
	}
	k.deaf = true
	return nil
}

// Abort implements Responder.
func (k *keeper) Abort() {
	k.keep = false
	k.Responder.Abort()
}

// keepAnswer puts the answer that was just given into the response cache, if it is whole and good.
// One whose client has left may lack its end, whatever the record says. It returns what was put there,
// nil for nothing.
func (w *work) keepAnswer(k *keeper) *cache.Entry {
	r := w.rec
	if !k.keep || w.isGone() || k.stream != w.streaming || len(k.body) == 0 || !w.wentWell() || r.Usage.Source == inference.UsagePartial {
		return nil
	}
	if some(r.Usage.Searches) || some(r.Usage.ToolPrompt) {
		return nil // the provider looked something up, though nothing in the request told
	}
	whole := k.body
	if w.streaming {
		whole = w.joinedStream(k.body)
	}
	if whole == nil || !w.worthKeeping(whole) {
		return nil
	}
	if cap(k.body)-len(k.body) > len(k.body)/8 {
		k.body = bytes.Clone(k.body) // streams grew in steps
	}
	e := &cache.Entry{
		Body: k.body, ContentType: k.head.ContentType, Dropped: k.head.Dropped,
		Target: r.Target, Usage: r.Usage, Cost: w.answerCost(),
	}
	e.Usage.Raw = nil // it may hold on to the provider's whole answer
	w.Cache.Put(w.endpoint.ID, k.key, e, limitsOf(w.endpoint.Cache))
	return e
}

func some(n *int64) bool { return n != nil && *n > 0 }
