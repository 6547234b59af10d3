package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
	"github.com/lakegate/lakegate/internal/vault"
	"github.com/lakegate/lakegate/internal/vault/awssecrets"
)

// Variables that hold the key of the local store, where it is not in a file.
const (
	storeKeyVar        = "LAKEGATE_SECRETS_KEY"
	passphraseVar      = "LAKEGATE_SECRETS_PASSPHRASE"
	newPassphraseVar   = "LAKEGATE_SECRETS_NEW_PASSPHRASE"
	errTwoKeysOfStores = "both " + storeKeyVar + " and " + passphraseVar + " are set; unset the one that the local store was not made with"
)

// secrets reads configurations with the secrets they refer to.
type secrets struct {
	vault *vault.Vault
	data  string // where the local store is, when flags say so over the file
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
	return &secrets{vault: v}, err
}

// load reads a configuration. With fresh, secrets that are kept in memory are fetched again.
func (s *secrets) load(ctx context.Context, path string, fresh bool) (*config.Config, error) {
	cfg, _, err := s.check(ctx, path, fresh)
	return cfg, err
}

func (s *secrets) check(ctx context.Context, path string, fresh bool) (*config.Config, []config.Reference, error) {
	r := s.vault.Round(fresh)
	cfg, refs, err := config.Check(path, config.Sources{Env: os.LookupEnv, Vault: findIn(ctx, r, s.data)})
	r.Done(err == nil)
	return cfg, refs, err
}

// loadLake is config.LoadLake with the secrets of every source.
func loadLake(ctx context.Context, path string) (*config.Config, error) {
	s, err := newSecrets(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return nil, err
	}
	return config.LoadLake(path, config.Sources{Env: os.LookupEnv, Vault: findIn(ctx, s.vault.Round(false), "")})
}

// findIn is the config.Vault of one reading. data is the folder that flags say over the file.
func findIn(ctx context.Context, r *vault.Round, data string) config.Vault {
	return func(c *config.Config, s config.SecretScope, scope, key string) (secret.String, string, error) {
		at := storeOf(c, data)
		return r.Find(ctx, vault.Place{
			Kind: vault.Kind(s.From), Scope: scope, Prefix: s.Prefix, Folder: s.Folder, StoreFile: at.File, KeyFile: at.KeyFile,
			Name: s.Name, Region: s.Region, Endpoint: s.Endpoint, Refresh: s.Refresh,
		}, key)
	}
}

// storeOf says where the local store of a configuration is.
func storeOf(c *config.Config, data string) secretstore.Config {
	with := *c
	if data != "" {
		with.Data = data
	}
	file, key := with.SecretFiles()
	return secretstore.Config{File: file, KeyFile: key}
}
