package main

import (
	"context"
	"errors"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/state"
)

// sharedDocs are the documents of the lake for people who wait: a store that is away is said to be,
// and not waited for long.
type sharedDocs struct{ docs *state.Docs }

const docsTimeout = 15 * time.Second

func (d sharedDocs) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, docsTimeout)
}

// plain says what an error of the store means to whoever asked; what a document can explain stays.
func (d sharedDocs) plain(ctx context.Context, err error) error {
	for _, known := range []error{nil, state.ErrNotFound, state.ErrExists, state.ErrChanged, state.ErrName} {
		if errors.Is(err, known) {
			return err
		}
	}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return storeAway(err)
}

// storeAway tells whoever asked that the store is to blame, not they.
func storeAway(err error) error {
	return apierr.New(apierr.Unavailable, "the store that tables, dashboards and statements are kept in can't be reached now; model calls go on, try again later").Because(err)
}

// Create stores a new document.
func (d sharedDocs) Create(ctx context.Context, kind, id string, doc []byte) (state.Version, error) {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	v, err := d.docs.Create(ctx, kind, id, doc)
	return v, d.plain(ctx, err)
}

// Replace stores a document in place of its version v.
func (d sharedDocs) Replace(ctx context.Context, kind, id string, v state.Version, doc []byte) (state.Version, error) {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	next, err := d.docs.Replace(ctx, kind, id, v, doc)
	return next, d.plain(ctx, err)
}

// Get returns a document and its version.
func (d sharedDocs) Get(ctx context.Context, kind, id string) ([]byte, state.Version, error) {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	doc, v, err := d.docs.Get(ctx, kind, id)
	return doc, v, d.plain(ctx, err)
}

// Delete removes a document.
func (d sharedDocs) Delete(ctx context.Context, kind, id string) error {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	return d.plain(ctx, d.docs.Delete(ctx, kind, id))
}

// List returns the ids of a kind.
func (d sharedDocs) List(ctx context.Context, kind string) ([]string, error) {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	ids, err := d.docs.List(ctx, kind)
	return ids, d.plain(ctx, err)
}
