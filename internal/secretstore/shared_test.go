package secretstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/state"
)

// lakeOf is gateways on one lake, with one key.
type lakeOf struct {
	mem *memstore.Store
	key []byte
	dir string
}

func newLake(t *testing.T) *lakeOf {
	t.Helper()
	k, err := NewKey()
	must(t, err)
	return &lakeOf{memstore.New(), k, t.TempDir()}
}

func (l *lakeOf) gateway(name string) *Store {
	return New(Config{Lake: state.New(l.mem), File: filepath.Join(l.dir, name, "copy.age"), Key: secret.New(string(l.key))})
}

func (l *lakeOf) away(err error) {
	l.mem.Inject(func(memstore.Call) memstore.Fault { return memstore.Fault{Before: err} })
}

func TestGatewaysShareAStore(t *testing.T) {
	l := newLake(t)
	a, b := l.gateway("a"), l.gateway("b")
	must(t, b.Refresh(t.Context()))
	if _, err := b.Get(t.Context(), Name{"openai", "api-key"}); !errors.Is(err, ErrNoStore) {
		t.Errorf("before the first secret: %v", err)
	}
	put(t, a, "openai", "api-key", hidden)
	must(t, b.Refresh(t.Context()))
	expect(t, b, "openai", "api-key", hidden)
	put(t, b, "openai", "api-key", hidden+"2")
	must(t, a.Refresh(t.Context()))
	expect(t, a, "openai", "api-key", hidden+"2")
	must(t, a.Delete(t.Context(), Name{"openai", "api-key"}))
	must(t, b.Refresh(t.Context()))
	if _, err := b.Get(t.Context(), Name{"openai", "api-key"}); !errors.Is(err, ErrNoSecret) {
		t.Errorf("deleted: %v", err)
	}
}

// The document is JSON around the age tool's text, and shows nothing; nor does the copy.
func TestTheDocumentShowsNothing(t *testing.T) {
	l := newLake(t)
	a := l.gateway("a")
	put(t, a, "scope-name", "key-name", hidden)
	must(t, a.Refresh(t.Context()))
	doc, _, err := l.mem.Get(t.Context(), "_lakegate/secrets/store.json")
	must(t, err)
	var e envelope
	must(t, json.Unmarshal(doc, &e))
	if e.Format != "age" || !strings.HasPrefix(e.Age, "-----BEGIN AGE ENCRYPTED FILE-----\n") {
		t.Errorf("the document: %s", doc)
	}
	file, err := os.ReadFile(a.File())
	must(t, err)
	for _, b := range [][]byte{doc, file} {
		for _, name := range []string{hidden, "scope-name", "key-name"} {
			if bytes.Contains(b, []byte(name)) {
				t.Errorf("shows %s", name)
			}
		}
	}
	for _, bad := range []string{`{}`, `{"format":"age","age":"x"}`, `{"format":"zip"}`, `[]`} {
		_, err := l.mem.Put(t.Context(), "_lakegate/secrets/store.json", []byte(bad))
		must(t, err)
		if err := l.gateway("c").Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	expect(t, a, "scope-name", "key-name", hidden) // what it knew
}

// While the lake is away a gateway goes by what it knew, and a new one by the copy.
func TestTheLakeIsAway(t *testing.T) {
	l := newLake(t)
	a := l.gateway("a")
	put(t, a, "openai", "api-key", hidden)
	must(t, a.Refresh(t.Context()))
	l.away(errors.New("no route"))
	restarted, fresh := l.gateway("a"), l.gateway("fresh")
	for _, s := range []*Store{a, restarted, fresh} {
		if err := s.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "no route") {
			t.Errorf("Refresh: %v", err)
		}
	}
	expect(t, a, "openai", "api-key", hidden)
	expect(t, restarted, "openai", "api-key", hidden)
	if _, err := fresh.Get(t.Context(), Name{"openai", "api-key"}); err == nil || !strings.Contains(err.Error(), "no route") {
		t.Errorf("without a copy: %v", err)
	}
	if _, err := a.Put(t.Context(), Name{"a", "b"}, secret.New("x"), noon); !errors.Is(err, ErrAway) {
		t.Error("a put without the lake")
	}
	l.mem.Inject(nil)
	must(t, fresh.Refresh(t.Context()))
	expect(t, fresh, "openai", "api-key", hidden)
}

// Writers in several gateways lose nothing of each other's, and a writer that dies leaves the old store or the new one.
func TestGatewaysDoNotLoseChanges(t *testing.T) {
	l := newLake(t)
	const writers, each = 4, 8
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			mine := l.gateway(fmt.Sprint(w))
			for i := range each {
				if _, err := mine.Put(t.Context(), Name{fmt.Sprint("scope", w), fmt.Sprint("key", i)}, secret.New(hidden), noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	list, err := l.gateway("x").List(t.Context())
	if err != nil || len(list) != writers*each {
		t.Errorf("%d secrets, want %d; %v", len(list), writers*each, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.gateway("x").Put(ctx, Name{"a", "b"}, secret.New("x"), noon); err == nil {
		t.Error("a put that was given up")
	}
}

func TestTheKeyOfASharedStore(t *testing.T) {
	l := newLake(t)
	path := filepath.Join(l.dir, "secrets.key")
	byFile := func() *Store { return New(Config{Lake: state.New(l.mem), KeyFile: path}) }
	if _, err := byFile().Put(t.Context(), Name{"a", "b"}, secret.New(hidden), noon); err == nil || !strings.Contains(err.Error(), "lakegate secrets keygen --file "+path) {
		t.Errorf("without a key: %v", err)
	}
	must(t, os.WriteFile(path, l.key, 0o600))
	put(t, byFile(), "a", "b", hidden)
	if err := byFile().RotateKey(t.Context(), secret.String{}); err == nil || !strings.Contains(err.Error(), "on a line before it, on every gateway") {
		t.Errorf("one key: %v", err)
	}
	next, err := NewKey()
	must(t, err)
	must(t, os.WriteFile(path, append(bytes.Clone(next), l.key...), 0o600))
	expectNew := func(s *Store) {
		t.Helper()
		must(t, s.Refresh(t.Context()))
		expect(t, s, "a", "b", hidden)
	}
	expectNew(byFile())
	must(t, byFile().RotateKey(t.Context(), secret.String{}))
	expectNew(byFile())
	old := l.gateway("old")
	if err := old.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "not the one they were encrypted with; give this gateway the key of the others") {
		t.Errorf("the old key: %v", err)
	}
	must(t, os.WriteFile(path, next, 0o600))
	expectNew(byFile())

	// Lost: what was stored is set aside, and a new store begun.
	must(t, os.WriteFile(path, l.key, 0o600))
	if _, err := byFile().Put(t.Context(), Name{"a", "b"}, secret.New("x"), noon); err == nil || !strings.Contains(err.Error(), "lakegate secrets reset") {
		t.Errorf("with another key: %v", err)
	}
	aside, err := byFile().Reset(t.Context(), noon)
	if err != nil || aside != "_lakegate/secrets/store.aside-20261121T120000.000Z.json in the lake" {
		t.Errorf("Reset: %q %v", aside, err)
	}
	put(t, byFile(), "a", "b", "x")
	expectNew2 := byFile()
	must(t, expectNew2.Refresh(t.Context()))
	expect(t, expectNew2, "a", "b", "x")
	if _, err := New(Config{Lake: state.New(memstore.New()), KeyFile: path}).Reset(t.Context(), noon); !errors.Is(err, ErrNoStore) {
		t.Errorf("Reset of nothing: %v", err)
	}
}

func TestSweep(t *testing.T) {
	l := newLake(t)
	for _, s := range []*Store{newStore(t), l.gateway("a")} {
		must(t, s.Sweep(t.Context(), "gone", func(Entry) bool { return true }))
		_, err := s.PutAll(t.Context(), map[Name]secret.String{{"gone", "a"}: secret.New("x"), {"gone", "b"}: secret.New("y"), {"kept", "a"}: secret.New("z")}, noon)
		must(t, err)
		must(t, s.Sweep(t.Context(), "gone", func(e Entry) bool { return e.Key == "a" && e.Updated.Equal(noon) }))
		must(t, s.Sweep(t.Context(), "none", func(Entry) bool { return true }))
		list, err := s.List(t.Context())
		if err != nil || len(list) != 2 || list[0].Key != "b" {
			t.Errorf("%s: %v %v", s, list, err)
		}
	}
}

func TestResetOfALocalStore(t *testing.T) {
	s := newStore(t)
	put(t, s, "a", "b", hidden)
	must(t, os.Remove(s.config.KeyFile))
	if _, err := again(s).Put(t.Context(), Name{"a", "b"}, secret.New("x"), noon); err == nil || !strings.Contains(err.Error(), "`lakegate secrets reset` begins anew") {
		t.Errorf("the key is lost: %v", err)
	}
	aside, err := again(s).Reset(t.Context(), noon)
	if err != nil || aside != s.File()+".aside-20261121T120000.000Z" {
		t.Errorf("Reset: %q %v", aside, err)
	}
	if !put(t, again(s), "a", "b", "x") {
		t.Error("no new key was made")
	}
	expect(t, again(s), "a", "b", "x")
}

// A store that another passphrase opens is tried once, and again when it has changed.
func TestAnotherPassphrase(t *testing.T) {
	defer func(n int) { workFactor = n }(workFactor)
	workFactor = 10
	l := newLake(t)
	by := func(p string) *Store { return New(Config{Lake: state.New(l.mem), Passphrase: secret.New(p)}) }
	put(t, by("one"), "a", "b", hidden)
	two := by("two")
	for range 2 {
		if err := two.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "the key of the passphrase is not the one") {
			t.Errorf("another passphrase: %v", err)
		}
	}
	if two.shutErr == nil {
		t.Error("it would be tried again each time")
	}
	must(t, by("one").RotateKey(t.Context(), secret.New("two")))
	must(t, two.Refresh(t.Context()))
	expect(t, two, "a", "b", hidden)
}
