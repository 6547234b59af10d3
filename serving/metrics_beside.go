package serving

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/inference"
)

// What follows counts under the lock that Configure takes to remove series: few calls come here.

// race counts a call that several targets were asked for, by the one that answered.
func (m *Metrics) race(r *inference.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.bounded(entityOf(r, r.Target.Provider, r.Target.ServedEntity))
	if r.Outcome != inference.OK && r.Status >= 400 {
		e = entity{endpoint: e.endpoint}
	}
	m.races.WithLabelValues(e.endpoint, e.provider, e.name).Inc()
}

func (m *Metrics) extraCost(r *inference.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if *r.ExtraNanoUSD > 0 {
		m.extra.WithLabelValues(m.bounded(entityOf(r, "", "")).endpoint).Add(float64(*r.ExtraNanoUSD) / 1e9)
	}
}

// ownCall counts a call that lakegate has made by itself.
func (m *Metrics) ownCall(r *inference.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.own.WithLabelValues(m.bounded(entityOf(r, "", "")).endpoint, r.Purpose, string(r.Outcome)).Inc()
}

// NotMade implements gateway.Meter.
func (m *Metrics) NotMade(endpoint, purpose, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notMade.WithLabelValues(m.bounded(entity{endpoint: endpoint}).endpoint, purpose, why).Inc()
}

// Compared implements gateway.Meter.
func (m *Metrics) Compared(endpoint string, winner inference.Side) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.compared.WithLabelValues(m.bounded(entity{endpoint: endpoint}).endpoint, string(winner)).Inc()
}

// forgetBeside takes an endpoint's series away.
func (m *Metrics) forgetBeside(name string) {
	labels := prometheus.Labels{"endpoint": name}
	m.extra.DeletePartialMatch(labels)
	m.own.DeletePartialMatch(labels)
	m.notMade.DeletePartialMatch(labels)
	m.compared.DeletePartialMatch(labels)
}
