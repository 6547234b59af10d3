package s3test

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// Gate stands before a server and makes it unreachable: by refusing connections, as a server that
// is down does, or by letting them hang, as a broken network does. It may be used by many
// goroutines. Its goroutines end with Close.
type Gate struct {
	addr, to string

	mu       sync.Mutex
	change   *sync.Cond
	hanging  bool
	closed   bool
	listener net.Listener // nil while it refuses
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

// NewGate opens a gate on the loopback interface before the server at to (host:port).
func NewGate(to string) (*Gate, error) {
	g := &Gate{to: to, conns: map[net.Conn]bool{}}
	g.change = sync.NewCond(&g.mu)
	if err := g.listen("127.0.0.1:0"); err != nil {
		return nil, err
	}
	return g, nil
}

// Addr is where the gate is, 127.0.0.1:port, also while it refuses.
func (g *Gate) Addr() string { return g.addr }

// Pass lets everything through, also what hung until now.
func (g *Gate) Pass() error {
	g.set(false)
	return g.listen(g.addr)
}

// Hang accepts connections and moves nothing, either way, also on those there are.
func (g *Gate) Hang() error {
	g.set(true)
	return g.listen(g.addr)
}

// Refuse breaks all connections and accepts no more.
func (g *Gate) Refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		_ = g.listener.Close()
		g.listener = nil
	}
	g.breakAll()
}

// Close ends the gate.
func (g *Gate) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.Refuse()
	g.running.Wait()
}

func (g *Gate) set(hanging bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hanging = hanging
	g.change.Broadcast()
}

// breakAll ends the connections; the caller holds the lock.
func (g *Gate) breakAll() {
	for c := range g.conns {
		_ = c.Close()
	}
	clear(g.conns)
	g.change.Broadcast()
}

func (g *Gate) listen(addr string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	g.listener, g.addr = l, l.Addr().String()
	g.running.Go(func() {
		for {
			in, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				g.running.Go(func() { g.carry(in) })
			}
		}
	})
	return nil
}

// carry moves bytes between a client and the server until one of them is gone.
func (g *Gate) carry(in net.Conn) {
	out, err := net.Dial("tcp", g.to)
	if err != nil {
		_ = in.Close()
		return
	}
	if !g.keep(in, out) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { g.move(out, in) })
	both.Go(func() { g.move(in, out) })
	both.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, in)
	delete(g.conns, out)
}

// keep notes the connections, unless the gate refuses them by now.
func (g *Gate) keep(conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		if g.listener == nil {
			_ = c.Close()
			continue
		}
		g.conns[c] = true
	}
	return g.listener != nil
}

func (g *Gate) move(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			g.wait(to)
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait waits while the gate hangs and the connection is still wanted.
func (g *Gate) wait(c net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.hanging && !g.closed && g.listener != nil && g.conns[c] {
		g.change.Wait()
	}
}
