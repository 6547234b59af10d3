package secretstore

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/lakegate/lakegate/internal/disk"
)

// Refresh looks at the lake's store, so that Get gives what is there now. When it fails, Get goes on with
// what it gave before, or with the copy. Of a local store there is nothing to refresh.
func (s *Store) Refresh(ctx context.Context) error {
	if !s.Shared() {
		return nil
	}
	_, _, err := s.load(ctx)
	if errors.Is(err, ErrNoStore) {
		err = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = err
	if err != nil && s.read == nil {
		s.recall()
	}
	return err
}

// known is what Get goes by.
func (s *Store) known(ctx context.Context) (*document, error) {
	if !s.Shared() {
		d, _, err := s.load(ctx)
		return d, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.read != nil:
		return s.read, nil
	case s.last != nil:
		return nil, s.last
	}
	return nil, ErrNoStore
}

// copy keeps what the lake has for a start without it. That it can't be kept fails nothing: the next
// change tries again.
func (s *Store) copy(b []byte) {
	if !s.Shared() || s.config.File == "" {
		return
	}
	if err := disk.MakeDir(disk.OS, filepath.Dir(s.config.File)); err != nil {
		return
	}
	_ = disk.WriteFile(disk.OS, s.config.File, b)
}

// recall takes the copy. One that can't be read is none: what the lake said is the error then.
func (s *Store) recall() {
	if s.config.File == "" {
		return
	}
	if b, err := readFile(s.config.File, maxFile); err == nil {
		_, _, _ = s.taken(b)
	}
}
