package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/forget"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// background is what a gateway does beside serving: it tells the others that it is there,
// maintains the tables, and makes up for what the store was away for.
type background struct {
	work     sync.WaitGroup
	stop     context.CancelFunc
	presence *gateways.Registration
	keeper   *maintain.Keeper // looks at tables; maintains them when there is no file to start a maintainer with
	logger   *slog.Logger
	once     sync.Once
}

// startBackground ends with close.
func (a *app) startBackground(ctx context.Context, metrics prometheus.Registerer) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	b := &background{logger: a.logger}
	id := a.lake.Stats().LogID
	own := func() []*tableschema.Table { return ownTables(a.gwLive.Load().Catalog) }
	retention := func(t *tableschema.Table) int { return retentionOf(a.live.config(), t) }
	holder := fmt.Sprintf("%s (%.8s)", host, id)
	b.keeper, err = openKeeper(a.cfg, holder, a.store, a.docs, own, retention, nil, a.logger)
	if err != nil {
		return err
	}
	b.presence = gateways.Register(a.docs, gateways.Gateway{LogID: id, Host: host, Version: version}, a.status, a.logger)
	eraser := a.newEraser(b.presence, id, host)
	survey := &survey{keeper: b.keeper, docs: a.docs, tables: own, policy: string(a.cfg.Log.WhenFull), proven: a.storeProven}
	// Without a file, a gateway of a demo or a test, the work is done here.
	maintainTables, stats := b.keeper.Run, b.keeper.Stats
	if a.live.path != "" {
		m := newMaintainer(a.live.path, a.cfg.Data, holder, a.logger)
		maintainTables, stats = m.run, m.Stats
	}
	metrics.MustRegister(newKeeperCollector(stats), survey)
	if a.storeProven() {
		catchUp, cancel := context.WithTimeout(ctx, eraseTimeout)
		defer cancel()
		if err := eraser.CatchUp(catchUp); err != nil {
			a.logger.Warn("requests to forget could not be looked after before serving; they are looked at again", "error", err)
		}
	}
	background, stop := context.WithCancel(context.Background())
	b.stop = stop
	ctx = background
	b.work.Go(func() { eraser.Run(ctx) })
	b.work.Go(func() { survey.run(ctx) })
	b.work.Go(func() { b.presence.Run(ctx) })
	b.work.Go(func() { a.live.retryUntil(ctx) })
	b.work.Go(func() { a.live.followUntil(ctx) })
	b.work.Go(func() { a.warm.Run(ctx) })
	b.work.Go(func() { a.keeper.Run(ctx) })
	if a.cfg.Maintenance.Enabled {
		b.work.Go(func() { maintainTables(ctx) })
	}
	a.background = b
	return nil
}

// storeProven reports whether the store may be written to; see proven.
func (a *app) storeProven() bool {
	p, bucket := a.store.(*proven)
	return !bucket || p.ok.Load()
}

// eraseTimeout bounds what a gateway does for requests to forget before it serves. The rest it does
// while it serves.
const eraseTimeout = time.Minute

// newEraser does this gateway's part of requests to forget.
func (a *app) newEraser(entry *gateways.Registration, id, host string) *forget.Agent {
	return forget.NewAgent(
		forget.Config{Store: a.store, Logger: a.logger, Version: version, Holder: fmt.Sprintf("%s (%.8s)", host, id)},
		forget.Gateway{
			Log: id, Host: host, Folder: a.cfg.Data, Purge: a.lake.Purge, DropCopies: a.lake.DropCopies, Entry: entry,
		})
}

// status is what this gateway says of itself at each heartbeat.
func (a *app) status() gateways.Status {
	s := a.lake.Stats()
	status := gateways.Status{LandedThrough: s.LandedThrough}
	if !s.Unlanded.IsZero() {
		status.UnlandedBytes = max(1, s.UnlandedBytes)
	}
	return status
}

// quiesce ends the work. After it the lake may be closed.
func (b *background) quiesce() {
	b.stop()
	b.work.Wait()
}

// farewell tells the others that this gateway has ended, and whether it left rows in its log. Who
// can't be told will notice that nothing was heard of it.
func (b *background) farewell(ctx context.Context) {
	b.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, farewellTimeout)
		defer cancel()
		if err := b.presence.Stop(ctx); err != nil {
			b.logger.Warn("the other gateways could not be told that this one stops", "error", err)
		}
	})
}

const farewellTimeout = 5 * time.Second

const retryInterval = 10 * time.Second

// retryUntil makes up for configurations that were applied without the store, until ctx ends.
func (l *live) retryUntil(ctx context.Context) {
	tick := time.NewTicker(retryInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.retry(ctx)
		}
	}
}

// followUntil takes up changes that were made through other gateways, until ctx ends. While the store
// is away, what is in force stays; that is said once.
func (l *live) followUntil(ctx context.Context) {
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	away := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := l.poll(ctx)
		if err != nil && !away && ctx.Err() == nil {
			l.logger.Warn("changes of endpoints made through the API can't be looked for; those that are known stay", "error", err)
		}
		away = err != nil
	}
}
