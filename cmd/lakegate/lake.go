package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/serving/endpoint"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// feeds are the tables that facts become rows of.
func feeds(accountID, workspaceID string) []tablewriter.Feed {
	cfg := systemtables.Config{AccountID: accountID, WorkspaceID: workspaceID}
	return []tablewriter.Feed{
		systemtables.NewUsageFeed(cfg),
		systemtables.NewEntityFeed(cfg),
		systemtables.NewLossFeed(cfg),
		systemtables.NewAuditFeed(cfg),
		systemtables.NewComparisonFeed(cfg),
		inferencetables.NewFeed(),
	}
}

// startTimeout bounds what a gateway asks its store before it serves, when the store is not there.
const startTimeout = 5 * time.Second

// openLake opens the data folder and the store for a gateway. A store that can't be reached is no
// error: rows stay in the log.
func openLake(ctx context.Context, cfg *config.Config, full *fullPolicies, logger *slog.Logger) (*tablewriter.Writer, objstore.Store, error) {
	store, reachable, err := provenStore(ctx, cfg, logger)
	if err != nil {
		return nil, nil, err
	}
	if !reachable {
		bounded, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		ctx = bounded
	}
	c := writerConfig(cfg, store)
	c.WhenFull = full.of
	w, err := tablewriter.Open(ctx, c, feeds(cfg.AccountID, cfg.WorkspaceID), logger)
	if errors.Is(err, tablewriter.ErrLocked) {
		return nil, nil, fmt.Errorf("another gateway or a reading command has the data folder %s: %w", cfg.Data, err)
	}
	if err != nil {
		return nil, nil, err
	}
	return w, store, nil
}

// writerConfig is the configuration of a lake's writer and readers.
func writerConfig(cfg *config.Config, store objstore.Store) tablewriter.Config {
	c := tablewriter.DefaultConfig(cfg.Data)
	c.Store = store
	c.Tables = systemtables.Tables()
	c.Version = version
	c.FlushInterval = cfg.Flush.Interval
	c.SegmentBytes = int64(cfg.Flush.Bytes)
	c.MaxBacklogBytes = max(int64(cfg.Log.MaxBacklog), c.SegmentBytes)
	c.SyncInterval = cfg.Log.SyncInterval
	c.CacheBytes = int64(cfg.Lake.Cache.MaxSize)
	return c
}

// declarePayloads makes the payload tables of a catalog known, so that they can be queried before
// they have rows.
func declarePayloads(ctx context.Context, w *tablewriter.Writer, c *endpoint.Catalog) error {
	var errs []error
	for _, e := range c.All() {
		if e.Payload == nil {
			continue
		}
		t, err := inferencetables.NewTable(e.Payload.Table.String())
		if err == nil {
			err = w.Declare(ctx, t)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("payload table of endpoint %q: %w", e.Name, err))
		}
	}
	return errors.Join(errs...)
}

// tablePath is the folder of a table in the store.
func tablePath(name string) string { return strings.ReplaceAll(name, ".", "/") }
