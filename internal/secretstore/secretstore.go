// Package secretstore keeps secrets in one encrypted store: the local one, a file of this machine, or
// the one in the lake, a document that its gateways share. It is behind {{secrets/scope/key}} and
// `lakegate secrets`.
//
// A change is durable before it is acknowledged, and no change is lost to another: the file is written
// beside the old one, synced and renamed over it, under a lock; the document is replaced under the
// condition that it is the one the change was made from. Readers see the store before a change or after
// it. What is in it, names included, can neither be read nor be changed unnoticed without its key. Both
// are age's format (docs/format/secrets.md), so the age tool can read them too.
//
// A local store is read when it is asked. Of the one in the lake Get gives what Refresh has seen last,
// and an encrypted copy of that on this machine stands in while the lake can't be reached.
//
// The package does not keep the key from who may read the key's file, and does not notice when the
// whole store is replaced by an older one. It prints nothing, and no error holds a value or a key. A
// Store is safe for concurrent use, also by several processes.
package secretstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/state"
)

// MaxValue bounds a secret, maxFile the encrypted file.
const (
	MaxValue = 128 << 10
	maxFile  = 64 << 20
)

// Errors that callers decide on.
var (
	ErrNoStore  = errors.New("there is no store yet")
	ErrNoScope  = errors.New("the store has no such scope")
	ErrNoSecret = errors.New("the scope has no such key")
	ErrScope    = errors.New("the scope is there already")
	// ErrAway says that the lake could not be read or written, so a change was made or not.
	ErrAway = errors.New("the lake can't be reached")
	// ErrBusy says that others were faster each time; nothing was changed.
	ErrBusy = errors.New("the secrets are being changed all the time by others; try again")
)

// Config says where a store is.
type Config struct {
	// File is the local store, or this gateway's copy of the one in the lake, "" for none.
	File string
	// Lake has the store that its gateways share; nil for a local one.
	Lake *state.Docs
	// KeyFile holds the key, mode 0600. A local store's is made by the first Put when Key and
	// Passphrase are empty. That of a lake's store is not: every gateway needs the same.
	KeyFile string
	// Key is the key itself, instead of a file: one or more lines of age's secret keys, of which the
	// first encrypts.
	Key secret.String
	// Passphrase is what the key is made from, instead of both.
	Passphrase secret.String
}

// Store is the secrets of one file or lake.
type Store struct {
	config Config
	place  place

	mu   sync.Mutex
	seen [sha256.Size]byte // hash of what read is of
	read *document
	last error // of Refresh

	// What a passphrase did not open is not tried again, since a try takes a second.
	shut    [sha256.Size]byte
	shutErr error
}

// New returns a store, which may not be there yet. It reads nothing.
func New(c Config) *Store {
	if c.Lake != nil {
		return &Store{config: c, place: lake{c.Lake}}
	}
	return &Store{config: c, place: file(c.File)}
}

// File is where the secrets of a local store are, or the copy of the lake's.
func (s *Store) File() string { return s.config.File }

// Shared reports whether the store is the lake's.
func (s *Store) Shared() bool { return s.config.Lake != nil }

// String says which store it is, for people.
func (s *Store) String() string {
	if s.Shared() {
		return "the lake's store of secrets"
	}
	return "the local store " + s.config.File
}

// Name says which secret it is.
type Name struct{ Scope, Key string }

var part = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// CheckName says what is wrong with the name of a scope or key.
func CheckName(what, s string) error {
	if !part.MatchString(s) || s == "." || s == ".." {
		return fmt.Errorf("%s: want 1 to 128 letters, digits, '_', '.' or '-'", what)
	}
	return nil
}

// CheckValue says what is wrong with a value, without showing it.
func CheckValue(value secret.String) error {
	if size := len(value.Reveal()); size == 0 || size > MaxValue {
		return fmt.Errorf("want a value of 1 to %d bytes, got %d", MaxValue, size)
	}
	if !utf8.ValidString(value.Reveal()) {
		return errors.New("want a value in UTF-8; write other bytes in base64")
	}
	return nil
}

// Entry is what may be shown of a secret.
type Entry struct {
	Name
	Updated time.Time
}

// Get returns a secret; ErrNoStore, ErrNoScope and ErrNoSecret say what is missing.
func (s *Store) Get(ctx context.Context, n Name) (secret.String, error) {
	d, err := s.known(ctx)
	if err != nil {
		return secret.String{}, err
	}
	keys, ok := d.Scopes[n.Scope]
	if !ok {
		return secret.String{}, ErrNoScope
	}
	e, ok := keys[n.Key]
	if !ok {
		return secret.String{}, ErrNoSecret
	}
	return secret.New(e.Value), nil
}

// List returns every secret's name, sorted; none when there is no store.
func (s *Store) List(ctx context.Context) ([]Entry, error) {
	d, _, err := s.load(ctx)
	if errors.Is(err, ErrNoStore) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.entries(), nil
}

// Scopes returns the names of scopes, sorted, those without secrets too.
func (s *Store) Scopes(ctx context.Context) ([]string, error) {
	d, _, err := s.load(ctx)
	if errors.Is(err, ErrNoStore) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.scopes(), nil
}

// Put stores a secret, a new one or another value of one. madeKey says that this made KeyFile.
func (s *Store) Put(ctx context.Context, n Name, value secret.String, now time.Time) (madeKey bool, err error) {
	return s.PutAll(ctx, map[Name]secret.String{n: value}, now)
}

// PutAll is Put of several secrets, all of them or none.
func (s *Store) PutAll(ctx context.Context, values map[Name]secret.String, now time.Time) (madeKey bool, err error) {
	for n, value := range values {
		if err := errors.Join(CheckName("scope", n.Scope), CheckName("key", n.Key)); err != nil {
			return false, err
		}
		if err := CheckValue(value); err != nil {
			return false, err
		}
	}
	return s.change(ctx, true, func(d *document) error {
		for n, value := range values {
			if d.Scopes[n.Scope] == nil {
				d.Scopes[n.Scope] = map[string]entry{}
			}
			d.Scopes[n.Scope][n.Key] = entry{Value: value.Reveal(), Updated: now.UTC().Truncate(time.Millisecond)}
		}
		return nil
	})
}

// AddScope makes a scope without secrets; ErrScope when it is there.
func (s *Store) AddScope(ctx context.Context, scope string) error {
	if err := CheckName("scope", scope); err != nil {
		return err
	}
	_, err := s.change(ctx, true, func(d *document) error {
		if d.Scopes[scope] != nil {
			return ErrScope
		}
		d.Scopes[scope] = map[string]entry{}
		return nil
	})
	return err
}

// Delete takes a secret out.
func (s *Store) Delete(ctx context.Context, n Name) error {
	_, err := s.change(ctx, false, func(d *document) error {
		keys, ok := d.Scopes[n.Scope]
		if !ok {
			return ErrNoScope
		}
		if _, ok := keys[n.Key]; !ok {
			return ErrNoSecret
		}
		delete(keys, n.Key)
		return nil
	})
	return err
}

// DeleteScope takes a scope out with all its secrets.
func (s *Store) DeleteScope(ctx context.Context, scope string) error {
	_, err := s.change(ctx, false, func(d *document) error {
		if d.Scopes[scope] == nil {
			return ErrNoScope
		}
		delete(d.Scopes, scope)
		return nil
	})
	return err
}

// Sweep takes those secrets out of a scope that gone says so of. What is not there is no error.
func (s *Store) Sweep(ctx context.Context, scope string, gone func(Entry) bool) error {
	_, err := s.change(ctx, false, func(d *document) error {
		before := len(d.Scopes[scope])
		for key, e := range d.Scopes[scope] {
			if gone(Entry{Name{scope, key}, e.Updated}) {
				delete(d.Scopes[scope], key)
			}
		}
		if len(d.Scopes[scope]) == before {
			return errSame
		}
		return nil
	})
	if errors.Is(err, errSame) || errors.Is(err, ErrNoStore) {
		return nil
	}
	return err
}

// errSame ends a change that changes nothing.
var errSame = errors.New("nothing changes")

// Reset begins anew, for when the key is lost: what is stored stays where Reset says, and opens with
// that key alone. ErrNoStore.
func (s *Store) Reset(ctx context.Context, now time.Time) (aside string, err error) {
	unlock, err := s.place.lock(false)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, _, err := s.place.read(ctx); errors.Is(err, ErrNoStore) {
		return "", err
	}
	aside, err = s.place.setAside(ctx, now)
	if err != nil {
		return "", fmt.Errorf("set the secrets aside: %w", err)
	}
	return aside, nil
}

// maxTries bounds how often a change is made again because somebody else's came before it.
const maxTries = 100

// change reads, changes and writes the store. An error of edit leaves it as it was.
func (s *Store) change(ctx context.Context, create bool, edit func(*document) error) (madeKey bool, err error) {
	unlock, err := s.place.lock(create)
	if err != nil {
		return false, err
	}
	defer unlock()
	for range maxTries {
		made, err := s.try(ctx, create, edit)
		madeKey = madeKey || made
		if !errors.Is(err, state.ErrChanged) && !errors.Is(err, state.ErrExists) {
			return madeKey, err
		}
	}
	return madeKey, ErrBusy
}

func (s *Store) try(ctx context.Context, create bool, edit func(*document) error) (madeKey bool, err error) {
	d, was, err := s.load(ctx)
	if create && errors.Is(err, ErrNoStore) {
		d, err = &document{Scopes: map[string]map[string]entry{}}, nil
		if madeKey, err = s.makeKey(); err != nil {
			return false, err
		}
	}
	if err != nil {
		return false, err
	}
	d = d.clone()
	if err := edit(d); err != nil {
		return madeKey, err
	}
	k, err := s.key()
	if errors.Is(err, errNoKey) && was == "" {
		return false, fmt.Errorf("%w; make it with `lakegate secrets keygen --file %s`, and give every gateway of the lake the same", err, s.config.KeyFile)
	}
	if err != nil {
		return madeKey, s.advised(err)
	}
	return madeKey, s.write(ctx, was, d, k)
}

// load returns the document that is stored, decrypted anew only when it has changed. It is not to be
// changed.
func (s *Store) load(ctx context.Context) (*document, state.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		b, v, err := s.place.read(ctx)
		if errors.Is(err, ErrNoStore) {
			s.read = nil
			return nil, "", err
		}
		if err != nil {
			return nil, "", fmt.Errorf("read the secrets: %w", err)
		}
		d, news, err := s.taken(b)
		if err == nil {
			if news {
				s.copy(b)
			}
			return d, v, nil
		}
		// The key may be of a store that was written since: look whether there is one.
		if again, _, e := s.place.read(ctx); e != nil || sha256.Sum256(again) == sha256.Sum256(b) {
			return nil, "", err
		}
	}
}

// taken decrypts b, unless that is what was decrypted last.
func (s *Store) taken(b []byte) (d *document, news bool, err error) {
	sum := sha256.Sum256(b)
	if s.read != nil && s.seen == sum {
		return s.read, false, nil
	}
	if s.shutErr != nil && s.shut == sum {
		return nil, false, s.shutErr
	}
	k, err := s.key()
	if err != nil {
		return nil, false, s.advised(err)
	}
	if d, err = decrypt(b, k); err != nil {
		err = fmt.Errorf("%s: %w", s, s.advised(err))
		if !s.config.Passphrase.IsZero() {
			s.shut, s.shutErr = sum, err
		}
		return nil, false, err
	}
	s.seen, s.read = sum, d
	return d, true, nil
}

func (s *Store) write(ctx context.Context, was state.Version, d *document, k *key) error {
	b, err := encrypt(d, k)
	if err != nil {
		return fmt.Errorf("encrypt the secrets: %w", err)
	}
	if len(b) > maxFile {
		return fmt.Errorf("the secrets would take more than %d bytes together; delete some", maxFile)
	}
	if err := s.place.write(ctx, was, b); err != nil {
		return fmt.Errorf("write the secrets: %w", err)
	}
	return nil
}

func (d *document) scopes() []string {
	all := make([]string, 0, len(d.Scopes))
	for scope := range d.Scopes {
		all = append(all, scope)
	}
	slices.Sort(all)
	return all
}
