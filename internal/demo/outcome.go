package demo

import (
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// refuse ends a call that lakegate itself said no to.
func (c *call) refuse(status int, code, message string) {
	c.Status, c.Outcome, c.ErrorCode, c.ErrorMessage = status, inference.Refused, code, message
	c.Streaming = false
	c.Usage = inference.Usage{Source: inference.UsageNone}
	c.Latency = c.h.duration(400*time.Microsecond, 0.4)
}

func (c *call) badKey() {
	c.Principal = inference.Principal{}
	c.UsageContext, c.ClientRequestID = nil, ""
	c.refuse(401, "UNAUTHENTICATED", "The API key is not valid.")
}

func (c *call) unknownEndpoint() {
	c.RequestedModel = "gpt-4"
	c.Target = inference.Target{Endpoint: "gpt-4"}
	if c.APIType == "mlflow/v1/invocations" {
		c.URL = "/serving-endpoints/gpt-4/invocations"
	}
	c.refuse(404, "ENDPOINT_NOT_FOUND", "The given endpoint does not exist, please retry after checking the specified model and version deployment exists.")
}

// limitRate: limits are met at busy hours, and on the expensive day.
func (c *call) limitRate() float64 {
	switch {
	case c.spike:
		return 0.10
	case byHour[c.Time.Hour()] > 1:
		return 0.012
	}
	return 0.001
}

func (c *call) limited() {
	c.refuse(429, "REQUEST_LIMIT_EXCEEDED", "User defined rate limit(s) exceeded for '"+c.endpoint.Name+"': calls per minute of the user.")
}

// route tries the entity that was picked, and the others while fallbacks help.
func (c *call) route() {
	c.direct()
	if c.fromCache() {
		return
	}
	tries := []Entity{c.entity}
	if c.endpoint.Fallback {
		for _, e := range c.endpoint.Entities {
			if e.Name != c.entity.Name {
				tries = append(tries, e)
			}
		}
	}
	for _, e := range tries {
		if c.settles(e) {
			return
		}
	}
	c.giveUp()
}

// settles tries an entity, once or twice, and reports whether that ends the call.
func (c *call) settles(e Entity) bool {
	c.aim(e)
	for {
		failed, status, reason := c.fails(e)
		if !failed {
			c.answer()
			return true
		}
		c.try(status, reason)
		if status == 400 || status == 0 || len(c.Attempts) == 3 {
			c.giveUp() // the caller's fault, or no time left
			return true
		}
		if !c.again(reason) {
			return false
		}
	}
}

// outage is when gpt-5 is down.
func (c *call) outage() bool { return hours(c.Time, c.h.down, 13, 15.7) }

// fails decides whether one try fails.
func (c *call) fails(e Entity) (bool, int, string) {
	down := c.outage() && (e.Model == "gpt-5" || strings.HasSuffix(e.Model, "-codex"))
	switch {
	case down && c.h.chance(0.75):
		if c.h.chance(0.2) {
			return true, 0, "no answer in time"
		}
		return true, 503, "Service Unavailable"
	case c.outage() && c.h.chance(0.15):
		return true, 429, "Too Many Requests"
	case c.h.chance(0.004):
		return true, 429, "Too Many Requests"
	case c.h.chance(0.003):
		return true, 500, "Internal Server Error"
	case c.h.chance(0.002):
		return true, 400, "Bad Request"
	case c.h.chance(0.0005):
		return true, 0, "no answer in time"
	}
	return false, 200, ""
}

// try notes a failed attempt.
func (c *call) try(status int, reason string) {
	took := c.h.duration(180*time.Millisecond, 0.5)
	if status == 0 {
		took = c.h.duration(30*time.Second, 0.05)
	}
	c.attempt(status, reason, took)
}

func (c *call) attempt(status int, reason string, took time.Duration) {
	c.Attempts = append(c.Attempts, inference.Attempt{
		ServedEntity: c.entity.Name, Provider: c.entity.Provider, Model: c.entity.Model, Status: status, Error: reason, Latency: took,
		Why: c.why, Action: c.action,
	})
	c.why, c.action = "", ""
	spent := took
	if c.UpstreamLatency != nil {
		spent += *c.UpstreamLatency
	}
	c.UpstreamLatency = &spent
	c.Latency = spent + c.waited + c.h.duration(700*time.Microsecond, 0.3)
}

// giveUp ends a call none of whose attempts worked.
func (c *call) giveUp() {
	last := c.Attempts[len(c.Attempts)-1]
	c.Usage = inference.Usage{Source: inference.UsageNone}
	c.Status, c.Outcome, c.ErrorCode = last.Status, inference.UpstreamError, "EXTERNAL_MODEL_ERROR"
	c.ErrorMessage = "The provider answered: " + last.Error + "."
	if last.Status == 0 {
		c.Status, c.Outcome, c.ErrorCode = 504, inference.Timeout, "DEADLINE_EXCEEDED"
		c.ErrorMessage = "The provider did not answer in time."
	}
}

// answer ends a call that was answered.
func (c *call) answer() {
	c.Target.Model = c.entity.Answers
	c.Status, c.Outcome = 200, inference.OK
	c.Usage = c.usage()
	first, whole := c.race(c.pace())
	if c.Streaming {
		before := c.waited
		if c.UpstreamLatency != nil {
			before += *c.UpstreamLatency
		}
		first += before
		c.TimeToFirstToken = &first
	}
	c.attempt(200, "", whole)
	switch {
	case c.Purpose != "": // lakegate reads its own to the end
	case c.Streaming && c.h.chance(0.015):
		c.Outcome = inference.ClientGone // its usage is read to the end all the same
	case c.Streaming && c.h.chance(0.002):
		c.broken()
	}
	c.Cost = c.price(c.entity, c.Usage)
	c.together()
}

// broken is a stream whose provider stopped in the middle, without a final count.
func (c *call) broken() {
	c.Outcome, c.ErrorCode, c.ErrorMessage = inference.UpstreamBroken, "EXTERNAL_MODEL_ERROR", "The provider's answer broke off."
	c.Usage = inference.Usage{Source: inference.UsageNone}
	c.Attempts[len(c.Attempts)-1].Error = "unexpected end of the stream"
}
