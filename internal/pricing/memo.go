package pricing

import "sync"

// memo remembers which model a provider's name of it means: rules are tried one after the other,
// and a list may have hundreds of them.
type memo struct {
	mu    sync.RWMutex
	found map[asked]*model // nil for a name that is not in the list
}

type asked struct{ provider, model string }

// maxMemo bounds the memo: names come from callers and providers.
const maxMemo = 4096

func newMemo() *memo { return &memo{found: map[asked]*model{}} }

func (m *memo) get(a asked) (*model, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	found, ok := m.found[a]
	return found, ok
}

func (m *memo) put(a asked, found *model) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.found) >= maxMemo {
		clear(m.found)
	}
	m.found[a] = found
}
