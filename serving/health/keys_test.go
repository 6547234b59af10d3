package health

import (
	"testing"
	"time"
)

func TestKeys(t *testing.T) {
	var k Keys
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	want := func(step string, n int, used uint64, now time.Time, key int) {
		t.Helper()
		if got := k.Pick(n, used, now); got != key {
			t.Errorf("%s: key %d, want %d", step, got, key)
		}
	}
	want("at first", 3, 0, at(0), 0)
	want("the same again", 3, 0, at(0), 0)
	k.Rest(0, 3, at(10))
	want("the first rests", 3, 0, at(1), 1)
	want("and the second was used", 3, 0b010, at(1), 2)
	k.Rest(2, 3, at(5))
	want("the second goes on", 3, 0, at(2), 1)
	k.Rest(1, 3, at(20))
	want("all rest", 3, 0, at(3), 2)
	want("all rest, and one was used", 3, 0b100, at(3), 0)
	want("the third is back", 3, 0, at(5), 2)
	want("after a reload with fewer", 2, 0, at(12), 0)
	want("after a reload with more", 5, 0, at(3), 3)
}
