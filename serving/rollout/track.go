package rollout

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Track is a rollout in this gateway.
type Track struct {
	Endpoint *endpoint.Endpoint
	logger   *slog.Logger
	wake     func()

	split atomic.Pointer[Split]

	mu      sync.Mutex
	known   bool
	seeded  bool   // state is of a copy, and mine only what was counted since
	state   State  // as last read or written
	mine    Counts // of state's turn and stage, but for the time since clock
	clock   time.Time
	others  Counts // what other gateways have said of it
	burst   burst
	latched *latch // it was stopped here, which the State does not say yet; nil: it was not
}

type latch struct {
	by, why string
	at      time.Time
}

// Split is how calls are split at the moment.
type Split struct {
	Traffic int    // the target's part, in hundredths of a percent
	Why     string // for rows
	turn    int
}

func newTrack(e *endpoint.Endpoint, logger *slog.Logger, wake func()) *Track {
	t := &Track{Endpoint: e, logger: logger, wake: wake}
	t.split.Store(&Split{Why: "rollout: not known yet, nothing to " + e.RolledOut().Name})
	return t
}

// ID is the rollout's own.
func (t *Track) ID() string { return t.Endpoint.Rollout.ID }

// Split returns how calls are to be split now.
func (t *Track) Split() *Split { return t.split.Load() }

// Takes reports whether a call whose draw it is goes to the target. The draw is independent of one
// taken modulo 100, and of one key it is the same for ever: a growing part keeps those it had.
func (s *Split) Takes(draw uint32) bool { return int(draw/100%endpoint.FullTraffic) < s.Traffic }

// Note counts a call that began under s. It may stop the rollout in this gateway.
func (t *Track) Note(s *Split, c Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known || s.turn != t.state.Turn || t.latched != nil || t.state.Status != Running && t.state.Status != Paused {
		return
	}
	stop := &t.Endpoint.Rollout.Stop
	if !c.Target {
		t.mine.Others.add(c, stop)
		return
	}
	t.mine.Target.add(c, stop)
	target, others := t.mine.Target.plus(t.others.Target), t.mine.Others.plus(t.others.Others)
	why := Bad(stop, &target, &others)
	if late := t.burst.add(c, stop); why == "" {
		why = late
	}
	if why != "" {
		t.halt(Itself, why)
	}
}

// halt stops it here, and has it told to the others.
func (t *Track) halt(by, why string) {
	t.latched = &latch{by, why, time.Now()}
	t.resplit()
	t.logger.Warn("a rollout was stopped: its target gets no more calls", "endpoint", t.Endpoint.Name, "entity", t.state.To, "stage", t.state.Stage+1, "why", why)
	t.wake()
}

// Halt stops the rollout in this gateway at once, because by wants it. Exchange tells the others.
func (t *Track) Halt(by string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known && t.latched == nil && t.state.Status != Stopped {
		t.halt(by, "aborted by "+by)
	}
}

// Seed takes what a copy knew, until the State is there.
func (t *Track) Seed(gateway string, s State, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known && Fits(t.Endpoint.Rollout, s) {
		t.adopt(gateway, s, now)
		t.mine, t.seeded = Counts{}, true
	}
}

// Missing returns the State to write when there is none: what was last known, or the beginning.
func (t *Track) Missing(now time.Time) State {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known {
		return t.state
	}
	return Begin(t.Endpoint, now)
}

// Exchange takes s up, which was just read, and returns what it is to be replaced by: with this
// gateway's counts, stopped if they say so, or the next stage. moved says that it is more than counts.
func (t *Track) Exchange(gateway string, s State, now time.Time) (next State, moved bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.adopt(gateway, s, now)
	if t.latched != nil {
		return s.with(gateway, t.watched(now)).stop(t.latched.by, t.latched.why, now), true
	}
	switch s.Status {
	case Done:
		return s, false
	case Stopped: // each gateway's last counts are in it too
		return s.with(gateway, t.watched(now)), false
	}
	return Step(t.Endpoint.Rollout, s.with(gateway, t.watched(now)), now)
}

// Adopt takes s up, which was just read or written.
func (t *Track) Adopt(gateway string, s State, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.adopt(gateway, s, now)
}

func (t *Track) adopt(gateway string, s State, now time.Time) {
	said := s.Counts[gateway] // by this process, or the one before a restart
	switch {
	case !t.known || s.Turn != t.state.Turn || s.Stage != t.state.Stage:
		t.mine, t.burst = said, burst{}
	case t.seeded:
		t.mine = said.plus(t.watched(now))
	default:
		t.mine = t.watched(now)
	}
	t.clock, t.seeded = now, false
	if !t.known || s.Turn != t.state.Turn || s.Stage != t.state.Stage || s.Status != t.state.Status {
		t.log(&s)
	}
	if t.latched != nil && (s.Turn != t.state.Turn || s.Status == Stopped) {
		t.latched = nil // it is known, or was overruled
	}
	t.state, t.known = s, true
	rest := s.with(gateway, Counts{})
	t.others = rest.total()
	t.resplit()
}

// log tells of a State that was not known here.
func (t *Track) log(s *State) {
	level := slog.LevelInfo
	if s.Status == Stopped {
		level = slog.LevelWarn
	}
	t.logger.Log(context.Background(), level, "a rollout has changed", "endpoint", s.Endpoint, "entity", s.To, "status", string(s.Status),
		"stage", s.Stage+1, "why", s.Why, "by", s.By)
}

// Tick notes that the gateway is watching: it is to be called every few seconds, whatever the lake does.
func (t *Track) Tick(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mine, t.clock = t.watched(now), now
}

// maxGap is the longest time between two looks that counts as watched: a process that was held for an
// hour has not seen that hour.
const maxGap = 10 * time.Second

// watched returns this gateway's counts up to now. Pauses are not watched.
func (t *Track) watched(now time.Time) Counts {
	c := t.mine
	if t.known && t.state.Status == Running {
		c.Watched += min(max(0, now.Sub(t.clock)), maxGap)
	}
	return c
}

// resplit makes the calls go by what is known now.
func (t *Track) resplit() {
	r, s := t.Endpoint.Rollout, t.state
	if t.latched != nil {
		s.Status = Stopped
	}
	next := Split{Traffic: Traffic(r, s), turn: s.Turn}
	switch s.Status {
	case Done:
		next.Why = "rollout: done, all to " + s.To
	case Stopped:
		next.Why = "rollout: stopped, nothing to " + s.To
	default:
		next.Why = fmt.Sprintf("rollout: stage %d of %d, %s to %s", s.Stage+1, len(r.Stages), percent(float64(next.Traffic)/endpoint.FullTraffic), s.To)
	}
	if *t.split.Load() != next {
		t.split.Store(&next)
	}
}

// State returns what was last read or written, and whether anything was.
func (t *Track) State() (State, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state, t.known
}

// View is a rollout as people see it.
type View struct {
	State
	Known   bool   // its State has been read
	Traffic int    // the target's part here and now, in hundredths of a percent
	Total   Counts // of the stage, of all gateways, as far as this one knows
}

// View returns what is known of the rollout now. What this gateway has stopped is shown as stopped.
func (t *Track) View(now time.Time) View {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := View{State: t.state, Known: t.known, Traffic: t.split.Load().Traffic}
	if !t.known {
		v.Endpoint, v.To = t.Endpoint.Name, t.Endpoint.RolledOut().Name
		return v
	}
	mine := t.watched(now)
	v.Total = Counts{
		Watched: max(mine.Watched, t.others.Watched),
		Target:  mine.Target.plus(t.others.Target), Others: mine.Others.plus(t.others.Others),
	}
	if t.latched != nil {
		v.Status, v.Why, v.By, v.Since = Stopped, t.latched.why, t.latched.by, t.latched.at.UTC()
	}
	return v
}
