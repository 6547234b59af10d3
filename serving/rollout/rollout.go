// Package rollout moves an endpoint's traffic to one of its served entities in stages, and stops when
// that entity does badly.
//
// What is known of a rollout is a State, which all gateways of a lake share as a document; each adds
// its own counts of the stage to it. Step says what follows from a State: it is a function of the
// counts, and looks at no clock, so gateways whose clocks disagree take the same steps. A stage is
// over when a gateway has seen it for its time and all together have seen enough calls; time by which
// no gateway ran does not count. Nothing but counts in the State moves a rollout forward: who can't read or write
// the document stays where it is.
//
// A Track is one rollout in one gateway. It splits the calls, counts them, and stops by its own counts
// and the others' last known ones at the very call that makes it bad, before anybody is told: what is stopped so
// stays stopped here until somebody resumes it. A Table has the tracks of a catalog.
// A rollout whose State is not known yet sends nothing to its target.
//
// The package opens nothing and waits for nothing; internal/rollouts keeps the documents. Tables and
// Tracks are safe for concurrent use, States are values.
package rollout

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Status is what a rollout does.
type Status string

// The statuses.
const (
	Running Status = "running" // calls are split as the stage says
	Paused  Status = "paused"  // the same, but no other stage follows
	Done    Status = "done"    // all calls go to the target
	Stopped Status = "stopped" // no calls go to the target
)

// State is what all gateways know of a rollout. Its maps and slices are not changed, but replaced.
type State struct {
	Endpoint string    `json:"endpoint"`
	To       string    `json:"to"`
	Status   Status    `json:"status"`
	Turn     int       `json:"turn"`  // counts how often it was begun or resumed: what was counted in one says nothing in another
	Stage    int       `json:"stage"` // index
	Since    time.Time `json:"since"` // by the clock of whoever wrote it, but never before the change before
	Why      string    `json:"why"`
	By       string    `json:"by"` // who did the last change: a principal, or Itself
	// Counts are of the stage, by gateway.
	Counts  map[string]Counts `json:"counts,omitempty"`
	History []Event           `json:"history"`
}

// Counts is what one gateway has seen of a stage.
type Counts struct {
	Watched time.Duration `json:"watched"` // how long
	Target  Measure       `json:"target"`
	Others  Measure       `json:"others"`
}

// plus returns what one gateway has seen in two times.
func (c Counts) plus(o Counts) Counts {
	return Counts{c.Watched + o.Watched, c.Target.plus(o.Target), c.Others.plus(o.Others)}
}

// Event is a change of a State.
type Event struct {
	Time   time.Time `json:"time"`
	Status Status    `json:"status"`
	Stage  int       `json:"stage"`
	Why    string    `json:"why"`
	By     string    `json:"by"`
}

// Itself is who changes a rollout when nobody asked for it.
const Itself = "lakegate"

// maxHistory bounds the events that are kept.
const maxHistory = 100

// Begin returns the State of a rollout that begins.
func Begin(e *endpoint.Endpoint, now time.Time) State {
	s := State{Endpoint: e.Name, To: e.RolledOut().Name}
	s.become(Running, 0, Itself, "it begins", now)
	s.Turn = 1
	return s
}

// become changes the State, and begins to count anew.
func (s *State) become(status Status, stage int, by, why string, now time.Time) {
	s.Status, s.Stage, s.By, s.Why = status, stage, by, why
	if now.Before(s.Since) { // of two gateways' clocks one is behind
		now = s.Since
	}
	s.Since, s.Counts = now.UTC(), nil
	s.note(now)
}

func (s *State) note(now time.Time) {
	history := append(slices.Clip(s.History), Event{now.UTC(), s.Status, s.Stage, s.Why, s.By})
	s.History = history[max(0, len(history)-maxHistory):]
}

// total returns the counts of all gateways together, and the longest that one of them has watched.
func (s *State) total() Counts {
	var all Counts
	for _, c := range s.Counts {
		all.Target, all.Others = all.Target.plus(c.Target), all.Others.plus(c.Others)
		all.Watched = max(all.Watched, c.Watched)
	}
	return all
}

// with returns the State with one gateway's counts replaced.
func (s State) with(gateway string, c Counts) State {
	s.Counts = maps.Clone(s.Counts)
	if s.Counts == nil {
		s.Counts = map[string]Counts{}
	}
	s.Counts[gateway] = c
	return s
}

// Step returns what follows from s: the next stage, the end of the last one, a stop, or s itself and
// false. now is written down, and decides nothing.
func Step(r *endpoint.Rollout, s State, now time.Time) (State, bool) {
	if s.Status != Running && s.Status != Paused {
		return s, false
	}
	all := s.total()
	if why := Bad(&r.Stop, &all.Target, &all.Others); why != "" {
		return s.stop(Itself, why, now), true
	}
	if s.Status == Paused || all.Watched < r.Stages[s.Stage].For || all.Target.Calls < r.Stop.MinCalls {
		return s, false
	}
	why := fmt.Sprintf("stage %d went well: %s in %s, %d failed", s.Stage+1, calls(all.Target.Calls), round(all.Watched), all.Target.Failed)
	if s.Stage+1 == len(r.Stages) {
		s.become(Done, s.Stage, Itself, why, now)
	} else {
		s.become(Running, s.Stage+1, Itself, why, now)
	}
	return s, true
}

// stop keeps the counts, which say why.
func (s State) stop(by, why string, now time.Time) State {
	counts := s.Counts
	s.become(Stopped, s.Stage, by, why, now)
	s.Counts = counts
	return s
}

// Action is what people do to a rollout.
type Action string

// The actions.
const (
	Pause  Action = "pause"  // stay at this stage
	Resume Action = "resume" // go on: from a pause, or with the stage that was stopped, counting anew
	Abort  Action = "abort"  // no calls to the target, also when it is done
)

// Do returns the State after an action, or false when it can't be done in s: Status says why. by is
// who asks for it.
func Do(a Action, s State, by string, now time.Time) (State, bool) {
	switch {
	case a == Pause && s.Status == Running:
		s.Status, s.By, s.Why = Paused, by, "paused by "+by
	case a == Resume && s.Status == Paused:
		s.Status, s.By, s.Why = Running, by, "resumed by "+by
	case a == Resume && s.Status == Stopped:
		s.become(Running, s.Stage, by, "resumed by "+by, now)
		s.Turn++
		return s, true
	case a == Abort && s.Status != Stopped:
		return s.stop(by, "aborted by "+by, now), true
	default:
		return s, false
	}
	s.note(now)
	return s, true
}

// Traffic returns the target's part of the calls in s, in hundredths of a percent.
func Traffic(r *endpoint.Rollout, s State) int {
	switch s.Status {
	case Running, Paused:
		return r.Stages[s.Stage].Traffic
	case Done:
		return endpoint.FullTraffic
	default:
		return 0
	}
}

// Fits reports whether s can be the State of r.
func Fits(r *endpoint.Rollout, s State) bool {
	return s.Stage >= 0 && s.Stage < len(r.Stages) && slices.Contains([]Status{Running, Paused, Done, Stopped}, s.Status)
}
