package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
)

const hashPrefix = "sha256:"

// Spec describes one key to NewKeys.
type Spec struct {
	Name      string // unique, not empty
	Hash      string // as HashToken writes it
	Principal inference.Principal
	Admin     bool
	Endpoints []string // patterns of the endpoints it may call
	Tables    []string // patterns of the tables it may read
}

// NewKeys returns the given keys, of which it keeps copies. It refuses a hash that is none, and a
// name or hash used twice.
func NewKeys(specs []Spec) (*Keys, error) {
	k := &Keys{byHash: make(map[[sha256.Size]byte]*Key, len(specs))}
	names := make(map[string]bool, len(specs))
	for _, s := range specs {
		if s.Name == "" || names[s.Name] {
			return nil, fmt.Errorf("key name %q is empty or used twice", s.Name)
		}
		names[s.Name] = true
		hash, err := parseHash(s.Hash)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", s.Name, err)
		}
		if other, twice := k.byHash[hash]; twice {
			return nil, fmt.Errorf("keys %q and %q have the same hash", other.Name, s.Name)
		}
		key := newKey(s)
		k.byHash[hash] = key
		k.sorted = append(k.sorted, key)
	}
	slices.SortFunc(k.sorted, func(a, b *Key) int { return strings.Compare(a.Name, b.Name) })
	return k, nil
}

func newKey(s Spec) *Key {
	p := s.Principal
	p.KeyID = s.Name
	p.KeyTags = maps.Clone(p.KeyTags)
	p.Groups = slices.Clone(p.Groups)
	if p.Kind == "" {
		p.Kind = inference.User
	}
	return &Key{
		Name: s.Name, Principal: p, Admin: s.Admin,
		endpoints: slices.Clone(s.Endpoints), tables: slices.Clone(s.Tables),
	}
}

func parseHash(s string) (h [sha256.Size]byte, err error) {
	digits, ok := strings.CutPrefix(s, hashPrefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(h) {
		return h, fmt.Errorf("hash is not sha256: and 64 hexadecimal digits") // no cause: it would quote the text
	}
	return [sha256.Size]byte(b), nil
}
