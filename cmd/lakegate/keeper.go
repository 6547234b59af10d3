package main

import (
	"log/slog"
	"strings"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/serving/endpoint"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// openKeeper makes what maintains tables, as the configuration says. holder is who it is to others.
func openKeeper(cfg *config.Config, holder string, store objstore.Store, docs *state.Docs, tables func() []*tableschema.Table,
	retention func(*tableschema.Table) int, onRound func(maintain.Stats), logger *slog.Logger,
) (*maintain.Keeper, error) {
	c := maintain.DefaultConfig()
	c.Holder, c.Version = holder, version
	c.TargetFileBytes = int64(cfg.Maintenance.TargetFileSize)
	c.Interval = cfg.Maintenance.Interval
	c.SweepEvery = max(c.SweepEvery, c.Interval)
	c.VacuumAge = cfg.Maintenance.VacuumAfter
	c.LogRetention = cfg.Maintenance.KeepHistory
	c.Retention = retention
	c.OnRound = onRound
	return maintain.New(c, store, docs, tables, logger)
}

// ownTables are the tables that a gateway maintains: its system tables and the payload tables of its
// endpoints. What else is in the lake belongs to others.
func ownTables(c *endpoint.Catalog) []*tableschema.Table {
	all := systemtables.Tables()
	for _, e := range c.All() {
		if e.Payload != nil {
			all = append(all, declared(e.Payload.Table))
		}
	}
	return all
}

// retentionOf says after how many days a table's rows are deleted: what its endpoint says, else what
// holds for its kind. Tables that are not lakegate's keep theirs.
func retentionOf(cfg *config.Config, t *tableschema.Table) int {
	name := t.Name.String()
	for i := range cfg.Endpoints {
		if p := cfg.Endpoints[i].AIGateway.InferenceTable; p.On() && strings.EqualFold(p.Table(), name) {
			return *p.RetentionDays
		}
	}
	for _, s := range systemtables.Tables() {
		if s.Name == t.Name {
			return cfg.Retention.Usage
		}
	}
	if _, _, ours := t.Column("databricks_request_id"); ours && strings.HasSuffix(name, "_payload") {
		return cfg.Retention.Payloads
	}
	return 0
}
