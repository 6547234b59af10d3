// Command s3 holds the lake to its promises on a real S3 server that it starts itself: the
// conformance suite of object stores, several writer processes on the same tables at once, and the
// crash suite. See tests/README.md for what each proves.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/tests/suite"
)

// options are the command's flags.
type options struct {
	lakegate string
	rounds   int
	writers  int
	length   time.Duration
	seed     uint64
}

func main() {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, "writer:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.lakegate, "lakegate", "bin/lakegate", "the binary for the crash suite")
	flag.IntVar(&o.rounds, "rounds", 10, "rounds of the crash suite; 0 leaves it out")
	flag.IntVar(&o.writers, "writers", 4, "processes that append at once")
	flag.DurationVar(&o.length, "for", 15*time.Second, "how long they append")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "decides the crash suite's moments")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s := &suite.Suite{Name: "s3", MustRun: os.Getenv("CI") == "true", Out: os.Stdout}
	run(ctx, o, s)
	stop()
	os.Exit(s.Finish())
}

func run(ctx context.Context, o options, s *suite.Suite) {
	dir, err := os.MkdirTemp("", "lakegate-s3-")
	if err != nil {
		s.Check("folder", err)
		return
	}
	defer os.RemoveAll(dir)
	server, err := s3test.Start(ctx, dir+"/s3")
	if errors.Is(err, s3test.ErrUnavailable) {
		s.Skip("everything", err.Error())
		return
	}
	if err != nil {
		s.Check("S3 server", err)
		return
	}
	defer server.Kill()
	s.Check("conformance of the store", conformance(ctx))
	s.Check("writers", writers(ctx, o, server, dir))
	server.Kill() // the crash suite has one of its own, which it kills
	if o.rounds > 0 {
		s.Check("crashes", crashes(ctx, o))
	}
}

// conformance runs the suite of objstoretest, and what else is tested of the store, on the server.
func conformance(ctx context.Context) error {
	fmt.Println("s3: conformance suite and faults")
	return show(exec.CommandContext(ctx, "go", "test", "-count=1", "./internal/objstore/s3store"), "CI=true")
}

// crashes runs the crash suite with the lake on a server.
func crashes(ctx context.Context, o options) error {
	fmt.Printf("s3: crash suite, %d rounds\n", o.rounds)
	return show(exec.CommandContext(ctx, "go", "run", "./tests/crash", "-s3", "-lakegate", o.lakegate,
		"-rounds", strconv.Itoa(o.rounds), "-seed", strconv.FormatUint(o.seed, 10)))
}

func show(c *exec.Cmd, env ...string) error {
	c.Env = append(os.Environ(), env...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}
