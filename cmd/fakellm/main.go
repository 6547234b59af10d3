// Command fakellm runs the scripted model provider of package fakellm, for demos, suites and
// benchmarks. It prints one line, "listening on URL", when it is ready, and stops on SIGINT or
// SIGTERM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fakellm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	cfg := fakellm.DefaultConfig()
	flags := flag.NewFlagSet("fakellm", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:9100", "address to listen on; port 0 picks a free one")
	flags.DurationVar(&cfg.Latency, "latency", cfg.Latency, "time before the first byte of an answer")
	flags.DurationVar(&cfg.ChunkDelay, "chunk-delay", cfg.ChunkDelay, "time between the chunks of a stream")
	flags.IntVar(&cfg.Tokens, "tokens", cfg.Tokens, "words of an answer; 0 derives a count from the request")
	flags.IntVar(&cfg.Chunks, "chunks", cfg.Chunks, "pieces a stream's text is cut into; 0 is one a word")
	flags.Float64Var(&cfg.ErrorRate, "error-rate", cfg.ErrorRate, "share of requests answered 429, 500 or 503")
	flags.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "decides which requests fail")
	flags.StringVar(&cfg.Key, "key", cfg.Key, "bearer token to ask for; empty accepts any")
	if err := flags.Parse(args); err != nil {
		return err
	}
	debug.SetGCPercent(400) // it is small: let a benchmark's machine do other things than collect it
	provider, err := fakellm.New(cfg)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	return serve(ctx, l, provider)
}

// serve answers until the context ends, then gives answers under way two seconds to finish.
func serve(ctx context.Context, l net.Listener, provider *fakellm.Server) error {
	srv := &http.Server{Handler: provider, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	if err := provider.Close(); err != nil {
		return err
	}
	deadline, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := srv.Shutdown(deadline); err != nil {
		_ = srv.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
