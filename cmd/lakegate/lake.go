package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
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
		inferencetables.NewFeed(),
	}
}

// openLake opens the data folder for a gateway.
func openLake(ctx context.Context, cfg *config.Config, logger *slog.Logger) (*tablewriter.Writer, *fsstore.Store, error) {
	store, err := fsstore.Open(lakeDir(cfg.Data))
	if err != nil {
		return nil, nil, fmt.Errorf("open the lake: %w", err)
	}
	c := tablewriter.DefaultConfig(cfg.Data)
	c.Store = store
	c.Tables = systemtables.Tables()
	c.Version = version
	c.FlushInterval = cfg.Flush.Interval
	c.SegmentBytes = int64(cfg.Flush.Bytes)
	c.MaxBacklogBytes = max(int64(cfg.Log.MaxBacklog), c.SegmentBytes)
	c.SyncInterval = cfg.Log.SyncInterval
	w, err := tablewriter.Open(ctx, c, feeds(cfg.AccountID, cfg.WorkspaceID), logger)
	if errors.Is(err, tablewriter.ErrLocked) {
		return nil, nil, fmt.Errorf("another gateway or a reading command has the data folder %s: %w", cfg.Data, err)
	}
	if err != nil {
		return nil, nil, err
	}
	return w, store, nil
}

func lakeDir(data string) string { return filepath.Join(data, "lake") }

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
