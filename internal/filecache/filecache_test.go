package filecache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

// fixture is a cache over a store that counts.
type fixture struct {
	*Cache
	t        testing.TB
	cfg      Config
	store    *memstore.Store
	requests atomic.Int64
	fault    atomic.Pointer[func(memstore.Call) memstore.Fault]
}

func newFixture(t testing.TB, change func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, store: memstore.New(), cfg: DefaultConfig(filepath.Join(t.TempDir(), "cache"))}
	f.cfg.KeepFree = 0
	if change != nil {
		change(&f.cfg)
	}
	f.store.Inject(func(c memstore.Call) memstore.Fault {
		if c.Op == memstore.Put {
			return memstore.Fault{}
		}
		f.requests.Add(1)
		if fault := f.fault.Load(); fault != nil {
			return (*fault)(c)
		}
		return memstore.Fault{}
	})
	f.open()
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	c, err := Open(f.cfg, f.store, quiet)
	must(f.t, err)
	f.Cache = c
	f.t.Cleanup(func() { must(f.t, c.Close()) })
}

// reopen is what a restart does.
func (f *fixture) reopen() {
	f.t.Helper()
	must(f.t, f.Close())
	f.open()
}

func (f *fixture) fail(fault func(memstore.Call) memstore.Fault) { f.fault.Store(&fault) }

func (f *fixture) heal() { f.fault.Store(nil) }

// put makes an object of a size whose bytes depend on its key.
func (f *fixture) put(key string, size int) Object {
	f.t.Helper()
	_, err := f.store.Put(context.Background(), key, content(key, size))
	must(f.t, err)
	return Object{key, int64(size)}
}

func content(key string, size int) []byte {
	return []byte(strings.Repeat(key+"|", size/(len(key)+1)+1)[:size])
}

// get acquires objects, checks their bytes and returns release and the paths.
func (f *fixture) get(objects ...Object) (release func(), paths []string) {
	f.t.Helper()
	paths, release, err := f.Acquire(context.Background(), objects)
	must(f.t, err)
	for i, o := range objects {
		same(f.t, paths[i], o)
	}
	return release, paths
}

func same(t testing.TB, path string, o Object) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(data, content(o.Key, int(o.Size))) {
		t.Errorf("%s has other bytes than %s", path, o.Key)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files lists what is on disk below the folder, without the lock.
func (f *fixture) files() (list []string) {
	must(f.t, filepath.WalkDir(f.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != lockName {
			list = append(list, path)
		}
		return err
	}))
	return list
}

func (f *fixture) wantRequests(n int64, what string) {
	f.t.Helper()
	if got := f.requests.Swap(0); got != n {
		f.t.Errorf("%s: %d requests to the store, want %d", what, got, n)
	}
}

func TestDownloadedOnceAndKept(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Chunk, c.Parallel = 7, 3 })
	a, b, empty := f.put("t/d=1/a.parquet", 100), f.put("t/d=1/b.parquet", 7), f.put("empty", 0)
	release, paths := f.get(a, b, a, empty)
	f.wantRequests(15+1, "first use")
	if paths[0] != paths[2] {
		t.Errorf("one object has the paths %s and %s", paths[0], paths[2])
	}
	release()
	release()
	release, _ = f.get(b, a)
	f.wantRequests(0, "second use")
	release()
	f.reopen()
	release, _ = f.get(a, b)
	f.wantRequests(0, "use after a restart")
	release()
	if s := f.Stats(); s.Files != 3 || s.Bytes != 107 || s.PinnedBytes != 0 || s.Hits != 2 || s.Misses != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestSingleFlight(t *testing.T) {
	f := newFixture(t, nil)
	a := f.put("a", 1000)
	hold := make(chan struct{})
	f.fail(func(memstore.Call) memstore.Fault { <-hold; return memstore.Fault{} })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			paths, release, err := f.Acquire(context.Background(), []Object{a})
			if err != nil {
				t.Error(err)
				return
			}
			same(t, paths[0], a)
			release()
		})
	}
	close(hold)
	all.Wait()
	f.wantRequests(1, "20 callers")
}

// What a crash leaves, by the time it happens: see docs/format/cache.md.
func TestRestartAfterACrash(t *testing.T) {
	for _, tc := range []struct {
		name    string
		leave   func(f *fixture, path string)
		damaged int64
		fetch   int64
	}{
		{"during a download", func(f *fixture, path string) {
			must(t, os.WriteFile(filepath.Join(f.cfg.Dir, tempName, "0123"), []byte("half"), 0o600))
		}, 0, 0},
		{"a file without bytes after a power cut", func(f *fixture, path string) { must(t, os.Truncate(path, 0)) }, 1, 1},
		{"a file cut short after a power cut", func(f *fixture, path string) { must(t, os.Truncate(path, 99)) }, 1, 1},
		{"a file of zeros after a power cut", func(f *fixture, path string) { must(t, os.WriteFile(path, make([]byte, 100), 0o600)) }, 1, 1},
		{"a flipped bit", func(f *fixture, path string) {
			data := content("t/a", 100)
			data[50] ^= 1
			must(t, os.WriteFile(path, data, 0o600))
		}, 1, 1},
		{"the rename did not last", func(f *fixture, path string) { must(t, os.Remove(path)) }, 0, 1},
		{"removed before the index forgot it", func(f *fixture, path string) { must(t, os.RemoveAll(filepath.Dir(path))) }, 0, 1},
		{"a second copy of a key", func(f *fixture, path string) {
			dir, name := filepath.Split(path)
			must(t, os.WriteFile(filepath.Join(dir, name[:9]+"00000000"+name[17:]), content("t/a", 100), 0o600))
		}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, nil)
			a := f.put("t/a", 100)
			release, paths := f.get(a)
			release()
			must(t, f.Close())
			f.requests.Store(0)
			tc.leave(f, paths[0])
			f.open()
			release, _ = f.get(a)
			f.wantRequests(tc.fetch, "use after a restart")
			release()
			if s := f.Stats(); s.Damaged != tc.damaged || s.Files != 1 || s.Bytes != 100 {
				t.Errorf("stats %+v", s)
			}
			if list := f.files(); len(list) != 1 {
				t.Errorf("files are left: %v", list)
			}
		})
	}
}

func TestFilesOfOthersStay(t *testing.T) {
	f := newFixture(t, nil)
	must(t, f.Close())
	stray := filepath.Join(f.cfg.Dir, filesDir, "t", "readme-of-somebody.txt")
	must(t, os.MkdirAll(filepath.Join(f.cfg.Dir, filesDir, "none", "here"), 0o700))
	must(t, os.MkdirAll(filepath.Dir(stray), 0o700))
	must(t, os.WriteFile(stray, []byte("x"), 0o600))
	f.open()
	if s := f.Stats(); s.Files != 0 || s.Bytes != 0 {
		t.Errorf("stats %+v", s)
	}
	if list := f.files(); len(list) != 1 || list[0] != stray {
		t.Errorf("files %v", list)
	}
	if _, err := os.Stat(filepath.Join(f.cfg.Dir, filesDir, "none")); !os.IsNotExist(err) {
		t.Error("an empty folder is left")
	}
}

func TestDownloadFails(t *testing.T) {
	errDown := errors.New("store is down")
	for _, tc := range []struct {
		name  string
		fault func(f *fixture, n int64) memstore.Fault
		size  int64
		want  error
	}{
		{"at once", func(*fixture, int64) memstore.Fault { return memstore.Fault{Before: errDown} }, 100, errDown},
		{"in the middle", func(_ *fixture, n int64) memstore.Fault {
			if n == 5 {
				return memstore.Fault{Before: errDown}
			}
			return memstore.Fault{}
		}, 100, errDown},
		{"it is gone", func(f *fixture, n int64) memstore.Fault {
			must(t, f.store.Delete(context.Background(), "a"))
			return memstore.Fault{}
		}, 100, ErrGone},
		{"it is smaller than the log says", nil, 150, nil},
		{"it is larger than the log says", nil, 50, nil},
		{"it is overwritten meanwhile", func(f *fixture, n int64) memstore.Fault {
			if n == 5 {
				f.put("a", 100)
			}
			return memstore.Fault{}
		}, 100, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.Chunk, c.Parallel = 10, 1 })
			f.put("a", 100)
			var n atomic.Int64
			f.fail(func(c memstore.Call) memstore.Fault {
				if tc.fault == nil || c.Op != memstore.GetRange {
					return memstore.Fault{}
				}
				return tc.fault(f, n.Add(1))
			})
			_, _, err := f.Acquire(t.Context(), []Object{{"a", tc.size}})
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Fatalf("error %v", err)
			}
			if list := f.files(); len(list) != 0 {
				t.Errorf("files are left: %v", list)
			}
			if s := f.Stats(); s.Bytes != 0 || s.PinnedBytes != 0 || s.Failures != 1 || s.Files != 0 {
				t.Errorf("stats %+v", s)
			}
			f.heal()
			release, _ := f.get(f.put("a", 100))
			release()
		})
	}
}

// One file that fails does not take the others with it.
func TestOneOfManyFails(t *testing.T) {
	f := newFixture(t, nil)
	a := f.put("a", 10)
	if _, _, err := f.Acquire(t.Context(), []Object{a, {"b", 10}}); !errors.Is(err, ErrGone) {
		t.Fatal(err)
	}
	poll(t, func() bool { return f.Stats().PinnedBytes == 0 }) // the other download is given up, or done
	release, _ := f.get(a, f.put("b", 10))
	release()
}

func TestCancelledAcquire(t *testing.T) {
	f := newFixture(t, nil)
	a := f.put("a", 10)
	asked, hold := make(chan struct{}, 10), make(chan struct{})
	f.fail(func(memstore.Call) memstore.Fault { asked <- struct{}{}; <-hold; return memstore.Fault{} })
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 2)
	go func() { _, _, err := f.Acquire(ctx, []Object{a}); gone <- err }()
	<-asked
	stays := make(chan error, 1)
	go func() {
		_, release, err := f.Acquire(context.Background(), []Object{a})
		if err == nil {
			release()
		}
		stays <- err
	}()
	poll(t, func() bool { s := f.Stats(); return s.Misses == 2 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	close(hold)
	must(t, <-stays) // the download went on for the other
	f.wantRequests(1, "two callers")

	b := f.put("b", 10)
	hold = make(chan struct{})
	ctx, cancel = context.WithCancel(t.Context())
	go func() { _, _, err := f.Acquire(ctx, []Object{b}); gone <- err }()
	<-asked
	cancel()
	<-gone
	close(hold)
	poll(t, func() bool { s := f.Stats(); return s.PinnedBytes == 0 && s.Bytes == 10 }) // nobody wanted it
	release, _ := f.get(b)
	release()
}

func TestEvictionIsByUse(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxBytes = 30 })
	a, b, c, d := f.put("a", 10), f.put("b", 10), f.put("c", 10), f.put("d", 10)
	for _, o := range []Object{a, b, c, a} {
		release, _ := f.get(o)
		release()
	}
	release, _ := f.get(d) // b goes
	f.wantRequests(4, "four files")
	release()
	release, _ = f.get(a, c, d)
	f.wantRequests(0, "those that stayed")
	release()
	release, _ = f.get(b)
	f.wantRequests(1, "the one that went")
	release()
	if s := f.Stats(); s.Evictions != 2 || s.Bytes != 30 || len(f.files()) != 3 {
		t.Errorf("stats %+v, files %v", s, f.files())
	}
	f.cfg.MaxBytes = 15 // somebody lowers the setting
	f.reopen()
	if s := f.Stats(); s.Bytes != 10 || len(f.files()) != 1 {
		t.Errorf("stats %+v, files %v", s, f.files())
	}
}

func TestFilesInUseAreABound(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxBytes = 30 })
	a, b, c, d := f.put("a", 10), f.put("b", 10), f.put("c", 10), f.put("d", 10)
	if _, _, err := f.Acquire(t.Context(), []Object{a, b, c, d}); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("40 of 30 bytes: %v", err)
	}
	releaseAB, _ := f.get(a, b)
	got := make(chan []string)
	acquire := func(objects ...Object) {
		go func() {
			paths, release, err := f.Acquire(context.Background(), objects)
			if err != nil {
				t.Error(err)
			}
			got <- paths
			release()
		}()
	}
	acquire(c, d)
	poll(t, func() bool { return f.Stats().Waiting == 1 })
	acquire(c) // there is room for it, but it is not its turn
	poll(t, func() bool { return f.Stats().Waiting == 2 })
	again, _ := f.get(a, b) // what is in use already needs no room
	again()
	ctx, cancel := context.WithCancel(t.Context())
	third := make(chan error)
	go func() { _, _, err := f.Acquire(ctx, []Object{d}); third <- err }()
	poll(t, func() bool { return f.Stats().Waiting == 3 })
	cancel()
	if err := <-third; !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled while it waited: %v", err)
	}
	releaseAB()
	if n := len(<-got) + len(<-got); n != 3 {
		t.Errorf("%d paths", n)
	}
	if s := f.Stats(); s.Waiting != 0 || s.Waits != 3 {
		t.Errorf("stats %+v", s)
	}
}

func TestDiskIsFull(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.KeepFree = 100 })
	a, b := f.put("a", 50), f.put("b", 50)
	release, _ := f.get(a)
	var disk atomic.Int64
	disk.Store(149)
	f.free = func(string) (int64, error) {
		free := disk.Load()
		if f.Stats().Files == 0 {
			free += 50
		}
		return free, nil
	}
	if _, _, err := f.Acquire(t.Context(), []Object{b}); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("a full disk: %v", err)
	}
	release()
	release, _ = f.get(b) // a goes, which nobody uses
	release()
	if s := f.Stats(); s.Files != 1 || s.Evictions != 1 {
		t.Errorf("stats %+v", s)
	}

	// The disk was fuller than it said.
	f.free = func(string) (int64, error) { return 1 << 40, nil }
	full := true
	f.fail(func(memstore.Call) memstore.Fault {
		if full = !full; !full {
			return memstore.Fault{Before: syscall.ENOSPC}
		}
		return memstore.Fault{}
	})
	release, _ = f.get(a)
	release()
	f.fail(func(memstore.Call) memstore.Fault { return memstore.Fault{Before: syscall.ENOSPC} })
	if _, _, err := f.Acquire(t.Context(), []Object{b}); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("a full disk: %v", err)
	}
	if list := f.files(); len(list) != 0 {
		t.Errorf("files are left: %v", list)
	}
}

// Many callers with random needs: bytes are right, and the folder is never above the bound.
func TestBoundHoldsUnderLoad(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const bound = 2000
	f := newFixture(t, func(c *Config) { c.MaxBytes, c.Chunk, c.InFlight = bound, 64, 100 })
	var objects []Object
	for i := range 40 {
		objects = append(objects, f.put(fmt.Sprintf("t/d=%d/%d", i%5, i), 1+i*10))
	}
	errDown := errors.New("store is down")
	f.fail(func(c memstore.Call) memstore.Fault {
		if rand.IntN(50) == 0 {
			return memstore.Fault{Before: errDown}
		}
		return memstore.Fault{}
	})
	onDisk := func() (n int64) {
		_ = filepath.WalkDir(f.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if info, err := d.Info(); err == nil {
					n += info.Size()
				}
			}
			return nil
		})
		return n
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			for range 60 {
				var want []Object
				for range 1 + rnd.IntN(6) {
					want = append(want, objects[rnd.IntN(len(objects))])
				}
				paths, release, err := f.Acquire(context.Background(), want)
				switch {
				case errors.Is(err, errDown), errors.Is(err, ErrTooLarge):
					continue
				case err != nil:
					t.Error(err)
					continue
				}
				if s := f.Stats(); s.Bytes > bound || s.PinnedBytes > s.Bytes {
					t.Errorf("stats %+v", s)
				}
				if rnd.IntN(10) == 0 {
					_, err := f.Check(context.Background(), []string{want[0].Key})
					if err != nil {
						t.Error(err)
					}
				}
				if rnd.IntN(20) == 0 {
					f.Prefetch(objects[rnd.IntN(len(objects)):])
				}
				for j, o := range want {
					same(t, paths[j], o)
				}
				release()
			}
		})
	}
	all.Wait()
	poll(t, func() bool { return f.Stats().PinnedBytes == 0 })
	if s := f.Stats(); s.Bytes != onDisk() || s.Bytes > bound || s.Evictions == 0 || s.Damaged != 0 {
		t.Errorf("%d bytes on disk, stats %+v", onDisk(), s)
	}
}
