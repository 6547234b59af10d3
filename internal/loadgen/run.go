package loadgen

import (
	"context"
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// run is one run in progress.
type run struct {
	cfg      Config
	at       string
	requests [][]byte
	start    time.Time
	stop     time.Time // no request is sent after it
	end      time.Time // no answer is waited for after it
	sent     atomic.Int64
	tally    *tally
}

func (r *run) dial() (*conn, error) {
	nc, err := net.DialTimeout("tcp", r.at, time.Until(r.end))
	if err != nil {
		return nil, err
	}
	if err := nc.SetDeadline(r.end); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return newConn(nc, r.cfg.Stream), nil
}

// next returns the bytes of the next request, or false when enough were sent.
func (r *run) next() ([]byte, bool) {
	n := r.sent.Add(1)
	if r.cfg.Requests > 0 && n > r.cfg.Requests {
		r.sent.Add(-1)
		return nil, false
	}
	return r.requests[int(n-1)%len(r.requests)], true
}

func (r *run) stopped() bool {
	select {
	case <-r.cfg.Stop:
		return true
	default:
		return false
	}
}

// closed keeps each connection busy from a goroutine of its own.
func (r *run) closed(ctx context.Context) error {
	conns := make([]*conn, 0, r.cfg.Conns)
	for range r.cfg.Conns {
		c, err := r.dial()
		if err != nil {
			closeAll(conns)
			return err
		}
		conns = append(conns, c)
	}
	release := context.AfterFunc(ctx, func() { closeAll(conns) })
	defer release()
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() { r.loop(ctx, c) })
	}
	wg.Wait()
	closeAll(conns)
	return nil
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		_ = c.nc.Close()
	}
}

// loop sends one request after another on c, and on new connections when it breaks.
func (r *run) loop(ctx context.Context, c *conn) {
	first := c
	defer func() {
		if c != first {
			_ = c.nc.Close()
		}
	}()
	for ctx.Err() == nil && !r.stopped() {
		due := time.Now()
		if !due.Before(r.stop) {
			return
		}
		request, ok := r.next()
		if !ok {
			return
		}
		reply, err := c.exchange(request)
		r.tally.record(due, reply, err)
		if err == nil && !reply.close {
			continue
		}
		_ = c.nc.Close()
		fresh, err := r.dial()
		if err != nil {
			r.tally.lost(err)
			return
		}
		c = fresh
	}
}

// arrivals is how many requests an open loop sends.
func (r *run) arrivals() int64 {
	n := int64(math.Round(r.cfg.Rate * r.cfg.Duration.Seconds()))
	if r.cfg.Requests > 0 {
		n = min(n, r.cfg.Requests)
	}
	return n
}

// open sends each request when it is due on a connection that is idle, opening more when none is.
// The caller's goroutine keeps the time and writes; one for each connection reads.
func (r *run) open(ctx context.Context) error {
	p := &pool{run: r, idle: make(chan *conn, r.cfg.MaxConns)}
	for range r.cfg.Conns {
		c, err := p.add()
		if err != nil {
			p.close()
			return err
		}
		p.idle <- c
	}
	r.start = time.Now()
	err := r.pace(ctx, p)
	p.drain(ctx)
	p.close()
	return err
}

// pace sends the arrivals.
func (r *run) pace(ctx context.Context, p *pool) error {
	defer preciseThread()()
	n := r.arrivals()
	for i := range n {
		due := r.start.Add(time.Duration(float64(i) / r.cfg.Rate * float64(time.Second)))
		sleepUntil(ctx, due)
		if r.stopped() {
			return nil
		}
		c, err := p.take(ctx)
		if err != nil {
			r.tally.unsent(n - i)
			if ctx.Err() != nil || time.Now().After(r.end) {
				return nil
			}
			return fmt.Errorf("request %d: %w", i, err)
		}
		request, _ := r.next()
		c.due.Store(int64(due.Sub(r.start)))
		c.send(request)
	}
	return nil
}
