package credential

import (
	"context"
	"sync"
	"time"
)

const (
	fetchTimeout = 30 * time.Second // of one fetch
	margin       = 15 * time.Second // a credential this near its end is not used any more
	ahead        = 5 * time.Minute  // how long before its end a credential is refreshed, at most
	firstPause   = time.Second      // after a fetch that failed; doubles up to lastPause
	lastPause    = 30 * time.Second
	renewAfter   = time.Minute // a credential that was refused is fetched anew if it is older
)

// kept is a credential that is fetched when it is needed, and refreshed by use.
type kept[T any] struct {
	// fetch returns a credential and how long it lasts, 0 for ever. nil: value is all there is.
	fetch func(context.Context) (T, time.Duration, error)

	mu       sync.Mutex
	value    T
	have     bool
	fetched  time.Time     // when value was
	ends     time.Time     // of value; zero: never
	refresh  time.Time     // from when on a use starts a fetch; zero: never
	fetching chan struct{} // closed when the fetch under way ends; nil: there is none
	err      error         // of the last fetch
	pause    time.Duration // after the last fetch, if it failed
	again    time.Time     // no fetch before
}

// get returns a valid credential. It waits, within ctx, only when there is none.
func (k *kept[T]) get(ctx context.Context) (T, error) {
	for {
		value, wait, err := k.look(time.Now())
		if wait == nil {
			return value, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return value, context.Cause(ctx)
		}
	}
}

// look returns what there is now: a credential, or an error, or what to wait for. It starts the
// fetch that is due.
func (k *kept[T]) look(now time.Time) (value T, wait <-chan struct{}, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	valid := k.have && (k.ends.IsZero() || now.Before(k.ends.Add(-margin)))
	due := !valid || !k.refresh.IsZero() && !now.Before(k.refresh)
	if due && k.fetching == nil && !now.Before(k.again) {
		k.fetching = make(chan struct{})
		go k.run(k.fetching)
	}
	switch {
	case valid:
		return k.value, nil, nil
	case k.fetching != nil:
		return value, k.fetching, nil
	default:
		return value, nil, k.err
	}
}

// run fetches once and ends, after fetchTimeout at the latest. It belongs to no request: one that
// leaves must not take the credential of the others with it.
func (k *kept[T]) run(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	value, lasts, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(done)
	k.fetching = nil
	now := time.Now().Round(0) // the wall's: tokens end while a machine sleeps too
	if err != nil {
		k.err = err
		k.pause = min(max(2*k.pause, firstPause), lastPause)
		k.again = now.Add(k.pause)
		return
	}
	k.value, k.have, k.err, k.pause, k.fetched = value, true, nil, 0, now
	k.ends, k.refresh = time.Time{}, time.Time{}
	if lasts > 0 {
		k.ends = now.Add(lasts)
		k.refresh = k.ends.Add(-min(ahead, lasts/4))
	}
	// A credential that is too short to be used is not fetched over and over.
	k.again = now.Add(firstPause)
	if lasts > 0 && lasts <= margin {
		k.err = &Error{From: "the credential's issuer", Why: "it lasts " + lasts.String() + " only"}
	}
}

// renew makes the next use start a fetch, unless the last one was just made.
func (k *kept[T]) renew() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := time.Now().Round(0); k.fetch != nil && k.have && now.Sub(k.fetched) >= renewAfter {
		k.refresh = now
	}
}

// peek returns the credential there is, valid or not.
func (k *kept[T]) peek() (T, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value, k.have
}
