package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/pricing"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// live is the part of the configuration that can change while the gateway runs: endpoints, keys and
// prices. apply swaps the first two at once.
type live struct {
	configSource
	lake   *tablewriter.Writer
	memory *memory
	stored *stored // endpoints of the API
	logger *slog.Logger
	swap   func(*endpoint.Catalog, *auth.Keys)
	prices func(*pricing.List)

	mu      sync.Mutex
	now     *config.Config  // the file
	merged  *config.Config  // the same with the endpoints of the API
	creds   *credential.Set // of the catalog in force
	pending bool            // now is in force, but what changed with it is not remembered yet
	nowhere []string        // what was named last that is not there
}

// start applies the first configuration.
func (l *live) start(ctx context.Context, cfg *config.Config) error {
	err := l.apply(ctx, cfg)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sayNowhere(true)
	}
	return err
}

// sayNowhere tells of endpoints that keys may call, or comparisons are judged by, and that are neither in the
// file nor made through the API yet: they may be misspelt. again: also if all were told of before. It
// is called with mu held.
func (l *live) sayNowhere(again bool) {
	list := l.merged.NowhereFor()
	fresh := slices.ContainsFunc(list, func(x string) bool { return !slices.Contains(l.nowhere, x) })
	l.nowhere = list
	if fresh || again && len(list) > 0 {
		l.logger.Warn("the configuration names endpoints that are not there; they can be made through the API", "missing", strings.Join(list, ", "))
	}
}

// Why the configuration is read again.
const (
	hangup        = "SIGHUP"
	fileChanged   = "file changed"
	secretChanged = "secret changed"
)

// reload reads the file again, and the secrets it refers to. A bad file changes nothing and is reported,
// and so is a secret that is not there any more.
func (l *live) reload(ctx context.Context, why string) {
	cfg, err := l.load(ctx, why == hangup)
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
		l.logger.Warn("the config file changes settings that take effect at the next start; endpoints, keys and prices are reloaded now", "why", why)
	}
	if err := l.apply(ctx, cfg); err != nil {
		l.logger.Error("the new configuration was not taken", "why", why, "error", err.Error())
		return
	}
	l.mu.Lock()
	l.sayNowhere(true)
	l.mu.Unlock()
	l.logger.Info("configuration reloaded", "why", why, "endpoints", len(cfg.Endpoints), "keys", len(cfg.Keys))
}

func (l *live) load(ctx context.Context, fresh bool) (*config.Config, error) {
	if l.secrets == nil {
		return config.Load(l.path, os.LookupEnv)
	}
	return l.secrets.load(ctx, l.path, fresh)
}

// needsRestart reports whether anything but endpoints, keys, secrets, prices and retention differs.
func needsRestart(old, next *config.Config) bool {
	a, b := *old, *next
	a.Endpoints, a.Keys, a.Secrets = b.Endpoints, b.Keys, b.Secrets
	a.Retention = b.Retention
	a.PriceList, a.Prices = b.PriceList, b.Prices
	a.TakeSecrets(&b)
	return !reflect.DeepEqual(a, b)
}

// declareTimeout bounds making payload tables that are not there; their first row tries again.
const declareTimeout = 10 * time.Second

// apply makes cfg's endpoints, keys and prices the ones in force, and logs what changed as rows.
func (l *live) apply(ctx context.Context, cfg *config.Config) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(ctx, cfg)
}

func (l *live) take(ctx context.Context, cfg *config.Config) error {
	keys, err := cfg.AuthKeys()
	if err != nil {
		return err
	}
	prices, err := pricesOf(cfg)
	if err != nil {
		return err
	}
	creds := l.creds.Next()
	catalog, merged, err := l.remembered(ctx, cfg, creds)
	if err != nil {
		return err
	}
	declare, cancel := context.WithTimeout(ctx, declareTimeout)
	defer cancel()
	if err := declarePayloads(declare, l.lake, catalog); err != nil {
		l.logger.Warn("a payload table can't be made yet; its first row tries again", "error", err)
	}
	l.swap(catalog, keys)
	l.prices(prices)
	l.now, l.merged, l.creds = cfg, merged, creds
	return nil
}

// remembered compiles the endpoints of cfg and of the API, dated by what is remembered. Of several gateways that
// take the same change up at once, the one that gets to change the memory logs it as rows: a process
// that dies right between the two leaves those rows out. While the store can't be reached, the copy
// of it will do; retry then makes up for it.
//
// What the API's endpoints are is looked up after the memory: one that is remembered is among them.
func (l *live) remembered(ctx context.Context, file *config.Config, creds *credential.Set) (*endpoint.Catalog, *config.Config, error) {
	for {
		now := time.Now().UTC()
		mem, version, err := l.memory.recall(ctx)
		if err == nil {
			_, err = l.stored.refresh(ctx)
		}
		if err != nil {
			return l.fromCopy(ctx, file, now, creds, err)
		}
		cfg := l.withEndpoints(ctx, file)
		catalog, err := cfg.Catalog(mem, now, creds)
		if err != nil {
			return nil, nil, err
		}
		changes := mem.Diff(catalog, now)
		if len(changes) > 0 {
			err := l.memory.change(ctx, version, catalog.Memory())
			if errors.Is(err, state.ErrChanged) || errors.Is(err, state.ErrExists) {
				continue // each time round somebody else got ahead, who is done then
			}
			if err != nil {
				return l.fromCopy(ctx, file, now, creds, err)
			}
		}
		for i := range changes {
			l.stored.sayWhoDeleted(&changes[i])
			if err := l.lake.Entity(&changes[i]); err != nil {
				return nil, nil, fmt.Errorf("log a change of endpoint %q: %w", changes[i].EndpointName, err)
			}
		}
		l.pending = false
		return catalog, cfg, l.memory.copy(catalog.Memory())
	}
}

// withEndpoints adds the endpoints of the API to the file's. The secrets they refer to are looked after
// beside the file's own.
func (l *live) withEndpoints(ctx context.Context, file *config.Config) *config.Config {
	if l.secrets == nil {
		return l.stored.merged(file, nil)
	}
	r := l.secrets.vault.Round(false)
	defer r.Done(false)
	return l.stored.merged(file, l.secrets.find(ctx, r))
}

func (l *live) fromCopy(ctx context.Context, file *config.Config, now time.Time, creds *credential.Set, why error) (*endpoint.Catalog, *config.Config, error) {
	mem, err := l.memory.recallCopy()
	if err = errors.Join(err, l.stored.recall()); err != nil {
		return nil, nil, errors.Join(why, err)
	}
	if !l.pending {
		l.logger.Warn("what endpoints there were is taken from this gateway's copy; it is compared when the store can be reached", "error", why)
	}
	l.pending = true
	cfg := l.withEndpoints(ctx, file)
	catalog, err := cfg.Catalog(mem, now, creds)
	return catalog, cfg, err
}

// config is the configuration in force, with the endpoints of the API.
func (l *live) config() *config.Config {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.merged
}

// follow takes up what others changed through the API, and returns what there is then. An error says
// that the store could not be reached: what was in force stays.
func (l *live) follow(ctx context.Context) (endpoints.Set, error) {
	return l.taken(ctx, l.stored.refresh)
}

// poll is follow where there may be news.
func (l *live) poll(ctx context.Context) error {
	_, err := l.taken(ctx, func(ctx context.Context) (bool, error) { return l.stored.poll(ctx, time.Now()) })
	return err
}

func (l *live) taken(ctx context.Context, look func(context.Context) (bool, error)) (endpoints.Set, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	news, err := look(ctx)
	if err != nil {
		return nil, err
	}
	if news {
		if err := l.take(ctx, l.now); err != nil {
			return nil, err
		}
		l.sayNowhere(false)
	}
	return l.stored.set, nil
}

// retry takes the configuration in force up again when the store could not be reached for it.
func (l *live) retry(ctx context.Context) {
	l.mu.Lock()
	cfg, pending := l.now, l.pending
	l.mu.Unlock()
	if !pending {
		return
	}
	if err := l.apply(ctx, cfg); err != nil {
		l.logger.Warn("endpoints could not be compared with what there was", "error", err)
	}
}
