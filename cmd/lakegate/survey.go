package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// survey looks at the tables and the other gateways now and then, for metrics. It costs four requests
// to the store per table.
type survey struct {
	keeper *maintain.Keeper
	docs   *state.Docs
	tables func() []*tableschema.Table
	policy string // log.when_full
	proven func() bool

	mu       sync.Mutex
	found    []surveyed
	gateways []gateways.Gateway
	at       time.Time // when everything could be looked at last
}

type surveyed struct {
	maintain.Description
	holder string // of its lease
}

const (
	surveyInterval = 5 * time.Minute
	surveyTimeout  = time.Minute
)

// run looks until ctx ends.
func (s *survey) run(ctx context.Context) {
	tick := time.NewTicker(surveyInterval)
	defer tick.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look keeps what it knew of what can't be looked at now: landing and readiness tell that the store
// is away.
func (s *survey) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	var found []surveyed
	for _, t := range s.tables() {
		d, err := s.keeper.Describe(ctx, t)
		if err != nil {
			continue
		}
		holder, err := leaseHolder(ctx, s.docs, t.Name)
		if err != nil {
			holder = "unknown"
		}
		found = append(found, surveyed{d, holder})
	}
	all, err := gateways.List(ctx, s.docs)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(found) > 0 {
		s.found = found
	}
	if err == nil {
		s.gateways, s.at = all, time.Now()
	}
}

var (
	tableFiles = prometheus.NewDesc("lakegate_table_files", "Data files of the newest version.", []string{"table"}, nil)
	tableBytes = prometheus.NewDesc("lakegate_table_bytes", "Bytes of them.", []string{"table"}, nil)
	tableRows  = prometheus.NewDesc("lakegate_table_rows", "Rows in them, where all files say how many they have.", []string{"table"}, nil)
	tableDue   = prometheus.NewDesc("lakegate_table_due_files", "Compaction debt: files that the next compaction merges.", []string{"table"}, nil)
	tableLease = prometheus.NewDesc("lakegate_table_lease", "Who maintains the table right now.", []string{"table", "holder"}, nil)
	peers      = prometheus.NewDesc("lakegate_gateways", "Gateways of this lake, by state: running, silent (neither stopped nor heard of for a minute), stopped.", []string{"state"}, nil)
	surveyTime = prometheus.NewDesc("lakegate_survey_timestamp_seconds", "When the tables and gateways were looked at last; lakegate_table_* and lakegate_gateways are of then.", nil, nil)
	fullPolicy = prometheus.NewDesc("lakegate_lake_when_full", "What happens to calls when the log is full (log.when_full).", []string{"policy"}, nil)
	safeStore  = prometheus.NewDesc("lakegate_store_proven", "1 when the store has shown that it honours conditional writes, 0 while it could not be asked: nothing is written to it then.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *survey) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{tableFiles, tableBytes, tableRows, tableDue, tableLease, peers, surveyTime, fullPolicy, safeStore} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s *survey) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	safe := 0.0
	if s.proven() {
		safe = 1
	}
	gauge(safeStore, safe)
	gauge(fullPolicy, 1, s.policy)
	s.mu.Lock()
	defer s.mu.Unlock()
	gauge(surveyTime, stamp(s.at))
	for i := range s.found {
		t := &s.found[i]
		name := t.Name.String()
		gauge(tableFiles, float64(t.Files), name)
		gauge(tableBytes, float64(t.Bytes), name)
		gauge(tableDue, float64(t.Due), name)
		if t.RowsKnown {
			gauge(tableRows, float64(t.Rows), name)
		}
		if t.holder != "" {
			gauge(tableLease, 1, name, t.holder)
		}
	}
	if s.at.IsZero() {
		return
	}
	states := map[string]float64{"running": 0, "silent": 0, "stopped": 0}
	for i := range s.gateways {
		states[gatewayState(&s.gateways[i], s.at)]++
	}
	for state, n := range states {
		gauge(peers, n, state)
	}
}

// gatewayState is a gateway's state in a word.
func gatewayState(g *gateways.Gateway, now time.Time) string {
	switch {
	case !g.Stopped.IsZero():
		return "stopped"
	case g.Silent(now, silentAfter):
		return "silent"
	}
	return "running"
}
