package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/loadgen"
)

// phase is one kind of load.
type phase struct {
	name   string
	body   []byte
	conns  int
	rate   float64
	stream bool
	direct bool // also run without a gateway
	// translated: the client speaks OpenAI's format and the provider Anthropic's, which is for
	// gateways alone.
	translated bool
}

// The phases' names. The fixed rate comes first: memory under it must not be that of a heap which
// full load has grown.
const (
	fixedRate   = "json at 1,000/s"
	streamRate  = "streams at 100/s"
	closedSmall = "json 1 KB, 64 connections"
	closedLarge = "json 10 KB, 64 connections"
	closedFlow  = "streams, 16 connections"
	toClaude    = "json 1 KB translated to Anthropic, 64 connections"
	flowClaude  = "streams translated from Anthropic, 16 connections"
)

func phases() []phase {
	small, large, flow := chatBody(endpoint, 1<<10, false), chatBody(endpoint, 10<<10, false), chatBody(endpoint, 1<<10, true)
	return []phase{
		{name: fixedRate, body: small, conns: 32, rate: 1000, direct: true},
		{name: streamRate, body: flow, conns: 32, rate: 100, stream: true, direct: true},
		{name: closedSmall, body: small, conns: 64, direct: true},
		{name: closedLarge, body: large, conns: 64},
		{name: closedFlow, body: flow, conns: 16, stream: true},
		{name: toClaude, body: chatBody(claude, 1<<10, false), conns: 64, translated: true},
		{name: flowClaude, body: chatBody(claude, 1<<10, true), conns: 16, stream: true, translated: true},
	}
}

// chatBody is a chat with a model, of the given size, whose answer is about 1.5 KB of JSON, or a stream of 50
// chunks and one with usage.
func chatBody(model string, size int, stream bool) []byte {
	script, more := "tokens=190", ""
	if stream {
		script, more = "tokens=48 chunks=48", `,"stream":true,"stream_options":{"include_usage":true}`
	}
	head := `{"model":"` + model + `","temperature":0.2,"messages":[{"role":"system","content":"You answer briefly."},{"role":"user","content":"`
	tail := "\\nx-fake: " + script + `"}]` + more + "}"
	fill := strings.Repeat("Which team asked this, and what did it cost? ", size/40+1)
	return []byte(head + fill[:max(0, size-len(head)-len(tail))] + tail)
}

// sample is what one run of a phase found.
type sample struct {
	Round     int             `json:"round"`
	PerSecond float64         `json:"per_second"`
	CPUMicros float64         `json:"cpu_us_per_request"` // of the gateway, with what it does afterwards
	RSS       int64           `json:"rss_bytes"`          // most seen during the phase
	Disturbed float64         `json:"disturbed"`          // share of the machine's time that others had
	Load      *loadgen.Result `json:"load"`
}

// measure runs all phases on all targets, round after round.
func (l *lab) measure(ctx context.Context) error {
	all := phases()
	for _, t := range l.targets { // connections, code paths and pools warm
		if _, err := l.runPhase(ctx, t, phase{name: "warm-up", body: all[0].body, conns: 32}, 300*time.Millisecond); err != nil {
			return err
		}
	}
	for round := range l.o.rounds {
		for _, ph := range all {
			for i := range l.targets {
				t := l.targets[(i+round)%len(l.targets)]
				if t.process == nil && !ph.direct || t.data == "" && ph.translated {
					continue
				}
				fmt.Fprintf(os.Stderr, "bench: round %d of %d: %s: %s\n", round+1, l.o.rounds, ph.name, t.Name)
				s, err := l.sample(ctx, t, ph)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", t.Name, ph.name, err)
				}
				s.Round = round + 1
				t.samples[ph.name] = append(t.samples[ph.name], s)
			}
		}
	}
	return nil
}

// maxRepeats bounds how long a run takes on a machine that is never quiet.
const maxRepeats = 10

// sample runs a phase, and once more when the first run was disturbed.
func (l *lab) sample(ctx context.Context, t *target, ph phase) (sample, error) {
	s, err := l.runPhase(ctx, t, ph, l.o.phase)
	if err != nil || s.Disturbed <= noisy || l.repeats >= maxRepeats {
		return s, err
	}
	l.repeats++
	again, err := l.runPhase(ctx, t, ph, l.o.phase)
	if err == nil && again.Disturbed > s.Disturbed {
		return s, nil
	}
	return again, err
}

func (l *lab) runPhase(ctx context.Context, t *target, ph phase, length time.Duration) (sample, error) {
	m, err := l.startMeter(t)
	if err != nil {
		return sample{}, err
	}
	cfg := loadgen.DefaultConfig()
	cfg.URL, cfg.Header, cfg.Bodies, cfg.Stream = t.url, t.header, [][]byte{ph.body}, ph.stream
	cfg.Conns, cfg.Rate, cfg.Duration = ph.conns, ph.rate, length
	r, err := loadgen.Run(ctx, cfg)
	if err != nil {
		m.stop()
		return sample{}, err
	}
	t.sent.Add(r.Sent)
	s, err := m.finish(ctx, r)
	if err != nil {
		return sample{}, err
	}
	switch {
	case ctx.Err() != nil:
		return s, ctx.Err()
	case r.OK == 0:
		return s, fmt.Errorf("nothing was answered: %+v", *r)
	case r.Errors > 0 || r.OK != r.Sent || r.Unsent > 0 || (ph.stream && r.Whole != r.OK):
		l.note(fmt.Sprintf("%s: %s: not all was well: %d sent, %d ok, %d whole streams, %d errors, %d unsent, by status %v, first error %q",
			t.Name, ph.name, r.Sent, r.OK, r.Whole, r.Errors, r.Unsent, r.Status, r.FirstError))
	}
	return s, nil
}
