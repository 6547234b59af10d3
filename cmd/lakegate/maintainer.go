package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/maintain"
)

// maintainer is the process that maintains a gateway's tables. It is started again when it ends.
type maintainer struct {
	args   []string // of the command
	logger *slog.Logger
	pause  time.Duration // before it is started again

	mu    sync.Mutex
	past  maintain.Stats // of processes that have ended
	stats maintain.Stats // of the one that runs
}

const (
	maintainerPause = 30 * time.Second
	// maintainerGrace is how long it has to end by itself. What it was doing is done again some time.
	maintainerGrace = 5 * time.Second
)

// newMaintainer prepares to maintain the tables of the configuration at path, over a data folder.
func newMaintainer(path, data, holder string, logger *slog.Logger) *maintainer {
	return &maintainer{
		args:   []string{maintainerName, "--config", path, "--data", data, "--holder", holder},
		logger: logger, pause: maintainerPause,
	}
}

// run keeps a process running until ctx ends, and returns when it has ended.
func (m *maintainer) run(ctx context.Context) {
	for {
		if err := m.once(ctx); err != nil && ctx.Err() == nil {
			m.logger.Warn("the process that maintains the tables ended; it is started again", "error", err, "after", m.pause)
		}
		m.settle()
		timer := time.NewTimer(m.pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// once runs one process to its end.
func (m *maintainer) once(ctx context.Context) error {
	self, err := thisProgram()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, m.args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the gateway, which ends it
	tail := &tailWriter{}
	cmd.Stderr = tail
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	// The end of its input, which our death is too, ends it.
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = stdin.Close()
		select {
		case <-ended:
		case <-time.After(maintainerGrace):
			_ = cmd.Process.Kill()
		}
	})
	defer stop()
	heard := m.listen(ctx, stdout)
	err = errors.Join(heard, cmd.Wait())
	close(ended)
	_ = stdin.Close()
	if err != nil && tail.text() != "" {
		err = fmt.Errorf("%w: %s", err, tail.text())
	}
	return err
}

// listen takes what the process says until it ends.
func (m *maintainer) listen(ctx context.Context, from io.Reader) error {
	in := json.NewDecoder(from)
	for {
		var s said
		err := in.Decode(&s)
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what it says: %w", err)
		}
		if s.Log != nil {
			relay(ctx, m.logger, *s.Log)
		}
		if s.Stats != nil {
			m.mu.Lock()
			m.stats = *s.Stats
			m.mu.Unlock()
		}
	}
}

// settle adds what an ended process has done to that of those before it.
func (m *maintainer) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.past, m.stats = m.past.Plus(m.stats), maintain.Stats{}
}

// Stats is what was done since the gateway was started.
func (m *maintainer) Stats() maintain.Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.past.Plus(m.stats)
}

// tailWriter keeps the end of what is written.
type tailWriter struct {
	mu   sync.Mutex
	kept []byte
}

const maxTail = 2048

func (w *tailWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, p...)
	w.kept = w.kept[max(0, len(w.kept)-maxTail):]
	return len(p), nil
}

func (w *tailWriter) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.kept)
}
