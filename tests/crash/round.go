package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// result is what a round came to.
type result struct {
	n                        int
	mode                     string
	lived                    time.Duration // from the load's start to the kill
	recovery                 time.Duration // until the restarted gateway was ready
	broken                   bool          // the first recovery was killed too
	storeless                time.Duration // how long there was no S3 server
	sent, completed, reached int           // of this round
	rows, crashed            int           // of all rounds
	faults                   []string
}

func (r *result) String() string {
	verdict := "ok"
	if len(r.faults) > 0 {
		verdict = fmt.Sprintf("FAILED, %d faults", len(r.faults))
	}
	twice := ""
	if r.broken {
		twice = ", recovery killed once"
	}
	if r.storeless > 0 {
		twice += fmt.Sprintf(", S3 server killed and away for %d ms", r.storeless.Milliseconds())
	}
	return fmt.Sprintf("round %2d %-7s killed after %4d ms: %4d sent, %4d completed, %4d reached the provider; ready again in %3d ms%s; %d rows, %d crashed: %s",
		r.n, r.mode, r.lived.Milliseconds(), r.sent, r.completed, r.reached, r.recovery.Milliseconds(), twice, r.rows, r.crashed, verdict)
}

// round kills the gateway under load, brings it back and compares.
func (s *stage) round(ctx context.Context, n int) (*result, error) {
	rng := rand.New(rand.NewPCG(s.o.seed, uint64(n)))
	r := &result{n: n, mode: relaxed, lived: time.Duration(80+rng.IntN(1400)) * time.Millisecond}
	if n%2 == 0 {
		r.mode = strict
	}
	s.provider.Reset()
	load := startLoad(ctx, "http://"+s.addr+"/v1/chat/completions", r.mode, n, s.o.streams, rng.Uint64())
	back := s.killStore(ctx, rng, r)
	s.gateway.Kill()
	sent := load.end()
	for s.provider.Stats().Active > 0 && ctx.Err() == nil {
		pause(ctx, time.Millisecond) // it notices that its callers are gone
	}
	seen := s.provider.Seen()
	s.all = append(s.all, sent...)
	r.sent, r.reached = len(sent), len(seen)
	for _, a := range sent {
		if a.completed {
			r.completed++
		}
	}
	if err := back(); err != nil {
		return nil, err
	}
	l := newLedger(s.all, seen)
	if err := s.verify(ctx); err != nil {
		l.fault("after the kill: %v", err)
	}
	if err := s.recover(ctx, rng, r); err != nil {
		return nil, err
	}
	usage, err := usageRows(ctx, s.sql())
	if err != nil {
		return nil, err
	}
	payloads, err := payloadRows(ctx, s.sql())
	if err != nil {
		return nil, err
	}
	l.check(usage, payloads)
	r.rows, r.crashed, r.faults = len(usage), count(usage, "crashed"), l.faults
	return r, ctx.Err()
}

// killStore waits until the gateway is to be killed. In half of the rounds with an S3 server that is
// killed on the way; it comes back before the gateway dies, or when back is called.
func (s *stage) killStore(ctx context.Context, rng *rand.Rand, r *result) (back func() error) {
	back = func() error { return nil }
	if s.s3 == nil || rng.IntN(2) == 0 {
		pause(ctx, r.lived)
		return back
	}
	before := time.Duration(rng.Int64N(int64(r.lived)))
	pause(ctx, before)
	s.s3.Kill()
	began := time.Now()
	back = sync.OnceValue(func() error {
		r.storeless = time.Since(began)
		return s.s3.Restart(ctx)
	})
	if rng.IntN(2) == 0 {
		pause(ctx, time.Duration(rng.Int64N(int64(r.lived-before)+1)))
		if err := back(); err != nil {
			return func() error { return err }
		}
	}
	pause(ctx, r.lived-time.Since(began)-before)
	return back
}

// recover starts the gateway again. Every third recovery or so is killed as well, while it runs.
func (s *stage) recover(ctx context.Context, rng *rand.Rand, r *result) error {
	if rng.IntN(3) == 0 {
		r.broken = true
		if err := s.launchGateway(); err != nil {
			return err
		}
		pause(ctx, time.Duration(rng.IntN(120))*time.Millisecond)
		s.gateway.Kill()
	}
	began := time.Now()
	err := s.startGateway(ctx)
	r.recovery = time.Since(began)
	return err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
