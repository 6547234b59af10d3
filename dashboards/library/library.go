// Package library keeps dashboards: the bundled ones, and those that were imported, as documents in
// the lake.
//
// A file is stored exactly as it came and handed out exactly so. Bundled dashboards can be read and
// exported, not changed. Changes are optimistic: who passes an Etag changes that version or gets
// ErrChanged. Everybody who can call the package can read every dashboard; only its creator and
// administrators change one. What the dashboard's SQL may read is decided elsewhere, for each viewer.
//
// A Library is safe for concurrent use. Tests use Memory for Docs.
package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/dashboards/bundled"
	"github.com/lakegate/lakegate/dashboards/lvdash"
	"github.com/lakegate/lakegate/internal/state"
)

// Errors to test for with errors.Is. A file that isn't a dashboard is lvdash.Faults.
var (
	ErrNotFound  = errors.New("no such dashboard")
	ErrChanged   = errors.New("the dashboard was changed in the meantime")
	ErrReadOnly  = errors.New("a bundled dashboard can't be changed: import a copy of it")
	ErrForbidden = errors.New("only who created the dashboard may change it")
	ErrName      = errors.New("a dashboard needs a name of 1 to 255 characters, without a slash")
)

// Docs is what a Library needs of internal/state.
type Docs interface {
	Create(ctx context.Context, kind, id string, doc []byte) (state.Version, error)
	Get(ctx context.Context, kind, id string) ([]byte, state.Version, error)
	Replace(ctx context.Context, kind, id string, v state.Version, doc []byte) (state.Version, error)
	List(ctx context.Context, kind string) ([]string, error)
}

const kind = "dashboards"

// Entry is one dashboard and what is known about it.
type Entry struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	ParentPath string            `json:"parent_path,omitempty"`
	Warehouse  string            `json:"warehouse_id,omitempty"`
	CreatedBy  string            `json:"created_by"`
	Created    time.Time         `json:"created"`
	Updated    time.Time         `json:"updated"`
	Trashed    bool              `json:"trashed,omitempty"`
	Published  *Publication      `json:"published,omitempty"`
	Catalog    string            `json:"catalog,omitempty"` // replaces that of every dataset
	Schema     string            `json:"schema,omitempty"`
	Values     map[string]string `json:"values,omitempty"` // of placeholders
	File       string            `json:"file"`             // as it came

	Etag    string `json:"-"`
	Bundled bool   `json:"-"`
}

// Path is where Databricks would show the dashboard.
func (e *Entry) Path() string { return path.Join("/", e.ParentPath, e.Name+".lvdash.json") }

// Publication says how a dashboard was published.
type Publication struct {
	EmbedCredentials bool      `json:"embed_credentials"`
	Warehouse        string    `json:"warehouse_id,omitempty"`
	Time             time.Time `json:"time"`
}

// Actor is who changes something.
type Actor struct {
	Name  string
	Admin bool
}

// Library is the dashboards of one lake.
type Library struct {
	docs    Docs
	now     func() time.Time
	bundled []*Entry

	mu     sync.Mutex
	parsed map[string]parsed
}

type parsed struct {
	etag string
	d    *lvdash.Dashboard
}

// New returns the dashboards in docs and the bundled ones. now is the clock, nil for the real one.
func New(docs Docs, now func() time.Time) *Library {
	if now == nil {
		now = time.Now
	}
	l := &Library{docs: docs, now: now, parsed: map[string]parsed{}}
	for _, f := range bundled.Files() {
		l.bundled = append(l.bundled, &Entry{
			ID: f.ID, Name: f.Name, File: string(f.JSON), CreatedBy: "lakegate", Etag: "bundled", Bundled: true,
		})
	}
	return l
}

// List returns every dashboard that is not in the trash, the bundled ones first and then by ID. With
// trashed it returns those in the trash.
func (l *Library) List(ctx context.Context, trashed bool) ([]*Entry, error) {
	ids, err := l.docs.List(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("list dashboards: %w", err)
	}
	slices.Sort(ids)
	var out []*Entry
	if !trashed {
		out = append(out, l.bundled...)
	}
	for _, id := range ids {
		e, _, err := l.load(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return nil, err
		}
		if e.Trashed == trashed {
			out = append(out, e)
		}
	}
	return out, nil
}

// Get returns one dashboard, in the trash or not. The entry is the caller's, but of a bundled
// dashboard it must not be changed.
func (l *Library) Get(ctx context.Context, id string) (*Entry, error) {
	for _, e := range l.bundled {
		if e.ID == id {
			return e, nil
		}
	}
	e, _, err := l.load(ctx, id)
	return e, err
}

// Open returns a dashboard and its parsed file.
func (l *Library) Open(ctx context.Context, id string) (*Entry, *lvdash.Dashboard, error) {
	e, err := l.Get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	p, ok := l.parsed[id]
	l.mu.Unlock()
	if ok && p.etag == e.Etag {
		return e, p.d, nil
	}
	d, err := lvdash.Parse([]byte(e.File))
	if err != nil {
		return nil, nil, fmt.Errorf("dashboard %s: %w", id, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	const most = 200 // parsed files to keep
	if len(l.parsed) >= most {
		clear(l.parsed)
	}
	l.parsed[id] = parsed{e.Etag, d}
	return e, d, nil
}

// Draft is a dashboard to be created.
type Draft struct {
	Name            string
	File            []byte // nil for an empty dashboard
	ParentPath      string
	Warehouse       string
	Catalog, Schema string
	Values          map[string]string
}

// Create stores a new dashboard. The file must parse; single widgets may be broken.
func (l *Library) Create(ctx context.Context, by Actor, dr Draft) (*Entry, error) {
	if dr.File == nil {
		dr.File = []byte(`{"datasets":[],"pages":[]}`)
	}
	if err := checkName(dr.Name); err != nil {
		return nil, err
	}
	if _, err := lvdash.Parse(dr.File); err != nil {
		return nil, err
	}
	now := l.now().UTC()
	e := &Entry{
		ID: strings.ReplaceAll(uuid.NewString(), "-", ""), Name: dr.Name, File: string(dr.File),
		ParentPath: dr.ParentPath, Warehouse: dr.Warehouse, CreatedBy: by.Name, Created: now, Updated: now,
		Catalog: dr.Catalog, Schema: dr.Schema, Values: dr.Values,
	}
	doc, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode dashboard: %w", err)
	}
	v, err := l.docs.Create(ctx, kind, e.ID, doc)
	if err != nil {
		return nil, fmt.Errorf("store dashboard: %w", err)
	}
	e.Etag = string(v)
	return e, nil
}

func checkName(s string) error {
	if s == "" || len([]rune(s)) > 255 || strings.ContainsAny(s, "/\x00\n\r") {
		return ErrName
	}
	return nil
}

// Change is what to change; nil fields stay.
type Change struct {
	Name, Warehouse *string
	File            []byte
	Trashed         *bool
	Published       **Publication
	Etag            string // "" for whatever version is there
}

// Update changes a dashboard.
func (l *Library) Update(ctx context.Context, by Actor, id string, c Change) (*Entry, error) {
	e, err := l.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if e.Bundled {
		return nil, ErrReadOnly
	}
	if !by.Admin && by.Name != e.CreatedBy {
		return nil, ErrForbidden
	}
	if c.Etag != "" && c.Etag != e.Etag {
		return nil, ErrChanged
	}
	if err := e.apply(c); err != nil {
		return nil, err
	}
	e.Updated = l.now().UTC()
	doc, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode dashboard: %w", err)
	}
	v, err := l.docs.Replace(ctx, kind, id, state.Version(e.Etag), doc)
	switch {
	case errors.Is(err, state.ErrChanged), errors.Is(err, state.ErrNotFound):
		return nil, ErrChanged
	case err != nil:
		return nil, fmt.Errorf("store dashboard: %w", err)
	}
	e.Etag = string(v)
	return e, nil
}

func (e *Entry) apply(c Change) error {
	if c.Name != nil {
		if err := checkName(*c.Name); err != nil {
			return err
		}
		e.Name = *c.Name
	}
	if c.Warehouse != nil {
		e.Warehouse = *c.Warehouse
	}
	if c.File != nil {
		if _, err := lvdash.Parse(c.File); err != nil {
			return err
		}
		e.File = string(c.File)
	}
	if c.Trashed != nil {
		e.Trashed = *c.Trashed
	}
	if c.Published != nil {
		e.Published = *c.Published
	}
	return nil
}

func (l *Library) load(ctx context.Context, id string) (*Entry, state.Version, error) {
	if !validID(id) {
		return nil, "", ErrNotFound
	}
	doc, v, err := l.docs.Get(ctx, kind, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, "", ErrNotFound
	}
	if err != nil {
		return nil, "", fmt.Errorf("read dashboard %s: %w", id, err)
	}
	var e Entry
	if err := json.Unmarshal(doc, &e); err != nil {
		return nil, "", fmt.Errorf("read dashboard %s: %w", id, err)
	}
	e.Etag = string(v)
	return &e, v, nil
}

// validID keeps what a client sends from naming anything but a dashboard.
func validID(id string) bool {
	if len(id) != 32 {
		return false
	}
	return strings.Trim(id, "0123456789abcdef") == ""
}
