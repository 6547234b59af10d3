package warehouse

import (
	"context"
	"time"
)

// keepWorker keeps one worker of the pool alive until the warehouse closes: it starts a process,
// offers it to queries, and replaces it when it dies, is killed or has become too large.
func (w *Warehouse) keepWorker() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-w.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		c, err := w.start(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			w.stats.startFailures.Add(1)
			w.stats.lastError.Store(err.Error())
			w.log.Error("start sql worker", "err", err, "retry_in", pause)
			wait(ctx, pause)
			pause = min(2*pause, 10*time.Second)
			continue
		}
		pause = 100 * time.Millisecond
		w.stats.started.Add(1)
		w.stats.lastError.Store("")
		w.stats.ready.Store(c.ready)
		w.stats.alive.Add(1)
		w.serveWith(ctx, c)
		w.stats.alive.Add(-1)
		c.kill()
		<-c.gone
		c.closePipes()
	}
}

// serveWith offers one worker until it is of no more use.
func (w *Warehouse) serveWith(ctx context.Context, c *child) {
	for {
		select {
		case w.free <- c:
		case <-c.gone:
			w.log.Warn("an idle sql worker ended", "output", c.stderr.note())
			return
		case <-ctx.Done():
			return
		}
		if again := <-c.back; !again { // when the warehouse closes, the query kills the worker
			return
		}
	}
}

// release gives a worker back after a query. It is not used again when it was killed, ended, or
// holds too much.
func (w *Warehouse) release(c *child) {
	c.queries++
	again := !c.killed.Load() && c.queries < w.cfg.RecycleAfter && c.heldBytes() < w.cfg.RecycleBytes
	select {
	case <-c.gone:
		again = false
	default:
	}
	if c.killed.Load() {
		w.stats.kills.Add(1)
	}
	c.back <- again
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
