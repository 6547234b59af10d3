// Command forget fills a lake with a million requests of many people from several gateways, lets
// traffic go on, has one of the people forgotten, and checks with its own eyes what the proof says.
// See tests/README.md.
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
	rows      int
	gateways  int
	people    int
	payloads  float64
	anonymize bool
	s3        bool
	compact   bool
	keep      string
}

func main() {
	var o options
	flag.IntVar(&o.rows, "rows", 1_000_000, "requests before the request to forget, of all people")
	flag.IntVar(&o.gateways, "gateways", 3, "that write into the lake")
	flag.IntVar(&o.people, "people", 100, "with about as many requests each")
	flag.Float64Var(&o.payloads, "payloads", 0.2, "share of requests whose bodies are kept")
	flag.BoolVar(&o.anonymize, "anonymize", false, "keep tokens and costs of the person's usage rows")
	flag.BoolVar(&o.s3, "s3", false, "in a bucket of a real S3 server instead of a folder")
	flag.BoolVar(&o.compact, "compact", true, "compact the tables in the background all the while, as gateways do")
	flag.StringVar(&o.keep, "data", "", "folder to use and keep; a temporary one when empty, kept only after a failure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	faults, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "forget:", err)
		os.Exit(1)
	}
	if faults > 0 {
		fmt.Printf("forget: 0 passed, 1 failed\n")
		os.Exit(1)
	}
	fmt.Printf("forget: 1 passed, 0 failed\n")
}

// run plays it once and returns how many faults were seen.
func run(ctx context.Context, o options) (faults int, err error) {
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "lakegate-forget-"); err != nil {
			return 0, err
		}
	}
	s, err := openStage(ctx, o, dir)
	if err != nil {
		return 0, err
	}
	defer func() {
		s.close()
		if o.keep == "" && faults == 0 && err == nil {
			_ = os.RemoveAll(dir)
		} else {
			fmt.Printf("forget: the data is in %s\n", dir)
		}
	}()
	began := time.Now()
	if err := s.fill(ctx); err != nil {
		return 0, err
	}
	fmt.Printf("forget: %d requests of %d people by %d gateways, %d with bodies, in %.1f s; %d are the person's, %d with bodies\n",
		o.rows, o.people, o.gateways, s.withBody.Load(), time.Since(began).Seconds(), s.hers.Load(), s.hersWithBody.Load())
	if err := s.describe(ctx); err != nil {
		return 0, err
	}
	s.startTraffic()
	report, err := s.forget(ctx)
	s.endTraffic()
	if report != nil {
		if err := report.Write(os.Stdout); err != nil {
			return 0, err
		}
	}
	if err != nil {
		return 0, err
	}
	faults, err = s.check(ctx, report)
	return faults, err
}
