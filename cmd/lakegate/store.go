package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
)

// openStore opens what holds a lake's tables and documents, as the configuration says. It talks to
// no server: whether one is there shows in the first use.
func openStore(ctx context.Context, cfg *config.Config, logger *slog.Logger) (objstore.Store, error) {
	if _, _, ok := cfg.Lake.Bucket(); ok {
		return openBucket(ctx, cfg, logger)
	}
	store, err := fsstore.Open(cfg.LakeFolder())
	if err != nil {
		return nil, fmt.Errorf("open the lake: %w", err)
	}
	return store, nil
}

// openExistingStore is openStore for commands that only look: a folder that is not there is a
// mistake, not a new lake.
func openExistingStore(ctx context.Context, cfg *config.Config, logger *slog.Logger) (objstore.Store, error) {
	if dir := cfg.LakeFolder(); dir != "" {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("there is no lake in the folder %s (%w); if it is in a bucket, or elsewhere, say --config with the gateway's file", dir, errors.Unwrap(err))
		}
	}
	return openStore(ctx, cfg, logger)
}

// lakePlace says where a lake is, for people.
func lakePlace(cfg *config.Config) string {
	if dir := cfg.LakeFolder(); dir != "" {
		return dir
	}
	return strings.TrimRight(cfg.Lake.URL, "/")
}

// provenStore opens the store of a lake that is to be written to. A folder keeps its promises by
// itself. reachable is false when a bucket could not be asked whether it does; that is logged.
func provenStore(ctx context.Context, cfg *config.Config, logger *slog.Logger) (store objstore.Store, reachable bool, err error) {
	if store, err = openStore(ctx, cfg, logger); err != nil {
		return nil, false, err
	}
	if _, local := store.(objstore.Local); local {
		return store, true, nil
	}
	p := newProven(store)
	switch err := p.prove(ctx); {
	case errors.Is(err, objstore.ErrUnsafe):
		return nil, false, fmt.Errorf("%s: %w", cfg.Lake.URL, err)
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case err != nil:
		logger.Warn("the store of the tables can't be reached; calls are served, their rows stay in the log until it can", "lake", cfg.Lake.URL, "error", err)
		return p, false, nil
	}
	return p, true, nil
}

func openBucket(ctx context.Context, cfg *config.Config, logger *slog.Logger) (objstore.Store, error) {
	bucket, prefix, _ := cfg.Lake.Bucket()
	c := cfg.Lake.S3
	store, err := s3store.Open(ctx, s3store.Config{
		Bucket: bucket, Prefix: prefix, Region: c.Region, Endpoint: c.Endpoint, PathStyle: c.PathStyle,
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), Timeout: c.Timeout,
	}, logger)
	if err != nil {
		return nil, fmt.Errorf("open the lake %s: %w", cfg.Lake.URL, err)
	}
	return store, nil
}
