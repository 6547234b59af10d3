// Package launch runs this repository's programs as child processes, for suites and benchmarks
// that must see them from outside: it starts them, waits until they are ready, stops or kills
// them, reads what they consume, and asks a gateway's SQL.
//
// A Process is used by one goroutine, but for Done and Use, which any may call. A child is killed
// when its parent dies (on Linux), and by Kill or Stop otherwise; whoever starts one stops it.
// Everything listens on the loopback interface.
package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Spec says what to run.
type Spec struct {
	Path string
	Args []string
	Env  []string  // added to the parent's
	Log  io.Writer // gets what the child writes, as well as the tail kept for errors; may be nil
}

// Process is a running child.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // set before done is closed
	tail *tail
}

// Start runs the program and does not wait for it to be ready.
func Start(s Spec) (*Process, error) {
	p := &Process{cmd: exec.Command(s.Path, s.Args...), done: make(chan struct{}), tail: &tail{also: s.Log}}
	p.cmd.Env = append(os.Environ(), s.Env...)
	p.cmd.Stdout, p.cmd.Stderr = p.tail, p.tail
	p.cmd.SysProcAttr = dieWithParent()
	p.cmd.WaitDelay = time.Second // a grandchild that keeps the output open must not hang Wait
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Path, err)
	}
	go func() { // ends with the child
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Output is the end of what the child wrote.
func (p *Process) Output() string { return p.tail.String() }

// Ready waits until a GET of url answers 200. It fails when the child ends first.
func (p *Process) Ready(ctx context.Context, url string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		if last = get(ctx, url); last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended (%v) before it was ready:\n%s", p.cmd.Path, p.err, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; last try: %w\n%s", p.cmd.Path, ctx.Err(), last, p.Output())
		case <-tick.C:
		}
	}
}

var client = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func get(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(b))
	}
	return nil
}

// Kill ends the child at once, as a crash would, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // already gone is as good
	<-p.done
}

// Stop asks the child to end and kills it when it has not within the time. Nil means it ended by
// itself, well.
func (p *Process) Stop(within time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		p.Kill()
		return fmt.Errorf("%s did not stop within %v:\n%s", p.cmd.Path, within, p.Output())
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() == syscall.SIGTERM {
			return nil // it has no handler
		}
		return fmt.Errorf("%s: %w:\n%s", p.cmd.Path, p.err, p.Output())
	}
	return nil
}

// Addr returns a loopback address with a port that was free a moment ago.
func Addr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	b    []byte
	also io.Writer
}

const maxTail = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2*maxTail {
		t.b = append(t.b[:0], t.b[len(t.b)-maxTail:]...)
	}
	if t.also != nil {
		_, _ = t.also.Write(p) // a full disk under a log must not stop the child
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b[max(0, len(t.b)-maxTail):])
}
