// Package memstore keeps objects in memory, for tests.
//
// It promises what objstore.Store does as long as the process lives, and passes the suite in
// objstoretest. Inject makes it fail on purpose: before a call, or after it was carried out, which
// is how an answer gets lost. Everything may be called from many goroutines at once.
package memstore

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Op is a method of the store.
type Op int

// The methods.
const (
	Get Op = iota
	GetRange
	Stat
	Put
	Create
	Replace
	Delete
	List
)

// Call is one call of the store, before it is carried out.
type Call struct {
	Op   Op
	Key  string // the prefix, for List
	Data []byte // what a write is to write; do not change
}

// Fault is what goes wrong with a call. The zero Fault is none.
type Fault struct {
	// Before is returned instead of carrying the call out.
	Before error
	// After is returned in place of the answer when the call was carried out and succeeded. A lost
	// answer is After: objstore.ErrUnknown.
	After error
}

// Store is objects in memory. It implements objstore.Store.
type Store struct {
	mu      sync.Mutex
	objects map[string]object
	writes  int64
	faults  func(Call) Fault
}

type object struct {
	data []byte
	info objstore.Info
}

var _ objstore.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store { return &Store{objects: map[string]object{}} }

// Inject has f decide about every later call; nil ends it. f runs without the store's lock and may
// use the store itself (its calls come to f as well), for example to write as a rival first: a lost
// race. Many goroutines may call it at once.
func (s *Store) Inject(f func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Get implements objstore.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	var data []byte
	info, err := s.do(ctx, Call{Op: Get, Key: key}, func() (objstore.Info, error) {
		o, ok := s.objects[key]
		if !ok {
			return objstore.Info{}, objstore.ErrNotFound
		}
		data = bytes.Clone(o.data)
		return o.info, nil
	})
	if err != nil {
		return nil, objstore.Info{}, fmt.Errorf("get %s: %w", key, err)
	}
	return data, info, nil
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, objstore.Info, error) {
	if err := objstore.ValidRange(offset, length); err != nil {
		return nil, objstore.Info{}, fmt.Errorf("get range of %s: %w", key, err)
	}
	var data []byte
	info, err := s.do(ctx, Call{Op: GetRange, Key: key}, func() (objstore.Info, error) {
		o, ok := s.objects[key]
		if !ok {
			return objstore.Info{}, objstore.ErrNotFound
		}
		rest := o.data[min(offset, o.info.Size):]
		data = bytes.Clone(rest[:min(length, int64(len(rest)))])
		return o.info, nil
	})
	if err != nil {
		return nil, objstore.Info{}, fmt.Errorf("get range of %s: %w", key, err)
	}
	return data, info, nil
}

// Stat implements objstore.Store.
func (s *Store) Stat(ctx context.Context, key string) (objstore.Info, error) {
	info, err := s.do(ctx, Call{Op: Stat, Key: key}, func() (objstore.Info, error) {
		o, ok := s.objects[key]
		if !ok {
			return objstore.Info{}, objstore.ErrNotFound
		}
		return o.info, nil
	})
	if err != nil {
		return objstore.Info{}, fmt.Errorf("stat %s: %w", key, err)
	}
	return info, nil
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	info, err := s.do(ctx, Call{Put, key, data}, func() (objstore.Info, error) {
		return s.set(key, data), nil
	})
	if err != nil {
		return objstore.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	return info, nil
}

// Create implements objstore.Store.
func (s *Store) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	info, err := s.do(ctx, Call{Create, key, data}, func() (objstore.Info, error) {
		if _, ok := s.objects[key]; ok {
			return objstore.Info{}, objstore.ErrExists
		}
		return s.set(key, data), nil
	})
	if err != nil {
		return objstore.Info{}, fmt.Errorf("create %s: %w", key, err)
	}
	return info, nil
}

// Replace implements objstore.Store.
func (s *Store) Replace(ctx context.Context, key, etag string, data []byte) (objstore.Info, error) {
	info, err := s.do(ctx, Call{Replace, key, data}, func() (objstore.Info, error) {
		if o, ok := s.objects[key]; !ok || o.info.ETag != etag {
			return objstore.Info{}, objstore.ErrChanged
		}
		return s.set(key, data), nil
	})
	if err != nil {
		return objstore.Info{}, fmt.Errorf("replace %s: %w", key, err)
	}
	return info, nil
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	_, err := s.do(ctx, Call{Op: Delete, Key: key}, func() (objstore.Info, error) {
		delete(s.objects, key)
		return objstore.Info{}, nil
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// List implements objstore.Store. It yields what is there when the iteration starts.
func (s *Store) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	return func(yield func(objstore.Info, error) bool) {
		var found []objstore.Info
		_, err := s.do(ctx, Call{Op: List, Key: prefix}, func() (objstore.Info, error) {
			for key, o := range s.objects {
				if strings.HasPrefix(key, prefix) && key > startAfter {
					info := o.info
					info.ETag = ""
					found = append(found, info)
				}
			}
			return objstore.Info{}, nil
		})
		if err != nil {
			yield(objstore.Info{}, fmt.Errorf("list %s: %w", prefix, err))
			return
		}
		slices.SortFunc(found, func(a, b objstore.Info) int { return strings.Compare(a.Key, b.Key) })
		for _, info := range found {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// do carries a call out under the lock, with the fault that is due.
func (s *Store) do(ctx context.Context, c Call, f func() (objstore.Info, error)) (objstore.Info, error) {
	valid := objstore.ValidKey
	if c.Op == List {
		valid = objstore.ValidPrefix
	}
	if err := valid(c.Key); err != nil {
		return objstore.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return objstore.Info{}, err
	}
	fault := s.fault(c)
	if fault.Before != nil {
		return objstore.Info{}, fault.Before
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := f()
	if err == nil && fault.After != nil {
		return objstore.Info{}, fault.After
	}
	return info, err
}

func (s *Store) fault(c Call) Fault {
	s.mu.Lock()
	f := s.faults
	s.mu.Unlock()
	if f == nil {
		return Fault{}
	}
	return f(c)
}

// set stores an object; the caller holds the lock.
func (s *Store) set(key string, data []byte) objstore.Info {
	s.writes++
	info := objstore.Info{Key: key, Size: int64(len(data)), Modified: time.Now(), ETag: fmt.Sprint(s.writes)}
	s.objects[key] = object{bytes.Clone(data), info}
	return info
}
