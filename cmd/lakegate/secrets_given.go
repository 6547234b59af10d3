package main

import (
	"context"
	"errors"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
	"github.com/lakegate/lakegate/serving/control"
)

// givenSecrets keeps the secrets that come through the API of endpoints, where they are found again.
func (a *app) givenSecrets() control.Secrets {
	if a.live.secrets == nil {
		return nil // nobody would find them
	}
	return &givenSecrets{a}
}

// givenSecrets implements control.Secrets with the gateway's store of secrets.
type givenSecrets struct{ app *app }

// Taken implements control.Secrets.
func (g *givenSecrets) Taken() error { return g.app.live.config().SecretsTaken() }

// Get implements control.Secrets.
func (g *givenSecrets) Get(ctx context.Context, key string) (secret.String, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, memoryTimeout)
	defer cancel()
	s, err := g.app.secretStore()
	if err != nil {
		return secret.String{}, false, err
	}
	if err := s.Refresh(ctx); err != nil {
		return secret.String{}, false, err
	}
	value, err := s.Get(ctx, secretstore.Name{Scope: secret.Given, Key: key})
	switch {
	case err == nil:
		return value, true, nil
	case errors.Is(err, secretstore.ErrNoStore), errors.Is(err, secretstore.ErrNoScope), errors.Is(err, secretstore.ErrNoSecret):
		return secret.String{}, false, nil
	}
	return secret.String{}, false, err
}

// Put implements control.Secrets.
func (g *givenSecrets) Put(ctx context.Context, given map[string]secret.String) error {
	ctx, cancel := context.WithTimeout(ctx, memoryTimeout)
	defer cancel()
	s, err := g.app.secretStore()
	if err != nil {
		return err
	}
	values := map[secretstore.Name]secret.String{}
	for key, value := range given {
		values[secretstore.Name{Scope: secret.Given, Key: key}] = value
	}
	made, err := s.PutAll(ctx, values, time.Now())
	if made {
		g.app.logger.Warn("made the key of the local store of secrets; back it up, apart from the store: without it the secrets are lost",
			"key", s.KeyPlace(), "store", s.File())
	}
	return err
}

// Sweep implements control.Secrets.
func (g *givenSecrets) Sweep(ctx context.Context, gone func(key string, stored time.Time) bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), memoryTimeout) // the change is made: this is part of it
	defer cancel()
	s, err := g.app.secretStore()
	if err != nil {
		return err
	}
	return s.Sweep(ctx, secret.Given, func(e secretstore.Entry) bool { return gone(e.Key, e.Updated) })
}

// secretStore is the store of secrets of the configuration in force. It is the same one each time, so
// that what it has decrypted once is not decrypted again.
func (a *app) secretStore() (*secretstore.Store, error) {
	at, err := secretStoreAt(a.live.config(), a.docs)
	if err != nil {
		return nil, err
	}
	a.secretsMu.Lock()
	defer a.secretsMu.Unlock()
	if a.secretsOf == nil || a.secretsAt != at {
		a.secretsOf, a.secretsAt = secretstore.New(at), at
	}
	return a.secretsOf, nil
}
