package config

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// Catalog compiles the endpoints. What a file can't say, since when an endpoint exists and how
// often it changed, comes from m; see endpoint.Memory.Next. An error means that c did not come
// from Parse.
func (c *Config) Catalog(m endpoint.Memory, now time.Time) (*endpoint.Catalog, error) {
	built := make([]*endpoint.Endpoint, len(c.Endpoints))
	for i := range c.Endpoints {
		e, err := compileEndpoint(&c.Endpoints[i])
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

func compileEndpoint(from *Endpoint) (*endpoint.Endpoint, error) {
	e := &endpoint.Endpoint{
		Name:              from.Name,
		Description:       from.Description,
		Tags:              make(map[string]string, len(from.Tags)),
		Fallback:          from.AIGateway.Fallback.On(false),
		UsageTracking:     from.AIGateway.UsageTracking.On(true),
		Strict:            from.Lakegate.Durability == Strict,
		Timeout:           from.Lakegate.Timeout,
		FirstTokenTimeout: from.Lakegate.FirstTokenTimeout,
	}
	for _, t := range from.Tags {
		e.Tags[t.Key] = t.Value
	}
	for _, s := range from.Config.ServedEntities {
		x, err := compileEntity(&s)
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

func compileEntity(s *ServedEntity) (*endpoint.Entity, error) {
	m := &s.ExternalModel
	x := &endpoint.Entity{Name: s.Name, Model: m.Name, Task: m.Task, Provider: m.Provider}
	var base string
	switch {
	case m.Provider == OpenAI && m.OpenAI != nil:
		base = m.OpenAI.APIBase
		x.Organization = m.OpenAI.Organization
		bearer(x, m.OpenAI.APIKey)
	case m.Provider == Custom && m.Custom != nil:
		base = m.Custom.URL
		if a := m.Custom.APIKey; a != nil {
			x.AuthHeader, x.AuthValue = http.CanonicalHeaderKey(a.Key), a.Value
		}
		if a := m.Custom.Bearer; a != nil {
			bearer(x, a.Token)
		}
	default:
		return nil, fmt.Errorf("provider %q has no configuration", m.Provider)
	}
	u, err := baseURL(base)
	if err != nil {
		return nil, err
	}
	x.BaseURL = u
	return x, nil
}

func bearer(x *endpoint.Entity, token secret.String) {
	if !token.IsZero() {
		x.AuthHeader, x.AuthValue = "Authorization", secret.New("Bearer "+token.Reveal())
	}
}

// baseURL parses the URL of a provider. Databricks wants the whole URL of a custom provider,
// OpenAI's SDKs the base; both are accepted, so the last steps of an OpenAI path are cut off.
func baseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("its base URL can't be parsed") // the cause would quote it
	}
	path := strings.TrimRight(u.Path, "/")
	for _, end := range []string{"/chat/completions", "/completions", "/embeddings"} {
		if rest, ok := strings.CutSuffix(path, end); ok {
			path = rest
			break
		}
	}
	u.Path, u.RawPath = path, ""
	return u, nil
}
