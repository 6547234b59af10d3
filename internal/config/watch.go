package config

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long Watch lets a change settle: an editor writes, renames and deletes in
// several steps.
const settle = 150 * time.Millisecond

// Watch calls reload whenever the content of the file at path may have changed, until ctx ends.
// It returns once it is watching, so that no change is missed by calling Watch before the first
// Load; done is closed when it has stopped, after which reload is not called any more.
//
// Calls of reload follow one another and come from a goroutine of Watch's. A file that is
// rewritten with the same content is no change; one that was deleted is. Watch looks at the
// folder rather than the file, and follows symbolic links: editors replace the file, and
// Kubernetes replaces the folder that it links to.
func Watch(ctx context.Context, path string, reload func()) (done <-chan struct{}, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("watch configuration: %w", err)
	}
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch configuration: %w", err)
	}
	if err := fs.Add(filepath.Dir(path)); err != nil {
		_ = fs.Close() // the reason is err
		return nil, fmt.Errorf("watch configuration: %w", err)
	}
	w := &watcher{path: path, fs: fs, reload: reload}
	w.follow()
	w.last = w.content()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		defer fs.Close()
		w.run(ctx)
	}()
	return stopped, nil
}

type watcher struct {
	path   string // absolute
	fs     *fsnotify.Watcher
	reload func()
	target string // the folder path links to, when that is another one
	last   [sha256.Size]byte
}

// run waits for events. The first one starts the clock, later ones don't set it back: a busy
// folder must not put off a change for ever.
func (w *watcher) run(ctx context.Context) {
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-w.fs.Events:
			if !open {
				return
			}
			if settled == nil {
				settled = time.After(settle)
			}
		case <-w.fs.Errors:
			// Events were lost, or can't be read: look at the file, which is what counts.
			if settled == nil {
				settled = time.After(settle)
			}
		case <-settled:
			settled = nil
			w.follow()
			if now := w.content(); now != w.last {
				w.last = now
				w.reload()
			}
		}
	}
}

// follow watches the folder that path is linked into, in place of the one before.
func (w *watcher) follow() {
	real, err := filepath.EvalSymlinks(w.path)
	if err != nil {
		return // the file is not there now; its own folder is still watched
	}
	target := filepath.Dir(real)
	if target == filepath.Dir(w.path) {
		return
	}
	if w.target != target && w.target != "" {
		_ = w.fs.Remove(w.target) // it may be gone already
	}
	// Adding a folder that is watched changes nothing; one that was made anew needs it.
	w.target = target
	_ = w.fs.Add(target) // it may be gone again, and then the next event is about that
}

// content returns a hash of the file, and zero when it can't be read.
func (w *watcher) content() [sha256.Size]byte {
	data, err := readBounded(w.path)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(data)
}
