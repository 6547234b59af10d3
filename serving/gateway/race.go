package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/health"
)

// race is one call that several entities are asked for. Each racer is a work of its own, with a
// record that nobody sees, until one has something for the client: a whole answer that is good, or
// a stream's first token. That one claims the call, and what is visible of it; the others are cut
// off, and noted with what they took. An error claims nothing.
type race struct {
	work   *work           // the call's; it waits
	ctx    context.Context // of all that is asked upstream
	cancel context.CancelCauseFunc
	start  time.Time
	from   int           // the call's attempts before it
	ends   chan *racer   // gets each racer once, when it is done
	won    chan struct{} // closed when the call is claimed

	mu     sync.Mutex // held to change what follows, and racers' records
	racers []*racer   // in the order they were started
	winner *racer
	place  int // of the winner's attempt among the call's
}

// racer is one of a race.
type racer struct {
	*race
	work   *work
	own    *visible // what was visible of work before it won
	entity *endpoint.Entity
	cancel context.CancelCauseFunc
	action string

	// Under mu:
	since  time.Time // when the attempt under way began; zero before
	why    string    // that one's
	status int       // of its answer, as far as there is one
	ended  bool

	// Once it has ended:
	failed   *failure // nil for the winner
	panicked any
}

var errOutrun = errors.New(inference.Outrun)

// racers returns the entities to race for the call, fewer than two where there is no race: those of
// the endpoint's that a rule or a strategy lets the call go to, the plan's first before the others.
func (w *work) racers(plan []*endpoint.Entity) []*endpoint.Entity {
	r := w.endpoint.Race
	if r == nil || !w.repeatable() {
		return nil
	}
	all, rule := w.endpoint.Entities, w.rule()
	list := plan[:1:1]
	found := false
	for _, i := range w.inOrder(r.Among, plan) {
		switch {
		case all[i] == plan[0]:
			found = true
		case len(list) >= r.Most:
		case rule >= 0 && !slices.Contains(w.endpoint.Rules[rule].To, i), rule < 0 && !w.endpoint.Strategy.Allows(i):
		default:
			list = append(list, all[i])
		}
	}
	if !found {
		return nil
	}
	return list
}

// inOrder returns the entities of a race in the order of the plan, where a strategy has found which is
// next best, and otherwise as they are.
func (w *work) inOrder(among []int, plan []*endpoint.Entity) []int {
	if w.endpoint.Choice() == endpoint.Weighted {
		return among
	}
	at := func(i int) int {
		if n := slices.Index(plan, w.endpoint.Entities[i]); n >= 0 {
			return n
		}
		return len(plan)
	}
	among = slices.Clone(among)
	slices.SortStableFunc(among, func(a, b int) int { return at(a) - at(b) })
	return among
}

// tryRace races the entities of list, as often as the endpoint allows for one, then tries those of
// the plan that are not among them.
func (w *work) tryRace(list, plan []*endpoint.Entity) *failure {
	why := w.why
	last, ran := w.newRace(len(list)).run(list)
	if !ran { // all circuits are open
		w.why = why
		return w.tryAll(plan)
	}
	for n := 1; last != nil && n < w.endpoint.Retries.Attempts && w.pause(last, n); n++ {
		again, ran := w.newRace(len(list)).run(list)
		if !ran {
			w.why = ""
			break
		}
		last = again
	}
	if last == nil || w.isGone() || w.remaining() <= 0 || !last.another {
		return last
	}
	rest := slices.DeleteFunc(slices.Clone(plan), func(e *endpoint.Entity) bool { return slices.Contains(list, e) })
	if len(rest) == 0 {
		return last
	}
	w.because("after the race: " + last.reason)
	var worst blame
	worst.add(w, last)
	if last = w.tryAll(rest); last == nil {
		return nil
	}
	worst.add(w, last)
	return worst.tell(w)
}

func (w *work) newRace(n int) *race {
	r := &race{work: w, start: time.Now(), from: len(w.rec.Attempts), ends: make(chan *racer, n), won: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancelCause(w.base)
	w.mu.Lock()
	w.line = &line{cancel: r.cancel} // what cuts off the racers, should the client leave
	w.mu.Unlock()
	return r
}

// run asks the entities of list: all at once, or each when the one before has shown nothing for a
// while, or when one has failed. It returns what they failed with, nil when the client has its
// answer, and whether any was asked.
func (r *race) run(list []*endpoint.Entity) (last *failure, ran bool) {
	defer r.over()
	w, after := r.work, r.work.endpoint.Race.After
	running, left := 0, false
	next := func(why string) bool {
		for len(list) > 0 {
			e := list[0]
			list = list[1:]
			pass, ok := w.enter(e)
			if !ok {
				w.because(e.Name + " is left out: its circuit is open")
				continue
			}
			if why != "" {
				w.because(why)
			}
			if r.ask(e, pass) {
				running++
				return true
			}
		}
		return false
	}
	if !next("") {
		return nil, false
	}
	first := r.racers[0].entity.Name
	for after == 0 && next("asked at once with "+first) {
	}
	timer := time.NewTimer(max(after, 0))
	defer timer.Stop()
	for won := r.won; running > 0; {
		var hedge <-chan time.Time
		if won != nil && len(list) > 0 && !left {
			hedge = timer.C
		}
		select {
		case x := <-r.ends:
			running--
			if x.failed == nil {
				x.rethrow()
				return nil, true
			}
			if won == nil || x.failed.lost {
				continue
			}
			if last == nil || last.another && (last.unasked() || !x.failed.unasked()) {
				last = x.failed
			}
			if !w.isGone() && w.remaining() > 0 && next("after "+x.entity.Name+": "+x.failed.reason) {
				timer.Reset(after)
			}
		case <-hedge:
			if left = w.isGone(); !left && next(fmt.Sprintf("%s had shown nothing after %s", r.racers[len(r.racers)-1].entity.Name, after)) {
				timer.Reset(after)
			}
		case <-won:
			won = nil
		}
	}
	r.allFailed(last)
	return last, true
}

// over ends what is still there of a race: nobody can win any more.
func (r *race) over() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.winner == nil {
		r.winner = &racer{}
	}
	r.cancel(errDone)
}

// ask starts a racer, if nobody has won. It ends when its attempt does, and puts itself into ends.
func (r *race) ask(e *endpoint.Entity, pass health.Pass) bool {
	w := r.work
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.winner != nil {
		w.untried(e, pass)
		return false
	}
	record := *w.rec
	record.Attempts = nil
	b := *w
	b.visible = &visible{resp: nobody{}, rec: &record, span: w.span, left: w.goneError, leave: w.leave}
	b.chat, b.embed, b.dropped, b.midway, b.more = nil, nil, nil, nil, true // nothing that one could change under another
	x := &racer{race: r, work: &b, own: b.visible, entity: e}
	w.why, b.racer = "", x
	b.within, x.cancel = context.WithCancelCause(r.ctx)
	if len(r.racers) > 0 {
		x.action = inference.ActionRace
	}
	r.racers = append(r.racers, x)
	go func() {
		defer func() {
			x.end(recover())
			r.ends <- x
		}()
		x.failed = b.tryPassed(e, pass)
	}()
	return true
}

var errLeft = errors.New("the client has left")

// goneError is the error of the client's context, as a racer sees it.
func (w *work) goneError() error {
	if w.isGone() {
		return errLeft
	}
	return nil
}

// end notes how a racer has ended. A panic is the call's if the call is the racer's, else a failure.
func (x *racer) end(panicked any) {
	x.cancel(errDone)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	if panicked == nil {
		return
	}
	if x.panicked = fmt.Sprintf("%v\n%s", panicked, debug.Stack()); x.winner == x {
		x.failed = nil
		return
	}
	x.work.Logger.Error("panic in a race", "request_id", x.own.rec.ID, "entity", x.entity.Name, "panic", x.panicked)
	x.failed = &failure{
		err:     apierr.New(apierr.Internal, "internal error; the request id is %s", x.own.rec.ID),
		outcome: inference.InternalFailure, reason: "internal error", another: true,
	}
	if !x.since.IsZero() {
		a := x.attempt()
		a.Error = x.failed.reason
		x.own.rec.Attempts = append(x.own.rec.Attempts, a)
	}
}

// rethrow has the call's goroutine panic where its winner has.
func (x *racer) rethrow() {
	if x.panicked != nil {
		panic(x.panicked)
	}
}
