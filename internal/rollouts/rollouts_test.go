package rollouts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/rollout"
)

// three runs test with three gateways on one lake, whose clocks disagree.
func three(t *testing.T, test func(t *testing.T, w *witness, all []*member), change ...func(*endpoint.Endpoint)) {
	synctest.Test(t, func(t *testing.T) {
		e := testEndpoint(t, change...)
		w := newWitness(t, e)
		all := []*member{
			newMember(t, "a", w, e, 0), newMember(t, "b", w, testEndpoint(t, change...), 3*time.Hour),
			newMember(t, "c", w, testEndpoint(t, change...), -40*time.Minute),
		}
		time.Sleep(time.Second)
		test(t, w, all)
		for _, m := range all {
			m.kill()
		}
	})
}

// serveAll has all gateways serve at once.
func serveAll(all []*member, d time.Duration, atTarget func() rollout.Result) {
	var wg sync.WaitGroup
	for _, m := range all {
		wg.Go(func() { m.serve(d, atTarget) })
	}
	wg.Wait()
}

func statuses(all []*member) string {
	s := make([]string, len(all))
	for i, m := range all {
		s[i] = m.status()
	}
	return strings.Join(s, ", ")
}

func wantStatus(t *testing.T, when string, all []*member, want string) {
	t.Helper()
	if got := statuses(all); got != want {
		t.Errorf("%s: %s, want %s", when, got, want)
	}
}

// TestThreeGateways: they go through the stages together, in as long as the stages take, whatever their
// clocks say, and each step is recorded once.
func TestThreeGateways(t *testing.T) {
	three(t, func(t *testing.T, w *witness, all []*member) {
		wantStatus(t, "at the beginning", all, "running 0, running 0, running 0")
		serveAll(all, 9*time.Minute+50*time.Second, fine)
		wantStatus(t, "before the first stage is over", all, "running 0, running 0, running 0")
		serveAll(all, 15*time.Second, fine)
		wantStatus(t, "after it", all, "running 1, running 1, running 1")
		serveAll(all, 9*time.Minute+30*time.Second, fine)
		wantStatus(t, "in the second", all, "running 1, running 1, running 1")
		serveAll(all, 45*time.Second, fine)
		wantStatus(t, "at the end", all, "done 1, done 1, done 1")
		if got := all[0].track().Split(); got.Traffic != endpoint.FullTraffic || got.Why != "rollout: done, all to new" {
			t.Errorf("at the end: %+v", got)
		}
		steps := map[string]int{}
		for _, m := range all {
			for _, a := range m.audit {
				steps[a.Action]++
			}
		}
		if got := fmt.Sprint(steps); got != "map[advanceRollout:1 beginRollout:1 finishRollout:1]" {
			t.Errorf("recorded %s", got)
		}
		if w.refused == 0 {
			t.Error("nobody lost a race: it is not tested")
		}
	})
}

// TestNoCallsNoStep: for hours nobody calls.
func TestNoCallsNoStep(t *testing.T) {
	three(t, func(t *testing.T, w *witness, all []*member) {
		time.Sleep(6 * time.Hour)
		wantStatus(t, "after six hours", all, "running 0, running 0, running 0")
		if most := 3 * 6 * 60 * 2; w.replaced > most+10 {
			t.Errorf("the document was written %d times, want at most %d", w.replaced, most)
		}
	})
}

// TestStopsEverywhere: what two gateways see together is enough, and within seconds nobody sends anything.
func TestStopsEverywhere(t *testing.T) {
	three(t, func(t *testing.T, _ *witness, all []*member) {
		serveAll(all, time.Minute, fine)
		before := all[0].target + all[1].target + all[2].target
		serveAll(all, time.Minute, broken)
		wantStatus(t, "when it fails", all, "stopped 0, stopped 0, stopped 0")
		failed := all[0].target + all[1].target + all[2].target - before
		if failed > 3*9 {
			t.Errorf("%d calls failed", failed)
		}
		for _, m := range all { // the last ones of each are known to everybody
			if got := m.track().View(time.Now()).Total.Target.Failed; int(got) != failed {
				t.Errorf("%s knows of %d failed calls of %d", m.name, got, failed)
			}
		}
		steps := 0
		for _, m := range all {
			steps += strings.Count(m.actions(), "stopRollout")
		}
		if steps != 1 {
			t.Errorf("the stop was recorded %d times", steps)
		}
		targets := all[0].target + all[1].target + all[2].target
		serveAll(all, 30*time.Minute, fine)
		if now := all[0].target + all[1].target + all[2].target; now != targets {
			t.Errorf("%d calls went to it afterwards", now-targets)
		}
	})
}

// TestStopsAlone: a gateway that can't reach the lake stops by its own calls, stays stopped, and the
// others hear of it when it can.
func TestStopsAlone(t *testing.T) {
	three(t, func(t *testing.T, _ *witness, all []*member) {
		a := all[0]
		a.store.away.Store(true)
		for a.track().Split().Traffic > 0 {
			a.call(rollout.Failed)
		}
		if a.target != 3 {
			t.Errorf("it took %d failures", a.target)
		}
		wantStatus(t, "while it is alone", all, "stopped 0, running 0, running 0")
		serveAll(all, 15*time.Minute, fine) // the others go on
		wantStatus(t, "when they have advanced", all, "stopped 0, running 1, running 1")
		if a.target != 3 {
			t.Error("it sends calls again")
		}
		a.store.away.Store(false)
		time.Sleep(5 * time.Second)
		wantStatus(t, "when it is back", all, "stopped 1, stopped 1, stopped 1")
		if n := strings.Count(a.log.String(), "rollouts can't be read or written"); n != 1 || a.keeper.Failures() == 0 {
			t.Errorf("said %d times that the store is away, %d failures:\n%s", n, a.keeper.Failures(), a.log.String())
		}
	})
}

// TestNoStepWhileAway: a gateway that can't reach the lake goes on as it was.
func TestNoStepWhileAway(t *testing.T) {
	three(t, func(t *testing.T, _ *witness, all []*member) {
		for _, m := range all {
			m.store.away.Store(true)
		}
		serveAll(all, time.Hour, fine)
		wantStatus(t, "without the lake", all, "running 0, running 0, running 0")
		for _, m := range all {
			m.store.away.Store(false)
		}
		serveAll(all, 10*time.Second, fine)
		wantStatus(t, "with it", all, "running 1, running 1, running 1") // the hour was seen by everybody
	})
}

// TestGatewaysDie: what a dead one had written counts, its time doesn't go on; a new process of the
// same gateway goes on where that was.
func TestGatewaysDie(t *testing.T) {
	three(t, func(t *testing.T, _ *witness, all []*member) {
		serveAll(all, 6*time.Minute, fine)
		for _, m := range all {
			m.kill()
		}
		time.Sleep(24 * time.Hour)
		for _, m := range all[:2] {
			m.start(catalog(t, testEndpoint(t)))
		}
		time.Sleep(time.Second)
		two := all[:2]
		before := two[0].track().View(time.Now()).Total
		if before.Target.Calls < 200 || before.Watched > 7*time.Minute {
			t.Errorf("after the restart: %+v", before)
		}
		serveAll(two, 3*time.Minute, fine)
		wantStatus(t, "nine minutes in all", two, "running 0, running 0")
		serveAll(two, 90*time.Second, fine)
		wantStatus(t, "more than ten", two, "running 1, running 1")
		all[2].start(catalog(t, testEndpoint(t)))
	})
}

// TestStartWithoutTheLake: a gateway that knows nothing sends nothing; one with a copy does as that says.
func TestStartWithoutTheLake(t *testing.T) {
	three(t, func(t *testing.T, w *witness, all []*member) {
		serveAll(all, 11*time.Minute, fine)
		wantStatus(t, "before", all, "running 1, running 1, running 1")
		a := all[0]
		a.kill()
		a.store.away.Store(true)
		a.start(catalog(t, testEndpoint(t)))
		time.Sleep(time.Second)
		wantStatus(t, "with a copy", all[:1], "running 1")

		a.kill()
		must(t, os.WriteFile(a.file, []byte("{"), 0o600))
		a.start(catalog(t, testEndpoint(t)))
		time.Sleep(time.Second)
		if s := a.track().Split(); s.Traffic != 0 || !strings.Contains(a.log.String(), "read this gateway's copy of the rollouts") {
			t.Errorf("with a damaged copy: %+v\n%s", s, a.log.String())
		}

		fresh := newMember(t, "d", w, testEndpoint(t), 0)
		fresh.store.away.Store(true)
		time.Sleep(10 * time.Second)
		if s := fresh.track().Split(); s.Traffic != 0 {
			t.Errorf("without a copy: %+v", s)
		}
		fresh.store.away.Store(false)
		time.Sleep(5 * time.Second)
		wantStatus(t, "when the lake is there", []*member{fresh}, "running 1")
		fresh.kill()
	})
}

// TestActions: what people do is the same everywhere within seconds.
func TestActions(t *testing.T) {
	three(t, func(t *testing.T, _ *witness, all []*member) {
		ctx := context.Background()
		do := func(m *member, a rollout.Action) error { return m.keeper.Do(ctx, m.track(), a, "ann") }
		must(t, do(all[0], rollout.Pause))
		serveAll(all, 30*time.Minute, fine)
		wantStatus(t, "paused", all, "paused 0, paused 0, paused 0")
		if err := do(all[1], rollout.Pause); !errors.Is(err, rollout.ErrCan) || !strings.Contains(err.Error(), "it is paused") {
			t.Errorf("paused twice: %v", err)
		}
		must(t, do(all[1], rollout.Resume))
		serveAll(all, 11*time.Minute, fine)
		wantStatus(t, "resumed", all, "running 1, running 1, running 1")
		must(t, do(all[2], rollout.Abort))
		must(t, do(all[2], rollout.Abort)) // by the same person: it is done
		time.Sleep(5 * time.Second)
		wantStatus(t, "aborted", all, "stopped 1, stopped 1, stopped 1")
		must(t, do(all[0], rollout.Resume))
		time.Sleep(5 * time.Second)
		wantStatus(t, "resumed again", all, "running 1, running 1, running 1")
		all[0].store.away.Store(true)
		if err := do(all[0], rollout.Abort); !errors.Is(err, errAway) || all[0].track().Split().Traffic != 0 {
			t.Errorf("aborted without the lake: %v, %+v", err, all[0].track().Split())
		}
		all[0].store.away.Store(false)
		time.Sleep(5 * time.Second)
		wantStatus(t, "when it is back", all, "stopped 1, stopped 1, stopped 1")
		if v := all[1].track().View(time.Now()); v.By != "ann" || v.Why != "aborted by ann" {
			t.Errorf("%+v", v.State)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestChangedAndRemoved: a changed rollout begins anew, and one that was taken out and comes back does;
// an endpoint that is left out for a while keeps its own.
func TestChangedAndRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := testEndpoint(t)
		w := newWitness(t, e)
		docs := state.New(w.Store)
		m := newMember(t, "a", w, e, 0)
		defer func() { m.kill() }()
		time.Sleep(time.Second)
		for m.track().Split().Traffic > 0 {
			m.call(rollout.Failed)
		}
		time.Sleep(5 * time.Second)
		restart := func(c *endpoint.Catalog) {
			m.kill()
			m.start(c)
			time.Sleep(5 * time.Second)
		}
		other := testEndpoint(t, func(e *endpoint.Endpoint) { e.Name = "other" })
		restart(catalog(t, other))
		restart(catalog(t, testEndpoint(t), testEndpoint(t, func(e *endpoint.Endpoint) { e.Name = "other" })))
		wantStatus(t, "left out and back", []*member{m}, "stopped 0")

		changed := testEndpoint(t, func(e *endpoint.Endpoint) { e.Rollout.Stop.MinCalls = 60 })
		m.table.Configure(catalog(t, changed, testEndpoint(t, func(e *endpoint.Endpoint) { e.Name = "other" })))
		time.Sleep(5 * time.Second)
		wantStatus(t, "changed", []*member{m}, "running 0")
		ids, err := docs.List(t.Context(), Kind)
		must(t, err)
		if want := changed.Rollout.ID; len(ids) != 2 || ids[0] != want && ids[1] != want {
			t.Errorf("documents %q, want the changed one's and the other endpoint's", ids)
		}
		plain := testEndpoint(t, func(e *endpoint.Endpoint) { e.Rollout = nil })
		restart(catalog(t, plain, testEndpoint(t, func(e *endpoint.Endpoint) { e.Name = "other" })))
		ids, err = docs.List(t.Context(), Kind)
		must(t, err)
		if len(ids) != 1 {
			t.Errorf("documents %q after it was taken out", ids)
		}
		restart(catalog(t, testEndpoint(t)))
		wantStatus(t, "put in again", []*member{m}, "running 0")
	})
}

// TestManyRollouts: a hundred of them are followed as fast as one, on a slow store.
func TestManyRollouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWitness(t, testEndpoint(t))
		all := func() *endpoint.Catalog {
			var list []*endpoint.Endpoint
			for i := range 100 {
				list = append(list, testEndpoint(t, func(e *endpoint.Endpoint) { e.Name = fmt.Sprintf("chat%03d", i) }))
			}
			return catalog(t, list...)
		}
		a, b := newMember(t, "a", w, testEndpoint(t), 0), newMember(t, "b", w, testEndpoint(t), 0)
		for _, m := range []*member{a, b} {
			m.table.Configure(all())
		}
		time.Sleep(20 * time.Second)
		must(t, a.keeper.Do(t.Context(), a.table.All()[57], rollout.Abort, "ann"))
		time.Sleep(5 * time.Second)
		for i, k := range b.table.All() {
			if v := k.View(time.Now()); !v.Known || (v.Status == rollout.Stopped) != (i == 57) {
				t.Errorf("%s is %s", v.Endpoint, v.Status)
			}
		}
		a.kill()
		b.kill()
	})
}

// TestDamagedDocument: it is said, and nothing goes to the target.
func TestDamagedDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := testEndpoint(t)
		catalog(t, e)
		w := newWitness(t, e)
		for i, doc := range []string{`[]`, `{"status":"running","stage":7}`} {
			_, err := w.Store.Put(t.Context(), "_lakegate/rollout/"+e.Rollout.ID+".json", []byte(doc))
			must(t, err)
			m := newMember(t, fmt.Sprint(i), w, e, 0)
			time.Sleep(5 * time.Second)
			if m.track().Split().Traffic != 0 || !strings.Contains(m.log.String(), "delete it, and the rollout begins anew") {
				t.Errorf("%s: %+v\n%s", doc, m.track().Split(), m.log.String())
			}
			m.kill()
		}
	})
}
