package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
)

// local finds a secret of this machine, or one that the lake's store had when it was last looked at.
func (v *Vault) local(ctx context.Context, p Place, key string) *answer {
	a := &answer{}
	switch p.Kind {
	case Env:
		a.value, a.where, a.err = v.fromEnv(p, key)
	case Files:
		a.value, a.where, a.err = fromFile(p, key)
	default:
		a.value, a.where, a.err = v.fromStore(ctx, p, key)
	}
	if a.err != nil {
		a.where, a.value = "", secret.String{}
		a.err = fmt.Errorf("%w (%s)", a.err, p.origin())
	}
	return a
}

func (v *Vault) fromEnv(p Place, key string) (value secret.String, where string, err error) {
	name := p.Prefix + secret.EnvName(key)
	text, ok := v.config.Env(name)
	switch {
	case !ok:
		return value, "", fmt.Errorf("environment variable %s is not set", name)
	case text == "":
		return value, "", fmt.Errorf("environment variable %s is empty", name)
	}
	return secret.New(text), "environment variable " + name, nil
}

// fromFile reads the file of a key. One line break at its end is not part of the secret: editors and
// echo leave it there.
func fromFile(p Place, key string) (value secret.String, where string, err error) {
	if key == "." || key == ".." {
		return value, "", errors.New("no file has such a name")
	}
	path := filepath.Join(p.Folder, key)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, e := os.Stat(p.Folder); e != nil {
			return value, "", fmt.Errorf("there is no folder %s: mount the secrets there, or say where they are as secrets.scopes.%s.folder", p.Folder, p.Scope)
		}
		return value, "", fmt.Errorf("there is no file %s", path)
	case errors.Is(err, os.ErrPermission):
		return value, "", fmt.Errorf("the gateway's user may not look into %s", p.Folder)
	case err != nil:
		return value, "", fmt.Errorf("%s can't be read: %w", path, errors.Unwrap(err))
	case !st.Mode().IsRegular():
		return value, "", fmt.Errorf("%s is no file", path)
	case st.Size() > secretstore.MaxValue:
		return value, "", fmt.Errorf("%s is larger than %d bytes", path, secretstore.MaxValue)
	}
	text, err := read(path)
	switch {
	case errors.Is(err, os.ErrPermission):
		return value, "", fmt.Errorf("the gateway's user may not read %s", path)
	case err != nil:
		return value, "", fmt.Errorf("%s can't be read: %w", path, err)
	case text == "":
		return value, "", fmt.Errorf("%s is empty", path)
	}
	return secret.New(text), path, nil
}

func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, secretstore.MaxValue))
	return CutLineBreak(string(b)), err
}

// CutLineBreak takes one line break off the end.
func CutLineBreak(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r") }

func (v *Vault) fromStore(ctx context.Context, p Place, key string) (value secret.String, where string, err error) {
	s := v.store(p)
	value, err = s.Get(ctx, secretstore.Name{Scope: p.Scope, Key: key})
	put := fmt.Sprintf("lakegate secrets put %s/%s", p.Scope, key)
	missing := errors.Is(err, secretstore.ErrNoStore) || errors.Is(err, secretstore.ErrNoScope) || errors.Is(err, secretstore.ErrNoSecret)
	switch {
	case err == nil:
		return value, s.String(), nil
	case missing && p.Scope == secret.Given:
		return value, "", fmt.Errorf("the secret that came with the endpoint is not in %s any more; give it to the endpoint again, in the field that ends in _plaintext", s)
	case p.Kind == Anywhere && (errors.Is(err, secretstore.ErrNoStore) || errors.Is(err, secretstore.ErrNoScope)):
		err = fmt.Errorf("there is no scope %s: put it into %s with %s, or say where it is in the config file, under secrets", p.Scope, storeName(s), put)
	case errors.Is(err, secretstore.ErrNoStore) && s.Shared():
		err = fmt.Errorf("there are no secrets in the lake; begin with %s", put)
	case errors.Is(err, secretstore.ErrNoStore):
		err = fmt.Errorf("there is no local store at %s; begin one with %s", s.File(), put)
	case missing:
		err = fmt.Errorf("%s does not have it; put it there with %s", s, put)
	}
	return value, "", err
}

func storeName(s *secretstore.Store) string {
	if s.Shared() {
		return s.String()
	}
	return "the local store"
}

// store returns the store of a place, the same one each time: it remembers what it has decrypted.
func (v *Vault) store(p Place) *secretstore.Store {
	c := secretstore.Config{File: p.StoreFile, KeyFile: p.KeyFile, Lake: p.Lake, Key: v.config.StoreKey, Passphrase: v.config.StorePassphrase}
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.stores[c]
	if s == nil {
		s = secretstore.New(c)
		v.stores[c] = s
	}
	return s
}

// refresh looks at the lake's store. Only the begin and the end of a failure are logged.
func (v *Vault) refresh(ctx context.Context, s *secretstore.Store) {
	bounded, cancel := context.WithTimeout(ctx, v.config.Timeout)
	defer cancel()
	err := s.Refresh(bounded)
	if ctx.Err() != nil {
		return // nobody wants to know any more
	}
	before, began := v.count(FromLake, err == nil)
	switch {
	case err != nil && began:
		v.config.Logger.Warn("the lake's secrets can't be read; those there were are used on", "error", err.Error())
	case err == nil && before:
		v.config.Logger.Info("the lake's secrets can be read again")
	}
}
