package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
)

// proven is a store that is not written to before objstore.SelfTest has passed: tables in a store
// that ignores conditions would lose rows. While the store can't be reached the test can't be made,
// and writes fail as they would anyway; the next one tries again. Reads go through at any time.
type proven struct {
	objstore.Store

	ok     atomic.Bool
	turn   chan struct{} // holds one while a test runs, and guards:
	failed error         // what the last test said
	at     time.Time     // when
}

func newProven(s objstore.Store) *proven { return &proven{Store: s, turn: make(chan struct{}, 1)} }

const (
	proofTimeout = 15 * time.Second
	// A test costs some thirty requests: a store that is down is not asked that often.
	proofPause = 5 * time.Second
)

// prove passes when the store is known to be safe. objstore.ErrUnsafe is final.
func (p *proven) prove(ctx context.Context) error {
	if p.ok.Load() {
		return nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	switch {
	case p.ok.Load():
		return nil
	case p.failed != nil && (errors.Is(p.failed, objstore.ErrUnsafe) || time.Since(p.at) < proofPause):
		return p.failed
	}
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	p.failed, p.at = objstore.SelfTest(ctx, p.Store), time.Now()
	p.ok.Store(p.failed == nil)
	return p.failed
}

// Put implements objstore.Store.
func (p *proven) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	if err := p.prove(ctx); err != nil {
		return objstore.Info{}, err
	}
	return p.Store.Put(ctx, key, data)
}

// Create implements objstore.Store.
func (p *proven) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	if err := p.prove(ctx); err != nil {
		return objstore.Info{}, err
	}
	return p.Store.Create(ctx, key, data)
}

// Replace implements objstore.Store.
func (p *proven) Replace(ctx context.Context, key, etag string, data []byte) (objstore.Info, error) {
	if err := p.prove(ctx); err != nil {
		return objstore.Info{}, err
	}
	return p.Store.Replace(ctx, key, etag, data)
}

// Delete implements objstore.Store.
func (p *proven) Delete(ctx context.Context, key string) error {
	if err := p.prove(ctx); err != nil {
		return err
	}
	return p.Store.Delete(ctx, key)
}

// KeepsVersions reports whether the store is known to keep what is overwritten and deleted.
func (p *proven) KeepsVersions(ctx context.Context) (bool, error) {
	if s, ok := p.Store.(interface {
		KeepsVersions(context.Context) (bool, error)
	}); ok {
		return s.KeepsVersions(ctx)
	}
	return false, nil
}
