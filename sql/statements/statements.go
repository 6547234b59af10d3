// Package statements is Databricks' Statement Execution API over HTTP, so that its SDKs, CLI and
// drivers that speak it run SQL here without changes.
//
//	POST /api/2.0/sql/statements                          run; answers at once, with the rows, or in between
//	GET  /api/2.0/sql/statements/{id}                     state, and the first rows
//	GET  /api/2.0/sql/statements/{id}/result/chunks/{n}   more rows
//	POST /api/2.0/sql/statements/{id}/cancel
//	GET  /api/2.0/sql/warehouses, /warehouses/{id}        the one there is, "lakegate"
//
// What it promises: a statement runs in a context of its own and outlives the request that brought
// it; it ends by itself, by cancel, by Config.MaxRuntime or by Close, and its state never changes
// after that. Only the API key that brought a statement can see, read or cancel it: to all others it
// does not exist. A failed statement is HTTP 200 with state FAILED, as at Databricks; a request that
// is wrong is an HTTP error in Databricks' shape. What is kept is bounded: results of the last
// Config.ResultTTL, at most Config.MaxResultBytes of them, the oldest go first.
//
// What it does not: results as Arrow, CSV or external links, a list of statements, and surviving a
// restart. The rights to tables are those of the moment a statement was brought. A statement that
// waits for a worker is RUNNING, not PENDING.
//
// An API is safe for concurrent use. Tests use a Runner of their own.
package statements

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// Runner runs one statement; *warehouse.Warehouse is one. Query must return soon after ctx ends.
// The result is read, not changed.
type Runner interface {
	Query(ctx context.Context, q warehouse.Query) (*warehouse.Result, error)
}

// Config bounds what the API takes and keeps.
type Config struct {
	ResultTTL       time.Duration // a finished statement is kept this long
	MaxResultBytes  int64         // of all results kept, as JSON; a larger one fails
	MaxPerPrincipal int           // statements that run at a time, per API key
	ChunkBytes      int           // a chunk ends with the row that reaches it
	ChunkRows       int           // rows of a chunk
	MaxBodyBytes    int64         // of a request
	MaxRuntime      time.Duration // of a statement, the wait for a worker included; a backstop: the Runner has limits of its own
}

// DefaultConfig returns limits that fit a warehouse's defaults.
func DefaultConfig() Config {
	return Config{
		ResultTTL: time.Hour, MaxResultBytes: 256 << 20, MaxPerPrincipal: 16,
		ChunkBytes: 8 << 20, ChunkRows: 50_000, MaxBodyBytes: 1 << 20, MaxRuntime: 15 * time.Minute,
	}
}

// Validate reports every fault of the configuration.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.ResultTTL > 0, "sql statements: result TTL is %s, want above zero", c.ResultTTL)
	check(c.MaxResultBytes >= 1<<10, "sql statements: max result bytes is %d, want at least 1024", c.MaxResultBytes)
	check(c.MaxPerPrincipal >= 1, "sql statements: max per principal is %d, want at least 1", c.MaxPerPrincipal)
	check(c.ChunkBytes >= 1 && c.ChunkRows >= 1, "sql statements: a chunk of %d bytes and %d rows, want at least 1 of each", c.ChunkBytes, c.ChunkRows)
	check(c.MaxBodyBytes >= 1<<10, "sql statements: max body is %d bytes, want at least 1024", c.MaxBodyBytes)
	check(c.MaxRuntime > 0, "sql statements: max runtime is %s, want above zero", c.MaxRuntime)
	return errors.Join(errs...)
}

// Deps is what the API needs of others.
type Deps struct {
	Warehouse Runner
	// Authenticate says who holds a token and which tables the holder may read, by full name. ok is
	// false for a token nobody holds; allow is not nil otherwise.
	Authenticate func(token string) (p inference.Principal, allow func(table string) bool, ok bool)
	Logger       *slog.Logger
	Now          func() time.Time // nil for time.Now
}

// API is the statements that run and the results that are kept.
type API struct {
	cfg   Config
	deps  Deps
	shelf *shelf
	newID func() string
	runs  sync.WaitGroup
}

// New returns an API. It starts nothing until a statement comes; Close ends what came.
func New(cfg Config, deps Deps) (*API, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Warehouse == nil || deps.Authenticate == nil || deps.Logger == nil {
		return nil, errors.New("sql statements: Warehouse, Authenticate and Logger must be given")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &API{cfg: cfg, deps: deps, shelf: newShelf(cfg, deps.Now), newID: uuid.NewString}, nil
}

// Close refuses new statements, ends those that run with TEMPORARILY_UNAVAILABLE, which answers the
// requests that wait for them, and waits for the Runner to let go of them. It returns ctx's error
// when ctx ends first. It is safe to call twice; results can be read on.
func (a *API) Close(ctx context.Context) error {
	a.shelf.close(&outcome{state: failed, fault: shutdownFault})
	done := make(chan struct{})
	go func() { // ends with the last statement
		a.runs.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for SQL statements to end: %w", ctx.Err())
	}
}
