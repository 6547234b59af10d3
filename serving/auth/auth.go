// Package auth knows the API keys: who a token belongs to and what its holder may do.
//
// Tokens are never kept, only their SHA-256. A lookup hashes the token and asks a map, so the
// time it takes says nothing about how much of a guess was right. That is safe without salt or
// stretching because tokens are long and random; internal/config refuses short ones. Keys and
// Key are immutable and safe for concurrent use.
//
// The package does not read HTTP headers and writes no answers; that is serving's part.
package auth

import (
	"crypto/sha256"

	"github.com/lakegate/lakegate/internal/inference"
)

// Key is one API key: its holder and what the holder may do.
type Key struct {
	Name      string              // unique; Principal.KeyID is the same
	Principal inference.Principal // who calls with this key
	Admin     bool                // may read every table and change the control plane

	endpoints []string
	tables    []string
}

// Keys is all keys of one configuration. It is immutable.
type Keys struct {
	byHash map[[sha256.Size]byte]*Key
	sorted []*Key
}

// Lookup returns the key a token belongs to. It returns false for the empty token.
func (k *Keys) Lookup(token string) (*Key, bool) {
	if token == "" {
		return nil, false
	}
	var onStack [128]byte // tokens fit, so that a lookup allocates nothing
	key, ok := k.byHash[sha256.Sum256(append(onStack[:0], token...))]
	return key, ok
}

// All returns every key, sorted by name. The slice is the Keys' own.
func (k *Keys) All() []*Key { return k.sorted }

// MayCall reports whether the key may call the endpoint. Administrators get no more than their
// key's endpoints: calls cost money.
func (k *Key) MayCall(endpoint string) bool { return matchAny(k.endpoints, endpoint) }

// MayRead reports whether the key may read the table, named in full (catalog.schema.table),
// from SQL. Table names compare without case. An administrator may read all; others what the
// key's tables say, which is nothing by default.
func (k *Key) MayRead(table string) bool { return k.Admin || matchAnyFold(k.tables, table) }
