package console

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestEqualQueriesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newFlights(time.Minute)
		runs := 0
		release := make(chan struct{})
		results := make(chan *Result, 3)
		for range 3 {
			go func() {
				r, err := fs.do(t.Context(), "same", func(context.Context) (*Result, error) {
					runs++
					<-release
					return &Result{}, nil
				})
				if err != nil {
					t.Error(err)
				}
				results <- r
			}()
		}
		synctest.Wait()
		close(release)
		a, b, c := <-results, <-results, <-results
		if runs != 1 || a != b || b != c {
			t.Fatalf("%d runs", runs)
		}
		if len(fs.running) != 0 {
			t.Fatal("a finished query is kept")
		}
	})
}

func TestQueryEndsWithItsLastCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newFlights(time.Minute)
		ended := make(chan error, 1)
		run := func(ctx context.Context) (*Result, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}
		first, leaveFirst := context.WithCancel(t.Context())
		second, leaveSecond := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		go func() { _, err := fs.do(first, "k", run); errs <- err }()
		synctest.Wait()
		go func() { _, err := fs.do(second, "k", run); errs <- err }()
		synctest.Wait()
		leaveFirst()
		synctest.Wait()
		select {
		case <-ended:
			t.Fatal("it ended while somebody waited")
		default:
		}
		leaveSecond()
		synctest.Wait()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("it ended with %v", err)
		}
		for range 2 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Fatalf("a caller got %v", err)
			}
		}
	})
}

func TestQueryTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newFlights(time.Minute)
		_, err := fs.do(t.Context(), "k", func(ctx context.Context) (*Result, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	})
}
