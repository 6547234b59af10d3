package config

import (
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Endpoint is one serving endpoint.
type Endpoint struct {
	Name        string         `yaml:"name"`
	Description string         `yaml:"description"`
	Tags        []Tag          `yaml:"tags"`
	Config      EndpointConfig `yaml:"config"`
	AIGateway   AIGateway      `yaml:"ai_gateway"`
	Lakegate    Lakegate       `yaml:"lakegate"`

	origin *endpoint.Origin // nil for endpoints of the file
}

// Tag is one tag of an endpoint.
type Tag struct {
	Key   string `yaml:"key"`
	Value string `yaml:"value"`
}

// EndpointConfig says which models answer, and with which share of the traffic.
type EndpointConfig struct {
	ServedEntities []ServedEntity `yaml:"served_entities"`
	TrafficConfig  TrafficConfig  `yaml:"traffic_config"` // one route per entity after Parse
}

// ServedEntity is one model of an endpoint.
type ServedEntity struct {
	Name          string        `yaml:"name"` // the model's name after Parse, where the file gives none
	ExternalModel ExternalModel `yaml:"external_model"`
}

// TrafficConfig splits the traffic.
type TrafficConfig struct {
	Routes []Route `yaml:"routes"`
}

// Route gives one entity its share.
type Route struct {
	ServedEntityName  string `yaml:"served_entity_name"`
	TrafficPercentage *int   `yaml:"traffic_percentage"`
}

// AIGateway is Databricks' block of gateway features.
type AIGateway struct {
	UsageTracking  *Switch         `yaml:"usage_tracking_config"` // nil: on
	InferenceTable *InferenceTable `yaml:"inference_table_config"`
	RateLimits     []RateLimit     `yaml:"rate_limits"`
	Fallback       *Switch         `yaml:"fallback_config"` // nil: off
}

// Switch turns a feature on or off.
type Switch struct {
	Enabled *bool `yaml:"enabled"`
}

// On reports what the switch says, and otherwise when it is not there.
func (s *Switch) On(otherwise bool) bool {
	if s == nil || s.Enabled == nil {
		return otherwise
	}
	return *s.Enabled
}

// InferenceTable says where an endpoint's payloads are kept.
type InferenceTable struct {
	Enabled         *bool  `yaml:"enabled"`
	CatalogName     string `yaml:"catalog_name"`
	SchemaName      string `yaml:"schema_name"`
	TableNamePrefix string `yaml:"table_name_prefix"` // the endpoint's name after Parse, where the file gives none
	RetentionDays   *int   `yaml:"retention_days"`    // retention.payloads after Parse, where the file gives none; 0: for ever
	// WhenFull is log.when_full after Parse, where the file gives none.
	WhenFull WhenFull `yaml:"when_full"`
}

// On reports whether payloads are kept.
func (t *InferenceTable) On() bool { return t != nil && t.Enabled != nil && *t.Enabled }

// Table returns the full name of the payload table.
func (t *InferenceTable) Table() string {
	return t.CatalogName + "." + t.SchemaName + "." + t.TableNamePrefix + "_payload"
}

// RateLimit bounds calls or tokens.
type RateLimit struct {
	Calls         *int64 `yaml:"calls"`
	Tokens        *int64 `yaml:"tokens"`
	Key           string `yaml:"key"` // endpoint, user, user_group or service_principal
	Principal     string `yaml:"principal"`
	RenewalPeriod string `yaml:"renewal_period"` // minute or hour
}

// Lakegate is what this gateway has and Databricks' does not.
type Lakegate struct {
	Durability        Durability      `yaml:"durability"` // log.durability after Parse, where the file gives none
	Timeout           time.Duration   `yaml:"timeout"`
	FirstTokenTimeout time.Duration   `yaml:"first_token_timeout"`
	SamplingFraction  *float64        `yaml:"sampling_fraction"`
	AttemptTimeout    time.Duration   `yaml:"attempt_timeout,omitempty"`
	IdleTimeout       time.Duration   `yaml:"idle_timeout,omitempty"`    // 0s: the gateway's
	Retries           *Retries        `yaml:"retries,omitempty"`         // nil: none
	CircuitBreaker    *CircuitBreaker `yaml:"circuit_breaker,omitempty"` // nil: none
	StickyBy          string          `yaml:"sticky_by,omitempty"`
	Rules             []Rule          `yaml:"rules,omitempty"`
	Strategy          *Strategy       `yaml:"strategy,omitempty"` // nil: by the percentages
	Rollout           *Rollout        `yaml:"rollout,omitempty"`  // nil: none
	Race              *Race           `yaml:"race,omitempty"`     // nil: one entity at a time is asked
	Shadow            *Shadow         `yaml:"shadow,omitempty"`   // nil: none
	WarmUp            bool            `yaml:"warm_up,omitempty"`
	DropUnsupported   bool            `yaml:"drop_unsupported"`
	Compare           *Compare        `yaml:"compare,omitempty"` // nil: no answers are compared
	// Cache is nil where answers are not cached.
	Cache *ResponseCache `yaml:"cache,omitempty"`
	// Prompt is nil where callers bring all of their messages.
	Prompt *Prompt `yaml:"prompt,omitempty"`
}
