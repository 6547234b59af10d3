package rollout

import (
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

var (
	start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	spec  = endpoint.Rollout{
		Target: 1,
		Stages: []endpoint.RolloutStage{{Traffic: 1_00, For: 10 * time.Minute}, {Traffic: 10_00, For: 30 * time.Minute}, {Traffic: 50_00, For: time.Hour}},
		Stop:   endpoint.RolloutBounds{ErrorShare: 0.05, MinCalls: 50},
	}
)

func testEndpoint(t testing.TB, name string) *endpoint.Endpoint {
	t.Helper()
	at, err := url.Parse("http://up.example/v1")
	if err != nil {
		t.Fatal(err)
	}
	r := spec
	e := &endpoint.Endpoint{
		Name: name, Task: endpoint.Chat, Weights: []int{100, 0}, Rollout: &r,
		Entities: []*endpoint.Entity{{Name: "old", BaseURL: at}, {Name: "new", BaseURL: at}},
	}
	if _, err := endpoint.NewCatalog([]*endpoint.Endpoint{e}); err != nil {
		t.Fatal(err)
	}
	return e
}

func counts(watched time.Duration, calls, failed int64) Counts {
	return Counts{Watched: watched, Target: Measure{Calls: calls, Failed: failed}}
}

func TestStep(t *testing.T) {
	type by = map[string]Counts
	tests := []struct {
		name   string
		status Status
		stage  int
		counts by
		want   string // status and stage after it, and why; "" for no step
	}{
		{"nothing is known", Running, 0, nil, ""},
		{"time alone is no evidence", Running, 0, by{"a": counts(99*time.Hour, 0, 0)}, ""},
		{"too few calls", Running, 0, by{"a": counts(10*time.Minute, 49, 0)}, ""},
		{"too early", Running, 0, by{"a": counts(10*time.Minute-1, 5000, 0)}, ""},
		{"both", Running, 0, by{"a": counts(10*time.Minute, 50, 1)}, "running 1: stage 1 went well: 50 calls in 10m0s, 1 failed"},
		{"calls of all gateways count", Running, 0, by{"a": counts(10*time.Minute, 20, 0), "b": counts(3*time.Minute, 30, 0)}, "running 1: stage 1 went well: 50 calls in 10m0s, 0 failed"},
		{"their times don't add up", Running, 0, by{"a": counts(6*time.Minute, 20, 0), "b": counts(6*time.Minute, 30, 0)}, ""},
		{"the last stage", Running, 2, by{"a": counts(time.Hour, 50, 0)}, "done 2: stage 3 went well: 50 calls in 1h0m0s, 0 failed"},
		{"paused", Paused, 0, by{"a": counts(99*time.Hour, 5000, 0)}, ""},
		{"failures", Running, 1, by{"a": counts(time.Second, 3, 3)}, "stopped 1: 3 of 3 calls failed: more than 5% of 50"},
		{"failures of several gateways", Running, 1, by{"a": counts(0, 1, 1), "b": counts(0, 1, 1), "c": counts(0, 9, 1)}, "stopped 1: 3 of 11 calls failed: more than 5% of 50"},
		{"failures of a paused one", Paused, 1, by{"a": counts(0, 3, 3)}, "stopped 1: 3 of 3 calls failed: more than 5% of 50"},
		{"failures when its time is over", Running, 0, by{"a": counts(time.Hour, 100, 9)}, "stopped 0: 9 of 100 calls failed: more than 5% of 100"},
		{"a stopped one stays", Stopped, 0, by{"a": counts(time.Hour, 100, 0)}, ""},
		{"a done one stays", Done, 2, by{"a": counts(time.Hour, 100, 100)}, ""},
	}
	for _, tt := range tests {
		s := State{Status: tt.status, Stage: tt.stage, Turn: 3, Counts: tt.counts, Since: start}
		before := s
		next, moved := Step(&spec, s, start.Add(time.Minute))
		got := ""
		if moved {
			got = fmt.Sprintf("%s %d: %s", next.Status, next.Stage, next.Why)
			if last := next.History[len(next.History)-1]; last.Why != next.Why || !last.Time.Equal(start.Add(time.Minute)) || next.By != Itself || next.Turn != 3 {
				t.Errorf("%s: %+v", tt.name, next)
			}
			if (next.Counts == nil) == (next.Status == Stopped) {
				t.Errorf("%s: counts afterwards: %v", tt.name, next.Counts)
			}
		}
		if got != tt.want || !reflect.DeepEqual(s, before) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestClocksDecideNothing: whatever the clock says, the same follows.
func TestClocksDecideNothing(t *testing.T) {
	s := State{Status: Running, Since: start, Counts: map[string]Counts{"a": counts(9*time.Minute, 100, 0)}}
	for _, now := range []time.Time{{}, start.Add(-24 * time.Hour), start.Add(1000 * time.Hour)} {
		if _, moved := Step(&spec, s, now); moved {
			t.Errorf("at %s it moves", now)
		}
	}
}

func TestDo(t *testing.T) {
	for _, tt := range []struct {
		action Action
		status Status
		want   string
	}{
		{Pause, Running, "paused, turn 1, counts kept"},
		{Pause, Paused, ""},
		{Pause, Stopped, ""},
		{Pause, Done, ""},
		{Resume, Running, ""},
		{Resume, Paused, "running, turn 1, counts kept"},
		{Resume, Stopped, "running, turn 2, counts gone"},
		{Resume, Done, ""},
		{Abort, Running, "stopped, turn 1, counts kept"},
		{Abort, Paused, "stopped, turn 1, counts kept"},
		{Abort, Stopped, ""},
		{Abort, Done, "stopped, turn 1, counts kept"},
	} {
		s := State{Status: tt.status, Stage: 1, Turn: 1, Counts: map[string]Counts{"a": counts(0, 1, 0)}}
		next, ok := Do(tt.action, s, "ann", start)
		got := ""
		if ok {
			got = fmt.Sprintf("%s, turn %d, counts %s", next.Status, next.Turn, map[bool]string{true: "kept", false: "gone"}[next.Counts != nil])
			if next.By != "ann" || !strings.HasSuffix(next.Why, " by ann") || next.Stage != 1 || len(next.History) != 1 {
				t.Errorf("%s of %s: %+v", tt.action, tt.status, next)
			}
		}
		if got != tt.want {
			t.Errorf("%s of %s: %q, want %q", tt.action, tt.status, got, tt.want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	s := Begin(testEndpoint(t, "chat"), start)
	for i := range 500 {
		s, _ = Do([]Action{Pause, Resume}[i%2], s, fmt.Sprint(i), start)
	}
	if n := len(s.History); n != maxHistory || s.History[n-1].By != "499" {
		t.Errorf("%d events, the last %+v", n, s.History[n-1])
	}
}

// TestSpecificationsHaveIDs: a changed one is another rollout.
func TestSpecificationsHaveIDs(t *testing.T) {
	first := testEndpoint(t, "chat")
	seen := map[string]string{first.Rollout.ID: "first"}
	if id := testEndpoint(t, "chat").Rollout.ID; id != first.Rollout.ID {
		t.Errorf("%s and %s for the same", id, first.Rollout.ID)
	}
	for name, change := range map[string]func(*endpoint.Endpoint){
		"stage":    func(e *endpoint.Endpoint) { e.Rollout.Stages = e.Rollout.Stages[:2] },
		"bound":    func(e *endpoint.Endpoint) { e.Rollout.Stop.MinCalls++ },
		"model":    func(e *endpoint.Endpoint) { e.Entities[1].Model = "other" },
		"endpoint": func(e *endpoint.Endpoint) { e.Name, e.ID = "other", "" },
		"made":     func(e *endpoint.Endpoint) { e.Origin = &endpoint.Origin{Created: start} },
	} {
		e := testEndpoint(t, "chat")
		change(e)
		if _, err := endpoint.NewCatalog([]*endpoint.Endpoint{e}); err != nil {
			t.Fatal(err)
		}
		if other := seen[e.Rollout.ID]; other != "" {
			t.Errorf("%s and %s have the same id", name, other)
		}
		seen[e.Rollout.ID] = name
	}
}

func testTrack(t testing.TB) *Track {
	t.Helper()
	return newTrack(testEndpoint(t, "chat"), slog.New(slog.DiscardHandler), func() {})
}

// TestTrackStopsAtOnce: with the call that makes it bad, counting what others are known to have seen.
func TestTrackStopsAtOnce(t *testing.T) {
	k := testTrack(t)
	if s := k.Split(); s.Traffic != 0 || s.Why != "rollout: not known yet, nothing to new" {
		t.Errorf("before anything is known: %+v", s)
	}
	s := Begin(k.Endpoint, start).with("b", counts(time.Minute, 30, 1))
	k.Adopt("a", s, start)
	split := k.Split()
	if split.Traffic != 1_00 || split.Why != "rollout: stage 1 of 3, 1% to new" {
		t.Errorf("at its beginning: %+v", split)
	}
	bad := Call{Target: true, Result: Failed}
	if k.Note(split, bad); k.Split() != split {
		t.Error("two failures of all gateways stop it")
	}
	k.Note(split, bad)
	if got := k.Split(); got.Traffic != 0 || got.Why != "rollout: stopped, nothing to new" {
		t.Errorf("after the third: %+v", got)
	}
	if v := k.View(start); v.Status != Stopped || v.Why != "3 of 32 calls failed: more than 5% of 50" {
		t.Errorf("shown as %+v", v)
	}
	// Nobody knows yet. Others went on meanwhile: the stop holds.
	s.become(Running, 1, Itself, "went well", start)
	k.Adopt("a", s, start)
	if got := k.Split(); got.Traffic != 0 {
		t.Errorf("when others have advanced: %+v", got)
	}
	next, moved := k.Exchange("a", s, start)
	if !moved || next.Status != Stopped || next.Stage != 1 || next.Why != "3 of 32 calls failed: more than 5% of 50" {
		t.Errorf("it tells %+v", next)
	}
	k.Adopt("a", next, start)
	// Somebody resumes: it counts anew, and calls of before say nothing.
	again, _ := Do(Resume, next, "ann", start)
	k.Adopt("a", again, start)
	for range 10 {
		k.Note(split, bad)
	}
	if got := k.Split(); got.Traffic != 10_00 {
		t.Errorf("resumed: %+v", got)
	}
}

// TestHaltIsOverruled: of a stop here that nobody heard of, and a later resumption, the latter holds.
func TestHaltIsOverruled(t *testing.T) {
	k := testTrack(t)
	s := Begin(k.Endpoint, start)
	k.Adopt("a", s, start)
	k.Halt("ann")
	if k.Split().Traffic != 0 {
		t.Error("it goes on")
	}
	stopped, _ := Do(Abort, s, "bob", start)
	resumed, _ := Do(Resume, stopped, "bob", start)
	k.Adopt("a", resumed, start)
	if next, moved := k.Exchange("a", resumed, start); moved || k.Split().Traffic != 1_00 {
		t.Errorf("after the resumption: %+v", next)
	}
}

// TestRestart: a gateway goes on with what it had said; others' counts are not its own.
func TestRestart(t *testing.T) {
	s := Begin(testEndpoint(t, "chat"), start).with("a", counts(9*time.Minute, 30, 0)).with("b", counts(time.Minute, 19, 0))
	for _, seeded := range []bool{false, true} {
		k := testTrack(t)
		if seeded {
			k.Seed("a", s, start)
		}
		k.Adopt("a", s, start)
		k.Note(k.Split(), Call{Target: true, Result: Answered, Latency: time.Second})
		v := k.View(start)
		for i := range 12 {
			k.Tick(start.Add(time.Duration(i+1) * 5 * time.Second))
		}
		next, moved := k.Exchange("a", s, start.Add(time.Minute))
		if v.Total.Target.Calls != 50 || !moved || next.Stage != 1 {
			t.Errorf("seeded %v: %d calls, then %+v", seeded, v.Total.Target.Calls, next)
		}
	}
}

// TestPausesAreNotWatched: and what was, is.
func TestPausesAreNotWatched(t *testing.T) {
	k := testTrack(t)
	s := Begin(k.Endpoint, start)
	k.Adopt("a", s, start)
	at := start
	for range 48 {
		at = at.Add(5 * time.Second)
		k.Tick(at)
	}
	s, _ = k.Exchange("a", s, at)
	s, _ = Do(Pause, s, "ann", at)
	k.Adopt("a", s, at)
	at = at.Add(time.Hour)
	s, _ = k.Exchange("a", s, at)
	s, _ = Do(Resume, s, "ann", at)
	k.Adopt("a", s, at)
	s, _ = k.Exchange("a", s, at.Add(9*time.Second))
	s, _ = k.Exchange("a", s, at.Add(time.Hour)) // nor is the time that a process is held
	if got := s.Counts["a"].Watched; got != 4*time.Minute+19*time.Second {
		t.Errorf("watched for %s", got)
	}
}

// TestGrowingPartKeepsItsKeys: of a sticky split, a stage moves its own part and nobody else.
func TestGrowingPartKeepsItsKeys(t *testing.T) {
	one, ten := Split{Traffic: 1_00}, Split{Traffic: 10_00}
	in, moved := 0, 0
	for i := range uint32(200_000) {
		draw := i * 2654435761
		switch {
		case one.Takes(draw) && !ten.Takes(draw):
			t.Fatal("a key went back")
		case one.Takes(draw):
			in++
		case ten.Takes(draw):
			moved++
		}
	}
	if in < 1800 || in > 2200 || moved < 17_500 || moved > 18_500 {
		t.Errorf("%d in the first stage, %d moved in the second", in, moved)
	}
}

func TestTable(t *testing.T) {
	table := NewTable(slog.New(slog.DiscardHandler))
	a, b := testEndpoint(t, "a"), testEndpoint(t, "b")
	plain := testEndpoint(t, "plain")
	plain.Rollout = nil
	configure := func(all ...*endpoint.Endpoint) {
		c, err := endpoint.NewCatalog(all)
		if err != nil {
			t.Fatal(err)
		}
		table.Configure(c)
	}
	configure(b, a, plain)
	first := table.Of(a)
	if len(table.All()) != 2 || table.All()[0] != first || table.Of(plain) != nil || len(table.Wake()) != 1 {
		t.Errorf("%d tracks, %v", len(table.All()), first)
	}
	changed := testEndpoint(t, "b")
	changed.Rollout.Stop.MinCalls = 7
	configure(a, changed)
	if table.Of(a) != first || table.Of(b) != nil || table.Of(changed) == nil {
		t.Error("an unchanged rollout was lost, or a changed one kept")
	}
}

func TestCallsAllocateNothing(t *testing.T) {
	table := NewTable(slog.New(slog.DiscardHandler))
	e := testEndpoint(t, "chat")
	c, err := endpoint.NewCatalog([]*endpoint.Endpoint{e})
	if err != nil {
		t.Fatal(err)
	}
	table.Configure(c)
	table.Of(e).Adopt("a", Begin(e, start), start)
	n := testing.AllocsPerRun(100, func() {
		k := table.Of(e)
		s := k.Split()
		k.Note(s, Call{Target: s.Takes(0), Result: Answered, Latency: time.Second})
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCall(b *testing.B) {
	table := NewTable(slog.New(slog.DiscardHandler))
	e := testEndpoint(b, "chat")
	c, err := endpoint.NewCatalog([]*endpoint.Endpoint{e})
	if err != nil {
		b.Fatal(err)
	}
	table.Configure(c)
	table.Of(e).Adopt("a", Begin(e, start), start)
	b.ReportAllocs()
	for b.Loop() {
		k := table.Of(e)
		s := k.Split()
		k.Note(s, Call{Target: s.Takes(0), Result: Answered, Latency: time.Second, FirstToken: time.Millisecond})
	}
}

// TestManyAtOnce: calls, exchanges, people and reloads, for the race detector; none of it goes back on
// a stop.
func TestManyAtOnce(t *testing.T) {
	table := NewTable(slog.New(slog.DiscardHandler))
	e := testEndpoint(t, "chat")
	c, err := endpoint.NewCatalog([]*endpoint.Endpoint{e})
	if err != nil {
		t.Fatal(err)
	}
	table.Configure(c)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 500 {
				k := table.Of(e)
				s := k.Split()
				k.Note(s, Call{Target: i == 0, Result: Answered, Latency: time.Second})
				k.Report(start)
			}
		})
	}
	all.Go(func() {
		s := Begin(e, start)
		for i := range 500 {
			k := table.Of(e)
			s, _ = k.Exchange("a", s, start.Add(time.Duration(i)*time.Second))
			k.Adopt("a", s, start.Add(time.Duration(i)*time.Second))
			table.Configure(c)
		}
	})
	all.Go(func() { table.Of(e).Halt("ann") })
	all.Wait()
	table.Of(e).Halt("ann")
	if s := table.Of(e).Split(); s.Traffic != 0 {
		t.Errorf("%+v", s)
	}
}
