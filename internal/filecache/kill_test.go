package filecache

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
)

// childEnv makes the test binary a process that uses a cache until it is killed: over the store in the
// folder's "store", with the cache in its "cache".
const childEnv = "LAKEGATE_TEST_FILECACHE"

// far is a store whose objects are no files of this machine.
type far struct{ objstore.Store }

func killConfig(dir string) Config {
	c := DefaultConfig(filepath.Join(dir, "cache"))
	c.MaxBytes, c.Chunk, c.InFlight, c.KeepFree = 300<<10, 8<<10, 64<<10, 0
	return c
}

func killObjects() (objects []Object) {
	for i := range 40 {
		objects = append(objects, Object{fmt.Sprintf("t/d=%d/part-%d", i%4, i), int64(1 + i*1500)})
	}
	return objects
}

// child acquires random files and writes a line for each time.
func child(dir string) {
	store, err := fsstore.Open(filepath.Join(dir, "store"))
	if err != nil {
		panic(err)
	}
	c, err := Open(killConfig(dir), far{store}, quiet)
	if err != nil {
		panic(err)
	}
	objects := killObjects()
	for {
		_, release, err := c.Acquire(context.Background(), []Object{objects[rand.IntN(40)], objects[rand.IntN(40)]})
		if err != nil {
			panic(err)
		}
		fmt.Println("acquired")
		release()
		if rand.IntN(10) == 0 {
			if err := c.Purge(context.Background(), func(string) bool { return rand.IntN(5) == 0 }); err != nil {
				panic(err)
			}
		}
	}
}

// A process that is killed at any moment leaves a cache that is whole and within its bound.
func TestKilledProcess(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	store, err := fsstore.Open(filepath.Join(dir, "store"))
	must(t, err)
	objects := killObjects()
	for _, o := range objects {
		_, err := store.Put(t.Context(), o.Key, content(o.Key, int(o.Size)))
		must(t, err)
	}
	f := &fixture{t: t, cfg: killConfig(dir)}
	for range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for n := rnd.IntN(60); n >= 0 && lines.Scan(); n-- {
			if lines.Text() != "acquired" {
				t.Errorf("the child says %q", lines.Text())
			}
		}
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		f.afterKill(far{store}, objects)
	}
}

// afterKill checks what a killed process left.
func (f *fixture) afterKill(store objstore.Store, objects []Object) {
	f.t.Helper()
	c, err := Open(f.cfg, store, quiet)
	must(f.t, err)
	if s := c.Stats(); s.Bytes > f.cfg.MaxBytes || int(s.Files) != len(f.files()) {
		f.t.Errorf("after a kill: %+v, and %d files", s, len(f.files()))
	}
	for _, o := range objects {
		paths, release, err := c.Acquire(context.Background(), []Object{o})
		must(f.t, err)
		same(f.t, paths[0], o)
		release()
	}
	if s := c.Stats(); s.Damaged != 0 || s.Bytes > f.cfg.MaxBytes {
		f.t.Errorf("after a kill: %+v", s)
	}
	must(f.t, c.Close())
}
