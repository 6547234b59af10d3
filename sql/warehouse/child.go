package warehouse

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/sql/protocol"
)

// child is one worker process.
type child struct {
	cmd     *exec.Cmd
	conn    *protocol.Conn
	in, out *os.File // our ends of its pipes
	ready   *protocol.Ready
	stderr  *tail
	gone    chan struct{} // closed when the process has ended
	back    chan bool     // the query's word: may the worker be used again
	killed  atomic.Bool
	once    sync.Once
	queries int
}

// startTimeout bounds the time from starting a worker until it is ready.
const startTimeout = 20 * time.Second

// start starts a worker and waits until it is ready.
func (w *Warehouse) start(ctx context.Context) (*child, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start sql worker: %w", err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		theirIn.Close()
		in.Close()
		return nil, fmt.Errorf("start sql worker: %w", err)
	}
	c := &child{
		in: in, out: out, conn: protocol.NewConn(out, in), stderr: &tail{},
		gone: make(chan struct{}), back: make(chan bool, 1),
	}
	c.cmd = exec.Command(w.cfg.Command[0], w.cfg.Command[1:]...)
	c.cmd.Env = []string{} // nothing of ours: no keys, no tokens
	c.cmd.Dir = w.scratch
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = theirIn, theirOut, c.stderr
	dieWithParent(c.cmd)
	err = w.spawner.start(c.cmd)
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		in.Close()
		out.Close()
		return nil, fmt.Errorf("start sql worker: %w", err)
	}
	go c.wait()
	if err := c.handshake(ctx, w.cfg); err != nil {
		c.kill()
		<-c.gone
		c.closePipes()
		return nil, fmt.Errorf("start sql worker: %w%s", err, c.stderr.note())
	}
	return c, nil
}

func (c *child) wait() {
	_ = c.cmd.Wait() // how it ended does not matter: it is never asked to end well
	close(c.gone)
}

func (c *child) handshake(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	hello := &protocol.Init{Dirs: cfg.Dirs, MemoryBytes: cfg.MemoryBytes, AddressSpace: cfg.AddressSpace, Threads: cfg.Threads}
	if err := c.conn.Send(&protocol.Message{Init: hello}); err != nil {
		return err
	}
	m, err := c.conn.Receive()
	if err != nil {
		return err
	}
	if m.Ready == nil {
		return fmt.Errorf("unexpected first message")
	}
	c.ready = m.Ready
	return nil
}

// kill ends the process at once. Reads and writes on its pipes fail soon after.
func (c *child) kill() {
	c.killed.Store(true)
	_ = c.cmd.Process.Kill() // an error means that it has ended
}

func (c *child) closePipes() {
	c.once.Do(func() {
		c.in.Close()
		c.out.Close()
	})
}

// heldBytes returns the memory the process holds, 0 when that cannot be told.
func (c *child) heldBytes() int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// tail keeps the beginning of what a worker says on its way down, for the log.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailBytes = 2048

var _ io.Writer = (*tail)(nil)

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := tailBytes - len(t.b); room > 0 {
		t.b = append(t.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// note returns the first line, as the end of an error's text.
func (t *tail) note() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(string(t.b)), "\n")
	if line == "" {
		return ""
	}
	return " (" + line + ")"
}
