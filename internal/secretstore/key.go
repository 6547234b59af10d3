package secretstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/state"
)

// key is what the file is read with and written to.
type key struct {
	to   age.Recipient
	by   []age.Identity
	from string // where it came from, for errors
}

// workFactor is the effort of making a key from a passphrase: about a second.
var workFactor = 18

// key returns the key, from whichever place the configuration names.
func (s *Store) key() (*key, error) {
	switch c := s.config; {
	case !c.Key.IsZero():
		return parseKey([]byte(c.Key.Reveal()), "the environment")
	case !c.Passphrase.IsZero():
		return passphraseKey(c.Passphrase)
	default:
		b, err := readKeyFile(c.KeyFile)
		if err != nil {
			return nil, err
		}
		return parseKey(b, c.KeyFile)
	}
}

// advised adds what to do to an error of a key that does not fit, or is not there.
func (s *Store) advised(err error) error {
	switch {
	case !errors.Is(err, errNoKey) && !errors.Is(err, errOtherKey):
		return err
	case s.Shared():
		return fmt.Errorf("%w; give this gateway the key of the others; if none has it any more, the secrets are lost, and `lakegate secrets reset` begins anew", err)
	default:
		return fmt.Errorf("%w; put the right one back from a backup; if it is lost, so are the secrets, and `lakegate secrets reset` begins anew", err)
	}
}

func passphraseKey(p secret.String) (*key, error) {
	to, err := age.NewScryptRecipient(p.Reveal())
	if err != nil {
		return nil, errors.New("the passphrase can't be used") // the cause may quote it
	}
	to.SetWorkFactor(workFactor)
	by, err := age.NewScryptIdentity(p.Reveal())
	if err != nil {
		return nil, errors.New("the passphrase can't be used")
	}
	return &key{to: to, by: []age.Identity{by}, from: "the passphrase"}, nil
}

// parseKey reads lines of secret keys, as age-keygen writes them. The first is the one to encrypt to.
func parseKey(b []byte, from string) (*key, error) {
	by, err := age.ParseIdentities(bytes.NewReader(b))
	if err != nil || len(by) == 0 {
		return nil, fmt.Errorf("%s holds no key: want lines that start with AGE-SECRET-KEY-1, as age-keygen writes them", from)
	}
	k := &key{by: by, from: from}
	switch first := by[0].(type) {
	case *age.X25519Identity:
		k.to = first.Recipient()
	case *age.HybridIdentity:
		k.to = first.Recipient()
	default:
		return nil, fmt.Errorf("the first key of %s is of a kind that can't encrypt", from)
	}
	return k, nil
}

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no file %s", errNoKey, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of the secrets: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the key of the secrets: %w", err)
	}
	if mode := st.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s can be read by others (mode %#o): chmod 600 %[1]s", path, mode)
	}
	return readFile(path, 64<<10)
}

var errNoKey = errors.New("the key of the secrets is missing")

// makeKey makes the key file of a new local store, where the key is to be in one.
func (s *Store) makeKey() (made bool, err error) {
	c := s.config
	if s.Shared() {
		return false, nil
	}
	if !c.Key.IsZero() || !c.Passphrase.IsZero() {
		return false, nil
	}
	if _, err := os.Stat(c.KeyFile); err == nil {
		return false, nil // made by hand, or for a store that is gone
	}
	b, err := NewKey()
	if err != nil {
		return false, err
	}
	return true, writeKeyFile(c.KeyFile, b)
}

func writeKeyFile(path string, b []byte) error {
	if err := disk.MakeDir(disk.OS, filepath.Dir(path)); err != nil {
		return fmt.Errorf("make the folder of the key: %w", err)
	}
	if err := disk.WriteFile(disk.OS, path, b); err != nil {
		return fmt.Errorf("write the key of the secrets: %w", err)
	}
	return nil
}

// NewKey makes the text of a key file.
func NewKey() ([]byte, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return fmt.Appendf(nil, "# created: %s\n# public key: %s\n%s\n", time.Now().UTC().Format(time.RFC3339), id.Recipient(), id), nil
}

// RotateKey encrypts the store with another key.
//
// With a local store's key file the new key is made, and stands beside the old one in the file until the
// store is written: whenever the process dies, the file has the key that the store needs, and rotating
// again completes it. Key, and the key file of a lake's store, which every gateway has, must hold the
// new key first and the old one after it. With Passphrase, next is the new one.
func (s *Store) RotateKey(ctx context.Context, next secret.String) error {
	unlock, err := s.place.lock(false)
	if err != nil {
		return err
	}
	defer unlock()
	for range maxTries {
		d, was, err := s.load(ctx)
		if err != nil {
			return err
		}
		k, done, err := s.nextKey(next)
		if err != nil {
			return err
		}
		if err = s.write(ctx, was, d.clone(), k); err == nil {
			err = done()
		}
		if !errors.Is(err, state.ErrChanged) {
			return err
		}
	}
	return ErrBusy
}

// nextKey returns the key to encrypt with from now on, and what is to be done when that has been done.
func (s *Store) nextKey(next secret.String) (k *key, done func() error, err error) {
	done = func() error { return nil }
	switch c := s.config; {
	case c.Key.IsZero() && !c.Passphrase.IsZero():
		if next.IsZero() {
			return nil, nil, errors.New("there is no new passphrase")
		}
		k, err = passphraseKey(next)
	case c.Key.IsZero() && !s.Shared():
		return s.fresh()
	default:
		if k, err = s.key(); err == nil && len(k.by) < 2 {
			err = fmt.Errorf("%s holds one key only: put the new one, as `lakegate secrets keygen` makes it, on a line before it", k.from)
			if s.Shared() {
				err = fmt.Errorf("%w, on every gateway of the lake", err)
			}
		}
	}
	return k, done, err
}

// fresh puts a new key into the key file, before the old one.
func (s *Store) fresh() (k *key, done func() error, err error) {
	path := s.config.KeyFile
	old, err := readKeyFile(path)
	if err != nil {
		return nil, nil, err
	}
	fresh, err := NewKey()
	if err != nil {
		return nil, nil, err
	}
	both := append(append([]byte{}, fresh...), old...)
	if err := writeKeyFile(path, both); err != nil {
		return nil, nil, err
	}
	k, err = parseKey(both, path)
	return k, func() error { return writeKeyFile(path, fresh) }, err
}

// KeyPlace says where the key comes from.
func (s *Store) KeyPlace() string {
	switch c := s.config; {
	case !c.Key.IsZero():
		return "the environment"
	case !c.Passphrase.IsZero():
		return "a passphrase"
	default:
		return c.KeyFile
	}
}
