// Command bench-routing measures what an endpoint's routing does to latency and cost: the plain split of
// traffic beside the strategies, racing and hedging, all in one run and at the same time, on the same
// three scripted providers with heavy tails, one of which has a bad spell.
//
// Latencies are scripted: each way of routing has providers of its own that draw from the same seeds, so
// the ratios between them say what routing does, and little of what the machine does. Costs are those
// of the rows, by the built-in price list. It prints a table, writes it to out/bench-routing.md, and fails
// when racing or lowest latency do not cut the 95th percentile of the plain split, or when a row is missing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	lakegate string
	out      string
	length   time.Duration
	rate     float64
	seed     uint64
	quick    bool
	keep     string
}

func main() {
	var o options
	flag.StringVar(&o.lakegate, "lakegate", "bin/lakegate", "the binary to measure")
	flag.StringVar(&o.out, "out", "out", "folder for bench-routing.md")
	flag.DurationVar(&o.length, "for", time.Minute, "how long calls are made; the bad spell is its third quarter")
	flag.Float64Var(&o.rate, "rate", 20, "calls a second, to each way of routing")
	flag.Uint64Var(&o.seed, "seed", 1, "decides the providers' latencies")
	flag.BoolVar(&o.quick, "quick", false, "a third of the time, noisier")
	flag.StringVar(&o.keep, "data", "", "folder to use and keep; a temporary one when empty")
	flag.Parse()
	if o.quick {
		o.length /= 3
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench-routing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir := o.keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "lakegate-bench-routing-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	l, err := openLab(ctx, o, dir)
	if err != nil {
		return err
	}
	defer l.close()
	if err := l.measure(ctx); err != nil {
		return err
	}
	text := l.table()
	fmt.Print(text)
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, "bench-routing.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return l.verdict()
}
