package fsstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/objstoretest"
)

// childEnv makes the test binary run child instead of the tests.
const childEnv = "FSSTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestStore(t *testing.T) {
	objstoretest.Run(t, func(t *testing.T) objstore.Store { return open(t, t.TempDir()) })
}

func open(t *testing.T, dir string) *fsstore.Store {
	t.Helper()
	s, err := fsstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const increments = 100

// child counts one object up by conditional replace.
func child(dir string) error {
	s, err := fsstore.Open(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for done := 0; done < increments; {
		data, info, err := s.Get(ctx, "count")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(data))
		if err != nil {
			return err
		}
		_, err = s.Replace(ctx, "count", info.ETag, []byte(strconv.Itoa(n+1)))
		if err != nil && !errors.Is(err, objstore.ErrChanged) {
			return err
		}
		if err == nil {
			done++
		}
	}
	return nil
}

func TestProcessesReplace(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Create(t.Context(), "count", []byte("0")); err != nil {
		t.Fatal(err)
	}
	const processes = 4
	var cmds []*exec.Cmd
	for range processes {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), childEnv+"="+dir)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, c)
	}
	for _, c := range cmds {
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	data, _, err := s.Get(t.Context(), "count")
	if err != nil || string(data) != strconv.Itoa(processes*increments) {
		t.Errorf("counted %s, %v, want %d", data, err, processes*increments)
	}
}

// aged makes a file that was last written some time ago.
func aged(t *testing.T, path string, age time.Duration) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func wantFiles(t *testing.T, want map[string]bool) {
	t.Helper()
	for path, want := range want {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: there is %v, want %v", path, err == nil, want)
		}
	}
}

func TestOpenSweepsOldTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	young, old, object := filepath.Join(dir, ".tmp-writes", ".tmp-young"), filepath.Join(dir, ".tmp-writes", ".tmp-old"), filepath.Join(dir, "t", "object")
	aged(t, young, 50*time.Minute)
	aged(t, old, 61*time.Minute)
	aged(t, object, 100*time.Hour)
	s := open(t, dir)
	wantFiles(t, map[string]bool{young: true, old: false, object: true})
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil || info.Key != "t/object" {
			t.Errorf("listed %q, %v", info.Key, err)
		}
	}
}

func TestWritesLeaveNoTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	first, err := s.Create(t.Context(), "d/k", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), "d/k", []byte("2")); !errors.Is(err, objstore.ErrExists) {
		t.Fatal(err)
	}
	if _, err := s.Replace(t.Context(), "d/k", "x"+first.ETag, []byte("3")); !errors.Is(err, objstore.ErrChanged) {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "d/k", []byte("4")); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]int{"d": 1, ".tmp-writes": 0} {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil || len(entries) != want {
			t.Errorf("%s has %v, %v, want %d files", folder, entries, err, want)
		}
	}
}

// An edit in place by another program must not pass for the version that was read.
func TestForeignEditChangesETag(t *testing.T) {
	s := open(t, t.TempDir())
	info, err := s.Create(t.Context(), "k", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.LocalPath("k"), []byte("2"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Replace(t.Context(), "k", info.ETag, []byte("3")); !errors.Is(err, objstore.ErrChanged) {
		t.Errorf("replace over a foreign edit: %v", err)
	}
}

func TestLocalPath(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if got, want := s.LocalPath("a/b"), filepath.Join(dir, "a", "b"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("LocalPath of a key out of the folder did not panic")
		}
	}()
	s.LocalPath("../secret")
}

func TestListFollowsLinkedFolders(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "f"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	var keys []string
	for info, err := range s.List(t.Context(), "linked/", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	if len(keys) != 1 || keys[0] != "linked/f" {
		t.Errorf("listed %q, want linked/f", keys)
	}
}

func TestOpenRefusesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := fsstore.Open(path); err == nil {
		t.Error("opened a file as a folder")
	}
}
