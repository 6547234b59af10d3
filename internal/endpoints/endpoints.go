// Package endpoints keeps the endpoints that were made through the API: every version of each as
// one document of the object store, under _lakegate/endpoint/<name>.<version>.json.
//
// A version is written once, by a conditional create, and never changed: of two writers who make
// a change from the same version, the second is told with ErrChanged, and a process that dies in the
// middle leaves the old version or the new one. The newest version is the endpoint; the older ones
// are its history, and stay. A deleted endpoint is a version that says so. To see what changed takes
// a listing of all versions; a Watch knows when it need not be made.
//
// What is in a document's Spec is for others to check. It must hold no secret: references to
// secrets only. A Store is safe for concurrent use, and many processes may share its documents.
package endpoints

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// ErrChanged says that another version was stored since the one a change was made from.
var ErrChanged = errors.New("the endpoint has changed")

// ErrNotFound says there is no such version.
var ErrNotFound = errors.New("there is no such version of the endpoint")

// Document is one version of an endpoint.
type Document struct {
	Name      string           `json:"name"`
	Version   int64            `json:"version"` // from 1; goes on when a deleted endpoint is made again
	Spec      json.RawMessage  `json:"spec"`    // as in the API: name, config, ai_gateway, tags, description, lakegate
	Access    []endpoint.Grant `json:"access"`
	Created   time.Time        `json:"created"`
	CreatedBy string           `json:"created_by"`
	Changed   time.Time        `json:"changed"`
	ChangedBy string           `json:"changed_by"`
	Action    string           `json:"action"`     // what made this version, such as createServingEndpoint
	RequestID string           `json:"request_id"` // of the request that did; tells two equal changes apart
	Deleted   bool             `json:"deleted,omitempty"`
	// ManagedBy names the set of files that the endpoint is applied from; "" for none. Applied is the
	// version that was applied from them last.
	ManagedBy string `json:"managed_by,omitempty"`
	Applied   int64  `json:"applied,omitempty"`
}

// Set is the newest version of each endpoint, by lower-case name, deleted ones included. A Set that
// was handed out does not change.
type Set map[string]*Document

// Live returns the endpoints that are not deleted, sorted by name.
func (s Set) Live() []*Document {
	var live []*Document
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if d := s[key]; !d.Deleted {
			live = append(live, d)
		}
	}
	return live
}

// Lookup returns the newest version of an endpoint, deleted or not, or nil. Names that differ
// in case alone are one endpoint's.
func (s Set) Lookup(name string) *Document { return s[strings.ToLower(name)] }

// Store is the documents of all endpoints of a lake.
type Store struct{ docs *state.Docs }

// New returns the endpoints in docs.
func New(docs *state.Docs) *Store { return &Store{docs} }

const kind = "endpoint"

// id is the name of a version's document. Names of endpoints have no dots.
func id(name string, version int64) string {
	return fmt.Sprintf("%s.%010d", strings.ToLower(name), version)
}

// parseID is the reverse of id. False: it is the name of no version.
func parseID(id string) (key string, version int64, ok bool) {
	i := strings.LastIndexByte(id, '.')
	if i <= 0 {
		return "", 0, false
	}
	v, err := strconv.ParseInt(id[i+1:], 10, 64)
	return id[:i], v, err == nil && v > 0
}

// Put stores d as the version after the newest, which d.Version-1 must be: ErrChanged otherwise,
// and nothing is stored. Any other error may have stored it or not.
func (s *Store) Put(ctx context.Context, d *Document) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("store endpoint %q: %w", d.Name, err)
	}
	// Before and not after: a process that dies between the two leaves nothing that others don't see.
	if err := s.docs.Announce(ctx, kind); err != nil {
		return fmt.Errorf("store endpoint %q: %w", d.Name, err)
	}
	_, err = s.docs.Create(ctx, kind, id(d.Name, d.Version), doc)
	if errors.Is(err, state.ErrExists) {
		return fmt.Errorf("store version %d of endpoint %q: %w", d.Version, d.Name, ErrChanged)
	}
	if err != nil {
		return fmt.Errorf("store version %d of endpoint %q: %w", d.Version, d.Name, err)
	}
	return nil
}

// Newest returns the newest version of each endpoint. Of those in have only what changed is read.
// When nothing did, it returns have itself and false.
func (s *Store) Newest(ctx context.Context, have Set) (Set, bool, error) {
	ids, err := s.docs.List(ctx, kind)
	if err != nil {
		return nil, false, fmt.Errorf("list endpoints: %w", err)
	}
	newest := map[string]int64{}
	for _, id := range ids {
		if key, v, ok := parseID(id); ok {
			newest[key] = max(v, newest[key])
		}
	}
	next, changed := Set{}, len(newest) != len(have)
	var wanted []versionID
	for key, v := range newest {
		if old := have[key]; old != nil && old.Version == v {
			next[key] = old
			continue
		}
		wanted = append(wanted, versionID{key, v})
	}
	if !changed && len(wanted) == 0 {
		return have, false, nil
	}
	docs, err := s.read(ctx, wanted)
	if err != nil {
		return nil, false, err
	}
	for i, d := range docs {
		next[wanted[i].name] = d
	}
	return next, true, nil
}

// versionID names a version.
type versionID struct {
	name    string
	version int64
}

// readers bounds how many documents are read at once: a change of many endpoints is to be followed
// within seconds, whatever the way to the store.
const readers = 16

// read returns the documents of versions, in their order.
func (s *Store) read(ctx context.Context, ids []versionID) ([]*Document, error) {
	docs := make([]*Document, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i, id := range ids {
		g.Go(func() (err error) {
			docs[i], err = s.Get(ctx, id.name, id.version)
			return err
		})
	}
	return docs, g.Wait()
}

// Get returns one version. ErrNotFound.
func (s *Store) Get(ctx context.Context, name string, version int64) (*Document, error) {
	doc, _, err := s.docs.Get(ctx, kind, id(name, version))
	if errors.Is(err, state.ErrNotFound) {
		return nil, fmt.Errorf("version %d of endpoint %q: %w", version, name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read endpoint %q: %w", name, err)
	}
	var d Document
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, fmt.Errorf("read version %d of endpoint %q: %w", version, name, err)
	}
	return &d, nil
}

// History returns the newest versions of an endpoint, at most so many, the oldest first; none of an
// endpoint that never was.
func (s *Store) History(ctx context.Context, name string, most int) ([]*Document, error) {
	ids, err := s.docs.List(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("list versions of endpoint %q: %w", name, err)
	}
	var wanted []versionID
	for _, id := range ids {
		if key, v, ok := parseID(id); ok && key == strings.ToLower(name) {
			wanted = append(wanted, versionID{key, v})
		}
	}
	slices.SortFunc(wanted, func(a, b versionID) int { return cmp.Compare(a.version, b.version) })
	return s.read(ctx, wanted[max(0, len(wanted)-most):])
}

// Between returns the versions of an endpoint from one to another, both included, which must be there.
func (s *Store) Between(ctx context.Context, name string, from, to int64) ([]*Document, error) {
	var wanted []versionID
	for v := from; v <= to; v++ {
		wanted = append(wanted, versionID{name, v})
	}
	return s.read(ctx, wanted)
}
