package secretstore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"filippo.io/age"
)

// document is what is encrypted.
type document struct {
	Version int                         `json:"version"`
	Scopes  map[string]map[string]entry `json:"scopes"`
}

type entry struct {
	Value   string    `json:"value"`
	Updated time.Time `json:"updated"`
}

// version is the format's.
const version = 1

var errOtherKey = errors.New("is not the one they were encrypted with")

var errDamaged = errors.New("the secrets are damaged, or are none; restore them from a backup")

func (d *document) clone() *document {
	c := &document{Scopes: make(map[string]map[string]entry, len(d.Scopes))}
	for scope, keys := range d.Scopes {
		c.Scopes[scope] = maps.Clone(keys)
	}
	return c
}

func (d *document) entries() []Entry {
	all := []Entry{}
	for scope, keys := range d.Scopes {
		for k, e := range keys {
			all = append(all, Entry{Name{scope, k}, e.Updated})
		}
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
	})
	return all
}

func encrypt(d *document, k *key) ([]byte, error) {
	d.Version = version
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decrypt reads a file. Its errors name no byte of what is in it.
func decrypt(b []byte, k *key) (*document, error) {
	r, err := age.Decrypt(bytes.NewReader(b), k.by...)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return nil, fmt.Errorf("the key of %s %w", k.from, errOtherKey)
	}
	if err != nil {
		return nil, errDamaged
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, errDamaged
	}
	var d document
	if json.Unmarshal(text, &d) != nil {
		return nil, errDamaged
	}
	if d.Version != version {
		return nil, fmt.Errorf("the secrets are in version %d of the format, this lakegate knows %d; use a newer lakegate", d.Version, version)
	}
	if d.Scopes == nil {
		d.Scopes = map[string]map[string]entry{}
	}
	return &d, nil
}

// readFile reads a whole file of at most so many bytes.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return b, err
}
