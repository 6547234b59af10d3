package config

import (
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// Catalog compiles the endpoints. What a file can't say, since when an endpoint exists and how
// often it changed, comes from m; see endpoint.Memory.Next. Credentials that are more than a key
// are made in keep. An error means that c did not come from Parse.
func (c *Config) Catalog(m endpoint.Memory, now time.Time, keep *credential.Set) (*endpoint.Catalog, error) {
	built := make([]*endpoint.Endpoint, len(c.Endpoints))
	for i := range c.Endpoints {
		e, err := compileEndpoint(&c.Endpoints[i], keep)
		if err != nil {
			return nil, fmt.Errorf("endpoint %q: %w", c.Endpoints[i].Name, err)
		}
		built[i] = e
	}
	return m.Next(built, now)
}

// AuthKeys compiles the API keys. An error means that c did not come from Parse.
func (c *Config) AuthKeys() (*auth.Keys, error) {
	specs := make([]auth.Spec, len(c.Keys))
	for i := range c.Keys {
		k := &c.Keys[i]
		kind := inference.User
		if k.Kind == ServicePrincipal {
			kind = inference.ServicePrincipal
		}
		specs[i] = auth.Spec{
			Name: k.Name,
			Hash: k.Hash,
			Principal: inference.Principal{
				Name: k.Principal, Kind: kind, KeyID: k.Name, KeyTags: k.Tags, Groups: k.Groups,
			},
			Admin:     k.Admin,
			Endpoints: k.Endpoints,
			Tables:    k.Tables,
		}
	}
	return auth.NewKeys(specs)
}

func compileEndpoint(from *Endpoint, keep *credential.Set) (*endpoint.Endpoint, error) {
	e := &endpoint.Endpoint{
		Name:              from.Name,
		Description:       from.Description,
		Tags:              make(map[string]string, len(from.Tags)),
		Fallback:          from.AIGateway.Fallback.On(false),
		DropUnsupported:   from.Lakegate.DropUnsupported,
		UsageTracking:     from.AIGateway.UsageTracking.On(true),
		Strict:            from.Lakegate.Durability == Strict,
		Timeout:           from.Lakegate.Timeout,
		FirstTokenTimeout: from.Lakegate.FirstTokenTimeout,
		AttemptTimeout:    from.Lakegate.AttemptTimeout,
		IdleTimeout:       from.Lakegate.IdleTimeout,
		Cache:             compileCache(from.Lakegate.Cache),
		Compare:           compileCompare(from),
		Origin:            from.origin,
	}
	compileRouting(e, from)
	var err error
	if e.Prompt, err = compilePrompt(from.Lakegate.Prompt); err != nil {
		return nil, err
	}
	for _, t := range from.Tags {
		e.Tags[t.Key] = t.Value
	}
	for _, s := range from.Config.ServedEntities {
		x, err := compileEntity(&s, keep)
		if err != nil {
			return nil, fmt.Errorf("served entity %q: %w", s.Name, err)
		}
		e.Entities = append(e.Entities, x)
		e.Weights = append(e.Weights, weight(from.Config.TrafficConfig, s.Name))
		e.Task = x.Task
	}
	for _, l := range from.AIGateway.RateLimits {
		e.RateLimits = append(e.RateLimits, compileLimit(l))
	}
	if t := from.AIGateway.InferenceTable; t.On() {
		name, err := tableschema.ParseName(t.Table())
		if err != nil {
			return nil, err
		}
		e.Payload = &endpoint.PayloadTable{
			Table: name, SamplingFraction: 1, RetentionDays: *t.RetentionDays, WhenFull: string(t.WhenFull),
		}
		if f := from.Lakegate.SamplingFraction; f != nil {
			e.Payload.SamplingFraction = *f
		}
	}
	return e, nil
}

func weight(t TrafficConfig, entity string) int {
	for _, r := range t.Routes {
		if r.ServedEntityName == entity && r.TrafficPercentage != nil {
			return *r.TrafficPercentage
		}
	}
	return 0
}

func compileLimit(l RateLimit) endpoint.RateLimit {
	period := time.Minute
	if l.RenewalPeriod == "hour" {
		period = time.Hour
	}
	return endpoint.RateLimit{Calls: l.Calls, Tokens: l.Tokens, Key: endpoint.LimitKey(l.Key), Principal: l.Principal, Period: period}
}
