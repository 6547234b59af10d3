package tablewriter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// landings runs a schedule with an interval of ten seconds. It returns when the landings were, in
// seconds since the start, asked ones negative.
func landings(t *testing.T, fails func(n int) bool, script func(*schedule)) (at []int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := newSchedule(10 * time.Second)
		s.failed = func(error, int) {}
		s.land = func(_ context.Context, asked bool) error {
			s.sealing()
			sec := int(time.Since(start) / time.Second)
			if asked {
				sec = -sec
			}
			at = append(at, sec)
			if fails != nil && fails(len(at)) {
				return errDown
			}
			return nil
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.run(ctx); close(done) }()
		time.Sleep(20 * time.Second) // the first timer, without a record
		synctest.Wait()
		at = nil
		start = time.Now()
		script(s)
		stop()
		<-done
	})
	return at
}

func TestSchedule(t *testing.T) {
	never := func(int) bool { return false }
	for _, tc := range []struct {
		name   string
		fails  func(int) bool
		script func(*schedule)
		want   []int
	}{
		{"nothing to do", never, func(*schedule) { time.Sleep(time.Hour) }, nil},
		{"ten seconds after the first record", never, func(s *schedule) {
			for range 25 { // at 0, 1.1, ... 26.4 s
				s.appended()
				time.Sleep(1100 * time.Millisecond)
			}
			time.Sleep(time.Hour)
		}, []int{10, 21, 32}},
		{"a large segment at once", never, func(s *schedule) {
			time.Sleep(3 * time.Second)
			s.appended()
			s.large()
			s.large()
			time.Sleep(time.Hour)
		}, []int{3, 13}},
		{"when asked", never, func(s *schedule) {
			time.Sleep(4 * time.Second)
			if err := s.now(context.Background()); err != nil {
				panic(err)
			}
			time.Sleep(time.Hour)
		}, []int{-4}},
		{"again after failures, not more often for a large segment", func(n int) bool { return n < 3 }, func(s *schedule) {
			s.large()
			for range 10 {
				synctest.Wait()
				s.large()
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(time.Hour)
		}, []int{0, 0, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := landings(t, tc.fails, tc.script)
			if len(got) != len(tc.want) {
				t.Fatalf("landings at %v s, want %v", got, tc.want)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Fatalf("landings at %v s, want %v", got, tc.want)
				}
			}
		})
	}
}

func TestScheduleStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSchedule(time.Second)
		s.failed = func(error, int) { t.Error("a landing that was stopped is no failure to tell of") }
		s.land = func(ctx context.Context, _ bool) error { <-ctx.Done(); return ctx.Err() }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.run(ctx); close(done) }()
		asked := make(chan error)
		go func() { asked <- s.now(context.Background()) }()
		synctest.Wait()
		stop()
		if err := <-asked; !errors.Is(err, context.Canceled) {
			t.Errorf("a flush that was cut short: %v", err)
		}
		<-done
		if err := s.now(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("a flush after the end: %v", err)
		}
	})
}

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 5: 8 * time.Second, 9: 30 * time.Second, 1000: 30 * time.Second} {
		if d := backoff(failures, time.Hour); d < want*9/10 || d > want*11/10 {
			t.Errorf("%d failures: %v, want about %v", failures, d, want)
		}
	}
	if d := backoff(20, time.Second); d > 1100*time.Millisecond {
		t.Errorf("the bound is not kept: %v", d)
	}
}
