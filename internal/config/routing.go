package config

import (
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// Retries says how often an entity is asked again.
type Retries struct {
	Attempts   *int          `yaml:"attempts"`
	Backoff    time.Duration `yaml:"backoff"`
	MaxBackoff time.Duration `yaml:"max_backoff"`
}

// CircuitBreaker says when an entity that fails is left alone.
type CircuitBreaker struct {
	Enabled      *bool         `yaml:"enabled"`
	FailureShare *float64      `yaml:"failure_share"`
	MinCalls     *int          `yaml:"min_calls"`
	Window       time.Duration `yaml:"window"`
	OpenFor      time.Duration `yaml:"open_for"`
	Consecutive  *int          `yaml:"consecutive_failures"`
}

// routing checks how an endpoint finds an entity that answers.
func (c *checker) routing(e *Endpoint, p string) {
	l := &e.Lakegate
	if l.AttemptTimeout > l.Timeout && !c.bad(p+".timeout") {
		c.fault(p+".attempt_timeout", "it is longer than timeout, which is %s", short(l.Timeout))
	}
	within(c, p+".attempt_timeout", l.AttemptTimeout, 0, 24*time.Hour)
	if l.IdleTimeout > l.Timeout && !c.bad(p+".timeout") {
		c.fault(p+".idle_timeout", "it is longer than timeout, which is %s", short(l.Timeout))
	}
	within(c, p+".idle_timeout", l.IdleTimeout, 0, 24*time.Hour)
	if r := l.Retries; r != nil {
		c.retries(r, p+".retries")
	}
	c.stickyBy(l.StickyBy, p+".sticky_by")
	if l.Strategy != nil {
		c.strategy(e, p+".strategy")
	}
	c.rules(e, p+".rules")
	if l.Rollout != nil {
		c.rollout(e, p+".rollout")
	}
	if l.Race != nil {
		c.race(e, p+".race")
	}
	if l.Shadow != nil {
		c.shadow(e, p+".shadow")
	}
	if b := l.CircuitBreaker; b != nil {
		c.circuitBreaker(b, p+".circuit_breaker")
	}
}

func (c *checker) circuitBreaker(b *CircuitBreaker, p string) {
	if b.Enabled == nil {
		c.fault(p+".enabled", "say true or false")
	}
	if b.FailureShare == nil {
		b.FailureShare = new(float64)
		*b.FailureShare = endpoint.DefaultFailureShare
	}
	if f := *b.FailureShare; !(f > 0 && f <= 1) { // also refuses what is no number
		c.fault(p+".failure_share", "want more than 0 and at most 1, got %s", c.text(p+".failure_share"))
	}
	if b.MinCalls == nil {
		b.MinCalls = new(int)
		*b.MinCalls = endpoint.DefaultMinCalls
	}
	within(c, p+".min_calls", *b.MinCalls, 1, 1_000_000)
	if !c.given(p + ".window") {
		b.Window = endpoint.DefaultWindow
	}
	within(c, p+".window", b.Window, time.Second, time.Hour)
	if !c.given(p + ".open_for") {
		b.OpenFor = endpoint.DefaultOpenFor
	}
	if b.Consecutive == nil {
		b.Consecutive = new(int)
		*b.Consecutive = endpoint.DefaultConsecutiveFailures
	}
	within(c, p+".consecutive_failures", *b.Consecutive, 0, 1_000_000)
	within(c, p+".open_for", b.OpenFor, 100*time.Millisecond, time.Hour)
}

func (c *checker) retries(r *Retries, p string) {
	if r.Attempts == nil {
		r.Attempts = new(int)
		*r.Attempts = endpoint.DefaultAttempts
	}
	within(c, p+".attempts", *r.Attempts, 1, 10)
	if !c.given(p + ".backoff") {
		r.Backoff = endpoint.DefaultBackoff
	}
	within(c, p+".backoff", r.Backoff, 0, time.Minute)
	if !c.given(p + ".max_backoff") {
		r.MaxBackoff = max(endpoint.DefaultMaxBackoff, r.Backoff)
	}
	within(c, p+".max_backoff", r.MaxBackoff, 0, time.Hour)
	if r.Backoff > r.MaxBackoff && !c.bad(p+".backoff") && !c.bad(p+".max_backoff") {
		c.fault(p+".max_backoff", "it is shorter than backoff, which is %s", short(r.Backoff))
	}
}

const maxKeys = 16

// moreKeys checks the keys beside the one at p, and looks up their references.
func (c *checker) moreKeys(p string, first secret.String, keys []secret.String) {
	at := p + "s"
	if !c.given(at) || c.bad(at) {
		return
	}
	if !c.given(p) && !c.given(p+"_plaintext") {
		c.fault(at, "it has more keys: give the first one in %s", p[strings.LastIndexByte(p, '.')+1:])
	}
	if len(keys) >= maxKeys {
		c.fault(at, "want at most %d keys in all, got %d more", maxKeys, len(keys))
		return
	}
	seen := map[string]bool{first.Reveal(): true}
	for i := range keys {
		one := index(at, i)
		if c.bad(one) {
			continue
		}
		if strings.Contains(keys[i].Reveal(), "{{") {
			var ok bool
			if keys[i], ok = c.reference(one, keys[i]); !ok {
				continue
			}
		}
		if !c.sendable(one, keys[i]) {
			continue
		}
		if seen[keys[i].Reveal()] {
			c.fault(one, "it is the same key as one before")
		}
		seen[keys[i].Reveal()] = true
	}
}

// compileKeys puts more keys where the first is.
func compileKeys(x *endpoint.Entity, keys []secret.String) {
	for _, k := range keys {
		value := k
		if x.AuthHeader == "Authorization" {
			value = secret.New("Bearer " + k.Reveal())
		}
		x.MoreKeys = append(x.MoreKeys, value)
	}
}

func compileRouting(e *endpoint.Endpoint, from *Endpoint) {
	l := &from.Lakegate
	e.StickyBy, e.WarmUp = compileStickyBy(l.StickyBy), l.WarmUp
	e.Strategy, e.Rules, e.Rollout = compileStrategy(from), compileRules(from), compileRollout(from)
	e.Race, e.Shadow = compileRace(from), compileShadow(from)
	if r := l.Retries; r != nil {
		e.Retries = endpoint.Retries{Attempts: *r.Attempts, Backoff: r.Backoff, MaxBackoff: r.MaxBackoff}
	}
	if b := l.CircuitBreaker; b != nil && *b.Enabled {
		e.Breaker = endpoint.Breaker{
			Enabled: true, FailureShare: *b.FailureShare, MinCalls: *b.MinCalls, Window: b.Window,
			ConsecutiveFailures: *b.Consecutive, OpenFor: b.OpenFor,
		}
	}
}
