package loadgen

import (
	"context"
	"errors"
	"sync"
	"time"
)

// pool holds the connections of an open loop.
//
// The pacer takes an idle connection and writes to it; the connection's reader puts it back once
// the answer was read. A connection that broke while it was busy is put back too, dead, so that
// as many come back as were taken; one that broke while it was idle is found dead when taken.
type pool struct {
	run  *run
	idle chan *conn
	size int // connections that are idle or busy; only the pacer changes it
	all  []*conn
	wg   sync.WaitGroup
}

// add opens a connection and starts its reader. The caller puts it to use or into idle.
func (p *pool) add() (*conn, error) {
	c, err := p.run.dial()
	if err != nil {
		return nil, err
	}
	p.size++
	p.all = append(p.all, c)
	p.wg.Go(func() { p.read(c) })
	return c, nil
}

// read takes the answers that arrive on c until it breaks or is closed.
func (p *pool) read(c *conn) {
	for {
		reply, err := c.receive()
		if c.state.CompareAndSwap(idleConn, deadConn) {
			return // closed while nothing was asked
		}
		due := p.run.start.Add(time.Duration(c.due.Load()))
		p.run.tally.record(due, reply, err)
		if err != nil || reply.close {
			_ = c.nc.Close()
			c.state.Store(deadConn)
			p.idle <- c
			return
		}
		c.state.Store(idleConn)
		p.idle <- c
	}
}

var errNoConn = errors.New("no connection became free in time")

// take returns a connection marked busy.
func (p *pool) take(ctx context.Context) (*conn, error) {
	for {
		var c *conn
		select {
		case c = <-p.idle:
		default:
			if p.size < p.run.cfg.MaxConns {
				fresh, err := p.add()
				if err != nil {
					return nil, err
				}
				fresh.state.Store(busyConn)
				return fresh, nil
			}
			var err error
			if c, err = p.await(ctx); err != nil {
				return nil, err
			}
		}
		if c.state.CompareAndSwap(idleConn, busyConn) {
			return c, nil
		}
		p.size--
	}
}

// await waits for a connection to come back.
func (p *pool) await(ctx context.Context) (*conn, error) {
	t := time.NewTimer(time.Until(p.run.end))
	defer t.Stop()
	select {
	case c := <-p.idle:
		return c, nil
	case <-t.C:
		return nil, errNoConn
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// drain waits until every busy connection was answered, or the run's end.
func (p *pool) drain(ctx context.Context) {
	for ; p.size > 0; p.size-- {
		if _, err := p.await(ctx); err != nil {
			return
		}
	}
}

// close ends all connections and waits for their readers; what is still asked becomes an error.
func (p *pool) close() {
	for _, c := range p.all {
		_ = c.nc.Close()
	}
	p.wg.Wait()
}
