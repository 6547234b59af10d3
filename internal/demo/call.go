package demo

import (
	"fmt"
	"math"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// call is a record being made up.
type call struct {
	*inference.Record
	h        *history
	endpoint Endpoint
	entity   Entity
	team     Team
	spike    bool // of the expensive day

	why, action string             // of the next attempt
	waited      time.Duration      // between attempts
	lost        *inference.Attempt // that of an entity that another was faster than
}

// call makes up one call.
func (h *history) call(at time.Time) *call {
	c := &call{Record: &inference.Record{ID: h.id(at), Time: at, Generated: true}, h: h}
	c.caller()
	c.way()
	switch {
	case h.chance(0.003):
		c.badKey()
	case h.chance(0.002):
		c.unknownEndpoint()
	case h.chance(c.limitRate()):
		c.limited()
	default:
		c.route()
	}
	c.keepBefore(h.Now)
	return c
}

func (h *history) chance(p float64) bool { return h.rng.Float64() < p }

// caller picks who calls which endpoint, and for what.
func (c *call) caller() {
	h := c.h
	c.team = h.teams[pick(h, len(h.teams), func(i int) float64 { return h.teams[i].Weight })]
	c.spike = hours(c.Time, h.dear, 9, 17) && h.chance(0.2)
	if c.spike {
		c.team = h.teams[len(h.teams)-1]
	}
	// The first endpoint of a team is its main one.
	n := len(c.team.Endpoints)
	c.endpoint = h.endpoints[c.team.Endpoints[pick(h, n, func(i int) float64 { return 1 / float64(1+2*i) })]]
	if c.spike {
		c.endpoint = h.endpoints["assistant"]
	}
	c.entity = c.endpoint.Entities[pick(h, len(c.endpoint.Entities), func(i int) float64 { return float64(c.endpoint.Entities[i].Percent) })]

	m := pick(h, len(c.team.Members), func(i int) float64 { return 1 / (1 + 0.4*float64(i)) })
	who := c.team.Members[m]
	c.Principal = inference.Principal{
		Name: who, Kind: inference.User, KeyID: c.team.Key,
		KeyTags: map[string]string{"cost_center": c.team.CostCenter},
	}
	if len(who) == 36 && who[8] == '-' {
		c.Principal.Kind = inference.ServicePrincipal
	}
	c.RemoteIP = fmt.Sprintf("10.%d.%d.%d", 20+len(c.team.Name), m, 10+h.rng.IntN(40))
	c.tags()
}

// tags says what the call is for; a tenth of the callers say nothing.
func (c *call) tags() {
	if !c.spike && c.h.chance(0.10) {
		return
	}
	project := c.team.Projects[pick(c.h, len(c.team.Projects), func(i int) float64 { return 1 / float64(1+i) })]
	if c.spike {
		project = "reindex"
	}
	env := "prod"
	if c.h.chance(0.15) {
		env = "dev"
	}
	c.UsageContext = map[string]string{"team": c.team.Name, "project": project, "env": env}
	if c.h.chance(0.3) {
		c.ClientRequestID = fmt.Sprintf("%s-%08x", project, c.h.rng.Uint32())
	}
}

var userAgents = []string{
	"OpenAI/Python 3.52.0", "OpenAI/JS 7.55.0", "databricks-sdk-py/0.67.0", "python-httpx/0.28.1", "Go-http-client/1.1", "curl/8.14.1",
}

// way picks the API and the client.
func (c *call) way() {
	c.UserAgent = userAgents[pick(c.h, len(userAgents), func(i int) float64 { return 1 / float64(1+i) })]
	c.RequestedModel = c.endpoint.Name
	verb := "chat/completions"
	if c.endpoint.Task == taskEmbeddings {
		verb = "embeddings"
	}
	switch {
	case c.h.chance(0.25):
		c.APIType, c.URL, c.RequestedModel = "mlflow/v1/invocations", "/serving-endpoints/"+c.endpoint.Name+"/invocations", ""
	case c.h.chance(0.3):
		c.APIType, c.URL = "openai/v1/"+verb, "/serving-endpoints/"+verb
	default:
		c.APIType, c.URL = "openai/v1/"+verb, "/v1/"+verb
	}
	c.Streaming = c.endpoint.Task == taskChat && !c.spike && c.h.chance(0.6)
	c.Target = inference.Target{Endpoint: c.endpoint.Name, Task: c.endpoint.Task}
	if c.h.IDs != nil {
		c.Target.EndpointID, _ = c.h.IDs(c.endpoint.Name, "")
	}
}

// aim notes which entity was called.
func (c *call) aim(e Entity) {
	c.entity = e
	c.Target.ServedEntity, c.Target.Provider, c.Target.Model = e.Name, e.Provider, e.Model
	if c.h.IDs != nil {
		c.Target.EndpointID, c.Target.ServedEntityID = c.h.IDs(c.endpoint.Name, e.Name)
	}
}

// keepBefore shortens a call that would end after the history does.
func (c *call) keepBefore(now time.Time) {
	left := max(now.Sub(c.Time), 0)
	c.Latency = min(c.Latency, left)
	for _, d := range []*time.Duration{c.TimeToFirstToken, c.UpstreamLatency} {
		if d != nil {
			*d = min(*d, c.Latency)
		}
	}
}

// pick returns an index below n with a probability by weight.
func pick(h *history, n int, weight func(int) float64) int {
	total := 0.0
	for i := range n {
		total += weight(i)
	}
	x := h.rng.Float64() * total
	for i := range n {
		if x -= weight(i); x < 0 {
			return i
		}
	}
	return n - 1
}

// lognormal has the given median; spread is the standard deviation of its logarithm.
func (h *history) lognormal(median, spread float64) float64 {
	return median * math.Exp(h.rng.NormFloat64()*spread)
}

func (h *history) duration(median time.Duration, spread float64) time.Duration {
	return time.Duration(h.lognormal(float64(median), spread)).Round(time.Microsecond)
}
