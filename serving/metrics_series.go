package serving

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// entity is a served entity as labels name it. Calls that found none have the zero entity, or one
// with the endpoint alone.
type entity struct{ endpoint, provider, name string }

// known is what labels may say: the entities of the catalog in force, and for each endpoint one
// without a name, for calls that never got to an entity. Its values are the entities' models.
type known map[entity]string

// target is what series of calls are about.
type target struct {
	entity
	outcome   inference.Outcome
	class     int // of the status: 2 for 2xx
	streaming bool
}

// attempt is what series of attempts are about.
type attempt struct {
	entity
	class int
}

// series are the ones a call of a target counts in, found once.
type series struct {
	requests             prometheus.Counter
	duration, firstToken prometheus.Observer
	cost, unpriced       prometheus.Counter
	input, output        prometheus.Counter

	entity entity
	kinds  [len(kinds)]atomic.Pointer[prometheus.Counter] // made when a call has some of the kind
}

// kinds are the classes of tokens beside input and output, which are parts of those.
var kinds = [...]struct {
	name string
	of   func(*inference.Usage) *int64
}{
	{"cached_input", func(u *inference.Usage) *int64 { return u.CachedInput }},
	{"cache_write", func(u *inference.Usage) *int64 { return u.CacheWrite }},
	{"reasoning", func(u *inference.Usage) *int64 { return u.Reasoning }},
	{"input_audio", func(u *inference.Usage) *int64 { return u.InputAudio }},
	{"input_image", func(u *inference.Usage) *int64 { return u.InputImage }},
	{"input_video", func(u *inference.Usage) *int64 { return u.InputVideo }},
	{"output_audio", func(u *inference.Usage) *int64 { return u.OutputAudio }},
	{"output_image", func(u *inference.Usage) *int64 { return u.OutputImage }},
	{"output_video", func(u *inference.Usage) *int64 { return u.OutputVideo }},
}

// tries are the series of an attempt.
type tries struct{ all, failed prometheus.Counter }

// Configure makes c's endpoints and entities the ones that labels may name. The series of all others
// disappear; calls of theirs that are still under way are counted without a name.
func (m *Metrics) Configure(c *endpoint.Catalog) {
	next := known{}
	for _, e := range c.All() {
		next[entity{endpoint: e.Name}] = ""
		for _, s := range e.Entities {
			next[entity{e.Name, s.Provider, s.Name}] = s.Model
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.known.Swap(&next)
	m.info.Reset()
	for e, model := range next {
		if e.name != "" {
			m.info.WithLabelValues(e.endpoint, e.provider, e.name, model).Set(1)
		}
	}
	if before == nil {
		return
	}
	for e := range *before {
		if _, stays := next[e]; !stays {
			m.forget(e)
		}
	}
}

// forget takes an entity's series away.
func (m *Metrics) forget(e entity) {
	m.served.Range(func(k, _ any) bool {
		if k.(target).entity == e {
			m.served.Delete(k)
		}
		return true
	})
	m.tried.Range(func(k, _ any) bool {
		if k.(attempt).entity == e {
			m.tried.Delete(k)
		}
		return true
	})
	if e.name == "" {
		m.forgetCache(e.endpoint)
		m.forgetBeside(e.endpoint)
	}
	labels := prometheus.Labels{"endpoint": e.endpoint, "provider": e.provider, "served_entity": e.name}
	for _, v := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{m.requests, m.duration, m.firstToken, m.tokens, m.cost, m.unpriced, m.attempts, m.failed, m.races} {
		v.DeletePartialMatch(labels)
	}
}

// bounded returns e as far as the catalog in force knows it.
func (m *Metrics) bounded(e entity) entity {
	k := m.known.Load()
	if k == nil {
		return e
	}
	if _, ok := (*k)[e]; ok {
		return e
	}
	if _, ok := (*k)[entity{endpoint: e.endpoint}]; ok {
		return entity{endpoint: e.endpoint}
	}
	return entity{}
}

// entityOf names what a call was for; an unknown endpoint's name is the caller's own, and no label.
func entityOf(r *inference.Record, provider, name string) entity {
	if r.Target.EndpointID == "" {
		return entity{}
	}
	return entity{r.Target.Endpoint, provider, name}
}

// series returns the series of a call. Only those of known entities are made, and kept, under the
// lock that Configure takes to remove them: what is removed doesn't come back.
func (m *Metrics) series(r *inference.Record) *series {
	t := target{entityOf(r, r.Target.Provider, r.Target.ServedEntity), r.Outcome, r.Status / 100, r.Streaming}
	if s, ok := m.served.Load(t); ok {
		return s.(*series)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t.entity = m.bounded(t.entity)
	if s, ok := m.served.Load(t); ok {
		return s.(*series)
	}
	streaming := "false"
	if t.streaming {
		streaming = "true"
	}
	e := t.entity
	s := &series{
		requests:   m.requests.WithLabelValues(e.endpoint, e.provider, e.name, string(t.outcome), class(t.class)),
		duration:   m.duration.WithLabelValues(e.endpoint, e.provider, e.name, streaming),
		firstToken: m.firstToken.WithLabelValues(e.endpoint, e.provider, e.name),
		cost:       m.cost.WithLabelValues(e.endpoint, e.provider, e.name),
		unpriced:   m.unpriced.WithLabelValues(e.endpoint, e.provider, e.name),
		entity:     e,
		input:      m.tokens.WithLabelValues(e.endpoint, e.provider, e.name, "input"),
		output:     m.tokens.WithLabelValues(e.endpoint, e.provider, e.name, "output"),
	}
	m.served.Store(t, s)
	return s
}

// count adds a usage up. Classes that no call has had make no series.
func (m *Metrics) count(s *series, u *inference.Usage) {
	add(s.input, u.Input)
	add(s.output, u.Output)
	for i := range kinds {
		n := kinds[i].of(u)
		if n == nil || *n <= 0 {
			continue
		}
		c := s.kinds[i].Load()
		if c == nil {
			c = m.kind(s.entity, kinds[i].name)
			s.kinds[i].Store(c)
		}
		add(*c, n)
	}
}

// kind returns the counter of a class of tokens, of the entity as far as it is still known.
func (m *Metrics) kind(e entity, kind string) *prometheus.Counter {
	m.mu.Lock()
	defer m.mu.Unlock()
	e = m.bounded(e)
	c := m.tokens.WithLabelValues(e.endpoint, e.provider, e.name, kind)
	return &c
}

func (m *Metrics) tries(r *inference.Record, a *inference.Attempt) *tries {
	key := attempt{entityOf(r, a.Provider, a.ServedEntity), a.Status / 100}
	if t, ok := m.tried.Load(key); ok {
		return t.(*tries)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key.entity = m.bounded(key.entity)
	if t, ok := m.tried.Load(key); ok {
		return t.(*tries)
	}
	e := key.entity
	t := &tries{
		all:    m.attempts.WithLabelValues(e.endpoint, e.provider, e.name, class(key.class)),
		failed: m.failed.WithLabelValues(e.endpoint, e.provider, e.name),
	}
	m.tried.Store(key, t)
	return t
}

// add leaves out what no counter takes: a provider may send any number.
func add(c prometheus.Counter, n *int64) {
	if n != nil && *n > 0 {
		c.Add(float64(*n))
	}
}

// class is a status' class as a label. Statuses are what providers send, so unusual ones share one.
func class(hundreds int) string {
	if hundreds < 1 || hundreds > 5 {
		return "none"
	}
	return string(rune('0'+hundreds)) + "xx"
}
