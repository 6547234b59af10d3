package config

import (
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Retries says how often an entity is asked again.
type Retries struct {
	Attempts   *int          `yaml:"attempts"`
	Backoff    time.Duration `yaml:"backoff"`
	MaxBackoff time.Duration `yaml:"max_backoff"`
}

// routing checks how an endpoint finds an entity that answers.
func (c *checker) routing(l *Lakegate, p string) {
	if l.AttemptTimeout > l.Timeout && !c.bad(p+".timeout") {
		c.fault(p+".attempt_timeout", "it is longer than timeout, which is %s", short(l.Timeout))
	}
	within(c, p+".attempt_timeout", l.AttemptTimeout, 0, 24*time.Hour)
	if r := l.Retries; r != nil {
		c.retries(r, p+".retries")
	}
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

func compileRouting(e *endpoint.Endpoint, l *Lakegate) {
	if r := l.Retries; r != nil {
		e.Retries = endpoint.Retries{Attempts: *r.Attempts, Backoff: r.Backoff, MaxBackoff: r.MaxBackoff}
	}
}
