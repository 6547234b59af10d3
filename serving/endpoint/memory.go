package endpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// Memory is what has to be remembered of a catalog for the next one to be dated and compared: a
// file can't say when an endpoint was first seen, nor what used to be in it. It holds no
// secrets and no addresses, and is made to be stored as JSON. The zero Memory remembers nothing.
type Memory struct {
	Endpoints []Seen `json:"endpoints"` // sorted by name
}

// Seen is the memory of one endpoint.
type Seen struct {
	Name          string       `json:"name"`
	ID            string       `json:"id"`
	Created       time.Time    `json:"created"`
	ConfigVersion int32        `json:"config_version"`
	Fingerprint   string       `json:"fingerprint"` // of entities and traffic, without secrets
	Entities      []SeenEntity `json:"entities"`
	Removed       *time.Time   `json:"removed,omitempty"` // set when it is no longer there
}

// SeenEntity is the memory of one served entity.
type SeenEntity struct {
	Name     string `json:"name"`
	ID       string `json:"id"`
	Model    string `json:"model"`
	Task     string `json:"task"`
	Provider string `json:"provider"`
}

// Next returns the catalog of the given endpoints, as NewCatalog does, and dates them: an endpoint
// seen before keeps its Created and its ConfigVersion, one higher when its entities or its
// traffic changed. A new endpoint starts at now with version 1; one that was removed and comes
// back starts at now too, and goes on counting.
func (m Memory) Next(endpoints []*Endpoint, now time.Time) (*Catalog, error) {
	c, err := NewCatalog(endpoints)
	if err != nil {
		return nil, err
	}
	byName := m.byName()
	for _, e := range endpoints {
		date(e, byName[e.Name], now)
	}
	c.removed = m.without(c, now)
	return c, nil
}

// Memory returns what is to be remembered of c, including the endpoints that earlier catalogs
// had and c has not.
func (c *Catalog) Memory() Memory {
	m := Memory{Endpoints: slices.Clone(c.removed)}
	for _, e := range c.sorted {
		m.Endpoints = append(m.Endpoints, e.seen())
	}
	slices.SortFunc(m.Endpoints, func(a, b Seen) int { return strings.Compare(a.Name, b.Name) })
	return m
}

// Diff returns the rows of served_entities that say how to get from old to next. See
// Memory.Diff; a nil old is an empty catalog.
func Diff(old, next *Catalog, now time.Time) []inference.EntityChange {
	if old == nil {
		return Memory{}.Diff(next, now)
	}
	return old.Memory().Diff(next, now)
}

// Diff returns the rows of served_entities that say how to get from what m remembers to next,
// sorted by endpoint and in the order of its entities. An endpoint that is new or whose entities
// or traffic changed gets one row per entity, with its new ConfigVersion: the rows of the highest
// version are what the endpoint consists of, so an entity that was taken out is not among them.
// An endpoint that went away gets one row per entity with DeleteTime. Nothing changed: nil.
func (m Memory) Diff(next *Catalog, now time.Time) []inference.EntityChange {
	var rows []inference.EntityChange
	now = now.UTC()
	byName := m.byName()
	for _, e := range next.sorted {
		s := e.seen()
		before := byName[e.Name]
		if before != nil && before.Removed == nil && before.Fingerprint == s.Fingerprint {
			continue
		}
		changed := s.rows(now, nil)
		for i := range changed {
			if e.Origin != nil {
				changed[i].CreatedBy = e.Origin.ChangedBy
			}
		}
		rows = append(rows, changed...)
	}
	for _, s := range m.Endpoints {
		if _, still := next.Lookup(s.Name); !still && s.Removed == nil {
			rows = append(rows, s.rows(now, &now)...)
		}
	}
	slices.SortStableFunc(rows, func(a, b inference.EntityChange) int {
		return strings.Compare(a.EndpointName, b.EndpointName)
	})
	return rows
}

func (m Memory) byName() map[string]*Seen {
	all := make(map[string]*Seen, len(m.Endpoints))
	for i := range m.Endpoints {
		all[m.Endpoints[i].Name] = &m.Endpoints[i]
	}
	return all
}

// date sets e's Created and ConfigVersion from what is remembered of it, nil for nothing.
func date(e *Endpoint, s *Seen, now time.Time) {
	e.Created, e.ConfigVersion = now.UTC(), 1
	if s == nil {
		return
	}
	e.ConfigVersion = s.ConfigVersion
	if s.Removed == nil {
		e.Created = s.Created
	}
	if s.Removed != nil || s.Fingerprint != e.fingerprint() {
		e.ConfigVersion++
	}
}

// without returns what m remembers of endpoints that c has not.
func (m Memory) without(c *Catalog, now time.Time) []Seen {
	var gone []Seen
	for _, s := range m.Endpoints {
		if _, still := c.Lookup(s.Name); still {
			continue
		}
		if s.Removed == nil {
			t := now.UTC()
			s.Removed = &t
		}
		gone = append(gone, s)
	}
	return gone
}

func (e *Endpoint) seen() Seen {
	s := Seen{
		Name: e.Name, ID: e.ID, Created: e.Created, ConfigVersion: e.ConfigVersion,
		Fingerprint: e.fingerprint(),
	}
	for _, x := range e.Entities {
		s.Entities = append(s.Entities, SeenEntity{x.Name, x.ID, x.Model, x.Task, x.Provider})
	}
	return s
}

// fingerprint is a hash of what a ConfigVersion stands for. Secrets stay out of it: a new key
// for the same model changes no column, and a hash of a secret on disk is a risk.
func (e *Endpoint) fingerprint() string {
	type part struct {
		Name, Model, Task, Provider, URL, AuthHeader, Organization string
		Weight                                                     int
		// What older versions did not have is left out where it is empty: nothing changed there.
		Vendor, Project, Region, Deployment, APIVersion string      `json:",omitempty"`
		Usage                                           *UsagePaths `json:",omitempty"`
	}
	parts := make([]part, len(e.Entities))
	for i, x := range e.Entities {
		parts[i] = part{
			Name: x.Name, Model: x.Model, Task: x.Task, Provider: x.Provider, URL: x.BaseURL.String(),
			AuthHeader: x.AuthHeader, Organization: x.Organization, Weight: e.Weights[i],
			Vendor: x.Vendor, Project: x.Project, Region: x.Region, Deployment: x.Deployment, APIVersion: x.APIVersion,
			Usage: x.Usage,
		}
	}
	b, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (s Seen) rows(now time.Time, deleted *time.Time) []inference.EntityChange {
	rows := make([]inference.EntityChange, len(s.Entities))
	for i, x := range s.Entities {
		rows[i] = inference.EntityChange{
			Time:             now,
			EndpointID:       s.ID,
			EndpointName:     s.Name,
			ServedEntityID:   x.ID,
			ServedEntityName: x.Name,
			EntityType:       "EXTERNAL_MODEL",
			EntityName:       x.Model,
			ConfigVersion:    s.ConfigVersion,
			Task:             x.Task,
			Provider:         x.Provider,
			DeleteTime:       deleted,
		}
	}
	return rows
}
