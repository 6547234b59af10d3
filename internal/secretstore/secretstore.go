// Package secretstore keeps secrets in one encrypted file: the local store behind
// {{secrets/scope/key}} and `lakegate secrets`.
//
// A change is durable before it is acknowledged: the file is written beside the old one, synced and
// renamed over it, under a lock that keeps two writers from losing each other's changes; readers need
// no lock, and see the file before a change or after it. What is in the file, names included, can
// neither be read nor be changed unnoticed without its key. The file is age's format
// (docs/format/secrets.md), so the age tool can read it too.
//
// The package does not keep the key from who may read the key's file, and does not notice when the
// whole file is replaced by an older one. It prints nothing, and no error holds a value or a key. A
// Store is safe for concurrent use, also by several processes.
package secretstore

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/secret"
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
)

// Config says where a store is.
type Config struct {
	File string // of the secrets
	// KeyFile holds the key, mode 0600. It is made by the first Put when Key and Passphrase are empty.
	KeyFile string
	// Key is the key itself, instead of a file: one or more lines of age's secret keys, of which the
	// first encrypts.
	Key secret.String
	// Passphrase is what the key is made from, instead of both.
	Passphrase secret.String
}

// Store is the secrets of one file.
type Store struct {
	config Config

	mu   sync.Mutex
	seen [sha256.Size]byte // hash of the file that read holds
	read *document
}

// New returns the store of a file, which may not be there yet.
func New(c Config) *Store { return &Store{config: c} }

// File is where the secrets are.
func (s *Store) File() string { return s.config.File }

// Exists reports whether anything was ever put in.
func (s *Store) Exists() bool {
	_, err := os.Stat(s.config.File)
	return err == nil
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
func (s *Store) Get(n Name) (secret.String, error) {
	d, err := s.load()
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
func (s *Store) List() ([]Entry, error) {
	d, err := s.load()
	if errors.Is(err, ErrNoStore) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.entries(), nil
}

// Scopes returns the names of scopes, sorted, those without secrets too.
func (s *Store) Scopes() ([]string, error) {
	d, err := s.load()
	if errors.Is(err, ErrNoStore) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.scopes(), nil
}

// Put stores a secret, a new one or another value of one. madeKey says that this made KeyFile.
func (s *Store) Put(n Name, value secret.String, now time.Time) (madeKey bool, err error) {
	if err := errors.Join(CheckName("scope", n.Scope), CheckName("key", n.Key)); err != nil {
		return false, err
	}
	if err := CheckValue(value); err != nil {
		return false, err
	}
	return s.change(true, func(d *document) error {
		if d.Scopes[n.Scope] == nil {
			d.Scopes[n.Scope] = map[string]entry{}
		}
		d.Scopes[n.Scope][n.Key] = entry{Value: value.Reveal(), Updated: now.UTC().Truncate(time.Millisecond)}
		return nil
	})
}

// AddScope makes a scope without secrets; ErrScope when it is there.
func (s *Store) AddScope(scope string) error {
	if err := CheckName("scope", scope); err != nil {
		return err
	}
	_, err := s.change(true, func(d *document) error {
		if d.Scopes[scope] != nil {
			return ErrScope
		}
		d.Scopes[scope] = map[string]entry{}
		return nil
	})
	return err
}

// Delete takes a secret out.
func (s *Store) Delete(n Name) error {
	_, err := s.change(false, func(d *document) error {
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
func (s *Store) DeleteScope(scope string) error {
	_, err := s.change(false, func(d *document) error {
		if d.Scopes[scope] == nil {
			return ErrNoScope
		}
		delete(d.Scopes, scope)
		return nil
	})
	return err
}

// change reads, changes and writes the store under the lock. An error of edit leaves it as it was.
func (s *Store) change(create bool, edit func(*document) error) (madeKey bool, err error) {
	unlock, err := s.lock(create)
	if err != nil {
		return false, err
	}
	defer unlock()
	d, err := s.load()
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
	if err != nil {
		return madeKey, err
	}
	return madeKey, s.write(d, k)
}

// lock waits until no other writer is at work.
func (s *Store) lock(create bool) (unlock func(), err error) {
	if create {
		if err := disk.MakeDir(disk.OS, filepath.Dir(s.config.File)); err != nil {
			return nil, fmt.Errorf("make the folder of the secrets: %w", err)
		}
	} else if !s.Exists() {
		return nil, ErrNoStore
	}
	f, err := os.OpenFile(s.config.File+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the secrets: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the secrets: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// load returns the document, decrypted anew only when the file has changed. It is not to be changed.
func (s *Store) load() (*document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		b, err := readFile(s.config.File, maxFile)
		if errors.Is(err, os.ErrNotExist) {
			return nil, ErrNoStore
		}
		if err != nil {
			return nil, fmt.Errorf("read the secrets: %w", err)
		}
		sum := sha256.Sum256(b)
		if s.read != nil && s.seen == sum {
			return s.read, nil
		}
		d, err := s.open(b)
		if err == nil {
			s.seen, s.read = sum, d
			return d, nil
		}
		// The key may be of a store that was written since: look whether there is one.
		if again, e := readFile(s.config.File, maxFile); e != nil || sha256.Sum256(again) == sum {
			return nil, err
		}
	}
}

func (s *Store) open(b []byte) (*document, error) {
	k, err := s.key()
	if err != nil {
		return nil, err
	}
	d, err := decrypt(b, k)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.config.File, err)
	}
	return d, nil
}

func (s *Store) write(d *document, k *key) error {
	b, err := encrypt(d, k)
	if err != nil {
		return fmt.Errorf("encrypt the secrets: %w", err)
	}
	if err := disk.WriteFile(disk.OS, s.config.File, b); err != nil {
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
