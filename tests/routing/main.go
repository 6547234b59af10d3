// Command routing kills and freezes a provider under steady load, with another one to fall back to,
// and checks that no client sees an error that it need not see, that the circuit of the dead one opens,
// is probed and closes, and that the rows say so. See tests/README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/tests/suite"
)

// options are the command's flags.
type options struct {
	lakegate, fakellm string
	length            time.Duration
	rate              float64
	keep              string
}

func main() {
	var o options
	flag.StringVar(&o.lakegate, "lakegate", "bin/lakegate", "the gateway to run")
	flag.StringVar(&o.fakellm, "fakellm", "bin/fakellm", "the provider to run, and to kill")
	flag.DurationVar(&o.length, "for", time.Minute, "how long an act takes: a quarter with both providers, half without the first, a quarter after")
	flag.Float64Var(&o.rate, "rate", 200, "requests a second; a quarter of them streams")
	flag.StringVar(&o.keep, "data", "", "folder to use and keep; a temporary one when empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s := &suite.Suite{Name: "routing", MustRun: os.Getenv("CI") == "true", Out: os.Stdout}
	run(ctx, o, s)
	stop()
	os.Exit(s.Finish())
}

func run(ctx context.Context, o options, s *suite.Suite) {
	dir := o.keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "lakegate-routing-"); err != nil {
			s.Check("folder", err)
			return
		}
		defer os.RemoveAll(dir)
	}
	st, err := openStage(ctx, o, dir)
	if err != nil {
		s.Check("stage", err)
		return
	}
	defer st.close()
	fmt.Printf("routing: %.0f requests/s, a quarter of them streams; attempt_timeout %v, circuit opens at half of %d calls or %d failures one after another, for %v\n",
		o.rate, attemptTimeout, minCalls, inRow, openFor)
	st.act(ctx, s, "killed", st.killFirst, st.startFirst)
	st.act(ctx, s, "frozen", st.freezeFirst, st.thawFirst)
	s.Check("verify", st.verify(ctx))
}

// act takes the first provider away in the middle of the load, gives it back, and looks at what clients
// saw, at the circuit and at the rows.
func (s *stage) act(ctx context.Context, out *suite.Suite, name string, away, back func(context.Context) error) {
	began := time.Now().UTC()
	watching, done := context.WithCancel(ctx)
	defer done()
	circuit := s.watch(watching)
	var sum seen
	var gone seen
	for _, p := range []struct {
		name  string
		share time.Duration
		event func(context.Context) error
	}{{"before", 4, nil}, {name, 2, away}, {"after", 4, back}} {
		got, err := s.phase(ctx, p.name, s.o.length/p.share, p.event)
		out.Check(name+": load "+p.name, err)
		sum.add(got)
		if p.name == name {
			gone = got
		}
	}
	out.Check(name+": the circuit closes again", s.until(ctx, "closed"))
	done()
	out.Check(name+": the circuit in the metrics", (<-circuit).err())
	out.Check(name+": no whole call fails", sum.whole.err())
	out.Check(name+": streams end, or break after their first token", s.streams(ctx, began, sum))
	out.Check(name+": p99 without the provider", s.within(name, gone))
	out.Check(name+": the rows tell it", s.story(ctx, name, began, sum))
}
