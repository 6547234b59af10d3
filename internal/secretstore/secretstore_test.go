package secretstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/lakegate/lakegate/internal/secret"
)

// hidden is the value of every secret here: where it shows, a secret leaked.
const hidden = "hunter2-do-not-show"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newStore(t *testing.T) *Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	return New(Config{File: filepath.Join(dir, "secrets.age"), KeyFile: filepath.Join(dir, "secrets.key")})
}

// again is the same store in another process.
func again(s *Store) *Store { return New(s.config) }

func put(t testing.TB, s *Store, scope, key, value string) bool {
	t.Helper()
	made, err := s.Put(t.Context(), Name{scope, key}, secret.New(value), noon)
	must(t, err)
	return made
}

func expect(t testing.TB, s *Store, scope, key, value string) {
	t.Helper()
	got, err := s.Get(t.Context(), Name{scope, key})
	if err != nil || got.Reveal() != value {
		t.Errorf("%s/%s: %v; is it the value: %v", scope, key, err, got.Reveal() == value)
	}
}

func TestWhatIsPutInComesOut(t *testing.T) {
	s := newStore(t)
	if !put(t, s, "openai", "api-key", hidden) || put(t, s, "openai", "other", "x\ny") {
		t.Error("the key is to be made once")
	}
	put(t, s, "a.b", "c_d", hidden)
	put(t, again(s), "openai", "api-key", hidden+"2")
	expect(t, s, "openai", "api-key", hidden+"2") // though s had read the older file
	expect(t, again(s), "openai", "other", "x\ny")
	list, err := s.List(t.Context())
	must(t, err)
	if got := fmt.Sprint(list); got != "[{{a.b c_d} 2026-11-21 12:00:00 +0000 UTC} {{openai api-key} 2026-11-21 12:00:00 +0000 UTC} {{openai other} 2026-11-21 12:00:00 +0000 UTC}]" {
		t.Errorf("List = %s", got)
	}
	must(t, s.Delete(t.Context(), Name{"openai", "other"}))
	if _, err := again(s).Get(t.Context(), Name{"openai", "other"}); !errors.Is(err, ErrNoSecret) {
		t.Errorf("deleted: %v", err)
	}
	must(t, s.DeleteScope(t.Context(), "a.b"))
	if _, err := s.Get(t.Context(), Name{"a.b", "c_d"}); !errors.Is(err, ErrNoScope) {
		t.Errorf("deleted scope: %v", err)
	}
	must(t, s.AddScope(t.Context(), "empty"))
	if err := s.AddScope(t.Context(), "empty"); !errors.Is(err, ErrScope) {
		t.Errorf("a scope twice: %v", err)
	}
	if scopes, err := again(s).Scopes(t.Context()); err != nil || fmt.Sprint(scopes) != "[empty openai]" {
		t.Errorf("Scopes = %v, %v", scopes, err)
	}
}

func TestAnEmptyStore(t *testing.T) {
	s := newStore(t)
	if _, err := s.Get(t.Context(), Name{"a", "b"}); !errors.Is(err, ErrNoStore) {
		t.Errorf("Get: %v", err)
	}
	if list, err := s.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("List: %v %v", list, err)
	}
	for _, err := range []error{s.Delete(t.Context(), Name{"a", "b"}), s.DeleteScope(t.Context(), "a"), s.RotateKey(t.Context(), secret.String{})} {
		if !errors.Is(err, ErrNoStore) {
			t.Errorf("%v", err)
		}
	}
	if _, err := os.Stat(filepath.Dir(s.File())); err == nil {
		t.Error("looking made a folder")
	}
}

// Neither the file nor what is beside it shows a value or a name; all of it is for its owner alone.
func TestTheFileShowsNothing(t *testing.T) {
	s := newStore(t)
	put(t, s, "scope-name", "key-name", hidden)
	must(t, s.RotateKey(t.Context(), secret.String{}))
	entries, err := os.ReadDir(filepath.Dir(s.File()))
	must(t, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(s.File()), e.Name()))
		must(t, err)
		for _, name := range []string{hidden, "scope-name", "key-name"} {
			if bytes.Contains(b, []byte(name)) {
				t.Errorf("%s shows %s", e.Name(), name)
			}
		}
		st, err := e.Info()
		must(t, err)
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), st.Mode())
		}
	}
	if len(entries) != 3 {
		t.Errorf("files left behind: %v", entries)
	}
}

// The file is what docs/format/secrets.md says: the age tool's format around JSON.
func TestTheFormat(t *testing.T) {
	s := newStore(t)
	put(t, s, "openai", "api-key", hidden)
	id, err := os.ReadFile(s.config.KeyFile)
	must(t, err)
	by, err := age.ParseIdentities(bytes.NewReader(id))
	must(t, err)
	f, err := os.Open(s.File())
	must(t, err)
	defer f.Close()
	r, err := age.Decrypt(f, by...)
	must(t, err)
	text, err := io.ReadAll(r)
	must(t, err)
	want := `{"version":1,"scopes":{"openai":{"api-key":{"value":"` + hidden + `","updated":"2026-11-21T12:00:00Z"}}}}`
	if string(text) != want {
		t.Errorf("the document is %s", text)
	}
}

func TestAChangedFileIsNoticed(t *testing.T) {
	s := newStore(t)
	put(t, s, "openai", "api-key", hidden)
	whole, err := os.ReadFile(s.File())
	must(t, err)
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1
		must(t, os.WriteFile(s.File(), b, 0o600))
		if _, err := again(s).Get(t.Context(), Name{"openai", "api-key"}); err == nil || strings.Contains(err.Error(), hidden) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for n := range whole {
		must(t, os.WriteFile(s.File(), whole[:n], 0o600))
		if _, err := again(s).List(t.Context()); err == nil {
			t.Fatalf("cut at byte %d: no error", n)
		}
	}
	// What can't be read is not written over either.
	if _, err := again(s).Put(t.Context(), Name{"a", "b"}, secret.New("x"), noon); err == nil {
		t.Error("a damaged store was replaced")
	}
}

func TestANewerFormatIsRefused(t *testing.T) {
	s := newStore(t)
	put(t, s, "openai", "api-key", hidden)
	k, err := s.key()
	must(t, err)
	text, err := json.Marshal(document{Version: 2})
	must(t, err)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.to)
	must(t, err)
	_, err = w.Write(text)
	must(t, err)
	must(t, w.Close())
	must(t, os.WriteFile(s.File(), b.Bytes(), 0o600))
	if _, err := again(s).List(t.Context()); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("%v", err)
	}
}

func TestTheKeyFile(t *testing.T) {
	s := newStore(t)
	put(t, s, "openai", "api-key", hidden)
	mine, err := os.ReadFile(s.config.KeyFile)
	must(t, err)
	get := func(want string) {
		t.Helper()
		_, err := again(s).Get(t.Context(), Name{"openai", "api-key"})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "NOTAKEY") {
			t.Errorf("%v; want %q", err, want)
		}
	}
	must(t, os.Chmod(s.config.KeyFile, 0o640))
	get("chmod 600")
	must(t, os.Chmod(s.config.KeyFile, 0o600))
	must(t, os.WriteFile(s.config.KeyFile, []byte("AGE-SECRET-KEY-1NOTAKEY\n"), 0o600))
	get("holds no key")
	other, err := NewKey()
	must(t, err)
	must(t, os.WriteFile(s.config.KeyFile, other, 0o600))
	get("not the one")
	must(t, os.Remove(s.config.KeyFile))
	get("is missing")
	if _, err := again(s).Put(t.Context(), Name{"a", "b"}, secret.New("x"), noon); err == nil {
		t.Error("a new key was made for a store that has one")
	}
	s.config.Key = secret.New(string(mine)) // from the environment
	expect(t, again(s), "openai", "api-key", hidden)
}

// However the process dies during a rotation, the key file opens the store, and rotating again ends it.
func TestRotation(t *testing.T) {
	s := newStore(t)
	put(t, s, "openai", "api-key", hidden)
	before, err := os.ReadFile(s.config.KeyFile)
	must(t, err)
	store, err := os.ReadFile(s.File())
	must(t, err)

	must(t, s.RotateKey(t.Context(), secret.String{}))
	after, err := os.ReadFile(s.config.KeyFile)
	must(t, err)
	if bytes.Contains(after, bytes.TrimSpace(before)) || bytes.Count(after, []byte("AGE-SECRET-KEY-1")) != 1 {
		t.Error("the old key is still there")
	}
	expect(t, again(s), "openai", "api-key", hidden)

	// It died with both keys in the file, the store still by the old one, then by the new one.
	rotated, err := os.ReadFile(s.File())
	must(t, err)
	for _, store := range [][]byte{store, rotated} {
		must(t, os.WriteFile(s.config.KeyFile, append(bytes.Clone(after), before...), 0o600))
		must(t, os.WriteFile(s.File(), store, 0o600))
		expect(t, again(s), "openai", "api-key", hidden)
	}
	must(t, again(s).RotateKey(t.Context(), secret.String{}))
	expect(t, again(s), "openai", "api-key", hidden)
	last, err := os.ReadFile(s.config.KeyFile)
	must(t, err)
	if bytes.Count(last, []byte("AGE-SECRET-KEY-1")) != 1 {
		t.Error("old keys are still there")
	}
	s.config.Key = secret.New(string(before))
	if _, err := again(s).List(t.Context()); err == nil {
		t.Error("the old key opens the store")
	}
}

func TestRotationOfAKeyInTheEnvironment(t *testing.T) {
	s := newStore(t)
	one, err := NewKey()
	must(t, err)
	two, err := NewKey()
	must(t, err)
	s.config.Key = secret.New(string(one))
	if put(t, s, "openai", "api-key", hidden) {
		t.Error("a key file was made")
	}
	if err := s.RotateKey(t.Context(), secret.String{}); err == nil || !strings.Contains(err.Error(), "one key only") {
		t.Errorf("%v", err)
	}
	s.config.Key = secret.New(string(two) + string(one))
	must(t, again(s).RotateKey(t.Context(), secret.String{}))
	s.config.Key = secret.New(string(two))
	expect(t, again(s), "openai", "api-key", hidden)
}

func TestPassphrase(t *testing.T) {
	defer func(n int) { workFactor = n }(workFactor)
	workFactor = 10
	s := newStore(t)
	s.config.Passphrase = secret.New("correct horse " + hidden)
	put(t, s, "openai", "api-key", hidden)
	if err := s.RotateKey(t.Context(), secret.String{}); err == nil {
		t.Error("rotated without a new passphrase")
	}
	must(t, s.RotateKey(t.Context(), secret.New("battery staple")))
	if _, err := again(s).List(t.Context()); err == nil || !strings.Contains(err.Error(), "not the one") || strings.Contains(err.Error(), hidden) {
		t.Errorf("the old passphrase: %v", err)
	}
	s.config.Passphrase = secret.New("battery staple")
	expect(t, again(s), "openai", "api-key", hidden)
}

// Writers wait for each other: none loses what another one wrote.
func TestWritersDoNotLoseChanges(t *testing.T) {
	s := newStore(t)
	const writers, each = 4, 8
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			mine := again(s)
			for i := range each {
				if _, err := mine.Put(t.Context(), Name{fmt.Sprint("scope", w), fmt.Sprint("key", i)}, secret.New(hidden), noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Go(func() {
		for range each {
			if err := again(s).RotateKey(t.Context(), secret.String{}); err != nil && !errors.Is(err, ErrNoStore) {
				t.Error(err)
			}
		}
	})
	wait.Go(func() { // a reader needs no lock, and finds the key that fits
		mine := again(s)
		for range writers * each {
			if _, err := mine.List(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	wait.Wait()
	list, err := s.List(t.Context())
	must(t, err)
	if len(list) != writers*each {
		t.Errorf("%d secrets, want %d", len(list), writers*each)
	}
}

func TestNamesAndValues(t *testing.T) {
	s := newStore(t)
	for _, n := range []Name{{"", "k"}, {"s", ""}, {"..", "k"}, {"s", "."}, {"a/b", "k"}, {"s", "a b"}, {"s", strings.Repeat("k", 129)}} {
		if _, err := s.Put(t.Context(), n, secret.New(hidden), noon); err == nil || strings.Contains(err.Error(), hidden) {
			t.Errorf("%q: %v", n, err)
		}
	}
	for _, v := range []string{"", strings.Repeat("x", MaxValue+1), "\xff"} {
		if _, err := s.Put(t.Context(), Name{"s", "k"}, secret.New(v), noon); err == nil {
			t.Errorf("a value of %d bytes", len(v))
		}
	}
	if err := s.AddScope(t.Context(), "a/b"); err == nil {
		t.Error("a scope named a/b")
	}
}
