package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/lakegate/lakegate/dashboards/console"
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// openWarehouse starts SQL workers: child processes of this binary that may read dirs. scratch is
// where their empty working folder goes, "" for the system's place.
func openWarehouse(c config.SQL, dirs []string, scratch string, lake lakeView, asker warehouse.Asker, logger *slog.Logger) (*warehouse.Warehouse, error) {
	self, err := thisProgram()
	if err != nil {
		return nil, err
	}
	cfg := warehouse.DefaultConfig()
	cfg.Command = []string{self, workerName}
	for _, d := range dirs {
		abs, err := filepath.Abs(d)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(abs, 0o700); err != nil {
			return nil, fmt.Errorf("make folder for SQL: %w", err)
		}
		cfg.Dirs = append(cfg.Dirs, abs)
	}
	cfg.ScratchDir = scratch
	cfg.Workers = c.Workers
	cfg.Timeout = c.Timeout
	cfg.MemoryBytes = int64(c.Memory)
	cfg.AddressSpace = max(cfg.AddressSpace, cfg.MemoryBytes+3<<30)
	cfg.MaxRows = c.MaxRows
	cfg.MaxBytes = int(c.MaxBytes)
	cfg.AIWidth = c.AIQueryConcurrency
	return warehouse.New(cfg, source{lake}, asker, logger)
}

// thisProgram is what SQL workers are started with. Where the system has a name for the running
// program itself, that is used: the file may have been replaced by another version meanwhile.
func thisProgram() (string, error) {
	const running = "/proc/self/exe"
	if _, err := os.Stat(running); err == nil {
		return running, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program, to start SQL workers with: %w", err)
	}
	return self, nil
}

// asker lets SQL ask models through the gateway, as whoever runs the SQL.
type asker struct {
	gateway *gateway.Gateway
	live    *gateway.Live
}

func (a asker) Ask(ctx context.Context, p inference.Principal, endpoint, prompt string, params json.RawMessage) (string, error) {
	k := keyOf(a.live, p)
	if k == nil {
		return "", apierr.New(apierr.Unauthenticated, "the API key %q is not valid any more", p.KeyID)
	}
	return a.gateway.Ask(ctx, p, endpoint, prompt, gateway.AskOptions{Params: params, MayCall: k.MayCall, Admin: k.Admin})
}

// keyOf returns the key a principal came with, nil when it was taken away since.
func keyOf(live *gateway.Live, p inference.Principal) *auth.Key {
	for _, k := range live.Load().Keys.All() {
		if k.Name == p.KeyID {
			return k
		}
	}
	return nil
}

// mayRead returns what a principal may read now.
func mayRead(live *gateway.Live, p inference.Principal) func(table string) bool {
	k := keyOf(live, p)
	return func(table string) bool { return k != nil && k.MayRead(table) }
}

// consoleRunner runs the dashboards' queries as their viewer.
type consoleRunner struct {
	db   *warehouse.Warehouse
	live *gateway.Live
}

func (r consoleRunner) Query(ctx context.Context, p inference.Principal, q console.Query) (*console.Result, error) {
	wq := warehouse.Query{
		SQL: q.SQL, Principal: p, Allow: mayRead(r.live, p),
		RowLimit: q.RowLimit, Catalog: q.Catalog, Schema: q.Schema,
	}
	for i := range q.Params {
		x := &q.Params[i]
		wq.Params = append(wq.Params, warehouse.Param{Name: x.Name, Type: x.Type, Value: &x.Value})
	}
	res, err := r.db.Query(ctx, wq)
	if err != nil {
		return nil, err
	}
	out := &console.Result{Rows: res.Rows, Truncated: res.Truncated}
	for _, c := range res.Columns {
		out.Columns = append(out.Columns, console.Column{Name: c.Name, Type: c.TypeName})
	}
	return out, nil
}
