// Package credential makes the credentials of providers that want more than a key in a header:
// Microsoft Entra's and Google's access tokens, and AWS's signatures. Each is an endpoint.Auth.
//
// A credential is fetched by the first request that needs it, and kept. Before it ends, the next
// request that uses it starts a fetch in the background and goes on with the old one: nobody waits
// for a refresh while the old credential is valid. There is one fetch at a time. One that fails
// leaves the old credential in force as long as it lasts and is tried again after a pause that
// grows; when nothing valid is left, requests get an *Error that says what went wrong. One that the
// provider refused is fetched anew, at most once a minute: it may have been revoked. Nothing runs
// without a request: a catalog that is replaced needs no closing.
//
// Errors never hold keys, tokens or documents. Everything is safe for concurrent use. Tests give a
// Set an http.Client whose transport is a function.
package credential

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Set is the credentials of one catalog. Entities with the same account share one credential.
type Set struct {
	client *http.Client

	mu   sync.Mutex
	have map[string]endpoint.Auth
	old  map[string]endpoint.Auth // of the catalog before; may be nil
}

// NewSet returns an empty set. client fetches tokens; nil is a client with the environment's
// proxies.
func NewSet(client *http.Client) *Set {
	if client == nil {
		client = &http.Client{}
	}
	return &Set{client: client, have: map[string]endpoint.Auth{}}
}

// Next returns the set of the next catalog: what it has in common with this one keeps its tokens.
// What the next one does not use goes with this set. A nil Set is like an empty one.
func (s *Set) Next() *Set {
	if s == nil {
		return NewSet(nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := NewSet(s.client)
	next.old = s.have
	return next
}

// keep returns the credential of that identity, or makes it. The identity is hashed: it holds
// secrets.
func (s *Set) keep(identity []string, build func() endpoint.Auth) endpoint.Auth {
	sum := sha256.Sum256([]byte(strings.Join(identity, "\x00")))
	id := hex.EncodeToString(sum[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.have[id]; ok {
		return a
	}
	a, ok := s.old[id]
	if !ok {
		a = build()
	}
	s.have[id] = a
	return a
}

// Error says that there is no valid credential, and why.
type Error struct {
	From string // who was asked: "Microsoft Entra", "Google", "the AWS SDK"
	Why  string // one line, without secrets
}

// Error implements error.
func (e *Error) Error() string { return e.From + " gave no credential: " + e.Why }
