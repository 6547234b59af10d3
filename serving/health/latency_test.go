package health

import (
	"testing"
	"time"
)

func TestLatency(t *testing.T) {
	const ms = time.Millisecond
	now := time.Unix(1000, 0)
	var l Latency
	if x := l.Expect(now); x != (Expectation{}) {
		t.Errorf("never measured: %+v", x)
	}
	l.Observe(100*ms, now)
	for range 100 { // in quick succession each counts for a tenth
		l.Observe(200*ms, now)
	}
	if x := l.Expect(now); x.Measured != x.Faded || x.Measured < 199*ms || x.Measured > 200*ms {
		t.Errorf("after a hundred: %+v", x)
	}
	now = now.Add(time.Minute)
	l.Observe(400*ms, now) // after a minute the last one counts for 63 %
	if x := l.Expect(now); x.Measured < 325*ms || x.Measured > 327*ms {
		t.Errorf("after a minute: %+v", x)
	}
	if x := l.Expect(now.Add(time.Hour)); x.Faded != x.Measured || x.Old() {
		t.Errorf("it does not fade where nobody has gone elsewhere: %+v", x)
	}
	for range 5 {
		l.Pass()
	}
	if x := l.Expect(now.Add(time.Hour)); x.Faded < x.Measured*71/100 || x.Faded > x.Measured*72/100 || !x.Old() {
		t.Errorf("five calls are worth ten seconds: %+v", x)
	}
	for range 1000 {
		l.Pass()
	}
	if x := l.Expect(now.Add(30 * time.Second)); x.Faded < x.Measured*36/100 || x.Faded > x.Measured*37/100 {
		t.Errorf("after half a minute: %+v", x)
	}
	if x := l.Expect(now.Add(-time.Hour)); x.Faded != x.Measured {
		t.Errorf("a clock that goes back: %+v", x)
	}
	if !l.Take(now) || l.Take(now.Add(29*time.Second)) || !l.Expect(now).Taken || !l.Take(now.Add(31*time.Second)) {
		t.Error("one measures it anew at a time, and not for ever")
	}
	was := l.Expect(now).Measured
	if l.AtLeast(was/2, now); l.Expect(now).Measured != was {
		t.Error("that it takes half as long at least was known")
	}
	if l.AtLeast(was*2, now); l.Expect(now).Measured <= was {
		t.Error("it takes longer than was known")
	}
	if l.Observe(0, now); l.Expect(now).Taken {
		t.Error("it was measured")
	}
}

func TestAverageAndLately(t *testing.T) {
	var a Average
	if _, ok := a.Value(); ok {
		t.Error("nothing was seen")
	}
	a.Observe(0)
	if n, ok := a.Value(); n != 0 || !ok {
		t.Error(n, ok)
	}
	a.Observe(1000)
	if n, _ := a.Value(); n != 100 {
		t.Error(n)
	}
	var l Lately
	now := time.Unix(1000, 0)
	if l.Value(now) != 0 {
		t.Error("nothing happened")
	}
	l.Add(now)
	l.Add(now)
	if v := l.Value(now.Add(10 * time.Second)); v < 0.73 || v > 0.74 {
		t.Error(v)
	}
	if v := l.Value(now.Add(time.Hour)); v > 1e-100 {
		t.Error(v)
	}
}
