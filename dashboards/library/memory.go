package library

import (
	"context"
	"strconv"
	"sync"

	"github.com/lakegate/lakegate/internal/state"
)

// Memory is Docs for tests. Its zero value is empty and ready, and safe for concurrent use.
type Memory struct {
	mu   sync.Mutex
	n    int
	docs map[string]memoryDoc
}

type memoryDoc struct {
	doc     []byte
	version state.Version
}

// Create implements Docs.
func (m *Memory) Create(_ context.Context, kind, id string, doc []byte) (state.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.docs[kind+"/"+id]; ok {
		return "", state.ErrExists
	}
	return m.put(kind+"/"+id, doc), nil
}

// Get implements Docs.
func (m *Memory) Get(_ context.Context, kind, id string) ([]byte, state.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.docs[kind+"/"+id]
	if !ok {
		return nil, "", state.ErrNotFound
	}
	return d.doc, d.version, nil
}

// Replace implements Docs.
func (m *Memory) Replace(_ context.Context, kind, id string, v state.Version, doc []byte) (state.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.docs[kind+"/"+id]
	if !ok {
		return "", state.ErrNotFound
	}
	if d.version != v {
		return "", state.ErrChanged
	}
	return m.put(kind+"/"+id, doc), nil
}

// List implements Docs.
func (m *Memory) List(_ context.Context, kind string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for k := range m.docs {
		if len(k) > len(kind) && k[:len(kind)+1] == kind+"/" {
			out = append(out, k[len(kind)+1:])
		}
	}
	return out, nil
}

func (m *Memory) put(key string, doc []byte) state.Version {
	if m.docs == nil {
		m.docs = map[string]memoryDoc{}
	}
	m.n++
	v := state.Version(strconv.Itoa(m.n))
	m.docs[key] = memoryDoc{append([]byte(nil), doc...), v}
	return v
}
