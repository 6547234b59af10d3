package secretstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age/armor"
	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/state"
)

// place is where the encrypted bytes are.
type place interface {
	// read returns them, and which version they are. ErrNoStore.
	read(ctx context.Context) ([]byte, state.Version, error)
	// write puts b in the place of a version, "" for none. state.ErrChanged or state.ErrExists when
	// there is another by now.
	write(ctx context.Context, was state.Version, b []byte) error
	// lock keeps other writers away, where write can't tell that there were any.
	lock(create bool) (unlock func(), err error)
	// setAside moves what is there out of the way, and says where to.
	setAside(ctx context.Context, now time.Time) (string, error)
}

// file is a store on this machine.
type file string

func (f file) read(context.Context) ([]byte, state.Version, error) {
	b, err := readFile(string(f), maxFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", ErrNoStore
	}
	return b, "", err
}

func (f file) write(_ context.Context, _ state.Version, b []byte) error {
	return disk.WriteFile(disk.OS, string(f), b)
}

// lock waits until no other writer is at work.
func (f file) lock(create bool) (unlock func(), err error) {
	if create {
		if err := disk.MakeDir(disk.OS, filepath.Dir(string(f))); err != nil {
			return nil, fmt.Errorf("make the folder of the secrets: %w", err)
		}
	} else if _, err := os.Stat(string(f)); err != nil {
		return nil, ErrNoStore
	}
	l, err := os.OpenFile(string(f)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the secrets: %w", err)
	}
	for {
		err = unix.Flock(int(l.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the secrets: %w", err), l.Close())
	}
	return func() { _ = l.Close() }, nil // closing unlocks
}

func (f file) setAside(_ context.Context, now time.Time) (string, error) {
	to := string(f) + asideSuffix(now)
	if err := os.Rename(string(f), to); err != nil {
		return "", err
	}
	return to, nil
}

// lake is a store that the gateways of a lake share: a document, replaced under the condition that it
// is the one a change was made from.
type lake struct{ docs *state.Docs }

const (
	kind = "secrets"
	id   = "store"
)

// envelope is the document: JSON around age's own text form.
type envelope struct {
	Format string `json:"format"`
	Age    string `json:"age"`
}

const format = "age"

func (l lake) read(ctx context.Context) ([]byte, state.Version, error) {
	doc, v, err := l.docs.Get(ctx, kind, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, "", ErrNoStore
	}
	if err != nil {
		return nil, "", away{err}
	}
	b, err := unwrap(doc)
	return b, v, err
}

func (l lake) write(ctx context.Context, was state.Version, b []byte) (err error) {
	doc, err := wrap(b)
	if err != nil {
		return err
	}
	if was == "" {
		_, err = l.docs.Create(ctx, kind, id, doc)
	} else {
		_, err = l.docs.Replace(ctx, kind, id, was, doc)
	}
	if err == nil || errors.Is(err, state.ErrChanged) || errors.Is(err, state.ErrExists) {
		return err
	}
	return away{err}
}

// away is an error that is ErrAway, and says what it said.
type away struct{ error }

func (away) Is(target error) bool { return target == ErrAway }

func (e away) Unwrap() error { return e.error }

func (l lake) lock(bool) (func(), error) { return func() {}, nil }

func (l lake) setAside(ctx context.Context, now time.Time) (string, error) {
	doc, _, err := l.docs.Get(ctx, kind, id)
	if err != nil {
		return "", err
	}
	to := id + asideSuffix(now)
	if _, err := l.docs.Create(ctx, kind, to, doc); err != nil {
		return "", err
	}
	return fmt.Sprintf("_lakegate/%s/%s.json in the lake", kind, to), l.docs.Delete(ctx, kind, id)
}

func asideSuffix(now time.Time) string { return ".aside-" + now.UTC().Format("20060102T150405.000Z") }

func wrap(b []byte) ([]byte, error) {
	var text bytes.Buffer
	w := armor.NewWriter(&text)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return json.Marshal(envelope{format, text.String()})
}

func unwrap(doc []byte) ([]byte, error) {
	var e envelope
	if json.Unmarshal(doc, &e) != nil || e.Format != format {
		return nil, errDamaged
	}
	b, err := io.ReadAll(armor.NewReader(bytes.NewReader([]byte(e.Age))))
	if err != nil {
		return nil, errDamaged
	}
	return b, nil
}
