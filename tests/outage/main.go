// Command outage takes the object store away from a running gateway under steady load, by refusing
// and by hanging, gives it back, and checks that every request was answered and is exactly one row.
// It prints what the outage cost: latencies, memory, log, and the time to catch up. See
// tests/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/tests/suite"
)

// options are the command's flags.
type options struct {
	lakegate string
	length   time.Duration
	rate     float64
	bytes    int
	keep     string
}

func main() {
	var o options
	flag.StringVar(&o.lakegate, "lakegate", "bin/lakegate", "the binary to run")
	flag.DurationVar(&o.length, "for", 10*time.Minute, "how long the store is away: half of it refusing, half hanging")
	flag.Float64Var(&o.rate, "rate", 150, "requests a second")
	flag.IntVar(&o.bytes, "bytes", 4000, "size of a request; an answer is about 1500")
	flag.StringVar(&o.keep, "data", "", "folder to use and keep; a temporary one when empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s := &suite.Suite{Name: "outage", MustRun: os.Getenv("CI") == "true", Out: os.Stdout}
	run(ctx, o, s)
	stop()
	os.Exit(s.Finish())
}

func run(ctx context.Context, o options, s *suite.Suite) {
	dir := o.keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "lakegate-outage-"); err != nil {
			s.Check("folder", err)
			return
		}
		defer os.RemoveAll(dir)
	}
	st, err := openStage(ctx, o, dir)
	switch {
	case errors.Is(err, s3test.ErrUnavailable):
		s.Skip("everything", err.Error())
	case err != nil:
		s.Check("stage", err)
	default:
		s.Check("outage", st.play(ctx))
		st.close()
	}
}

// play goes through an outage and holds the gateway to its promises.
func (s *stage) play(ctx context.Context) error {
	calm := max(calmAtLeast, s.o.length/10)
	fmt.Printf("outage: %.0f requests/s of %d bytes; %v before, %v refusing, %v hanging\n", s.o.rate, s.o.bytes, calm, s.o.length/2, s.o.length/2)
	watching, done := context.WithCancel(ctx)
	watched := s.watch(watching)
	defer done()
	before, err := s.phase(ctx, "before", calm, nil)
	if err != nil {
		return err
	}
	s.gate.Refuse()
	refused, err := s.phase(ctx, "refusing", s.o.length/2, nil)
	if err != nil {
		return err
	}
	if err := s.gate.Hang(); err != nil {
		return err
	}
	hung, err := s.phase(ctx, "hanging", s.o.length/2, nil)
	if err != nil {
		return err
	}
	after, err := s.catchUp(ctx)
	if err != nil {
		return err
	}
	if _, err := s.phase(ctx, "after", calm/2, nil); err != nil {
		return err
	}
	done()
	peaks := <-watched
	fmt.Printf("outage: p99 in the outage is %.2f times that before (refusing %.2f, hanging %.2f; goal 1.2), catching up %.2f times\n",
		ratio(max(refused.p99, hung.p99), before.p99), ratio(refused.p99, before.p99), ratio(hung.p99, before.p99), ratio(after.p99, before.p99))
	fmt.Printf("outage: p99 is that of the provider alone at the same time, times %.2f before, %.2f refusing, %.2f hanging, %.2f catching up\n",
		before.added(), refused.added(), hung.added(), after.added())
	fmt.Printf("outage: peak memory %d MiB (%d MiB before), peak log %d MiB\n", peaks.memory>>20, peaks.calmMemory>>20, peaks.log>>20)
	return errors.Join(peaks.err(), s.audit(ctx))
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }
