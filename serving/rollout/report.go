package rollout

import (
	"errors"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// ErrCan says that a rollout is not in a status for what was asked.
var ErrCan = errors.New("that can't be done now")

// Unknown is what is reported of a rollout whose State has not been read yet. No State has it.
const Unknown Status = "unknown"

// Report is a rollout as the API tells of it. Stages count from 1.
type Report struct {
	Endpoint string        `json:"endpoint_name"`
	To       string        `json:"served_entity"`
	Status   Status        `json:"status"`
	Stage    int           `json:"stage"`
	Traffic  float64       `json:"traffic_percentage"` // the entity's, here and now
	Since    time.Time     `json:"since"`
	Why      string        `json:"why"`
	By       string        `json:"changed_by"`
	Watched  float64       `json:"watched_seconds"` // of the stage
	MinCalls int64         `json:"min_calls"`
	Target   Seen          `json:"target"` // of the stage, on all gateways as far as this one knows
	Others   Seen          `json:"others"`
	Stages   []StageReport `json:"stages"`
	History  []EventReport `json:"history"`
}

// StageReport is a stage.
type StageReport struct {
	Traffic float64 `json:"traffic_percentage"`
	For     float64 `json:"for_seconds"`
}

// Seen sums up calls.
type Seen struct {
	Calls   int64 `json:"calls"`
	Failed  int64 `json:"failed"`
	Refused int64 `json:"refused"` // as wrong, with 4xx
	Slow    int64 `json:"slow"`    // answers that took longer than the bound
	Late    int64 `json:"late"`    // streams whose first token came later than the bound
	// Geometric means in milliseconds; nil where there were none.
	Latency    *float64 `json:"typical_latency_ms,omitempty"`
	FirstToken *float64 `json:"typical_first_token_ms,omitempty"`
}

// EventReport is a change.
type EventReport struct {
	Time   time.Time `json:"time"`
	Status Status    `json:"status"`
	Stage  int       `json:"stage"`
	Why    string    `json:"why"`
	By     string    `json:"changed_by"`
}

// Report returns what is known of the rollout now. What this gateway has stopped is told as stopped.
func (t *Track) Report(now time.Time) Report {
	v, r := t.View(now), t.Endpoint.Rollout
	out := Report{
		Endpoint: v.Endpoint, To: v.To, Status: v.Status, Stage: v.Stage + 1, Traffic: inPercent(v.Traffic),
		Since: v.Since, Why: v.Why, By: v.By, Watched: v.Total.Watched.Seconds(), MinCalls: r.Stop.MinCalls,
		Target: seen(&v.Total.Target), Others: seen(&v.Total.Others), Stages: []StageReport{}, History: []EventReport{},
	}
	if !v.Known {
		out.Status, out.Stage, out.Why = Unknown, 0, "the lake has not been asked yet, or does not answer"
	}
	for _, s := range r.Stages {
		out.Stages = append(out.Stages, StageReport{inPercent(s.Traffic), s.For.Seconds()})
	}
	for _, e := range v.History {
		out.History = append(out.History, EventReport{e.Time, e.Status, e.Stage + 1, e.Why, e.By})
	}
	return out
}

func inPercent(traffic int) float64 { return float64(traffic) * 100 / endpoint.FullTraffic }

func seen(m *Measure) Seen {
	return Seen{
		Calls: m.Calls, Failed: m.Failed, Refused: m.Refused, Slow: m.Latency.Over, Late: m.FirstToken.Over,
		Latency: milliseconds(m.Latency), FirstToken: milliseconds(m.FirstToken),
	}
}

func milliseconds(t Times) *float64 {
	if t.N == 0 {
		return nil
	}
	ms := float64(t.Typical().Microseconds()) / 1000
	return &ms
}
