package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/loadgen"
)

// pace is the p99 of a phase's answers, and of the provider's without a gateway at the same time.
type pace struct{ p99, alone time.Duration }

// added is how much slower the gateway was than the provider alone.
func (p pace) added() float64 { return ratio(p.p99, p.alone) }

// phase sends load for a time, or until stop is closed. Each request has to be answered 200.
func (s *stage) phase(ctx context.Context, name string, length time.Duration, stop <-chan struct{}) (p pace, err error) {
	cfg := loadgen.DefaultConfig()
	cfg.URL, cfg.Bodies = s.url("/v1/chat/completions"), [][]byte{s.body()}
	cfg.Header = map[string]string{"Authorization": "Bearer " + token}
	cfg.Conns, cfg.Rate, cfg.Duration, cfg.Stop = 32, s.o.rate, length, stop
	used, _ := s.gateway.Use() // zero where the system doesn't say
	alone := s.yardstick(ctx, cfg)
	r, err := loadgen.Run(ctx, cfg)
	if err != nil {
		return p, err
	}
	p = pace{r.Latency.P99, alone()}
	now, _ := s.gateway.Use()
	s.answered += r.OK
	fmt.Printf("outage: %-11s %6d answered in %5.1f s: p50 %s, p99 %s (the provider alone %s), longest %s; %.2f processors; %d MiB of memory, %d MiB not landed\n", name, r.OK, r.Elapsed.Seconds(),
		ms(r.Latency.P50), ms(r.Latency.P99), ms(p.alone), ms(r.Latency.Max), (now.CPU-used.CPU).Seconds()/r.Elapsed.Seconds(), now.RSS>>20, int64(s.metrics(ctx)[unlandedBytes])>>20)
	if r.OK != r.Sent || r.OK == 0 || r.Unsent > 0 {
		return p, fmt.Errorf("%s: of %d requests %d were answered 200 (%v), %d broke, %d found no connection: %s", name, r.Sent, r.OK, r.Status, r.Errors, r.Unsent, r.FirstError)
	}
	return p, nil
}

// yardstick sends a few of the same requests straight to the provider until its result is called,
// and returns their p99: what this machine, busy with whatever else, makes of a request without a
// gateway.
func (s *stage) yardstick(ctx context.Context, cfg loadgen.Config) (p99 func() time.Duration) {
	stop, result := make(chan struct{}), make(chan time.Duration, 1)
	cfg.URL, cfg.Rate, cfg.Stop = "http://"+s.upstream+"/v1/chat/completions", s.o.rate/5, stop
	go func() { // ends with stop
		r, err := loadgen.Run(ctx, cfg)
		if err != nil {
			r = &loadgen.Result{}
		}
		result <- r.Latency.P99
	}()
	return func() time.Duration { close(stop); return <-result }
}

func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
}

const (
	unlandedBytes = "lakegate_lake_unlanded_bytes"
	lastFlush     = "lakegate_lake_last_flush_timestamp_seconds"
	// catchUpLimit is when a gateway that catches up is taken for one that never will.
	catchUpLimit = 15 * time.Minute
	// calmAtLeast is how long the store is there at first.
	calmAtLeast = 15 * time.Second
)

// catchUp gives the store back and goes on with the load until no more of the log waits than did
// before the outage.
func (s *stage) catchUp(ctx context.Context) (p pace, err error) {
	back := time.Now()
	if err := s.gate.Pass(); err != nil {
		return p, err
	}
	landed := make(chan struct{})
	took := time.Duration(0)
	go func() { // ends when everything has landed, or ctx
		defer close(landed)
		for tick := time.NewTicker(50 * time.Millisecond); ctx.Err() == nil && time.Since(back) < catchUpLimit; <-tick.C {
			if m := s.metrics(ctx); m[lastFlush] > float64(back.UnixMilli())/1000 && int64(m[unlandedBytes]) <= s.calm.Load() {
				took = time.Since(back)
				return
			}
		}
	}()
	p, err = s.phase(ctx, "catching up", catchUpLimit, landed)
	<-landed
	if err == nil && took == 0 {
		err = errors.Join(fmt.Errorf("the log didn't land within %v of the store's return", catchUpLimit), ctx.Err())
	}
	if err == nil {
		fmt.Printf("outage: caught up %.1f s after the store was back\n", took.Seconds())
	}
	return p, err
}

// metrics reads the gateway's metrics that have no labels.
func (s *stage) metrics(ctx context.Context) map[string]float64 {
	all := map[string]float64{}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/metrics"), nil)
	if err != nil {
		return all
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return all
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			all[name] = v
		}
	}
	return all
}

// peaks are the most that was seen of the gateway, and how often it said that it isn't ready.
type peaks struct {
	calmMemory, memory, log int64
	looks, unready          int
}

func (p peaks) err() error {
	if p.unready > 0 || p.looks == 0 {
		return fmt.Errorf("%w: %d of %d looks at /readyz", errNotReady, p.unready, p.looks)
	}
	return nil
}

// watch looks at the gateway until ctx ends, and then sends what it saw.
func (s *stage) watch(ctx context.Context) <-chan peaks {
	result := make(chan peaks, 1)
	go func() { // ends with ctx
		var p peaks
		began := time.Now()
		for tick := time.NewTicker(200 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				result <- p
				return
			case <-tick.C:
			}
			if u, err := s.gateway.Use(); err == nil {
				p.memory = max(p.memory, u.RSS)
				if time.Since(began) < calmAtLeast {
					p.calmMemory = max(p.calmMemory, u.RSS)
				}
			}
			if time.Since(began) < calmAtLeast {
				s.calm.Store(max(s.calm.Load(), int64(s.metrics(ctx)[unlandedBytes])))
			}
			p.log = max(p.log, folderBytes(filepath.Join(s.data, "log")))
			p.looks++
			if !s.ready(ctx) && ctx.Err() == nil {
				p.unready++
			}
		}
	}()
	return result
}

func (s *stage) ready(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/readyz"), nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func folderBytes(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // deleted meanwhile
		}
		if st, err := e.Info(); err == nil {
			sum += st.Size()
		}
		return nil
	})
	return sum
}
