package config

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Rollout moves the traffic to one entity in stages.
type Rollout struct {
	To     string         `yaml:"to"`
	Stages []RolloutStage `yaml:"stages"`
	StopIf RolloutBounds  `yaml:"stop_if,omitempty"`
}

// RolloutStage is a part of the traffic, for a time.
type RolloutStage struct {
	Traffic float64       `yaml:"traffic"` // percent
	For     time.Duration `yaml:"for"`
}

// RolloutBounds say what stops a rollout.
type RolloutBounds struct {
	ErrorShare *float64      `yaml:"error_share,omitempty"`
	Latency    time.Duration `yaml:"latency,omitempty"`
	FirstToken time.Duration `yaml:"first_token,omitempty"`
	WorseThan  float64       `yaml:"worse_than,omitempty"`
	MinCalls   *int64        `yaml:"min_calls,omitempty"`
}

// rollout checks and completes a staged rollout.
func (c *checker) rollout(e *Endpoint, p string) {
	r := e.Lakegate.Rollout
	c.rolloutTo(e, p)
	if !c.given(p+".stages") || len(r.Stages) == 0 && !c.bad(p+".stages") {
		c.fault(p+".stages", "give at least one, such as {traffic: 10, for: 30m}; after the last, all calls go to the entity")
	}
	if len(r.Stages) > maxStages {
		c.fault(p+".stages", "want at most %d, got %d", maxStages, len(r.Stages))
	}
	for i, s := range r.Stages {
		at := index(p+".stages", i)
		if !c.given(at + ".traffic") {
			c.fault(at+".traffic", "say how many percent of the calls")
		} else if x := s.Traffic * 100; !(s.Traffic >= 0.01 && s.Traffic <= 100) || math.Abs(x-math.Round(x)) > 1e-6 {
			c.fault(at+".traffic", "want 0.01 to 100 percent, with at most two decimals, got %s", c.text(at+".traffic"))
		} else if i > 0 && s.Traffic <= r.Stages[i-1].Traffic {
			c.fault(at+".traffic", "it is not more than in the stage before")
		}
		if !c.given(at + ".for") {
			c.fault(at+".for", "say how long the stage lasts at least, such as 30m")
		} else {
			within(c, at+".for", s.For, time.Second, 90*24*time.Hour)
		}
	}
	c.rolloutBounds(&r.StopIf, e, p+".stop_if")
}

const maxStages = 50

func (c *checker) rolloutTo(e *Endpoint, p string) {
	l := &e.Lakegate
	to := l.Rollout.To
	if !c.required(p+".to", to) || c.bad(p+".to") {
		return
	}
	if e.place(to) < 0 {
		c.fault(p+".to", "there is no served entity %s; there are %s", quote(to), strings.Join(e.entityList(), ", "))
		return
	}
	for _, r := range e.Config.TrafficConfig.Routes {
		if r.ServedEntityName == to && r.TrafficPercentage != nil && *r.TrafficPercentage != 0 {
			c.fault(p+".to", "give %s a traffic_percentage of 0: the rollout decides what it gets, and the percentages split the rest", quote(to))
		}
	}
	if s := l.Strategy; s != nil && s.By != string(endpoint.Weighted) && s.By != "" {
		c.fault(p, "a rollout splits calls by percentages, and strategy.by is %s", s.By)
	} else if s != nil && len(s.Among) > 0 && !slices.Contains(s.Among, to) {
		c.fault(p+".to", "%s is not in strategy.among", quote(to))
	}
}

func (c *checker) rolloutBounds(b *RolloutBounds, e *Endpoint, p string) {
	if b.ErrorShare == nil {
		b.ErrorShare = new(float64)
		*b.ErrorShare = endpoint.DefaultRolloutErrorShare
	}
	if f := *b.ErrorShare; !(f > 0 && f <= 1) { // also refuses what is no number
		c.fault(p+".error_share", "want more than 0 and at most 1, got %s", c.text(p+".error_share"))
	}
	if b.MinCalls == nil {
		b.MinCalls = new(int64)
		*b.MinCalls = endpoint.DefaultRolloutMinCalls
	}
	within(c, p+".min_calls", *b.MinCalls, 1, 1_000_000)
	for name, d := range map[string]time.Duration{"latency": b.Latency, "first_token": b.FirstToken} {
		at := p + "." + name
		if !c.given(at) {
			continue
		}
		within(c, at, d, time.Millisecond, 24*time.Hour)
		if d >= e.Lakegate.Timeout && !c.bad(at) {
			c.fault(at, "no call takes as long: timeout is %s", short(e.Lakegate.Timeout))
		}
	}
	if c.given(p + ".worse_than") {
		within(c, p+".worse_than", b.WorseThan, 1, 1000)
	}
}

func compileRollout(from *Endpoint) *endpoint.Rollout {
	r := from.Lakegate.Rollout
	if r == nil {
		return nil
	}
	b := r.StopIf
	out := &endpoint.Rollout{
		Target: from.place(r.To),
		Stop: endpoint.RolloutBounds{
			ErrorShare: *b.ErrorShare, Latency: b.Latency, FirstToken: b.FirstToken, WorseThan: b.WorseThan, MinCalls: *b.MinCalls,
		},
	}
	for _, s := range r.Stages {
		out.Stages = append(out.Stages, endpoint.RolloutStage{Traffic: int(math.Round(s.Traffic * 100)), For: s.For})
	}
	return out
}
