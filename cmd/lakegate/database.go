package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/sql/warehouse"
	systemtables "github.com/lakegate/lakegate/system_tables"
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
	server, data string
	timeout      time.Duration
}

func (w *where) flags(c *cobra.Command) {
	c.Flags().StringVar(&w.server, "server", "", "address of a running gateway (default $"+serverVar+" or "+defaultServer+"); the API key comes from $"+keyVar)
	c.Flags().StringVar(&w.data, "data", "", "read this data folder instead, while no gateway runs on it")
	c.Flags().DurationVar(&w.timeout, "timeout", time.Minute, "give up after this long")
	c.MarkFlagsMutuallyExclusive("server", "data")
}

// open returns the database the flags name.
func (w *where) open(ctx context.Context) (database, error) {
	if w.data != "" {
		return openFolder(ctx, w.data, w.timeout)
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
		return nil, fmt.Errorf("set %s to an API key of the gateway at %s, or read a folder with --data DIR", keyVar, server)
	}
	return &remote{base: server, key: key, timeout: w.timeout}, nil
}

// folder is a data folder without a gateway.
type folder struct {
	lake *tablewriter.Reader
	db   *warehouse.Warehouse
}

func openFolder(ctx context.Context, dir string, timeout time.Duration) (*folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	c := tablewriter.DefaultConfig(dir)
	c.Tables = systemtables.Tables()
	def := systemtables.DefaultConfig()
	quiet := stderrLogger(slog.LevelWarn)
	lake, err := tablewriter.OpenReader(ctx, c, feeds(def.AccountID, def.WorkspaceID), quiet)
	if err != nil {
		return nil, err
	}
	sql := config.DefaultConfig().SQL
	sql.Workers, sql.Timeout = 1, timeout
	sql.MaxRows, sql.MaxBytes = 5_000_000, config.Bytes(1<<30)
	db, err := openWarehouse(sql, []string{lakeDir(dir), lake.HotDir()}, "", lake, nil, quiet)
	if err != nil {
		return nil, errors.Join(err, lake.Close())
	}
	return &folder{lake, db}, nil
}

func (f *folder) query(ctx context.Context, sql string, rows int) (*warehouse.Result, error) {
	return f.db.Query(ctx, warehouse.Query{
		SQL: sql, RowLimit: rows,
		Principal: inference.Principal{Name: "local", Kind: inference.User},
		Allow:     func(string) bool { return true }, // who can read the folder can read its files
	})
}

func (f *folder) close() error { return errors.Join(f.db.Close(), f.lake.Close()) }
