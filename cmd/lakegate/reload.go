package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// live is the part of the configuration that can change while the gateway runs: endpoints and
// keys. apply swaps both at once.
type live struct {
	path   string
	lake   *tablewriter.Writer
	docs   *state.Docs
	logger *slog.Logger
	swap   func(*endpoint.Catalog, *auth.Keys)

	override func(*config.Config) // what flags say over the file; nil for nothing

	mu     sync.Mutex
	now    *config.Config
	memory endpoint.Memory
}

// What endpoints there were, and since when, is remembered in one document per data folder.
const (
	memoryKind = "gateway"
	memoryID   = "endpoints"
)

// start loads the memory of earlier runs and applies the first configuration.
func (l *live) start(ctx context.Context, cfg *config.Config) error {
	doc, _, err := l.docs.Get(ctx, memoryKind, memoryID)
	switch {
	case errors.Is(err, state.ErrNotFound):
	case err != nil:
		return fmt.Errorf("read what endpoints there were: %w", err)
	default:
		if err := json.Unmarshal(doc, &l.memory); err != nil {
			return fmt.Errorf("read what endpoints there were: document %s/%s: %w", memoryKind, memoryID, err)
		}
	}
	return l.apply(ctx, cfg)
}

// reload reads the file again. A bad file changes nothing and is reported.
func (l *live) reload(ctx context.Context, why string) {
	cfg, err := config.Load(l.path, os.LookupEnv)
	if err != nil {
		l.logger.Error("the config file is bad; the old configuration stays", "why", why, "error", err.Error())
		return
	}
	if l.override != nil {
		l.override(cfg)
	}
	l.mu.Lock()
	old := l.now
	l.mu.Unlock()
	if needsRestart(old, cfg) {
		l.logger.Warn("the config file changes settings that take effect at the next start; endpoints and keys are reloaded now", "why", why)
	}
	if err := l.apply(ctx, cfg); err != nil {
		l.logger.Error("the new configuration was not taken", "why", why, "error", err.Error())
		return
	}
	l.logger.Info("configuration reloaded", "why", why, "endpoints", len(cfg.Endpoints), "keys", len(cfg.Keys))
}

// needsRestart reports whether anything but endpoints, keys and secrets differs.
func needsRestart(old, next *config.Config) bool {
	a, b := *old, *next
	a.Endpoints, a.Keys, a.Secrets = b.Endpoints, b.Keys, b.Secrets
	return !reflect.DeepEqual(a, b)
}

// apply makes cfg's endpoints and keys the ones in force, and logs what changed as rows.
func (l *live) apply(ctx context.Context, cfg *config.Config) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now().UTC()
	catalog, err := cfg.Catalog(l.memory, now)
	if err != nil {
		return err
	}
	keys, err := cfg.AuthKeys()
	if err != nil {
		return err
	}
	if err := declarePayloads(ctx, l.lake, catalog); err != nil {
		l.logger.Warn("a payload table can't be made yet; its first row tries again", "error", err)
	}
	changes := l.memory.Diff(catalog, now)
	for i := range changes {
		if err := l.lake.Entity(&changes[i]); err != nil {
			return fmt.Errorf("log a change of endpoint %q: %w", changes[i].EndpointName, err)
		}
	}
	l.swap(catalog, keys)
	l.now, l.memory = cfg, catalog.Memory()
	if len(changes) == 0 {
		return nil
	}
	return l.remember(ctx)
}

func (l *live) remember(ctx context.Context) error {
	doc, err := json.Marshal(l.memory)
	if err != nil {
		return fmt.Errorf("remember the endpoints: %w", err)
	}
	_, v, err := l.docs.Get(ctx, memoryKind, memoryID)
	if errors.Is(err, state.ErrNotFound) {
		_, err = l.docs.Create(ctx, memoryKind, memoryID, doc)
	} else if err == nil {
		_, err = l.docs.Replace(ctx, memoryKind, memoryID, v, doc)
	}
	if err != nil {
		return fmt.Errorf("remember the endpoints: %w", err)
	}
	return nil
}
