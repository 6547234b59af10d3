package warehouse

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/lakegate/lakegate/sql/protocol"
)

// asked is what a worker has asked for: each thing at most once.
type asked struct{ shapes, files bool }

// run is one query on one worker.
type run struct {
	w     *Warehouse
	c     *child
	q     Query
	sink  Sink
	own   bool // the caller set the timeout
	may   map[string]readable
	asked asked
	snap  *Snapshot
	timer *time.Timer

	abandon context.CancelFunc // ends what the gateway does for the query: snapshot, model calls

	mu     sync.Mutex
	ended  bool              // the worker is not ours any more
	reason *protocol.Failure // why it was killed

	columns  []Column // not given to the sink yet: until there is a row, the query can still be run again
	begun    bool     // the sink has got the columns
	repaired bool     // see runOnce

	slots chan struct{} // ai_query calls in flight
	calls int
	wg    sync.WaitGroup
}

func newRun(w *Warehouse, c *child, q Query, sink Sink) *run {
	r := &run{w: w, c: c, sink: sink, own: q.Timeout > 0, slots: make(chan struct{}, w.cfg.AIWidth)}
	r.q = w.defaults(q)
	r.may = readableTables(w.source.Tables(), q.Allow)
	return r
}

// do runs the query to its end. After it, the worker is idle or was killed, the snapshot is
// released and every model call has ended.
func (r *run) do(ctx context.Context) (*Summary, error) {
	defer r.end()
	r.w.stats.running.Add(1)
	defer r.w.stats.running.Add(-1)
	askCtx, endAsks := context.WithCancel(ctx)
	r.abandon = endAsks
	defer r.wg.Wait()
	defer endAsks()
	defer func() {
		if r.snap != nil {
			r.snap.Release()
		}
	}()
	stopCancel := context.AfterFunc(ctx, func() { r.kill(protocol.Cancelled, "the query was cancelled") })
	defer stopCancel()
	stopClosing := r.killOnClose()
	defer stopClosing()
	r.timer = time.AfterFunc(r.q.Timeout+r.w.cfg.Grace, r.timeout)
	defer r.timer.Stop()

	if err := r.c.conn.Send(&protocol.Message{Query: r.message()}); err != nil {
		return nil, r.broken(err)
	}
	for {
		m, err := r.c.conn.Receive()
		if err != nil {
			return nil, r.broken(err)
		}
		s, done, err := r.handle(askCtx, m)
		if f := r.why(); f != nil && errors.Is(err, errProtocol) {
			return nil, f
		}
		if err != nil || done {
			return s, err
		}
	}
}

func (r *run) message() *protocol.Query {
	m := &protocol.Query{
		SQL: r.q.SQL, Params: r.q.Params, Catalog: r.q.Catalog, Schema: r.q.Schema,
		User: r.q.Principal.Name, Groups: r.q.Principal.Groups,
		RowLimit: r.q.RowLimit, ByteLimit: r.q.ByteLimit, TimeoutMillis: r.q.Timeout.Milliseconds(),
		AITimeoutMillis: r.aiTimeout().Milliseconds(),
		AIWidth:         r.w.cfg.AIWidth,
	}
	if r.w.asker != nil {
		m.AICalls = r.w.cfg.AICalls
	}
	for _, t := range r.may {
		m.Readable = append(m.Readable, t.schema.Name.String())
	}
	return m
}

// handle takes one message of the worker. An error of the sink or of the protocol kills the
// worker: it is in the middle of an answer.
func (r *run) handle(askCtx context.Context, m *protocol.Message) (s *Summary, done bool, err error) {
	switch {
	case m.Need != nil:
		return nil, false, r.need(askCtx, m.Need)
	case m.Ask != nil:
		return nil, false, r.ask(askCtx, m.Ask)
	case m.Columns != nil && !r.begun:
		r.columns = m.Columns.Columns
	case m.Rows != nil:
		if err = r.begin(); err == nil {
			err = r.sink.Rows(m.Rows.Rows)
		}
	case m.Done != nil:
		if err = r.begin(); err == nil {
			return &Summary{Rows: m.Done.Rows, Truncated: m.Done.Truncated, AICalls: m.Done.AICalls}, true, nil
		}
	case m.Failure != nil:
		if m.Failure.Unreadable {
			return nil, true, r.unreadable(askCtx, m.Failure)
		}
		return nil, true, m.Failure
	default:
		err = errProtocol
	}
	if err != nil {
		r.kill(protocol.Internal, "the query could not be run")
		return nil, true, err
	}
	return nil, false, nil
}

var errProtocol = errors.New("sql worker broke the protocol")

// begin gives the sink the columns, once.
func (r *run) begin() error {
	if r.begun {
		return nil
	}
	r.begun = true
	return r.sink.Columns(r.columns)
}

// ask makes a model call, many beside each other. The worker bounds their number; so do we, since
// it is the worker that runs other people's text.
func (r *run) ask(ctx context.Context, a *protocol.Ask) error {
	if r.calls++; r.w.asker == nil || r.calls > r.w.cfg.AICalls {
		r.kill(protocol.Internal, "the query made too many model calls")
		return errProtocol
	}
	r.w.stats.aiCalls.Add(1)
	r.wg.Go(func() {
		answer := &protocol.Answer{ID: a.ID}
		select {
		case r.slots <- struct{}{}:
			defer func() { <-r.slots }()
		case <-ctx.Done():
			return
		}
		text, err := r.w.asker.Ask(ctx, r.q.Principal, a.Endpoint, a.Prompt, a.Params)
		if answer.Text = text; err != nil {
			answer.Text, answer.Error = "", errorText(err)
		}
		if ctx.Err() == nil {
			_ = r.c.conn.Send(&protocol.Message{Answer: answer}) // if it fails, Receive fails too
		}
	})
	return nil
}

// aiTimeout is the time of a query that asks models: longer, unless the caller set one.
func (r *run) aiTimeout() time.Duration {
	if r.own {
		return r.q.Timeout
	}
	return max(r.q.Timeout, r.w.cfg.AITimeout)
}

func (r *run) timeout() {
	r.kill(protocol.Timeout, "the query took too long and was stopped")
}

// kill ends the worker; the first reason stands. After end it does nothing: a timer that fires
// late must not hit the next query's worker.
func (r *run) kill(class protocol.Class, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	if r.reason == nil {
		r.reason = &protocol.Failure{Class: class, Message: message}
	}
	r.c.kill()
	r.abandon() // files that are being downloaded for it are not worth waiting for
}

func (r *run) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

func (r *run) why() *protocol.Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reason
}

// killOnClose kills the query when the warehouse closes. The returned function ends the watch.
func (r *run) killOnClose() func() {
	done := make(chan struct{})
	go func() {
		select {
		case <-r.w.closing:
			r.kill(protocol.Busy, "the SQL warehouse is shutting down")
		case <-done:
		}
	}()
	return func() { close(done) }
}

// broken says why a worker's pipe broke: we killed it, or it died.
func (r *run) broken(err error) error {
	if r.why() == nil && !errors.Is(err, io.EOF) && !isClosedPipe(err) {
		r.kill(protocol.Internal, "internal error in the SQL worker")
		r.w.log.Error("sql worker broke the protocol", "err", err)
	}
	r.c.kill()
	<-r.c.gone
	if f := r.why(); f != nil {
		return f
	}
	// It died by itself: out of memory, or a fault in the engine.
	r.w.stats.crashes.Add(1)
	r.w.log.Warn("a sql worker died while it ran a query", "state", r.c.cmd.ProcessState.String(), "output", r.c.stderr.note())
	return &protocol.Failure{Class: protocol.Memory, Message: "the query was stopped: it used more memory than it may, or hit a fault of the SQL engine"}
}
