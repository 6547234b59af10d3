package config

import (
	"regexp"
	"strings"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

const maxEntities = 10

var (
	endpointName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	tableNamePart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,199}$`)
)

func (c *checker) endpoints() {
	names, tables := map[string]string{}, map[string]string{}
	for i := range c.config.Endpoints {
		e, p := &c.config.Endpoints[i], index("endpoints", i)
		if c.required(p+".name", e.Name) && !endpointName.MatchString(e.Name) {
			c.fault(p+".name", "want 1 to 63 letters, digits, '_' or '-', the first a letter or digit, got %s", c.text(p+".name"))
		}
		c.unique(names, strings.ToLower(e.Name), p+".name", "name, but for case,")
		c.tags(e.Tags, p+".tags")
		c.entities(&e.Config, p+".config")
		c.traffic(&e.Config, p+".config")
		c.gateway(e, p+".ai_gateway")
		c.lakegate(e, p+".lakegate")
		if t := e.AIGateway.InferenceTable; t.On() && !c.bad(p+".ai_gateway.inference_table_config") {
			// Grants are per table: sharing one would show one endpoint's prompts to the readers of
			// the other's.
			c.unique(tables, strings.ToLower(t.Table()), p+".ai_gateway.inference_table_config", "payload table")
		}
	}
}

func (c *checker) tags(tags []Tag, p string) {
	seen := map[string]string{}
	for i, t := range tags {
		at := index(p, i)
		if c.required(at+".key", t.Key) {
			c.tag(at, t.Key, t.Value)
			c.unique(seen, t.Key, at+".key", "key")
		}
	}
}

func (c *checker) gateway(e *Endpoint, p string) {
	g := &e.AIGateway
	c.toggle(p+".usage_tracking_config", g.UsageTracking)
	c.toggle(p+".fallback_config", g.Fallback)
	if t := g.InferenceTable; t != nil {
		c.payloadTable(e, t, p+".inference_table_config")
	}
	seen := map[string]string{}
	for i := range g.RateLimits {
		l, at := &g.RateLimits[i], index(p+".rate_limits", i)
		c.rateLimit(l, at)
		c.unique(seen, l.Key+"\x00"+l.Principal+"\x00"+l.RenewalPeriod, at, "key, principal and period")
	}
}

// toggle wants enabled to be written out: a block without it can be read both ways.
func (c *checker) toggle(p string, s *Switch) {
	if s != nil && s.Enabled == nil {
		c.fault(p+".enabled", "say true or false")
	}
}

func (c *checker) payloadTable(e *Endpoint, t *InferenceTable, p string) {
	if t.Enabled == nil {
		c.fault(p+".enabled", "say true or false")
	}
	if t.TableNamePrefix == "" && !c.given(p+".table_name_prefix") {
		t.TableNamePrefix = e.Name
	}
	if !c.given(p + ".when_full") {
		t.WhenFull = c.config.Log.WhenFull
	} else {
		c.whenFull(p+".when_full", t.WhenFull)
	}
	if t.RetentionDays == nil {
		days := c.config.Retention.Payloads
		t.RetentionDays = &days
	} else {
		within(c, p+".retention_days", *t.RetentionDays, 0, maxRetentionDays)
	}
	if !t.On() {
		return
	}
	c.tablePart(p+".catalog_name", t.CatalogName)
	c.tablePart(p+".schema_name", t.SchemaName)
	if !c.bad(parent(parent(p)) + ".name") { // else the prefix is as bad as the name it comes from
		c.tablePart(p+".table_name_prefix", t.TableNamePrefix)
	}
	if strings.EqualFold(t.CatalogName, "system") {
		c.fault(p+".catalog_name", "catalog system is lakegate's own; use another, such as main")
	}
	if strings.EqualFold(t.SchemaName, "information_schema") {
		c.fault(p+".schema_name", "schema information_schema is taken in every catalog; use another")
	}
}

func (c *checker) tablePart(path, s string) {
	if c.required(path, s) && !tableNamePart.MatchString(s) {
		c.fault(path, "want 1 to 200 letters, digits, '_' or '-', the first a letter or digit, got %s", c.text(path))
	}
}

func (c *checker) rateLimit(l *RateLimit, p string) {
	if l.Calls == nil && l.Tokens == nil {
		c.fault(p, "it limits nothing: give calls, tokens or both")
	}
	c.notNegative(p+".calls", l.Calls)
	c.notNegative(p+".tokens", l.Tokens)
	if l.Key == "" {
		l.Key = string(endpoint.PerEndpoint)
	}
	switch endpoint.LimitKey(l.Key) {
	case endpoint.PerEndpoint:
		if l.Principal != "" {
			c.fault(p+".principal", "a limit of key endpoint has no principal; use key user, user_group or service_principal")
		}
	case endpoint.PerUser:
		if l.Principal != "" {
			c.label(p+".principal", l.Principal)
		}
	case endpoint.PerGroup, endpoint.PerServicePrincipal:
		c.label(p+".principal", l.Principal)
	default:
		c.fault(p+".key", "want endpoint, user, user_group or service_principal, got %s", c.text(p+".key"))
	}
	switch l.RenewalPeriod {
	case "":
		l.RenewalPeriod = "minute"
	case "minute", "hour":
	default:
		c.fault(p+".renewal_period", "want minute or hour, got %s", c.text(p+".renewal_period"))
	}
}

func (c *checker) notNegative(path string, n *int64) {
	if n != nil && *n < 0 {
		c.fault(path, "want 0 or more, got %s", c.text(path))
	}
}

// lakegate checks our own block.
func (c *checker) lakegate(e *Endpoint, p string) {
	l := &e.Lakegate
	if !c.given(p + ".durability") {
		l.Durability = c.config.Log.Durability
	} else {
		c.durability(p+".durability", l.Durability)
	}
	if !c.given(p + ".timeout") {
		l.Timeout = endpoint.DefaultTimeout
	}
	within(c, p+".timeout", l.Timeout, time.Millisecond, 24*time.Hour)
	if l.FirstTokenTimeout > l.Timeout && !c.bad(p+".timeout") {
		c.fault(p+".first_token_timeout", "it is longer than timeout, which is %s", short(l.Timeout))
	}
	within(c, p+".first_token_timeout", l.FirstTokenTimeout, 0, 24*time.Hour)
	c.routing(e, p)
	if l.Cache != nil {
		c.responseCache(l.Cache, p+".cache")
	}
	if l.Prompt != nil {
		c.prompt(e, p+".prompt")
	}
	if l.Compare != nil {
		c.compare(e, p+".compare")
	}
	if f := l.SamplingFraction; f != nil {
		if !(*f > 0 && *f <= 1) { // also refuses what is no number
			c.fault(p+".sampling_fraction", "want more than 0 and at most 1, got %s", c.text(p+".sampling_fraction"))
		}
		if e.AIGateway.InferenceTable == nil {
			c.fault(p+".sampling_fraction", "there are no payloads to sample: it needs ai_gateway.inference_table_config")
		}
	}
}
