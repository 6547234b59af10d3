package lease

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
)

const ttl = 30 * time.Second

func acquire(t *testing.T, o *Observer) *Lease {
	t.Helper()
	l, err := o.Acquire(t.Context(), "work", ttl)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantHeld(t *testing.T, o *Observer, by string) {
	t.Helper()
	_, err := o.Acquire(t.Context(), "work", ttl)
	var held *HeldError
	if !errors.As(err, &held) || held.Holder != by {
		t.Fatalf("got %v, want a lease held by %s", err, by)
	}
}

func TestOneAtATime(t *testing.T) {
	folder, err := fsstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]objstore.Store{"memstore": memstore.New(), "fsstore": folder} {
		t.Run(name, func(t *testing.T) {
			docs := state.New(store)
			a, b := NewObserver(docs, "a"), NewObserver(docs, "b")
			l := acquire(t, a)
			wantHeld(t, b, "a")
			wantHeld(t, a, "a") // not twice by one holder either
			if _, err := Acquire(t.Context(), docs, "work", "c", ttl); !errors.Is(err, ErrHeld) {
				t.Errorf("got %v, want %v", err, ErrHeld)
			}
			for range 3 {
				if err := l.Renew(t.Context()); err != nil || !l.Held() {
					t.Fatalf("renew: %v", err)
				}
			}
			if err := errors.Join(l.Release(t.Context()), l.Release(t.Context())); err != nil || l.Held() {
				t.Fatalf("release: %v", err)
			}
			if err := l.Renew(t.Context()); !errors.Is(err, ErrLost) {
				t.Errorf("renew after release: %v, want %v", err, ErrLost)
			}
			l = acquire(t, b) // at once
			wantHeld(t, a, "b")
			if !l.Held() {
				t.Error("not held")
			}
		})
	}
}

func TestDeadHolderIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := state.New(memstore.New())
		dead, b := acquire(t, NewObserver(docs, "a")), NewObserver(docs, "b")
		time.Sleep(time.Hour)
		if dead.Held() {
			t.Error("believes in a lease of an hour ago")
		}
		wantHeld(t, b, "a") // b sees it for the first time
		time.Sleep(ttl - time.Millisecond)
		wantHeld(t, b, "a")
		time.Sleep(time.Millisecond)
		l := acquire(t, b)
		if err := dead.Renew(t.Context()); !errors.Is(err, ErrLost) || dead.Held() {
			t.Errorf("the dead one renewed: %v", err)
		}
		if err := dead.Release(t.Context()); err != nil || !l.Held() {
			t.Errorf("the dead one released: %v", err)
		}
		wantHeld(t, NewObserver(docs, "c"), "b")
	})
}

func TestRenewalStartsTheWaitAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := state.New(memstore.New())
		l, b := acquire(t, NewObserver(docs, "a")), NewObserver(docs, "b")
		for range 10 {
			wantHeld(t, b, "a")
			time.Sleep(ttl * 8 / 10)
			if err := l.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(ttl * 95 / 100)
		wantHeld(t, b, "a") // the tenth renewal is new to b
		if l.Held() {
			t.Error("believes in the lease after nine tenths of it")
		}
		if err := l.Renew(t.Context()); err != nil || !l.Held() {
			t.Errorf("nobody took it, so it can be renewed late: %v", err)
		}
	})
}

// The clocks show different times, years apart: what they show is for people only.
func TestClocksShowWhatTheyLike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := state.New(memstore.New())
		a, b := NewObserver(docs, "a"), NewObserver(docs, "b")
		a.now = func() time.Time { return time.Now().AddDate(20, 0, 0) }
		b.now = func() time.Time { return time.Now().AddDate(-20, 0, 0) }
		acquire(t, a)
		wantHeld(t, b, "a")
		time.Sleep(ttl)
		acquire(t, b)
		wantHeld(t, a, "b")
		time.Sleep(ttl)
		acquire(t, a)
	})
}

func TestLostAnswers(t *testing.T) {
	for name, fault := range map[string]memstore.Fault{
		"after the write":  {After: objstore.ErrUnknown},
		"before the write": {Before: objstore.ErrUnknown},
		"error":            {Before: errors.New("no route to host")},
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New()
			l := acquire(t, NewObserver(state.New(store), "a"))
			store.Inject(func(c memstore.Call) memstore.Fault { return fault })
			if err := l.Renew(t.Context()); err == nil || errors.Is(err, ErrLost) || !l.Held() {
				t.Errorf("renewed without answers: %v", err)
			}
			store.Inject(nil)
			if err := l.Renew(t.Context()); err != nil || !l.Held() {
				t.Errorf("renew: %v", err)
			}
		})
	}
}

func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := state.New(memstore.New())
		a, b := NewObserver(docs, "a"), NewObserver(docs, "b")
		failed := errors.New("failed")
		err := acquire(t, a).Do(t.Context(), func(ctx context.Context) error {
			for range 100 {
				time.Sleep(ttl / 2)
				wantHeld(t, b, "a")
			}
			if ctx.Err() != nil {
				t.Error("the lease was not kept")
			}
			return failed
		})
		if !errors.Is(err, failed) || errors.Is(err, ErrLost) {
			t.Errorf("got %v, want %v", err, failed)
		}
		acquire(t, b)
	})
}

// The store goes away: the work is told before anybody else may begin it, also when calls hang.
func TestDoEndsBeforeAnotherCanBegin(t *testing.T) {
	for name, hang := range map[string]time.Duration{"refused": 0, "hanging": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New()
				docs := state.New(store)
				l, b := acquire(t, NewObserver(docs, "a")), NewObserver(docs, "b")
				wantHeld(t, b, "a")
				store.Inject(func(c memstore.Call) memstore.Fault {
					time.Sleep(hang)
					return memstore.Fault{Before: objstore.ErrUnknown}
				})
				begun := time.Now()
				var told time.Duration
				err := l.Do(t.Context(), func(ctx context.Context) error {
					<-ctx.Done()
					told = time.Since(begun)
					return ctx.Err()
				})
				if !errors.Is(err, ErrLost) || told > ttl*9/10 {
					t.Errorf("told after %v: %v", told, err)
				}
			})
		})
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := state.New(memstore.New())
		acquire(t, NewObserver(docs, "dead"))
		begun := time.Now()
		if _, err := NewObserver(docs, "b").Wait(t.Context(), "work", ttl); err != nil || time.Since(begun) > ttl+time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := NewObserver(docs, "c").Wait(short, "work", ttl); !errors.Is(err, ErrHeld) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestForeignDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := state.New(memstore.New())
		if _, err := docs.Create(t.Context(), Kind, "work", []byte(`[1]`)); err != nil {
			t.Fatal(err)
		}
		o := NewObserver(docs, "a")
		wantHeld(t, o, "a document that can't be read")
		time.Sleep(MaxTTL)
		acquire(t, o)
	})
	if _, err := NewObserver(state.New(memstore.New()), "a").Acquire(t.Context(), "work", time.Millisecond); err == nil {
		t.Error("got a lease of a millisecond")
	}
}

// Holders with clocks of different speed, a store that is slow, refuses, loses answers and writes
// late: never two are inside.
func TestNeverTwoInside(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const holders, span = 5, 40 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		docs := state.New(store)
		var mu sync.Mutex
		rnd := rand.New(rand.NewPCG(seed, 1))
		chance := func(n int) int { mu.Lock(); defer mu.Unlock(); return rnd.IntN(n) }
		store.Inject(func(c memstore.Call) memstore.Fault {
			time.Sleep(time.Duration(chance(400)) * time.Millisecond)
			switch chance(40) {
			case 0:
				time.Sleep(time.Duration(chance(60_000)) * time.Millisecond) // written late, if still allowed
			case 1:
				return memstore.Fault{After: objstore.ErrUnknown}
			case 2:
				return memstore.Fault{Before: objstore.ErrUnknown}
			case 3:
				return memstore.Fault{Before: errors.New("refused")}
			}
			return memstore.Fault{}
		})
		current := make([]*Lease, holders)
		inside := func() (n int) {
			mu.Lock()
			defer mu.Unlock()
			for _, l := range current {
				if l != nil && l.Held() {
					n++
				}
			}
			return n
		}
		ctx, stop := context.WithTimeout(t.Context(), span)
		defer stop()
		var wg sync.WaitGroup
		begun := time.Now()
		entered := make([]int, holders)
		for i := range holders {
			o := NewObserver(docs, fmt.Sprint(i))
			speed := 0.96 + 0.02*float64(i)
			o.now = func() time.Time { return begun.Add(time.Duration(float64(time.Since(begun)) * speed)) }
			wg.Go(func() {
				for ctx.Err() == nil {
					l, err := o.Wait(ctx, "work", 5*time.Second)
					if err != nil {
						continue
					}
					mu.Lock()
					current[i] = l
					mu.Unlock()
					entered[i]++
					for n := chance(8); n > 0 && l.Held(); n-- {
						time.Sleep(time.Duration(chance(3000)) * time.Millisecond)
						_ = l.Renew(ctx)
					}
					if chance(3) > 0 { // otherwise it dies
						_ = l.Release(ctx)
					}
					time.Sleep(time.Duration(chance(8000)) * time.Millisecond)
				}
			})
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				if n := inside(); n > 1 {
					t.Errorf("%d holders are inside", n)
					stop()
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
		wg.Wait()
		for i, n := range entered {
			if n < 3 {
				t.Errorf("holder %d was inside %d times only: %d", i, n, entered)
			}
		}
	})
}
