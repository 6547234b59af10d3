package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
)

// hidden is in every secret of the tests: where it shows, a secret leaked.
const hidden = "hunter2-"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fakeAWS answers what it is told to.
type fakeAWS struct {
	mu     sync.Mutex
	values map[string]string
	down   error
	calls  int
}

func (f *fakeAWS) Fetch(_ context.Context, region, endpoint, name string) (secret.String, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.down != nil {
		return secret.String{}, f.down
	}
	v, ok := f.values[region+endpoint+name]
	if !ok {
		return secret.String{}, ErrGone
	}
	return secret.New(v), nil
}

func (f *fakeAWS) set(name, value string, down error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.values[name], f.down = value, down
}

func (f *fakeAWS) drop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.values, name)
}

func (f *fakeAWS) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

type world struct {
	*Vault
	aws *fakeAWS
	env map[string]string
	dir string
	log bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{aws: &fakeAWS{values: map[string]string{}}, env: map[string]string{}, dir: t.TempDir()}
	c := DefaultConfig()
	c.AWS, c.Logger = w.aws, slog.New(slog.NewTextHandler(&w.log, nil))
	c.Env = func(name string) (string, bool) { v, ok := w.env[name]; return v, ok }
	var err error
	w.Vault, err = New(c)
	must(t, err)
	return w
}

func (w *world) file(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path+".new", []byte(text), 0o600))
	must(t, os.Rename(path+".new", path))
}

func (w *world) place(kind Kind, scope string) Place {
	return Place{
		Kind: kind, Scope: scope, Prefix: "P_", Folder: filepath.Join(w.dir, scope), StoreFile: filepath.Join(w.dir, "s.age"),
		KeyFile: filepath.Join(w.dir, "s.key"), Name: scope, Refresh: time.Minute,
	}
}

func (w *world) put(t *testing.T, scope, key, value string) {
	t.Helper()
	s := secretstore.New(secretstore.Config{File: filepath.Join(w.dir, "s.age"), KeyFile: filepath.Join(w.dir, "s.key")})
	_, err := s.Put(t.Context(), secretstore.Name{Scope: scope, Key: key}, secret.New(value), time.Now())
	must(t, err)
}

// find is one reading of one secret.
func (w *world) find(t *testing.T, p Place, key string) (string, string, error) {
	t.Helper()
	r := w.Round(true)
	v, where, err := r.Find(t.Context(), p, key)
	r.Done(err == nil)
	return v.Reveal(), where, err
}

func TestWhereSecretsAreFound(t *testing.T) {
	w := newWorld(t)
	w.env["P_API_KEY"] = hidden + "env"
	w.file(t, "mounted/api-key", hidden+"file\n")
	w.file(t, "mounted/crlf", hidden+"file\r\n")
	w.file(t, "mounted/exact", hidden+"\n\n")
	w.put(t, "local", "api-key", hidden+"store")
	w.aws.values["cloud"] = `{"api-key":"` + hidden + `aws","n":1}`
	w.aws.values["prod/api-key"] = hidden + "each"
	each := w.place(AWS, "each")
	each.Name = "prod/{key}"
	for _, c := range []struct {
		place             Place
		key, value, where string
	}{
		{w.place(Env, "e"), "api-key", "env", "environment variable P_API_KEY"},
		{w.place(Files, "mounted"), "api-key", "file", w.dir + "/mounted/api-key"},
		{w.place(Files, "mounted"), "crlf", "file", w.dir + "/mounted/crlf"},
		{w.place(Files, "mounted"), "exact", "\n", w.dir + "/mounted/exact"},
		{w.place(Store, "local"), "api-key", "store", "the local store " + w.dir + "/s.age"},
		{w.place(Anywhere, "local"), "api-key", "store", "the local store " + w.dir + "/s.age"},
		{w.place(AWS, "cloud"), "api-key", "aws", "AWS Secrets Manager's cloud"},
		{each, "api-key", "each", "AWS Secrets Manager's prod/api-key"},
	} {
		if v, where, err := w.find(t, c.place, c.key); v != hidden+c.value || where != c.where || err != nil {
			t.Errorf("%s/%s: right value %v, in %s, %v", c.place.Scope, c.key, v == hidden+c.value, where, err)
		}
	}
}

// Each way to fail says which place it was and what to do, in one line, and never a value.
func TestWhatIsNotThereIsExplained(t *testing.T) {
	w := newWorld(t)
	if _, _, err := w.find(t, w.place(Anywhere, "openai"), "api-key"); !strings.Contains(err.Error(), "there is no scope openai: put it into the local store with lakegate secrets put openai/api-key, or say where it is in the config file") {
		t.Errorf("no scope, no store: %v", err)
	}
	if _, _, err := w.find(t, w.place(Store, "local"), "a"); !strings.Contains(err.Error(), "there is no local store at "+w.dir+"/s.age; begin one with lakegate secrets put local/a (scope local is from: store)") {
		t.Errorf("no store: %v", err)
	}
	w.env["P_EMPTY"] = ""
	w.file(t, "mounted/empty", "\n")
	w.file(t, "mounted/large", strings.Repeat(hidden, 32<<10))
	w.file(t, "mounted/folder/x", "")
	w.put(t, "local", "other", hidden)
	w.aws.values["cloud"] = `{"api-key":{"a":"` + hidden + `"},"empty":""}`
	w.aws.values["text"] = hidden
	for _, c := range []struct {
		place     Place
		key, want string
	}{
		{w.place(Env, "e"), "api-key", "environment variable P_API_KEY is not set (scope e is from: env)"},
		{w.place(Env, "e"), "empty", "environment variable P_EMPTY is empty"},
		{w.place(Files, "none"), "a", "there is no folder " + w.dir + "/none: mount the secrets there, or say where they are as secrets.scopes.none.folder"},
		{w.place(Files, "mounted"), "a", "there is no file " + w.dir + "/mounted/a (scope mounted is from: files)"},
		{w.place(Files, "mounted"), "empty", "mounted/empty is empty"},
		{w.place(Files, "mounted"), "large", "is larger than 131072 bytes"},
		{w.place(Files, "mounted"), "folder", "mounted/folder is no file"},
		{w.place(Files, "mounted"), "..", "no file has such a name"},
		{w.place(Store, "local"), "a", "does not have it; put it there with lakegate secrets put local/a"},
		{w.place(Store, "new"), "a", "does not have it; put it there with lakegate secrets put new/a"},
		{w.place(Anywhere, "local"), "a", "put it there with lakegate secrets put local/a (the scope is not in the config file"},
		{w.place(Anywhere, "new"), "a", "there is no scope new"},
		{w.place(AWS, "gone"), "a", "AWS Secrets Manager's gone: there is no such secret (scope gone is from: aws)"},
		{w.place(AWS, "cloud"), "a", "AWS Secrets Manager's cloud has no key a; add it"},
		{w.place(AWS, "cloud"), "api-key", "has a key api-key that is not text"},
		{w.place(AWS, "cloud"), "empty", "it is empty"},
		{w.place(AWS, "text"), "a", "is no JSON object; store it as key/value pairs"},
	} {
		v, where, err := w.find(t, c.place, c.key)
		if err == nil || v != "" || where != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s/%s: %v; want %q", c.place.Scope, c.key, err, c.want)
		} else if strings.Contains(err.Error(), hidden) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s/%s: shows a value or has several lines: %v", c.place.Scope, c.key, err)
		}
	}
	must(t, os.Chmod(filepath.Join(w.dir, "s.key"), 0o644))
	fresh := newWorld(t) // which has decrypted nothing yet
	fresh.dir = w.dir
	if _, _, err := fresh.find(t, fresh.place(Store, "local"), "other"); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

// A vault, its rounds and what they hold print no value.
func TestNothingPrintsAValue(t *testing.T) {
	w := newWorld(t)
	w.aws.values["cloud"] = `{"a":"` + hidden + `"}`
	w.put(t, "local", "a", hidden)
	r := w.Round(false)
	for _, p := range []Place{w.place(AWS, "cloud"), w.place(Store, "local")} {
		_, _, err := r.Find(t.Context(), p, "a")
		must(t, err)
	}
	r.Done(true)
	for k, a := range w.used {
		if text := fmt.Sprintf("%v %+v %#v %+v", k, a, a, w.kept); strings.Contains(text, hidden) {
			t.Errorf("%s", text)
		}
	}
}

// watched runs Watch in a bubble of fake time and counts what it says.
func watched(t *testing.T, w *world, each func(changes func() int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	n := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Watch(ctx, func() { n <- struct{}{} })
	}()
	each(func() int {
		synctest.Wait()
		c := len(n)
		for range c {
			<-n
		}
		return c
	})
	cancel()
	<-done
}

// Files, also replaced as Kubernetes does, and the local store are looked at every Poll.
func TestChangesHereAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i, v := range []string{"1", "2"} {
			w.file(t, fmt.Sprintf("k8s/..%d/key", i), hidden+v)
		}
		data := filepath.Join(w.dir, "k8s", "..data")
		must(t, os.Symlink("..0", data))
		must(t, os.Symlink(filepath.Join("..data", "key"), filepath.Join(w.dir, "k8s", "key")))
		w.put(t, "local", "key", hidden)
		read := func(inForce bool) {
			r := w.Round(false)
			for _, p := range []Place{w.place(Files, "k8s"), w.place(Store, "local")} {
				if _, _, err := r.Find(t.Context(), p, "key"); err != nil && inForce {
					t.Error(err)
				}
			}
			r.Done(inForce)
		}
		read(true)
		watched(t, w, func(changes func() int) {
			after := func(want int, what string) {
				t.Helper()
				time.Sleep(DefaultConfig().Poll)
				if got := changes(); got != want {
					t.Errorf("%s: %d changes, want %d", what, got, want)
				}
			}
			after(0, "nothing")
			must(t, os.Symlink("..1", data+".new"))
			must(t, os.Rename(data+".new", data))
			after(1, "Kubernetes turned the link")
			after(0, "it was said already")
			read(true)
			after(0, "it was read again")
			w.put(t, "local", "key", hidden+"2")
			after(1, "the store has another value")
			read(true)
			w.put(t, "local", "unused", hidden+"2")
			after(0, "the store has something nobody asked for")
			must(t, os.Remove(data))
			after(1, "the file is gone")
			read(false) // and so the configuration is not taken
			after(0, "it is still gone")
			must(t, os.Symlink("..1", data))
			after(1, "the file is back")
		})
	})
}

// AWS is asked once per Refresh. While it is away, what it said last is used on; what is gone is gone.
func TestChangesInAWSAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.place(AWS, "cloud")
		away := errors.New("AWS can't be asked")
		pass := func(d time.Duration) { // and all that it brings
			time.Sleep(d)
			synctest.Wait()
		}
		read := func(fresh bool) (string, error) {
			r := w.Round(fresh)
			v, _, err := r.Find(t.Context(), p, "a")
			_, _, _ = r.Find(t.Context(), p, "b") // of the same secret: no call more
			r.Done(err == nil)
			return v.Reveal(), err
		}
		expect := func(fresh bool, want string, calls int) {
			t.Helper()
			before := w.aws.count()
			if v, err := read(fresh); v != want || err != nil {
				t.Errorf("read %v: %v", v == want, err)
			}
			if n := w.aws.count() - before; n != calls {
				t.Errorf("%d calls, want %d", n, calls)
			}
		}
		w.aws.set("cloud", "", away)
		if _, err := read(false); err == nil || !strings.Contains(err.Error(), "AWS can't be asked") {
			t.Errorf("away from the start: %v", err)
		}
		watched(t, w, func(changes func() int) {
			w.aws.set("cloud", `{"a":"`+hidden+`1"}`, nil)
			pass(retry + time.Second)
			if n := changes(); n != 1 {
				t.Errorf("AWS is there: %d changes", n)
			}
			expect(false, hidden+"1", 0)

			calls := w.aws.count()
			w.aws.set("cloud", `{"a":"`+hidden+`2"}`, nil)
			pass(time.Minute + 2*time.Second)
			if n := changes(); n != 1 || w.aws.count() != calls+1 {
				t.Errorf("another value: %d changes, %d calls", n, w.aws.count()-calls)
			}
			expect(false, hidden+"2", 0)

			w.aws.set("cloud", `{"a":"`+hidden+`3"}`, nil)
			expect(true, hidden+"3", 1) // SIGHUP asks at once
			if n := changes(); n != 0 {
				t.Errorf("what was read is no change: %d", n)
			}

			w.aws.set("cloud", "", away)
			pass(3 * time.Minute)
			expect(true, hidden+"3", 1)
			if n := changes(); n != 0 {
				t.Errorf("away: %d changes", n)
			}
			w.aws.set("cloud", `{"a":"`+hidden+`4"}`, nil)
			pass(time.Minute + 2*time.Second)
			if n := changes(); n != 1 {
				t.Errorf("back: %d changes", n)
			}
			expect(false, hidden+"4", 0)
			w.aws.drop("cloud")
			if _, err := read(true); !errors.Is(err, ErrGone) {
				t.Errorf("gone: %v", err)
			}
		})
		text := w.log.String()
		if strings.Count(text, "can't be fetched") != 2 || strings.Count(text, "can be fetched again") != 1 || strings.Contains(text, hidden) {
			t.Errorf("the log: %s", text)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(DefaultConfig()); err == nil {
		t.Error("a vault of nothing")
	}
}
