package gateway

import (
	"sync"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Stored names an answer that a provider keeps, and what is wanted of it.
type Stored struct {
	ID    string
	Query string // of the request, without what is lakegate's own
}

// maxRemembered bounds how many stored answers a gateway remembers the place of.
const maxRemembered = 20_000

// place is where a stored answer is, and whose it is.
type place struct {
	endpoint, entity string
	principal        string
	unpaid           bool // its usage was not known when it was made: it goes on in the background
}

// places remembers the last answers that providers have stored. It is safe for concurrent use.
type places struct {
	mu   sync.Mutex
	of   map[string]place
	ring []string // in the order they came
	next int
}

func (p *places) put(id string, at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string]place{}
	}
	if _, known := p.of[id]; !known {
		if len(p.ring) < maxRemembered {
			p.ring = append(p.ring, id)
		} else {
			delete(p.of, p.ring[p.next])
			p.ring[p.next] = id
			p.next = (p.next + 1) % maxRemembered
		}
	}
	p.of[id] = at
}

func (p *places) get(id string) (place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.of[id]
	return at, ok
}

// paid notes that the usage of an answer was counted.
func (p *places) paid(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.of[id]; ok {
		at.unpaid = false
		p.of[id] = at
	}
}

// findStored decides which endpoint a stored answer is asked of: the one the call names, the one it
// was made at, where that is remembered, else the only one it can be. What is remembered as
// somebody else's is not there.
func (w *work) findStored(view *View) (string, *apierr.Error) {
	id := w.call.Stored.ID
	at, known := w.places.get(id)
	switch {
	case known && at.principal != w.rec.Principal.Name:
		return "", noStored(id)
	case w.call.Endpoint != "":
		return w.call.Endpoint, nil
	case known:
		return at.endpoint, nil
	}
	name := ""
	for _, e := range view.Catalog.All() {
		if !w.mayCall(e.Name) || !e.Allows(&w.rec.Principal, w.admin, endpoint.CanQuery) || len(w.keepers(e)) == 0 {
			continue
		}
		if name != "" {
			return "", apierr.New(apierr.ResourceNotFound, "this gateway does not remember where %q was stored; name the endpoint it was made at: ?model=<endpoint>", clip(id, 100))
		}
		name = e.Name
	}
	if name == "" {
		return "", noStored(id)
	}
	return name, nil
}

func noStored(id string) *apierr.Error {
	return apierr.New(apierr.ResourceNotFound, "no stored answer %q is known at an endpoint your key may call", clip(id, 100))
}

// keepers returns the entities of an endpoint that may have stored an answer.
func (w *work) keepers(e *endpoint.Endpoint) []*endpoint.Entity {
	var keep []*endpoint.Entity
	for _, x := range e.Entities {
		if p, ok := w.Providers[x.Provider]; ok {
			for _, f := range p.Formats(x, wire.OpChat) {
				if f == wire.OpenAIResponses {
					keep = append(keep, x)
				}
			}
		}
	}
	return keep
}

// planStored appends the entities that may have stored the answer the call is about.
func (w *work) planStored(dst []*endpoint.Entity) []*endpoint.Entity {
	at, known := w.places.get(w.call.Stored.ID)
	for _, e := range w.keepers(w.endpoint) {
		if !known || at.endpoint != w.endpoint.Name || at.entity == e.Name {
			dst = append(dst, e)
		}
	}
	return dst
}

// predecessor returns the entity that has stored the answer that the one asked for is to follow,
// nil for none.
func (w *work) predecessor() *endpoint.Entity {
	at, _ := w.followed()
	if at.endpoint != w.endpoint.Name {
		return nil
	}
	for _, e := range w.endpoint.Entities {
		if e.Name == at.entity {
			return e
		}
	}
	return nil
}

// followed returns where the answer is stored that the one asked for is to follow, and its id; an
// empty place when that is not known.
func (w *work) followed() (at place, id string) {
	if w.codec.Format != wire.OpenAIResponses {
		return place{}, ""
	}
	v, k := w.req.Member("previous_response_id")
	if k != rawjson.String {
		return place{}, ""
	}
	id = rawjson.Unquote(v)
	at, _ = w.places.get(id)
	return at, id
}

// own refuses to go on with an answer that was made for somebody else.
func (w *work) own() *apierr.Error {
	if at, id := w.followed(); at != (place{}) && at.principal != w.rec.Principal.Name {
		return noStored(id).At("previous_response_id")
	}
	return nil
}

// remember notes where an answer was stored, and returns its id, "" for none. object is the answer.
func (w *work) remember(t *target, object []byte, hasUsage bool) (id string) {
	if t.translate || t.codec.Format != wire.OpenAIResponses || w.call.Stored != nil || w.call.purpose != "" {
		return ""
	}
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		if string(name) != "id" {
			return true
		}
		if k == rawjson.String {
			id = rawjson.Unquote(v)
			w.places.put(id, place{
				endpoint: w.endpoint.Name, entity: t.entity.Name, principal: w.rec.Principal.Name, unpaid: !hasUsage,
			})
		}
		return false
	})
	return id
}

// counts reports whether the usage in an answer is to be counted: a stored answer quotes what was
// counted when it was made, unless that was before it was done.
func (w *work) counts(hasUsage bool) bool {
	s := w.call.Stored
	if s == nil || !hasUsage {
		return hasUsage
	}
	at, ok := w.places.get(s.ID)
	if !ok || !at.unpaid {
		return false
	}
	w.places.paid(s.ID)
	return true
}
