package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/maintain"
)

// maintained starts a maintainer over a lake with one table that is due for a sweep in every round.
func maintained(t *testing.T) (m *maintainer, config string, log *watchedLog) {
	t.Helper()
	dir := t.TempDir()
	config = filepath.Join(dir, "lakegate.yaml")
	text := fmt.Sprintf(serveConfig, filepath.Join(dir, "data"), "chat", "http://127.0.0.1:1") + "maintenance: {interval: 1s}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data", "lake"), 0o700); err != nil {
		t.Fatal(err)
	}
	log = &watchedLog{more: make(chan struct{}, 1)}
	m = newMaintainer(config, filepath.Join(dir, "data"), "test", slog.New(slog.NewTextHandler(log, nil)))
	m.pause = 10 * time.Millisecond
	return m, config, log
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in a minute: %s", what)
		}
	}
}

// children returns the maintainers of this test that run, by their argument.
func children(t *testing.T, config string) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), "\x00"+config+"\x00") {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// A maintainer that dies is replaced, what it had done stays counted, and none outlives the gateway.
func TestMaintainer(t *testing.T) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("LOUD SKIP: this system has no /proc to see processes in")
	}
	m, config, log := maintained(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan struct{})
	go func() { defer close(done); m.run(ctx) }()
	eventually(t, "two rounds", func() bool { return m.Stats().Rounds >= 2 })
	before := m.Stats()
	pids := children(t, config)
	if len(pids) != 1 {
		t.Fatalf("processes %v, want one", pids)
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	log.wait(t, "maintains the tables ended; it is started again.*killed")
	eventually(t, "a round of another process", func() bool { return m.Stats().Rounds > before.Rounds+1 })

	// One that can't start says why.
	if err := os.WriteFile(config, []byte("maintenance: {interval: never}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(children(t, config)[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	log.wait(t, "exit status 1.*maintenance.interval")
	stop()
	<-done
	if left := children(t, config); len(left) > 0 {
		t.Errorf("processes %v outlived it", left)
	}
}

func TestMaintainerRelaysItsLog(t *testing.T) {
	log := &watchedLog{more: make(chan struct{}, 1)}
	m := &maintainer{logger: slog.New(slog.NewTextHandler(log, nil))}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- m.listen(t.Context(), r) }()
	out := newLines(w)
	slog.New(&lineHandler{lines: out}).With("table", "a.b.c").Warn("a thing", "error", fmt.Errorf("it \"broke\""), "n", 7)
	log.wait(t, `level=WARN msg="a thing"`)
	out.write(said{Stats: &maintain.Stats{Rounds: 3, FilesMerged: 5}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	m.settle()
	m.stats = maintain.Stats{Rounds: 1, FilesMerged: 2}
	if s := m.Stats(); s.Rounds != 4 || s.FilesMerged != 7 {
		t.Errorf("stats %+v", s)
	}
}
