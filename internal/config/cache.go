package config

import (
	"strings"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// ResponseCache says which answers are kept and given again.
type ResponseCache struct {
	TTL            time.Duration `yaml:"ttl"`
	MaxEntries     *int          `yaml:"max_entries"`
	MaxSize        Bytes         `yaml:"max_size"`
	Scope          string        `yaml:"scope"` // principal, endpoint or key_tag:NAME
	AnyTemperature bool          `yaml:"any_temperature"`
	SingleFlight   bool          `yaml:"single_flight"`
}

// What a response cache has where the file says nothing.
const (
	defaultCacheEntries = 10_000
	defaultCacheSize    = 64 * MiB
)

// responseCache checks and completes a response cache.
func (c *checker) responseCache(l *ResponseCache, p string) {
	if !c.given(p + ".ttl") {
		c.fault(p+".ttl", "say how long answers are kept, such as 10m")
	} else {
		within(c, p+".ttl", l.TTL, time.Second, 7*24*time.Hour)
	}
	if l.MaxEntries == nil {
		n := defaultCacheEntries
		l.MaxEntries = &n
	}
	within(c, p+".max_entries", *l.MaxEntries, 1, 10_000_000)
	if !c.given(p + ".max_size") {
		l.MaxSize = defaultCacheSize
	}
	within(c, p+".max_size", l.MaxSize, 64*KiB, TiB)
	if l.Scope == "" {
		l.Scope = string(endpoint.CachePerPrincipal)
	}
	scope, tag, tagged := strings.Cut(l.Scope, ":")
	switch endpoint.CacheScope(scope) {
	case endpoint.CachePerPrincipal, endpoint.CachePerEndpoint:
		if !tagged {
			return
		}
	case endpoint.CachePerTag:
		if tag != "" {
			return
		}
	}
	c.fault(p+".scope", "want principal, endpoint or key_tag:NAME, got %s", c.text(p+".scope"))
}

func compileCache(from *ResponseCache) *endpoint.ResponseCache {
	if from == nil {
		return nil
	}
	scope, tag, _ := strings.Cut(from.Scope, ":")
	return &endpoint.ResponseCache{
		TTL: from.TTL, MaxEntries: *from.MaxEntries, MaxBytes: int64(from.MaxSize),
		Scope: endpoint.CacheScope(scope), Tag: tag, AnyTemperature: from.AnyTemperature, SingleFlight: from.SingleFlight,
	}
}
