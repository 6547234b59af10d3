package limits

import (
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// slots is how finely a window rolls.
const slots = 60

// window counts the calls and tokens of the last period. It keeps one slot more than make up a
// period, since the oldest is only partly over: the count is never too low.
type window struct {
	slot    time.Duration // length of a slot
	head    int64         // number of the newest slot since the epoch
	counts  [slots + 1]count
	sum     count
	pending int64 // tokens reserved by calls in flight
	holders int   // calls in flight
}

type count struct{ calls, tokens int64 }

func newWindow(period time.Duration) *window {
	return &window{slot: max(period/slots, time.Millisecond)}
}

// roll forgets what is older than the period.
func (w *window) roll(now time.Time) {
	head := now.UnixNano() / int64(w.slot)
	if head-w.head > slots || head < w.head-slots {
		w.counts, w.sum, w.head = [slots + 1]count{}, count{}, head
		return
	}
	for w.head < head {
		w.head++
		c := &w.counts[w.head%(slots+1)]
		w.sum.calls -= c.calls
		w.sum.tokens -= c.tokens
		*c = count{}
	}
}

func (w *window) take(now time.Time, tokens int64) {
	w.roll(now)
	w.counts[w.head%(slots+1)].calls++
	w.sum.calls++
	w.pending += tokens
	w.holders++
}

func (w *window) give(now time.Time, reserved, used int64, cancelled bool) {
	w.roll(now)
	w.pending -= reserved
	w.holders--
	c := &w.counts[w.head%(slots+1)]
	c.tokens += used
	w.sum.tokens += used
	if cancelled && c.calls > 0 { // a call taken back slots later stays counted
		c.calls--
		w.sum.calls--
	}
}

func (w *window) idle(now time.Time) bool {
	w.roll(now)
	return w.holders == 0 && w.sum == count{}
}

// refusal is why a limit has no room.
type refusal struct {
	limit *endpoint.RateLimit
	kind  string
	wait  time.Duration
}

// refusal returns nil when the limit has room for one more call.
func (w *window) refusal(limit *endpoint.RateLimit, now time.Time) *refusal {
	w.roll(now)
	if limit.Calls != nil && w.sum.calls >= *limit.Calls {
		excess := w.sum.calls - *limit.Calls
		return &refusal{limit, "calls", w.wait(now, func(c count) bool { excess -= c.calls; return excess < 0 })}
	}
	if limit.Tokens != nil && w.sum.tokens+w.pending >= *limit.Tokens {
		excess := w.sum.tokens + w.pending - *limit.Tokens
		return &refusal{limit, "tokens", w.wait(now, func(c count) bool { excess -= c.tokens; return excess < 0 })}
	}
	return nil
}

// wait returns how long it takes until enough of the oldest slots are over.
func (w *window) wait(now time.Time, enough func(count) bool) time.Duration {
	for n := w.head - slots; n <= w.head; n++ {
		if n >= 0 && enough(w.counts[n%(slots+1)]) {
			over := time.Unix(0, (n+slots+1)*int64(w.slot))
			return max(over.Sub(now), time.Second)
		}
	}
	return time.Second // it is calls in flight that hold the rest
}

// err words the refusal as Databricks does.
func (r *refusal) err(name string) *apierr.Error {
	most := r.limit.Calls
	if r.kind == "tokens" {
		most = r.limit.Tokens
	}
	if *most == 0 {
		return apierr.New(apierr.PermissionDenied, "Endpoint '%s' is disabled by a rate limit of 0 %s per %s.", name, r.kind, r.scope())
	}
	e := apierr.New(apierr.RequestLimit, "User defined rate limit(s) exceeded for '%s': %d %s per %s per %s.",
		name, *most, r.kind, periodName(r.limit.Period), r.scope())
	e.RetryAfter = r.wait
	return e
}

func (r *refusal) scope() string {
	switch r.limit.Key {
	case endpoint.PerUser:
		return "user"
	case endpoint.PerGroup:
		return "user group"
	case endpoint.PerServicePrincipal:
		return "service principal"
	default:
		return "endpoint"
	}
}

func periodName(d time.Duration) string {
	switch d {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	default:
		return d.String()
	}
}
