// Command bench measures what lakegate costs, beside a bare Go reverse proxy and, where it is
// installed, nginx: all in one run, on one machine, in front of the same scripted provider, in
// rounds that take turns so that a noisy neighbour hits everybody alike.
//
// It asserts nothing about time. It prints a table and the ratios the project has goals for, and
// writes both to out/bench.md, with every sample in out/bench.json. It fails when a gateway does
// not work or loses a row.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	lakegate string
	nginx    string
	out      string
	rounds   int
	phase    time.Duration
	probes   int
	quick    bool
}

func main() {
	if len(os.Args) > 1 && (os.Args[1] == roleProvider || os.Args[1] == roleProxy) {
		exit(child(os.Args[1:]))
	}
	var o options
	flag.StringVar(&o.lakegate, "lakegate", "bin/lakegate", "the binary to measure")
	flag.StringVar(&o.nginx, "nginx", "nginx", "nginx, by path or name; skipped where it isn't installed")
	flag.StringVar(&o.out, "out", "out", "folder for bench.md and bench.json")
	flag.IntVar(&o.rounds, "rounds", 2, "how often each phase is run on each target")
	flag.DurationVar(&o.phase, "phase", 2500*time.Millisecond, "length of a phase")
	flag.IntVar(&o.probes, "probes", 100, "requests whose rows are waited for")
	flag.BoolVar(&o.quick, "quick", false, "one round of short phases: under a minute, noisier")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "bench: %q is no flag; try -h\n", flag.Args())
		os.Exit(2)
	}
	if o.quick {
		o.rounds, o.phase, o.probes = 1, time.Second, 30
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures and reports. Everything it starts has ended when it returns.
func run(ctx context.Context, o options) error {
	if o.rounds < 1 || o.phase < 100*time.Millisecond || o.probes < 0 {
		return fmt.Errorf("want at least one round, phases of 100ms and no negative count of probes")
	}
	began := time.Now()
	lab, err := openLab(ctx, o)
	if err != nil {
		return err
	}
	defer lab.close()
	if err := lab.measure(ctx); err != nil {
		return err
	}
	if err := lab.probe(ctx); err != nil {
		return err
	}
	if err := lab.countRows(ctx); err != nil {
		return err
	}
	r := newReport(lab, time.Since(began))
	fmt.Print(r.text())
	if err := r.write(o.out); err != nil {
		return err
	}
	return lab.lost()
}
