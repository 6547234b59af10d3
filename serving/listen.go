package serving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// longestWrite bounds the answers of handlers that set no deadline themselves.
const longestWrite = 15 * time.Minute

// lastCalls is how long calls get to end after the gateway broke them off.
const lastCalls = 5 * time.Second

// Serve answers on ln until ctx ends, then drains: no new connections, /readyz fails, requests in
// flight go on for Config.DrainTimeout, and what is still there then is broken off and recorded.
// It returns nil when every request came to its end by itself.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.config.ReadHeaderTimeout,
		IdleTimeout:       s.config.IdleTimeout,
		// It matters little by itself: calls set deadlines of their own as they write. But it makes
		// net/http renew the deadline with each request of a connection, where the last call's
		// would otherwise still stand.
		WriteTimeout:   longestWrite,
		MaxHeaderBytes: s.config.MaxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(ln) }() // ends with Shutdown or Close below
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	err := s.drain(h)
	if errors.Is(err, context.DeadlineExceeded) {
		s.logger.Warn("requests are still in flight after the drain timeout; breaking them off", "drain_timeout", s.config.DrainTimeout)
		s.gateway.Stop()
		if e := shutdown(h, lastCalls); e != nil {
			err = errors.Join(err, h.Close())
		}
	}
	<-failed // http.ErrServerClosed
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	return nil
}

// drain waits for the requests in flight, and for what the gateway has in flight by itself.
func (s *Server) drain(h *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		return err
	}
	return s.gateway.Settle(ctx)
}

// shutdown waits for the requests in flight, with a deadline of its own: the context that ran the
// server is over.
func shutdown(h *http.Server, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return h.Shutdown(ctx)
}
