// Package state keeps the control plane's documents (dashboards, endpoints, grants, budgets) as
// JSON in the object store, under _lakegate/<kind>/<id>.json.
//
// Every document has a version, and a change names the version it was made from: of two people
// who change one document at the same time, the second is told. There is no history and no
// transaction over several documents.
//
// Docs may be used by many goroutines, and many processes may share a store. The fake is memstore.
package state

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Errors to test for with errors.Is.
var (
	ErrNotFound = errors.New("document not found")
	ErrExists   = errors.New("document exists")
	ErrChanged  = errors.New("document has changed")
	// ErrName says a kind or an id can't be one.
	ErrName = errors.New("not a document name")
)

// Version names one version of a document. It is opaque, and survives restarts.
type Version string

// Docs is the documents of a store.
type Docs struct{ store objstore.Store }

// New returns the documents of store.
func New(store objstore.Store) *Docs { return &Docs{store} }

const root = "_lakegate/"

// Create stores a new document, which must be JSON. ErrExists when there is one by that id.
func (d *Docs) Create(ctx context.Context, kind, id string, doc []byte) (Version, error) {
	v, err := d.write(ctx, kind, id, doc, "", func(key string) (objstore.Info, error) {
		return d.store.Create(ctx, key, doc)
	})
	if err != nil {
		return "", fmt.Errorf("create %s %s: %w", kind, id, err)
	}
	return v, nil
}

// Replace stores the document in place of its version v. ErrChanged when there is another by now,
// or none.
func (d *Docs) Replace(ctx context.Context, kind, id string, v Version, doc []byte) (Version, error) {
	v, err := d.write(ctx, kind, id, doc, v, func(key string) (objstore.Info, error) {
		return d.store.Replace(ctx, key, string(v), doc)
	})
	if err != nil {
		return "", fmt.Errorf("replace %s %s: %w", kind, id, err)
	}
	return v, nil
}

// maxTries bounds how often a write is sent whose answers get lost.
const maxTries = 4

// write sends a conditional write until its outcome is known. was is the version it replaces, ""
// for none.
func (d *Docs) write(ctx context.Context, kind, id string, doc []byte, was Version, send func(key string) (objstore.Info, error)) (Version, error) {
	key, err := keyOf(kind, id)
	if err != nil {
		return "", err
	}
	if !json.Valid(doc) {
		return "", errors.New("the document is not JSON")
	}
	unknown := false
	for range maxTries {
		var info objstore.Info
		info, err = send(key)
		switch {
		case err == nil:
			return Version(info.ETag), nil
		case errors.Is(err, objstore.ErrUnknown):
			unknown = true
		case unknown && (errors.Is(err, objstore.ErrExists) || errors.Is(err, objstore.ErrChanged)):
			// Refused by the document that an earlier try of ours wrote, or by somebody's.
			return d.settle(ctx, key, doc, was, mapped(err))
		case !unknown:
			return "", mapped(err)
		}
	}
	return "", err
}

// settle says what became of a write that may have happened before it was refused.
func (d *Docs) settle(ctx context.Context, key string, doc []byte, was Version, refused error) (Version, error) {
	now, info, err := d.store.Get(ctx, key)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return "", refused
	case err != nil:
		return "", fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	case bytes.Equal(now, doc) && Version(info.ETag) != was:
		return Version(info.ETag), nil
	default:
		return "", refused
	}
}

// Get returns the document and its version. ErrNotFound.
func (d *Docs) Get(ctx context.Context, kind, id string) ([]byte, Version, error) {
	key, err := keyOf(kind, id)
	if err != nil {
		return nil, "", err
	}
	doc, info, err := d.store.Get(ctx, key)
	if err != nil {
		return nil, "", fmt.Errorf("get %s %s: %w", kind, id, mapped(err))
	}
	return doc, Version(info.ETag), nil
}

// Delete removes the document, whatever its version. Removing what is not there is no error.
func (d *Docs) Delete(ctx context.Context, kind, id string) error {
	key, err := keyOf(kind, id)
	if err != nil {
		return err
	}
	if err := d.store.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete %s %s: %w", kind, id, err)
	}
	return nil
}

// Announce says that documents of a kind are about to change, to whoever asks Announced. That is one small
// object, _lakegate/changes/<kind>.json, so that to look for changes no listing is needed.
func (d *Docs) Announce(ctx context.Context, kind string) error {
	key, err := keyOf(changes, kind)
	if err != nil {
		return err
	}
	if _, err := d.store.Put(ctx, key, fmt.Appendf(nil, `{"change":%q}`, rand.Text())); err != nil {
		return fmt.Errorf("announce a change of %s: %w", kind, err)
	}
	return nil
}

// Announced returns what is another Version after each Announce of the kind; "" before the first.
func (d *Docs) Announced(ctx context.Context, kind string) (Version, error) {
	key, err := keyOf(changes, kind)
	if err != nil {
		return "", err
	}
	info, err := d.store.Stat(ctx, key)
	if errors.Is(err, objstore.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for changes of %s: %w", kind, err)
	}
	return Version(info.ETag), nil
}

// changes is the kind of the objects that announce.
const changes = "changes"

// List returns the ids of a kind, in order.
func (d *Docs) List(ctx context.Context, kind string) ([]string, error) {
	if !validName(kind) {
		return nil, fmt.Errorf("kind %q: %w", kind, ErrName)
	}
	prefix := root + kind + "/"
	var ids []string
	for info, err := range d.store.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", kind, mapped(err))
		}
		id, ok := strings.CutSuffix(strings.TrimPrefix(info.Key, prefix), ".json")
		if ok && validName(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// mapped turns an error of the store into the documents'. What a document can't explain stays.
func mapped(err error) error {
	for store, doc := range map[error]error{
		objstore.ErrNotFound: ErrNotFound, objstore.ErrExists: ErrExists, objstore.ErrChanged: ErrChanged,
	} {
		if errors.Is(err, store) {
			return doc
		}
	}
	return err
}

func keyOf(kind, id string) (string, error) {
	if !validName(kind) {
		return "", fmt.Errorf("kind %q: %w", kind, ErrName)
	}
	if !validName(id) {
		return "", fmt.Errorf("id %q: %w", id, ErrName)
	}
	return root + kind + "/" + id + ".json", nil
}

// validName allows 1 to 200 letters, digits, '_', '-' and '.', the last not first.
func validName(s string) bool {
	if s == "" || len(s) > 200 || s[0] == '.' {
		return false
	}
	for _, r := range s {
		if r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}
