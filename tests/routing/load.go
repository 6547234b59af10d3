package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/loadgen"
)

// answers is what clients of one kind saw.
type answers struct {
	sent, ok, whole, broke int64 // whole: streams that came to their end
	status                 map[int]int64
	p50, p99, longest      time.Duration
	alone                  time.Duration // p99 of the second provider without a gateway at the same time
	fault                  string
}

func (a answers) err() error {
	if a.ok != a.sent || a.broke > 0 || a.sent == 0 {
		return fmt.Errorf("%d of %d were answered 200 (%v), %d broke: %s", a.ok, a.sent, a.status, a.broke, a.fault)
	}
	return nil
}

// seen is what all clients saw.
type seen struct{ whole, streams answers }

func (s *seen) add(o seen) {
	s.whole.add(o.whole)
	s.streams.add(o.streams)
}

func (a *answers) add(o answers) {
	a.sent, a.ok, a.whole, a.broke = a.sent+o.sent, a.ok+o.ok, a.whole+o.whole, a.broke+o.broke
	if a.status == nil {
		a.status = map[int]int64{}
	}
	for k, n := range o.status {
		a.status[k] += n
	}
	if a.fault == "" {
		a.fault = o.fault
	}
}

// phase sends load for a time. The event happens a second after its beginning, in the middle of calls.
func (s *stage) phase(ctx context.Context, name string, length time.Duration, event func(context.Context) error) (got seen, err error) {
	var wg sync.WaitGroup
	var errs [3]error
	wg.Go(func() { got.whole, errs[0] = s.load(ctx, length, s.o.rate*3/4, false) })
	wg.Go(func() { got.streams, errs[1] = s.load(ctx, length, s.o.rate/4, true) })
	if event != nil {
		wg.Go(func() {
			time.Sleep(time.Second)
			errs[2] = event(ctx)
		})
	}
	wg.Wait()
	for _, k := range []struct {
		kind string
		a    answers
	}{{"whole", got.whole}, {"streams", got.streams}} {
		fmt.Printf("routing: %-7s %-7s %5d of %5d answered 200; p50 %s, p99 %s (the provider alone %s), longest %s\n",
			name, k.kind, k.a.ok, k.a.sent, ms(k.a.p50), ms(k.a.p99), ms(k.a.alone), ms(k.a.longest))
	}
	return got, errors.Join(errs[:]...)
}

// load sends calls of one kind, and a tenth as many straight to the second provider: what this machine,
// busy with whatever else, makes of them without a gateway.
func (s *stage) load(ctx context.Context, length time.Duration, rate float64, stream bool) (answers, error) {
	cfg := loadgen.DefaultConfig()
	cfg.URL = s.url("/v1/chat/completions")
	cfg.Header = map[string]string{"Authorization": "Bearer " + token}
	cfg.Bodies = [][]byte{fmt.Appendf(nil, `{"model":"chat","stream":%t,"messages":[{"role":"user","content":"what is left when the first is gone?"}]}`, stream)}
	cfg.Stream, cfg.Conns, cfg.Rate, cfg.Duration = stream, 64, rate, length
	direct := cfg
	direct.URL, direct.Rate, direct.Conns = "http://"+s.secondAt+"/v1/chat/completions", rate/10, 8
	alone := make(chan time.Duration, 1)
	go func() { // ends with its load
		r, err := loadgen.Run(ctx, direct)
		if err != nil {
			r = &loadgen.Result{}
		}
		alone <- r.Latency.P99
	}()
	r, err := loadgen.Run(ctx, cfg)
	a := answers{alone: <-alone}
	if err != nil {
		return a, err
	}
	if r.Unsent > 0 {
		err = fmt.Errorf("%d requests found no connection", r.Unsent)
	}
	a.sent, a.ok, a.whole, a.broke, a.status, a.fault = r.Sent, r.OK, r.Whole, r.Errors, r.Status, r.FirstError
	a.p50, a.p99, a.longest = r.Latency.P50, r.Latency.P99, r.Latency.Max
	return a, err
}

func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
}

// within holds the p99 of the phase without the provider to the deadline of an attempt. A frozen provider
// takes its whole deadline from each call that it is asked before the circuit opens, and these are more
// than one in a hundred; then it is the deadline and what the second provider takes.
func (s *stage) within(name string, gone seen) error {
	limit := attemptTimeout
	if name == "frozen" {
		limit += gone.streams.alone + time.Second
	}
	if p := max(gone.whole.p99, gone.streams.p99); p > limit {
		return fmt.Errorf("p99 is %v; the limit is %v", p, limit)
	}
	return nil
}
