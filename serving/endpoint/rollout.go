package endpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Rollout moves an endpoint's traffic to one of its entities, stage by stage.
type Rollout struct {
	Target int // index of the entity among the endpoint's; its weight is 0
	Stages []RolloutStage
	Stop   RolloutBounds
	// ID names this rollout of this endpoint: the same on every gateway and after a restart, another
	// one when anything above changes, or what the entity is.
	ID string
}

// RolloutStage is a part of the traffic, for a time.
type RolloutStage struct {
	Traffic int           `json:"traffic"` // in hundredths of a percent, above the stage before
	For     time.Duration `json:"for"`     // at least; above zero
}

// FullTraffic is all of it.
const FullTraffic = 100_00

// RolloutBounds say what stops a rollout.
type RolloutBounds struct {
	ErrorShare float64       `json:"error_share"`           // more failed calls than this share; 1 for no bound
	Latency    time.Duration `json:"latency,omitempty"`     // of one answer; 0 for no bound
	FirstToken time.Duration `json:"first_token,omitempty"` // of one stream; 0 for no bound
	WorseThan  float64       `json:"worse_than,omitempty"`  // times the other entities'; 0 for no comparison
	MinCalls   int64         `json:"min_calls"`             // of a stage, before the next may begin
}

// SlowShare of the answers may be slower than a rollout's bound of time.
const SlowShare = 0.05

// What rollouts do that were told nothing else.
const (
	DefaultRolloutErrorShare = 0.05
	DefaultRolloutMinCalls   = 50
)

// RolledOut returns the entity that a rollout moves traffic to, nil for none.
func (e *Endpoint) RolledOut() *Entity {
	if e.Rollout == nil {
		return nil
	}
	return e.Entities[e.Rollout.Target]
}

// rolloutID is the name of the endpoint's rollout. An endpoint of the API that was deleted and made
// again begins anew.
func (e *Endpoint) rolloutID() string {
	x := e.RolledOut()
	spec := struct {
		Name, Provider, Model, URL, Deployment, Vendor string
		Stages                                         []RolloutStage
		Stop                                           RolloutBounds
		Made                                           time.Time
	}{
		Name: x.Name, Provider: x.Provider, Model: x.Model, URL: x.BaseURL.String(), Deployment: x.Deployment, Vendor: x.Vendor,
		Stages: e.Rollout.Stages, Stop: e.Rollout.Stop,
	}
	if e.Origin != nil {
		spec.Made = e.Origin.Created.UTC()
	}
	text, err := json.Marshal(spec)
	if err != nil {
		panic(err) // texts, numbers and a time of this age
	}
	sum := sha256.Sum256(text)
	return e.ID + "." + hex.EncodeToString(sum[:8])
}
