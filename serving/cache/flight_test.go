package cache

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestFlights(t *testing.T) {
	c := New(nil)
	sum, other := Sum{1}, Sum{2}
	leader, leads := c.Join(sum)
	if _, alone := c.Join(other); !leads || !alone {
		t.Fatal("who asks first leads")
	}
	one, leads := c.Join(sum)
	if leads || one != leader {
		t.Fatal("an equal question at the same time follows")
	}
	select {
	case <-one.Done():
		t.Fatal("it is in the air")
	default:
	}
	e := &Entry{}
	leader.Land(e, Stream, false)
	leader.Land(nil, Whole, true) // does nothing
	<-one.Done()
	if got, shape, failed := one.Result(); got != e || shape != Stream || failed {
		t.Errorf("%v %v %v", got, shape, failed)
	}
	one.Leave()
	if _, leads := c.Join(sum); !leads {
		t.Error("a flight that has landed is joined")
	}
	if len(c.flights) != 2 {
		t.Errorf("%d flights are remembered", len(c.flights))
	}
}

func TestALeaderCarriesItsFollowers(t *testing.T) {
	c := New(nil)
	sum := Sum{1}
	alone, _ := c.Join(sum)
	if alone.Carry(func() { t.Error("there is nobody to leave") }) || alone.Carried() {
		t.Error("it goes on for nobody")
	}
	leader, leads := c.Join(sum)
	if !leads {
		t.Fatal("whoever comes after a leader that left leads")
	}
	alone.Land(nil, Whole, true)
	if f, leads := c.Join(sum); leads || f != leader {
		t.Fatal("an older flight has taken a newer one off the list")
	}
	_, _ = c.Join(sum)
	released := 0
	for range 2 {
		if !leader.Carry(func() { released++ }) || !leader.Carried() {
			t.Error("it does not go on for two followers")
		}
	}
	leader.Leave()
	if released != 0 {
		t.Error("one follower is left")
	}
	leader.Leave()
	if released != 1 || leader.Carry(func() {}) || leader.Carried() {
		t.Errorf("released %d times", released)
	}
	if _, leads := c.Join(sum); !leads {
		t.Error("a flight that everybody left is joined")
	}
}

// Whatever the order of joining, leaving and landing, every follower is told.
func TestFlightsTogether(t *testing.T) {
	c := New(nil)
	var wg sync.WaitGroup
	var led, followed atomic.Int64
	for i := range 64 {
		wg.Go(func() {
			for range 200 {
				f, leads := c.Join(Sum{byte(i % 3)})
				if leads {
					led.Add(1)
					if i%2 == 0 {
						f.Carry(func() {})
					}
					f.Land(&Entry{}, Whole, false)
					continue
				}
				if i%5 != 0 {
					<-f.Done()
				}
				followed.Add(1)
				f.Leave()
			}
		})
	}
	wg.Wait()
	if led.Load()+followed.Load() != 64*200 || len(c.flights) != 0 {
		t.Errorf("%d led, %d followed, %d left over", led.Load(), followed.Load(), len(c.flights))
	}
}
