package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/loadgen"
)

// table is the report, in Markdown.
func (l *lab) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Routing: what it does to latency and cost\n\n%d cores, %s/%s. %.0f calls/s to each of %d ways at the same time for %v, seed %d. All streams; ms, and times the plain split.\n\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, l.o.rate, len(l.ways), l.o.length, l.o.seed)
	for _, p := range providers {
		fmt.Fprintf(&b, "* %s: %s, %d %% of the plain split, first token after %v (median), one call in %d takes %g to %g times that",
			p.entity, p.model, p.percent, p.median, p.every, p.slow, 2*p.slow)
		if p.spell > 1 {
			fmt.Fprintf(&b, "; %g times as slow in the third quarter", p.spell)
		}
		b.WriteString("\n")
	}
	plain := l.ways[0]
	b.WriteString("\n| way | first token p50 | p95 | p99 | whole p50 | p95 | p99 | calls to providers | $ per 1000 | of it extra |\n| --- |" + strings.Repeat(" ---: |", 9) + "\n")
	for _, w := range l.ways {
		fmt.Fprintf(&b, "| %s (%s) |%s%s %.2f | %.4f (%.2f) | %.4f |\n", w.name, w.what, cells(w.load.First, plain.load.First), cells(w.load.Latency, plain.load.Latency),
			float64(w.calls)/float64(w.load.Sent), w.cost, w.cost/plain.cost, w.extra)
	}
	fmt.Fprintf(&b, "\nExtra is what lost races cost at least, by the price list: their input. Took %v.\n", l.took.Round(time.Second))
	return b.String()
}

// cells are p50, p95 and p99, each with its ratio to the plain split's.
func cells(s, plain loadgen.Summary) string {
	cell := func(a, b time.Duration) string {
		return fmt.Sprintf(" %.0f (%.2f) ", float64(a)/float64(time.Millisecond), float64(a)/float64(max(b, 1)))
	}
	return cell(s.P50, plain.P50) + "|" + cell(s.P95, plain.P95) + "|" + cell(s.P99, plain.P99) + "|"
}

// verdict holds racing and lowest latency to what they are for.
func (l *lab) verdict() error {
	var faults []error
	plain := l.ways[0].load
	for _, w := range l.ways {
		switch w.name {
		case "lowest_latency", "race", "race_all", "hedge":
			if w.load.First.P95 >= plain.First.P95 || w.load.Latency.P95 >= plain.Latency.P95 {
				faults = append(faults, fmt.Errorf("%s does not cut the 95th percentile of the plain split", w.name))
			}
		}
		if w.unsure > 0 {
			faults = append(faults, fmt.Errorf("%s: %d rows have no cost", w.name, w.unsure))
		}
	}
	return errors.Join(faults...)
}
