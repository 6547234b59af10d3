// Command crash kills a running gateway with SIGKILL, again and again, at random moments under
// concurrent streams, and checks after each restart that every accepted request is exactly one
// row. See tests/README.md for what it holds a gateway to.
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
	rounds   int
	streams  int
	seed     uint64
	keep     string
	s3       bool
}

func main() {
	var o options
	flag.StringVar(&o.lakegate, "lakegate", "bin/lakegate", "the binary to kill")
	flag.IntVar(&o.rounds, "rounds", 20, "how often it is killed; odd rounds are relaxed, even ones strict")
	flag.IntVar(&o.streams, "streams", 50, "streams under way at a time")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "decides loads and moments")
	flag.StringVar(&o.keep, "data", "", "folder to use and keep; a temporary one when empty, kept only after a failure")
	flag.BoolVar(&o.s3, "s3", false, "keep the lake on a real S3 server, which is killed and restarted in every other round or so")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	failed, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
	fmt.Printf("crash: %d passed, %d failed (seed %d)\n", o.rounds-failed, failed, o.seed)
	if failed > 0 {
		os.Exit(1)
	}
}

// run plays all rounds on one data folder, and returns how many failed. An error is for what kept
// a round from being played.
func run(ctx context.Context, o options) (failed int, err error) {
	if _, err := os.Stat(o.lakegate); err != nil {
		return 0, fmt.Errorf("%w (make build makes it)", err)
	}
	fmt.Printf("crash: %d rounds of %d streams, seed %d\n", o.rounds, o.streams, o.seed)
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "lakegate-crash-"); err != nil {
			return 0, err
		}
	}
	s, err := openStage(ctx, o, dir)
	if err != nil {
		return 0, err
	}
	defer s.close()
	defer func() {
		if o.keep == "" && failed == 0 && err == nil {
			_ = os.RemoveAll(dir)
		} else {
			fmt.Printf("crash: the data is in %s\n", dir)
		}
	}()
	if err := s.startGateway(ctx); err != nil {
		return 0, err
	}
	for n := 1; n <= o.rounds; n++ {
		r, err := s.round(ctx, n)
		if err != nil {
			return failed, fmt.Errorf("round %d: %w", n, err)
		}
		fmt.Println(r)
		for i, p := range r.faults {
			if i == 10 {
				fmt.Printf("    ... and %d more\n", len(r.faults)-i)
				break
			}
			fmt.Println("    " + p)
		}
		if len(r.faults) > 0 {
			failed++
		}
	}
	return failed, s.finish(ctx)
}
