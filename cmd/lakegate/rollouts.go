package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/rollouts"
	"github.com/lakegate/lakegate/serving"
)

// rolloutWait bounds how long a start waits for the states of rollouts. What is not known then sends
// nothing to its target until it is.
const rolloutWait = 5 * time.Second

// openRollouts makes what exchanges rollouts with the lake, and asks for their states.
func (a *app) openRollouts(ctx context.Context, metrics prometheus.Registerer) {
	a.keeper = rollouts.New(rollouts.Deps{
		Docs: a.docs, Table: a.rollouts, Gateway: a.lake.Stats().LogID, Copy: filepath.Join(a.cfg.Data, "rollouts.json"), Logger: a.logger,
		Has: func(name string) bool {
			_, there := a.gwLive.Load().Catalog.Lookup(name)
			return there
		},
		Record: func(row *inference.Audit) error { return a.lake.Audit(row) },
	})
	metrics.MustRegister(serving.NewRolloutCollector(a.rollouts, a.keeper.Failures))
	ctx, cancel := context.WithTimeout(ctx, rolloutWait)
	defer cancel()
	if err := a.keeper.Round(ctx); err != nil {
		a.logger.Warn("the state of rollouts is not known yet, or only from this gateway's copy", "error", err)
	}
}
