// Package rollouts keeps the gateways of a lake of one mind about rollouts: the State of each is one
// document, _lakegate/rollout/<endpoint id>.<specification>.json, which every gateway reads every two
// seconds and replaces, under the condition that nobody else has meanwhile, to add its counts or to
// take the step that follows from all of them.
//
// While the store is away nothing moves forward; a gateway whose own calls say so stops its own
// traffic all the same, and says it when the store is back. A copy of what was last known, in the data
// folder, stands in for a store that is away at the start.
//
// A rollout that was taken out of an endpoint, or changed, is forgotten: its document is deleted by
// the first gateway to see that, and made again by one that has not seen it yet.
//
// A Keeper is safe for concurrent use. The fake is memstore.
package rollouts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/serving/rollout"
)

// Kind is the kind of the documents.
const Kind = "rollout"

// How often a gateway does what.
const (
	Interval    = 2 * time.Second  // looks what others did
	countsEvery = 4 * time.Second  // writes its counts, at most
	watchEvery  = 30 * time.Second // writes how long it has watched, when nothing else is new
)

// timeout bounds one rollout's exchange with the store.
const timeout = 5 * time.Second

// errRaces says that others were faster each time.
var errRaces = errors.New("other gateways change it all the time")

// Deps is what a Keeper needs.
type Deps struct {
	Docs    *state.Docs
	Table   *rollout.Table
	Gateway string // whose counts they are: the same after a restart
	// Has reports whether there is an endpoint of that name, with a rollout or without.
	Has    func(endpoint string) bool
	Record func(*inference.Audit) error // what a rollout did by itself
	Copy   string                       // file; "" for none
	Now    func() time.Time             // nil: time.Now
	Logger *slog.Logger
}

// Keeper exchanges what a gateway knows of rollouts with the lake.
type Keeper struct {
	Deps
	failures atomic.Int64

	busy chan struct{}            // has one while documents are read and written
	told sync.Map                 // time by id: when this gateway's counts were written last
	copy map[string]rollout.State // by id
}

// New returns a keeper, whose tracks know what the copy does. A copy that can't be read is done without:
// the lake has the truth, and what is not known gets no calls.
func New(d Deps) *Keeper {
	k := &Keeper{Deps: d, busy: make(chan struct{}, 1)}
	if k.Now == nil {
		k.Now = time.Now
	}
	var err error
	if k.copy, err = readCopy(d.Copy); err != nil {
		k.copy = map[string]rollout.State{}
		k.Logger.Warn("the rollouts are known when the lake has told them, and no sooner", "error", err)
	}
	k.seed()
	return k
}

// seed gives tracks what the copy knows of them.
func (k *Keeper) seed() {
	for _, t := range k.Table.All() {
		if s, ok := k.copy[t.ID()]; ok {
			t.Seed(k.Gateway, s, k.Now())
		}
	}
}

// Run exchanges until ctx ends. A store that is away is said once.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	away := false
	for {
		err := k.Round(ctx)
		if err != nil && !away && ctx.Err() == nil {
			k.Logger.Warn("rollouts can't be read or written; they stay at their stage, and stop by what this gateway sees", "error", err)
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-k.Table.Wake():
		}
	}
}

// Failures counts exchanges with the store that came to nothing.
func (k *Keeper) Failures() int64 { return k.failures.Load() }

// Round exchanges once for every rollout. A store that does not answer for one is not asked for the
// others.
func (k *Keeper) Round(ctx context.Context) error {
	if err := k.enter(ctx); err != nil {
		return err
	}
	defer k.leave()
	k.seed()
	for _, t := range k.Table.All() {
		t.Tick(k.Now())
	}
	all := k.exchangeAll(ctx)
	if len(all) == 0 {
		all = append(all, k.forget(ctx))
	}
	return errors.Join(append(all, k.save())...)
}

// atOnce is how many rollouts are exchanged at the same time.
const atOnce = 8

func (k *Keeper) exchangeAll(ctx context.Context) (all []error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var away atomic.Bool
	slots := make(chan struct{}, atOnce)
	for _, t := range k.Table.All() {
		slots <- struct{}{}
		if away.Load() {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			err := k.exchange(ctx, t)
			if err == nil {
				return
			}
			k.failures.Add(1)
			away.Store(away.Load() || errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, fmt.Errorf("rollout of endpoint %q: %w", t.Endpoint.Name, err))
		})
	}
	wg.Wait()
	return all
}

// enter waits until nobody else reads and writes documents.
func (k *Keeper) enter(ctx context.Context) error {
	select {
	case k.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *Keeper) leave() { <-k.busy }

// maxRaces bounds how often an exchange begins again because somebody else was faster.
const maxRaces = 10

func (k *Keeper) exchange(ctx context.Context, t *rollout.Track) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for range maxRaces {
		s, version, err := k.read(ctx, t)
		if err != nil {
			return err
		}
		now := k.Now()
		next, moved := t.Exchange(k.Gateway, s, now)
		begins := version == ""
		if !begins && !moved && !k.due(t.ID(), &s, &next, now) {
			return nil
		}
		err = k.write(ctx, t.ID(), version, next)
		if errors.Is(err, state.ErrChanged) || errors.Is(err, state.ErrExists) {
			continue
		}
		if err != nil {
			return err
		}
		t.Adopt(k.Gateway, next, now)
		k.told.Store(t.ID(), now)
		if moved || begins && len(next.History) == 1 {
			k.tell(&next)
		}
		return nil
	}
	return errRaces
}

// due reports whether this gateway's counts in next are news enough to be written.
func (k *Keeper) due(id string, s, next *rollout.State, now time.Time) bool {
	was, is := s.Counts[k.Gateway], next.Counts[k.Gateway]
	if was.Target != is.Target || was.Others != is.Others {
		told, _ := k.told.Load(id)
		last, _ := told.(time.Time)
		return now.Sub(last) >= countsEvery
	}
	return is.Watched-was.Watched >= watchEvery
}

// read returns the State that is stored, or the one to begin with and no version.
func (k *Keeper) read(ctx context.Context, t *rollout.Track) (rollout.State, state.Version, error) {
	doc, version, err := k.Docs.Get(ctx, Kind, t.ID())
	if errors.Is(err, state.ErrNotFound) {
		return t.Missing(k.Now()), "", nil
	}
	if err != nil {
		return rollout.State{}, "", err
	}
	var s rollout.State
	if err := json.Unmarshal(doc, &s); err != nil {
		return rollout.State{}, "", fmt.Errorf("document %s is damaged; delete it, and the rollout begins anew: %w", t.ID(), err)
	}
	if !rollout.Fits(t.Endpoint.Rollout, s) {
		return rollout.State{}, "", fmt.Errorf("document %s is of no rollout of this kind; delete it, and the rollout begins anew", t.ID())
	}
	return s, version, nil
}

func (k *Keeper) write(ctx context.Context, id string, version state.Version, s rollout.State) error {
	doc, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if version == "" {
		_, err = k.Docs.Create(ctx, Kind, id, doc)
	} else {
		_, err = k.Docs.Replace(ctx, Kind, id, version, doc)
	}
	return err
}

// Do does what somebody asks for. rollout.ErrCan when it is in no state for that; another error when the
// store could not be told, which for an abort holds for the other gateways only: here it is done.
func (k *Keeper) Do(ctx context.Context, t *rollout.Track, a rollout.Action, by string) error {
	if a == rollout.Abort {
		t.Halt(by)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := k.enter(ctx); err != nil {
		return err
	}
	defer k.leave()
	for range maxRaces {
		s, version, err := k.read(ctx, t)
		if err != nil {
			return err
		}
		now := k.Now()
		s, moved := t.Exchange(k.Gateway, s, now)
		next, ok := rollout.Do(a, s, by, now)
		if !ok && (a != rollout.Abort || s.By != by) { // its own, which Exchange has just told
			return fmt.Errorf("%s: it is %s: %w", a, s.Status, rollout.ErrCan)
		}
		err = k.write(ctx, t.ID(), version, next)
		if errors.Is(err, state.ErrChanged) || errors.Is(err, state.ErrExists) {
			continue
		}
		if err != nil {
			return err
		}
		if moved && s.By == rollout.Itself {
			k.tell(&s)
		}
		t.Adopt(k.Gateway, next, now)
		return k.save()
	}
	return errRaces
}

// tell records what a rollout has just done.
func (k *Keeper) tell(s *rollout.State) {
	action := map[rollout.Status]string{rollout.Running: "advanceRollout", rollout.Done: "finishRollout", rollout.Stopped: "stopRollout"}[s.Status]
	if len(s.History) == 1 {
		action = "beginRollout"
	}
	err := k.Record(&inference.Audit{
		Time: k.Now().UTC(), Service: "serverlessRealTimeInference", Action: action, RequestID: inference.NewID().String(),
		Actor: s.By, Status: 200,
		Params: map[string]string{
			"name": s.Endpoint, "served_entity": s.To, "status": string(s.Status), "stage": strconv.Itoa(s.Stage + 1), "why": s.Why,
		},
	})
	if err != nil {
		k.Logger.Error("a step of a rollout could not be recorded in system.access.audit", "endpoint", s.Endpoint, "error", err)
	}
}
