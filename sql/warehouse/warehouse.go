// Package warehouse runs SQL over the lake: it keeps a few worker processes warm, gives each
// query a worker of its own for as long as it runs, a consistent snapshot of the tables it
// reads, and the answers of the models it asks.
//
// What a query may read is decided by the caller's Allow and by nothing else; a view may be read
// by who may read the view or every table under it. The text itself is judged in the worker
// (sql/worker, sql/guard); the process that runs it is killed when it overstays its time, loses
// its protocol or its caller. Nothing a query does can take the warehouse down: a killed worker is
// replaced, other queries go on.
//
// Errors are *apierr.Error, with a *protocol.Failure as their cause when the query itself was at
// fault. A Warehouse is safe for concurrent use. Close ends it; New's goroutines end then.
package warehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/protocol"
)

// Source is the tables there are, and consistent views of them.
type Source interface {
	// Tables returns all tables, whoever asks.
	Tables() []*tableschema.Table
	// Snapshot returns the files that the requests ask for, all at one moment; Tables is parallel to
	// requests. The files stay until Release is called. A *protocol.Failure is told to the caller, such
	// as that a version is not there; of any other error only that there was one.
	Snapshot(ctx context.Context, requests []Request) (Snapshot, error)
	// History returns the newest commits of a table, newest first: limit of them, all for 0.
	History(ctx context.Context, table string, limit int) ([]Commit, error)
	// Detail returns how a table is stored.
	Detail(ctx context.Context, table string) (*Detail, error)
}

// Request asks for a table's files that may have rows a filter lets through: now, or as of a version
// or a time. As of the past there are no rows that are not committed.
type Request struct {
	Name      string
	Filter    prune.Filter
	Version   *int64
	Timestamp *time.Time
}

// Commit is a version of a table.
type Commit = protocol.Commit

// Detail is how a table is stored.
type Detail = protocol.Detail

// Snapshot is the files of some tables. Release is never nil and may be called twice. Recheck is nil
// when the files are no copies; else it looks for damaged ones after one could not be read, and says
// whether a new snapshot will have them whole.
type Snapshot struct {
	Tables  []Table
	Release func()
	Recheck func(ctx context.Context) (repaired bool, err error)
}

// Table is one table of a snapshot.
type Table struct {
	Schema *tableschema.Table
	Files  []File // committed and not flushed yet, each row in exactly one of them
	Pruned int    // files left out because of the request's filter
}

// File is a Parquet file on this machine, below one of Config.Dirs.
type File struct {
	Path      string
	Partition map[string]string
}

// Asker asks a model on behalf of a principal, with the rights and at the cost of that
// principal. Params is a JSON object of model parameters, nil for none. The error's text is
// shown to the caller. Ask must return soon after ctx ends.
type Asker interface {
	Ask(ctx context.Context, p inference.Principal, endpoint, prompt string, params json.RawMessage) (string, error)
}

// Param is the value of a :name marker, or of :name.min with Name "name.min". Type is a
// Databricks type, STRING when empty. A nil Value is NULL; Multi makes it the array Values.
type Param = protocol.Param

// Column is a column of a result.
type Column = protocol.Column

// Query is one statement of one caller.
type Query struct {
	SQL       string
	Params    []Param
	Principal inference.Principal
	Allow     func(table string) bool // may the principal read the table or view of this full name
	RowLimit  int                     // 0 for the most there is
	ByteLimit int                     // 0 for the most there is
	Timeout   time.Duration           // 0 for the default, longer with ai_query; never above the default
	Catalog   string                  // for names without one; defaults to Config's
	Schema    string
}

// Result is a whole answer.
type Result struct {
	Columns   []Column
	Rows      [][]*string // a nil cell is NULL
	Truncated bool        // a limit cut it short
	Elapsed   time.Duration
}

// Sink takes an answer as it comes: Columns once, then Rows any number of times. An error ends
// the query and is returned. The slices belong to the sink.
type Sink interface {
	Columns([]Column) error
	Rows([][]*string) error
}

// Summary is what is known after the last row.
type Summary struct {
	Rows      int64
	Truncated bool
	AICalls   int64
	Elapsed   time.Duration
}

// Warehouse runs queries.
type Warehouse struct {
	cfg    Config
	source Source
	asker  Asker
	log    *slog.Logger

	free    chan *child // workers that wait for a query
	closing chan struct{}
	once    sync.Once
	pool    sync.WaitGroup
	spawner *spawner
	scratch string
	waiting atomic.Int64
	stats   counters
}

// New starts a warehouse. Workers start in the background; the first query waits for one. asker
// may be nil: ai_query is refused then.
func New(cfg Config, source Source, asker Asker, log *slog.Logger) (*Warehouse, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	for _, d := range cfg.Dirs {
		if info, err := os.Stat(d); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("sql: %s is not a folder that can be read", d)
		}
	}
	scratch, err := os.MkdirTemp(cfg.ScratchDir, "lakegate-sql-")
	if err != nil {
		return nil, fmt.Errorf("make the workers' empty folder: %w", err)
	}
	w := &Warehouse{
		cfg: cfg, source: source, asker: asker, log: log, scratch: scratch,
		free: make(chan *child), closing: make(chan struct{}), spawner: newSpawner(),
	}
	for range cfg.Workers {
		w.pool.Go(w.keepWorker)
	}
	return w, nil
}

// Close kills the workers, and with them the queries that still run, and waits for both. It is
// safe to call twice.
func (w *Warehouse) Close() error {
	w.once.Do(func() {
		close(w.closing)
		w.pool.Wait()
		w.spawner.close()
		if err := os.RemoveAll(w.scratch); err != nil {
			w.log.Warn("remove the workers' folder", "err", err)
		}
	})
	return nil
}

// Query runs a statement and gathers its answer.
func (w *Warehouse) Query(ctx context.Context, q Query) (*Result, error) {
	var g gather
	s, err := w.Stream(ctx, q, &g)
	if err != nil {
		return nil, err
	}
	return &Result{Columns: g.columns, Rows: g.rows, Truncated: s.Truncated, Elapsed: s.Elapsed}, nil
}

type gather struct {
	columns []Column
	rows    [][]*string
}

func (g *gather) Columns(c []Column) error { g.columns = c; return nil }

func (g *gather) Rows(r [][]*string) error { g.rows = append(g.rows, r...); return nil }

// Stream runs a statement and hands its answer to sink as it comes.
func (w *Warehouse) Stream(ctx context.Context, q Query, sink Sink) (*Summary, error) {
	began := time.Now()
	w.stats.queries.Add(1)
	s, err := w.stream(ctx, q, sink)
	if err != nil {
		w.stats.failed.Add(1)
		return nil, w.publicError(ctx, err)
	}
	s.Elapsed = time.Since(began)
	return s, nil
}

func (w *Warehouse) stream(ctx context.Context, q Query, sink Sink) (*Summary, error) {
	if len(q.SQL) > w.cfg.MaxTextBytes {
		return nil, &protocol.Failure{Class: protocol.TooLarge, Message: fmt.Sprintf("the statement is longer than %d KB", w.cfg.MaxTextBytes>>10)}
	}
	if n := paramBytes(q.Params); n > maxParamBytes {
		return nil, &protocol.Failure{Class: protocol.TooLarge, Message: fmt.Sprintf("the parameters are larger than %d KB", maxParamBytes>>10)}
	}
	if !utf8.ValidString(q.SQL) {
		return nil, &protocol.Failure{Class: protocol.Refused, Message: "the statement is not valid UTF-8 text"}
	}
	s, repaired, err := w.runOnce(ctx, q, sink)
	if repaired {
		w.stats.reruns.Add(1)
		s, _, err = w.runOnce(ctx, q, sink)
	}
	return s, err
}

// runOnce runs a query on one worker. repaired says that it failed on a damaged copy of a file, which
// is whole now, before the sink got anything.
func (w *Warehouse) runOnce(ctx context.Context, q Query, sink Sink) (s *Summary, repaired bool, err error) {
	c, err := w.acquire(ctx)
	if err != nil {
		return nil, false, err
	}
	r := newRun(w, c, q, sink)
	s, err = r.do(ctx)
	w.release(c)
	return s, r.repaired, err
}

// maxParamBytes bounds the values of a statement's parameters together.
const maxParamBytes = 1 << 20

func paramBytes(params []Param) int {
	n := 0
	for _, p := range params {
		n += len(p.Name) + len(p.Type)
		if p.Value != nil {
			n += len(*p.Value)
		}
		for _, v := range p.Values {
			n += len(v)
		}
	}
	return n
}

// acquire waits for a worker, at most as long as a query may run.
func (w *Warehouse) acquire(ctx context.Context) (*child, error) {
	defer w.waiting.Add(-1)
	if n := w.waiting.Add(1); n > int64(w.cfg.MaxWaiting) {
		return nil, &protocol.Failure{Class: protocol.Busy, Message: "too many SQL queries are waiting; try again later"}
	}
	patience := time.NewTimer(w.cfg.Timeout)
	defer patience.Stop()
	select {
	case c := <-w.free:
		return c, nil
	case <-ctx.Done():
		return nil, &protocol.Failure{Class: protocol.Cancelled, Message: "the query was cancelled while it waited"}
	case <-w.closing:
		return nil, &protocol.Failure{Class: protocol.Busy, Message: "the SQL warehouse is shutting down"}
	case <-patience.C:
		if err := w.Ready(); err != nil {
			return nil, &protocol.Failure{Class: protocol.Internal, Message: "no SQL worker could be started; the gateway's log says why"}
		}
		return nil, &protocol.Failure{Class: protocol.Busy, Message: "no SQL worker came free in time; try again later"}
	}
}

// defaults fills what a query leaves open and cuts what goes above the limits.
func (w *Warehouse) defaults(q Query) Query {
	if q.RowLimit <= 0 || q.RowLimit > w.cfg.MaxRows {
		q.RowLimit = w.cfg.MaxRows
	}
	if q.ByteLimit <= 0 || q.ByteLimit > w.cfg.MaxBytes {
		q.ByteLimit = w.cfg.MaxBytes
	}
	if q.Timeout <= 0 || q.Timeout > w.cfg.Timeout {
		q.Timeout = w.cfg.Timeout
	}
	if q.Catalog = strings.Trim(q.Catalog, "`"); q.Catalog == "" {
		q.Catalog = w.cfg.Catalog
	}
	if q.Schema = strings.Trim(q.Schema, "`"); q.Schema == "" {
		q.Schema = w.cfg.Schema
	}
	return q
}
