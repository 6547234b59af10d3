package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// database is where the SQL of a command runs: in a running gateway, or over a data folder that no
// gateway has open.
type database interface {
	query(ctx context.Context, sql string, rows int) (*warehouse.Result, error)
	close() error
}

const (
	serverVar     = "LAKEGATE_SERVER"
	keyVar        = "LAKEGATE_API_KEY"
	defaultServer = "http://127.0.0.1:8080"
)

// where are the flags that say which database a command asks.
type where struct {
	server  string
	lake    lakeFlags
	timeout time.Duration
}

func (w *where) flags(c *cobra.Command) {
	c.Flags().StringVar(&w.server, "server", "", "address of a running gateway (default $"+serverVar+" or "+defaultServer+"); the API key comes from $"+keyVar)
	w.lake.flags(c, "while no gateway runs on it")
	c.Flags().DurationVar(&w.timeout, "timeout", time.Minute, "give up after this long")
	c.MarkFlagsMutuallyExclusive("server", "data")
	c.MarkFlagsMutuallyExclusive("server", "config")
}

// open returns the database the flags name.
func (w *where) open(ctx context.Context) (database, error) {
	if w.lake.given() {
		cfg, err := w.lake.load(ctx)
		if err != nil {
			return nil, err
		}
		return openStopped(ctx, cfg, w.timeout)
	}
	server := w.server
	if server == "" {
		server = os.Getenv(serverVar)
	}
	if server == "" {
		server = defaultServer
	}
	key := os.Getenv(keyVar)
	if key == "" {
		return nil, fmt.Errorf("set %s to an API key of the gateway at %s, or read a stopped one with --data DIR or --config FILE", keyVar, server)
	}
	return &remote{base: server, key: key, timeout: w.timeout}, nil
}

// stopped is a lake with the data folder of a gateway that does not run.
type stopped struct {
	store objstore.Store
	lake  *tablewriter.Reader
	db    *warehouse.Warehouse
}

func openStopped(ctx context.Context, cfg *config.Config, timeout time.Duration) (*stopped, error) {
	quiet := stderrLogger(slog.LevelWarn)
	store, err := openExistingStore(ctx, cfg, quiet)
	if err != nil {
		return nil, err
	}
	lake, err := tablewriter.OpenReader(ctx, writerConfig(cfg, store), feeds(cfg.AccountID, cfg.WorkspaceID), quiet)
	if err != nil {
		return nil, err
	}
	sql := cfg.SQL
	sql.Workers, sql.Timeout = 1, timeout
	sql.MaxRows, sql.MaxBytes = 5_000_000, config.Bytes(1<<30)
	db, err := openWarehouse(sql, lake.Dirs(), "", lake, nil, quiet)
	if err != nil {
		return nil, errors.Join(err, lake.Close())
	}
	return &stopped{store, lake, db}, nil
}

func (f *stopped) query(ctx context.Context, sql string, rows int) (*warehouse.Result, error) {
	return f.db.Query(ctx, warehouse.Query{
		SQL: sql, RowLimit: rows,
		Principal: inference.Principal{Name: "local", Kind: inference.User},
		Allow:     func(string) bool { return true }, // who can read the folder can read its files
	})
}

func (f *stopped) close() error { return errors.Join(f.db.Close(), f.lake.Close()) }
