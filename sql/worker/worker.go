// Package worker is the child process that runs SQL: DuckDB, shut in.
//
// Main speaks sql/protocol on two pipes, one query after another, until the other end closes. It
// trusts neither the query nor itself: the text is translated (sql/dialect), parsed by DuckDB,
// checked on the parse tree (sql/guard), rendered, parsed and checked again; the engine has its
// settings locked and sees only the folders it was given; the process has an address-space limit
// and, where the kernel can, may open only files of those folders, write none, and have no
// sockets. What still goes wrong ends with the parent killing the process, which is always safe:
// a worker holds no state between queries.
//
// This is the only package that imports the DuckDB driver. One query runs at a time; nothing here
// is meant to be called concurrently.
package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/protocol"
)

// goMemory bounds the Go heap of a worker, softly; results are streamed, so it needs little.
const goMemory = 256 << 20

// Main runs a worker until in closes or ctx ends, and returns nil then. The first message on in
// must be Init. The caller must exit the process after Main returns: a query may still be running
// inside the engine.
func Main(ctx context.Context, in io.Reader, out io.Writer) error {
	conn := protocol.NewConn(in, out)
	m, err := conn.Receive()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return fmt.Errorf("sql worker: %w", err)
	}
	if m.Init == nil {
		return fmt.Errorf("sql worker: the first message is not Init")
	}
	debug.SetMemoryLimit(goMemory)
	if err := setLimits(m.Init); err != nil {
		return fmt.Errorf("sql worker: %w", err)
	}
	e, err := openEngine(ctx, m.Init)
	if err != nil {
		return fmt.Errorf("sql worker: %w", err)
	}
	// DuckDB reads the machine's size from /proc and /sys while it opens, and aborts when it may
	// not. No text of anybody's has been seen yet.
	ready := confine(m.Init)
	ready.Engine = e.version
	if err := conn.Send(&protocol.Message{Ready: ready}); err != nil {
		return fmt.Errorf("sql worker: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{conn: conn, engine: e, queries: make(chan *protocol.Query), tables: make(chan *protocol.Message)}
	go s.serve(ctx)
	return s.read(ctx)
}

// session is the conversation with the parent: read takes messages, serve runs queries.
type session struct {
	conn    *protocol.Conn
	engine  *engine
	queries chan *protocol.Query
	tables  chan *protocol.Message // Tables or Failure, the answer to Need
	asks    asks
	seen    []*tableschema.Table // the tables and views of the query that runs, for its errors
}

// read passes messages on until the other end closes. It never waits for the engine, so that a
// closed pipe ends the process whatever a query is doing.
func (s *session) read(ctx context.Context) error {
	for {
		m, err := s.conn.Receive()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("sql worker: %w", err)
		}
		switch {
		case m.Query != nil:
			select {
			case s.queries <- m.Query:
			case <-ctx.Done():
				return nil
			}
		case m.Tables != nil || m.Failure != nil:
			select {
			case s.tables <- m:
			case <-ctx.Done():
				return nil
			}
		case m.Answer != nil:
			s.asks.deliver(m.Answer)
		default:
			return fmt.Errorf("sql worker: unexpected message")
		}
	}
}

// serve runs queries until ctx ends.
func (s *session) serve(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-s.queries:
			last := s.run(ctx, q)
			if err := s.conn.Send(last); err != nil {
				return // the parent is gone; read sees it too
			}
		}
	}
}

// run answers one query; the message it returns ends it. A panic in our own code must not take a
// worker's word for success with it.
func (s *session) run(ctx context.Context, q *protocol.Query) (last *protocol.Message) {
	defer func() {
		if r := recover(); r != nil {
			last = &protocol.Message{Failure: &protocol.Failure{Class: protocol.Internal, Message: "internal error while running the query"}}
		}
	}()
	s.seen = nil
	done, err := s.query(ctx, q)
	if err != nil {
		return &protocol.Message{Failure: s.failure(ctx, err)}
	}
	return &protocol.Message{Done: done}
}

// need asks the parent about tables.
func (s *session) need(ctx context.Context, n *protocol.Need) (*protocol.Tables, error) {
	if err := s.conn.Send(&protocol.Message{Need: n}); err != nil {
		return nil, err
	}
	select {
	case m := <-s.tables:
		if m.Failure != nil {
			return nil, m.Failure
		}
		return m.Tables, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// scrub takes our folders out of an engine's message.
func (e *engine) scrub(msg string) string {
	for _, d := range e.dirs {
		msg = strings.ReplaceAll(msg, strings.TrimSuffix(d, "/")+"/", "")
	}
	return msg
}
