package filecache

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// poll waits until cond is true.
func poll(t testing.TB, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about in 20 s")
		}
	}
}

func TestCheckFindsDamage(t *testing.T) {
	f := newFixture(t, nil)
	a, b, c := f.put("a", 100), f.put("b", 100), f.put("c", 100)
	release, paths := f.get(a, b, c)
	f.wantRequests(3, "three files")
	bad := content("a", 100)
	bad[7] ^= 0x80
	must(t, os.WriteFile(paths[0], bad, 0o600))
	must(t, os.Remove(paths[1]))
	damaged, err := f.Check(t.Context(), []string{"c", "b", "a", "nowhere", "a"})
	must(t, err)
	if !slices.Equal(damaged, []string{"a", "b"}) {
		t.Fatalf("damaged: %v", damaged)
	}
	// Who asks now gets good files, while the others still hold the bad ones.
	second, _ := f.get(a, b, c)
	f.wantRequests(2, "the damaged ones")
	release()
	same(t, paths[2], c)
	second()
	if s := f.Stats(); s.Damaged != 2 || s.Bytes != 300 || len(f.files()) != 3 {
		t.Errorf("stats %+v, files %v", s, f.files())
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Check(gone, []string{"a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if damaged, err := f.Check(t.Context(), []string{"a"}); err != nil || len(damaged) != 0 {
		t.Errorf("after a check that was cancelled: %v %v", damaged, err)
	}
}

func TestPurge(t *testing.T) {
	f := newFixture(t, nil)
	a, b, c := f.put("x/a", 10), f.put("x/b", 10), f.put("y/c", 10)
	release, _ := f.get(a, b, c)
	release()
	inUse, paths := f.get(b)
	ctx, cancel := context.WithCancel(t.Context())
	x := func(key string) bool { return strings.HasPrefix(key, "x/") }
	done := make(chan error)
	go func() { done <- f.Purge(ctx, x) }()
	poll(t, func() bool { return len(f.files()) == 2 })
	same(t, paths[0], b) // whoever has it may finish
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "x/b") {
		t.Fatalf("purge while a file is in use: %v", err)
	}
	go func() { done <- f.Purge(context.Background(), x) }()
	inUse()
	must(t, <-done)
	if list := f.files(); len(list) != 1 || !strings.HasSuffix(list[0], "-c") {
		t.Fatalf("files %v", list)
	}
	f.requests.Store(0)
	release, _ = f.get(a, b, c)
	f.wantRequests(2, "after a purge")
	release()

	// A download that is under way ends, and leaves nothing.
	d := f.put("x/d", 10)
	asked, hold := make(chan struct{}), make(chan struct{})
	f.fail(func(memstore.Call) memstore.Fault { asked <- struct{}{}; <-hold; return memstore.Fault{} })
	failed := make(chan error)
	go func() { _, _, err := f.Acquire(context.Background(), []Object{d}); failed <- err }()
	<-asked
	go func() { done <- f.Purge(context.Background(), x) }()
	poll(t, func() bool { return len(f.files()) == 2 })
	close(hold)
	must(t, <-done)
	if err := <-failed; err == nil {
		t.Error("a purged download went well")
	}
	if list := f.files(); len(list) != 1 {
		t.Fatalf("files %v", list)
	}
}

func TestPrefetchAndAdd(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxBytes = 400 })
	a, b, big := f.put("a", 60), f.put("b", 60), f.put("big", 200)
	f.Prefetch([]Object{a, big, b, a}) // a quarter is 100: one fits
	poll(t, func() bool { s := f.Stats(); return s.Files == 1 && s.PinnedBytes == 0 })
	f.wantRequests(1, "prefetch")
	release, _ := f.get(a)
	f.wantRequests(0, "after the prefetch")
	release()

	c := Object{"c", 20}
	f.Add("c", content("c", 20)) // the store does not even have it yet
	f.Add("c", content("c", 20))
	f.Add("large", content("large", 30)) // more than a sixteenth
	release, _ = f.get(c)
	release()
	f.wantRequests(0, "after it was added")
	f.reopen()
	release, _ = f.get(c, a)
	f.wantRequests(0, "after a restart")
	release()

	f.fail(func(memstore.Call) memstore.Fault { return memstore.Fault{Before: errors.New("down")} })
	f.Prefetch([]Object{b})
	poll(t, func() bool { return f.Stats().Failures == 1 })
	f.heal()
	release, _ = f.get(b)
	release()
	if s := f.Stats(); s.Files != 3 || s.Bytes != 140 || s.PinnedBytes != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestOpenAndClose(t *testing.T) {
	f := newFixture(t, nil)
	if _, err := Open(f.cfg, f.store, quiet); !errors.Is(err, ErrLocked) {
		t.Fatalf("a second cache on the folder: %v", err)
	}
	a := f.put("a", 10)
	release, paths := f.get(a)
	must(t, f.Close())
	must(t, f.Close())
	same(t, paths[0], a)
	release()
	if _, _, err := f.Acquire(t.Context(), []Object{a}); !errors.Is(err, ErrClosed) {
		t.Errorf("acquire: %v", err)
	}
	f.Prefetch([]Object{f.put("b", 10)})
	f.Add("b", []byte("b"))
	f.open()
	f.wantRequests(1, "closed")
	if _, err := Open(Config{MaxBytes: -1}, f.store, quiet); err == nil || strings.Count(err.Error(), "file cache:") != 4 {
		t.Errorf("faults: %v", err)
	}
}

// A cache that is closed while a checksum is compared keeps the file.
func TestCloseDuringAComparison(t *testing.T) {
	f := newFixture(t, nil)
	a := f.put("a", 10)
	release, _ := f.get(a)
	release()
	f.reopen()
	f.reads <- struct{}{}
	f.reads <- struct{}{} // comparisons wait
	failed := make(chan error)
	go func() { _, _, err := f.Acquire(context.Background(), []Object{a}); failed <- err }()
	poll(t, func() bool { return f.Stats().Hits == 1 })
	must(t, f.Close())
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("acquire: %v", err)
	}
	f.requests.Store(0)
	f.open()
	release, _ = f.get(a)
	f.wantRequests(0, "after the close")
	release()
}

// BenchmarkAcquire is what a query pays for files that are there.
func BenchmarkAcquire(b *testing.B) {
	f := newFixture(b, nil)
	var objects []Object
	for i := range 1000 {
		objects = append(objects, f.put("t/d=2026-11-20/part-"+strings.Repeat("0", 20)+string(rune('a'+i%26))+strings.Repeat("x", i/26), 100))
	}
	release, _ := f.get(objects...)
	release()
	b.ReportAllocs()
	for b.Loop() {
		_, release, err := f.Acquire(b.Context(), objects)
		must(b, err)
		release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/file")
}
