// Package state keeps versioned JSON documents in the object store.
package state

import (
	"context"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Errors to test for with errors.Is.
var (
	ErrExists   = objstore.ErrExists
	ErrNotFound = objstore.ErrNotFound
	ErrChanged  = objstore.ErrChanged
)

// Version names one version of a document.
type Version string

// Docs is the documents of a store.
type Docs struct{ store objstore.Store }

// New returns the documents below _lakegate/ in store.
func New(store objstore.Store) *Docs { return &Docs{store} }

func (d *Docs) Create(ctx context.Context, kind, id string, doc []byte) (Version, error) { panic("soon") }
func (d *Docs) Get(ctx context.Context, kind, id string) ([]byte, Version, error) { panic("soon") }
func (d *Docs) Replace(ctx context.Context, kind, id string, v Version, doc []byte) (Version, error) { panic("soon") }
func (d *Docs) Delete(ctx context.Context, kind, id string) error { panic("soon") }
func (d *Docs) List(ctx context.Context, kind string) ([]string, error) { panic("soon") }
