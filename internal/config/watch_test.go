package config

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// watching starts a Watch on path and returns the channel its reloads arrive on.
func watching(t *testing.T, path string) <-chan struct{} {
	t.Helper()
	reloads := make(chan struct{}, 16)
	ctx, cancel := context.WithCancel(t.Context())
	done, err := Watch(ctx, path, func() { reloads <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return reloads
}

func wait(t *testing.T, reloads <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-reloads:
	case <-time.After(20 * time.Second):
		t.Fatalf("no reload after %s", what)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWatchSeesEveryWayToChangeAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lakegate.yaml")
	write(t, path, "listen: :1")
	reloads := watching(t, path)

	write(t, path, "listen: :2")
	wait(t, reloads, "a write in place")

	other := filepath.Join(dir, ".lakegate.yaml.swp")
	write(t, other, "listen: :3")
	must(t, os.Rename(other, path))
	wait(t, reloads, "a rename over it")

	must(t, os.Remove(path))
	wait(t, reloads, "a removal")

	write(t, path, "listen: :4")
	wait(t, reloads, "a new file")
}

// Only a change of content is a reload. The files are replaced at once, so that no check can see
// one half written, however slow the machine is.
func TestWatchIgnoresWhatIsNoChange(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lakegate.yaml")
	write(t, path, "listen: :1")
	reloads := watching(t, path)

	other := filepath.Join(dir, "other.yaml")
	for _, text := range []string{"listen: :1", "listen: :1", "listen: :2"} {
		write(t, other, text)
		must(t, os.Rename(other, path))
	}
	wait(t, reloads, "the only change")
	select {
	case <-reloads:
		t.Fatal("a second reload for one change")
	default:
	}
}

// Kubernetes mounts a config map as lakegate.yaml -> ..data/lakegate.yaml, ..data -> ..1, and
// replaces the link ..data.
func TestWatchFollowsKubernetes(t *testing.T) {
	dir := t.TempDir()
	for i, text := range map[string]string{"..1": "listen: :1", "..2": "listen: :2"} {
		must(t, os.Mkdir(filepath.Join(dir, i), 0o700))
		write(t, filepath.Join(dir, i, "lakegate.yaml"), text)
	}
	must(t, os.Symlink("..1", filepath.Join(dir, "..data")))
	path := filepath.Join(dir, "lakegate.yaml")
	must(t, os.Symlink(filepath.Join("..data", "lakegate.yaml"), path))
	reloads := watching(t, path)

	must(t, os.Symlink("..2", filepath.Join(dir, "..data_tmp")))
	must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	must(t, os.RemoveAll(filepath.Join(dir, "..1")))
	wait(t, reloads, "the link was replaced")
}

func TestWatchFollowsALinkToAnotherFolder(t *testing.T) {
	first, second, dir := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, filepath.Join(first, "real.yaml"), "listen: :1")
	write(t, filepath.Join(second, "real.yaml"), "listen: :2")
	path := filepath.Join(dir, "lakegate.yaml")
	must(t, os.Symlink(filepath.Join(first, "real.yaml"), path))
	reloads := watching(t, path)

	write(t, filepath.Join(first, "real.yaml"), "listen: :3")
	wait(t, reloads, "the target was written")

	must(t, os.Symlink(filepath.Join(second, "real.yaml"), path+".new"))
	must(t, os.Rename(path+".new", path))
	wait(t, reloads, "the link was turned")

	write(t, filepath.Join(second, "real.yaml"), "listen: :4")
	wait(t, reloads, "the new target was written")
}

func TestWatchNeedsTheFolder(t *testing.T) {
	if _, err := Watch(t.Context(), filepath.Join(t.TempDir(), "no", "lakegate.yaml"), func() {}); err == nil {
		t.Fatal("watching a folder that is not there")
	}
}
