// Command gateways runs three gateways on one lake, changes endpoints through any of them, and checks that
// a change is live on all within five seconds, that of conflicting changes one wins, and that a gateway
// killed in the middle of one leaves the old or the new endpoint. See tests/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
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
	rounds   int
	length   time.Duration
	s3       bool
	quiet    time.Duration
	seed     uint64
	keep     string
}

func main() {
	var o options
	flag.StringVar(&o.lakegate, "lakegate", "bin/lakegate", "the binary to run")
	flag.IntVar(&o.rounds, "rounds", 12, "rounds of each kind of change, and of kills")
	flag.DurationVar(&o.length, "for", 10*time.Second, "how long conflicting changes are made")
	flag.BoolVar(&o.s3, "s3", false, "the lake is in a bucket of a real S3 server, not in a folder")
	flag.DurationVar(&o.quiet, "quiet", 20*time.Second, "with -s3, how long the requests of gateways with nothing to do are counted")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "decides the moments of kills")
	flag.StringVar(&o.keep, "data", "", "folder to use and keep; a temporary one when empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s := &suite.Suite{Name: "gateways", MustRun: os.Getenv("CI") == "true", Out: os.Stdout}
	run(ctx, o, s)
	stop()
	os.Exit(s.Finish())
}

func run(ctx context.Context, o options, out *suite.Suite) {
	dir := o.keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "lakegate-gateways-"); err != nil {
			out.Check("folder", err)
			return
		}
		defer os.RemoveAll(dir)
	}
	s, err := openStage(ctx, o, dir)
	switch {
	case errors.Is(err, s3test.ErrUnavailable):
		out.Skip("everything", err.Error())
		return
	case err != nil:
		out.Check("stage", err)
		return
	}
	defer s.close()
	where := "in a folder"
	if o.s3 {
		where = "in a bucket"
	}
	fmt.Printf("gateways: three on one lake %s, seed %d\n", where, o.seed)
	s.follow(ctx, out)
	out.Check("of many who make the same endpoint one does", s.creations(ctx))
	out.Check("conflicting changes", s.conflicts(ctx))
	out.Check("changes from a version that is expected", s.expectations(ctx))
	out.Check("secrets put in through one and used through another", s.secrets(ctx))
	out.Check("secrets put in through all at once", s.secretsAtOnce(ctx))
	if o.s3 {
		out.Check("100 endpoints applied while the store is killed", s.applied(ctx))
		out.Check("gateways start while the store is away", s.away(ctx))
	}
	rng := rand.New(rand.NewPCG(o.seed, 0))
	for i := range o.rounds {
		out.Check(fmt.Sprintf("kill %d", i+1), s.killDuringWrite(ctx, rng))
	}
	out.Check("a gateway that comes later", s.later(ctx))
	out.Check("each change that was acknowledged is a row", s.audited(ctx))
	if o.s3 {
		out.Check("requests to the store", s.requests(ctx))
	}
	out.Check("verify", s.verify(ctx))
	out.Check("secrets are in no file", s.hidden())
}
