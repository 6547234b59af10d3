package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/vault"
	"github.com/lakegate/lakegate/internal/vault/awssecrets"
)

// Variables that hold the key of the encrypted store, where it is not in a file.
const (
	storeKeyVar        = "LAKEGATE_SECRETS_KEY"
	passphraseVar      = "LAKEGATE_SECRETS_PASSPHRASE"
	newPassphraseVar   = "LAKEGATE_SECRETS_NEW_PASSPHRASE"
	errTwoKeysOfStores = "both " + storeKeyVar + " and " + passphraseVar + " are set; unset the one that the store was not made with"
)

// secrets reads configurations with the secrets they refer to.
type secrets struct {
	vault  *vault.Vault
	data   string // where the local store is, when flags say so over the file
	copies bool   // what the lake's store has is copied into the data folder, for starts without the lake
	logger *slog.Logger

	mu   sync.Mutex
	docs *state.Docs // of the lake, once its store of secrets was needed
}

// newSecrets returns secrets that have found nothing yet.
func newSecrets(logger *slog.Logger) (*secrets, error) {
	c := vault.DefaultConfig()
	c.Env, c.AWS, c.Logger = os.LookupEnv, awssecrets.New(), logger
	c.StoreKey, c.StorePassphrase = secret.New(os.Getenv(storeKeyVar)), secret.New(os.Getenv(passphraseVar))
	if !c.StoreKey.IsZero() && !c.StorePassphrase.IsZero() {
		return nil, errors.New(errTwoKeysOfStores)
	}
	v, err := vault.New(c)
	return &secrets{vault: v, logger: logger}, err
}

// load reads a configuration. With fresh, secrets that are kept in memory are fetched again.
func (s *secrets) load(ctx context.Context, path string, fresh bool) (*config.Config, error) {
	cfg, _, err := s.check(ctx, path, fresh)
	return cfg, err
}

func (s *secrets) check(ctx context.Context, path string, fresh bool) (*config.Config, []config.Reference, error) {
	r := s.vault.Round(fresh)
	cfg, refs, err := config.Check(path, config.Sources{Env: os.LookupEnv, Vault: s.find(ctx, r)})
	r.Done(err == nil)
	return cfg, refs, err
}

// loadLake is config.LoadLake with the secrets of every source.
func loadLake(ctx context.Context, path string) (*config.Config, error) {
	s, err := newSecrets(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return nil, err
	}
	return config.LoadLake(path, config.Sources{Env: os.LookupEnv, Vault: s.find(ctx, s.vault.Round(false))})
}

// find is the config.Vault of one reading.
func (s *secrets) find(ctx context.Context, r *vault.Round) config.Vault {
	return func(c *config.Config, from config.SecretScope, scope, key string) (secret.String, string, error) {
		at, err := s.storeOf(ctx, c, from)
		if err != nil {
			return secret.String{}, "", err
		}
		return r.Find(ctx, vault.Place{
			Kind: vault.Kind(from.From), Scope: scope, Prefix: from.Prefix, Folder: from.Folder, StoreFile: at.File, KeyFile: at.KeyFile, Lake: at.Lake,
			Name: from.Name, Region: from.Region, Endpoint: from.Endpoint, Refresh: from.Refresh,
		}, key)
	}
}

// storeOf says where the encrypted store is, if from is in it.
func (s *secrets) storeOf(ctx context.Context, c *config.Config, from config.SecretScope) (secretstore.Config, error) {
	with := *c
	if s.data != "" {
		with.Data = s.data
	}
	file, key := with.SecretFiles()
	at := secretstore.Config{File: file, KeyFile: key}
	if c.Secrets.Store.In != config.InLake || from.From != "" && from.From != config.FromStore {
		return at, nil
	}
	if !s.copies {
		at.File = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs == nil { // another lake takes effect at the next start
		store, err := openStore(ctx, &with, s.logger)
		if err != nil {
			return at, err
		}
		s.docs = state.New(store)
	}
	at.Lake = s.docs
	return at, nil
}

// secretStoreAt says where the store of secrets of a configuration is, with the key of the environment if it
// has one. docs are its lake's.
func secretStoreAt(cfg *config.Config, docs *state.Docs) (secretstore.Config, error) {
	file, key := cfg.SecretFiles()
	c := secretstore.Config{File: file, KeyFile: key, Key: secret.New(os.Getenv(storeKeyVar)), Passphrase: secret.New(os.Getenv(passphraseVar))}
	if cfg.Secrets.Store.In == config.InLake {
		c.File, c.Lake = "", docs
	}
	if !c.Key.IsZero() && !c.Passphrase.IsZero() {
		return c, errors.New(errTwoKeysOfStores)
	}
	return c, nil
}

// secretStoreOf returns that store.
func secretStoreOf(cfg *config.Config, docs *state.Docs) (*secretstore.Store, error) {
	c, err := secretStoreAt(cfg, docs)
	if err != nil {
		return nil, err
	}
	return secretstore.New(c), nil
}
