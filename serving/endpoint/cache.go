package endpoint

import "time"

// CacheScope says among whom the answers of a response cache are shared.
type CacheScope string

// The scopes.
const (
	CachePerPrincipal CacheScope = "principal" // each principal has answers of its own
	CachePerEndpoint  CacheScope = "endpoint"  // all who may call the endpoint share them
	CachePerTag       CacheScope = "key_tag"   // those whose keys have the same value of a tag do
)

// ResponseCache says which answers of an endpoint are kept and given again.
type ResponseCache struct {
	TTL        time.Duration // above 0
	MaxEntries int           // of each process
	MaxBytes   int64
	Scope      CacheScope
	Tag        string // of CachePerTag
	// AnyTemperature: answers are kept though their request does not say temperature 0.
	AnyTemperature bool
	// SingleFlight: of equal questions at the same time one is asked, and the others wait for its answer.
	SingleFlight bool
}
