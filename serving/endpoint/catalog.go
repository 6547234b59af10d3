package endpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// DefaultTimeout bounds the calls of endpoints that say nothing else.
const DefaultTimeout = 10 * time.Minute

// Catalog is all endpoints of one configuration. It is immutable.
type Catalog struct {
	byName  map[string]*Endpoint
	sorted  []*Endpoint
	removed []Seen // endpoints of earlier configurations, for Memory
}

// NewCatalog returns the catalog of the given endpoints, which it keeps and which must not
// change any more. It refuses names used twice, endpoints without entities, entities without
// BaseURL, and weights that don't fit. It fills in what is zero and may not be: IDs, Timeout and
// ConfigVersion.
func NewCatalog(endpoints []*Endpoint) (*Catalog, error) {
	c := &Catalog{byName: make(map[string]*Endpoint, len(endpoints)), sorted: slices.Clone(endpoints)}
	for _, e := range endpoints {
		if _, twice := c.byName[e.Name]; twice {
			return nil, fmt.Errorf("endpoint %q is there twice", e.Name)
		}
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("endpoint %q: %w", e.Name, err)
		}
		e.complete()
		c.byName[e.Name] = e
	}
	slices.SortFunc(c.sorted, func(a, b *Endpoint) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
}

// Lookup returns the endpoint of that name. Names are case-sensitive.
func (c *Catalog) Lookup(name string) (*Endpoint, bool) {
	e, ok := c.byName[name]
	return e, ok
}

// All returns every endpoint, sorted by name. The slice is the catalog's own.
func (c *Catalog) All() []*Endpoint { return c.sorted }

func (e *Endpoint) check() error {
	if e.Name == "" {
		return errors.New("it has no name")
	}
	if len(e.Entities) == 0 {
		return errors.New("it has no served entities")
	}
	if len(e.Weights) != len(e.Entities) {
		return fmt.Errorf("%d weights for %d entities", len(e.Weights), len(e.Entities))
	}
	sum, names := 0, map[string]bool{}
	for i, x := range e.Entities {
		if x.Name == "" || names[x.Name] {
			return fmt.Errorf("entity name %q is empty or used twice", x.Name)
		}
		names[x.Name] = true
		if x.BaseURL == nil {
			return fmt.Errorf("entity %q has no base URL", x.Name)
		}
		if w := e.Weights[i]; w < 0 || w > 100 {
			return fmt.Errorf("entity %q has weight %d, want 0 to 100", x.Name, w)
		}
		sum += e.Weights[i]
	}
	if sum != 100 {
		return fmt.Errorf("weights add up to %d, want 100", sum)
	}
	if r := e.Rollout; r != nil && (r.Target < 0 || r.Target >= len(e.Weights) || e.Weights[r.Target] != 0 || len(r.Stages) == 0) {
		return errors.New("its rollout has no stages, or goes to no entity of weight 0")
	}
	return nil
}

func (e *Endpoint) complete() {
	if e.ID == "" {
		e.ID = stableID("endpoint", e.Name)
	}
	if e.Timeout == 0 {
		e.Timeout = DefaultTimeout
	}
	if e.ConfigVersion == 0 {
		e.ConfigVersion = 1
	}
	for _, x := range e.Entities {
		if x.ID == "" {
			x.ID = stableID("entity", e.Name, x.Name)
		}
	}
	if e.Rollout != nil {
		e.Rollout.ID = e.rolloutID()
	}
}

// idSpace is the name space of lakegate's IDs. Changing it would cut every row off from its
// endpoint.
var idSpace = uuid.MustParse("6f1d3a52-0c1b-5d0e-9a7e-1a6b9c0f42d7")

// stableID returns an ID that depends on the names alone: a version 5 UUID, written like
// Databricks' endpoint IDs as 32 hexadecimal digits.
func stableID(names ...string) string {
	id := uuid.NewSHA1(idSpace, []byte(strings.Join(names, "\x00")))
	return strings.ReplaceAll(id.String(), "-", "")
}
