package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/demo"
	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/pricing"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/state"
)

// demoRun is one run of the demo.
type demoRun struct {
	data, listen string
	once         bool
	requests     int
	history      int
	days         int
	out          io.Writer

	tokens map[string]string // API token by key name
	app    *app
	tally  demoTally
}

func demoCommand() *cobra.Command {
	d := &demoRun{}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Everything at once: a gateway, a scripted provider, traffic, a report, a dashboard",
		Long: `Starts a gateway with a scripted provider behind it, fills the data folder with 45 days of
made-up history (marked as generated), sends real HTTP requests of several teams through the
gateway, streamed and not, with failures and clients that hang up, and proves that each became
exactly one row. Then it prints a chargeback report, queries to try and the dashboard's address,
and stays up with a trickle of live traffic; with --once it exits instead.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	c.Flags().StringVar(&d.data, "data", "./data/demo", "data folder; it may hold an earlier demo")
	c.Flags().StringVar(&d.listen, "listen", "127.0.0.1:8080", "address of the gateway; a busy port is replaced by a free one")
	c.Flags().BoolVar(&d.once, "once", false, "exit when done, instead of staying up")
	c.Flags().IntVar(&d.requests, "requests", 300, "real requests to send")
	c.Flags().IntVar(&d.history, "history", 60_000, "rows of made-up history, the first time")
	c.Flags().IntVar(&d.days, "days", 45, "days the history spans")
	return c
}

func (d *demoRun) run(ctx context.Context) (err error) {
	provider, err := startFake()
	if err != nil {
		return err
	}
	defer provider.close()
	cfg, err := d.config(provider.url)
	if err != nil {
		return err
	}
	logger := stderrLogger(slog.LevelError) // its failing calls are on purpose
	if d.app, err = newApp(ctx, cfg, configSource{}, logger); err != nil {
		return err
	}
	stop, err := d.app.start(freeListen(d.listen))
	if err != nil {
		return joinClose(err, d.app)
	}
	shutdown := sync.OnceValue(func() error { return joinClose(stop(), d.app) })
	defer func() { err = errors.Join(err, shutdown()) }()

	if err := d.fill(ctx); err != nil {
		return err
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	if !d.once {
		d.stayUp(ctx)
		return nil
	}
	if err := shutdown(); err != nil {
		return err
	}
	return d.verdict(ctx)
}

// fill makes the history, sends the traffic and counts what came of both.
func (d *demoRun) fill(ctx context.Context) error {
	var err error
	if d.tally.before, err = d.app.number(ctx, `SELECT count(*) FROM system.serving.endpoint_usage`); err != nil {
		return err
	}
	if err := d.fillHistory(ctx); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "sending %d real requests of %d teams through %s ...\n", d.requests, len(demo.Teams()), d.app.baseURL)
	t := demo.DefaultTraffic(d.app.baseURL, d.tokens)
	t.Requests = d.requests
	t.Seed = uint64(time.Now().UnixNano())
	began := time.Now()
	sent, err := demo.Traffic(ctx, t)
	if err != nil {
		return fmt.Errorf("send the demo's traffic: %w", err)
	}
	if len(sent.Unsent) > 0 {
		return fmt.Errorf("%d requests never reached the gateway: %w", len(sent.Unsent), sent.Unsent[0].Err)
	}
	took := time.Since(began)
	if err := d.settle(ctx); err != nil {
		return err
	}
	return d.tally.count(ctx, d, sent, took)
}

// settle waits until no request is open: the answers that clients left are still read to their end.
func (d *demoRun) settle(ctx context.Context) error {
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for d.app.lake.Stats().Open > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("%d requests are still open a minute after their clients were done", d.app.lake.Stats().Open)
		}
	}
	return nil
}

// The document that says that the data folder has its history already.
const (
	demoKind    = "demo"
	demoHistory = "history"
)

func (d *demoRun) fillHistory(ctx context.Context) error {
	docs := d.app.docs
	if _, _, err := docs.Get(ctx, demoKind, demoHistory); err == nil {
		fmt.Fprintln(d.out, "the data folder has its history already")
		return nil
	} else if !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("look for an earlier demo's history: %w", err)
	}
	began := time.Now()
	h := demo.DefaultHistory(began)
	h.Days, h.Records = d.days, d.history
	h.Price = pricing.Builtin().Cost
	h.IDs = d.ids
	var lost error
	own := 0 // requests that lakegate made beside others
	h.Compared = func(c *inference.Comparison) { lost = errors.Join(lost, d.app.lake.Comparison(c)) }
	if err := h.Validate(); err != nil {
		return err
	}
	for rec := range demo.History(h) {
		if err := d.app.lake.Record(rec, false); err != nil {
			return fmt.Errorf("record the history: %w", err)
		}
		d.tally.history++
		if rec.Purpose != "" {
			own++
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if lost != nil {
		return fmt.Errorf("record the history's comparisons: %w", lost)
	}
	if err := d.app.lake.Flush(ctx); err != nil {
		return fmt.Errorf("land the history: %w", err)
	}
	doc := fmt.Sprintf(`{"rows":%d,"days":%d}`, d.tally.history, d.days)
	if _, err := docs.Create(ctx, demoKind, demoHistory, []byte(doc)); err != nil {
		return fmt.Errorf("note that the history is there: %w", err)
	}
	fmt.Fprintf(d.out, "made up %d requests of the last %d days, %d of them lakegate's own for experiments, in %s (generated = true in their rows)\n",
		d.tally.history, d.days, own, time.Since(began).Round(10*time.Millisecond))
	return nil
}

// ids gives the history the ids that the gateway's own rows have.
func (d *demoRun) ids(endpointName, entity string) (endpointID, entityID string) {
	e, ok := d.app.gwLive.Load().Catalog.Lookup(endpointName)
	if !ok {
		return "", ""
	}
	for _, x := range e.Entities {
		if x.Name == entity {
			return e.ID, x.ID
		}
	}
	return e.ID, ""
}

// stayUp sends a few requests a second, so that the dashboard has something new, until ctx ends.
func (d *demoRun) stayUp(ctx context.Context) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for seed := uint64(time.Now().UnixNano()); ; seed++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t := demo.DefaultTraffic(d.app.baseURL, d.tokens)
		t.Requests, t.Workers, t.Seed = 4, 2, seed
		_, _ = demo.Traffic(ctx, t) // it is only for show; what fails is a row like any other
	}
}

// fake is the scripted provider.
type fake struct {
	url    string
	server *http.Server
	done   chan struct{}
}

func startFake() (*fake, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the scripted provider: %w", err)
	}
	handler, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		return nil, fmt.Errorf("start the scripted provider: %w", err)
	}
	f := &fake{url: "http://" + l.Addr().String() + "/v1", done: make(chan struct{})}
	f.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { // ends with close
		defer close(f.done)
		_ = f.server.Serve(l)
	}()
	return f, nil
}

func (f *fake) close() {
	_ = f.server.Close()
	<-f.done
}

// freeListen returns addr, or another port of the same host when that one is taken.
func freeListen(addr string) string {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		_ = l.Close()
		return addr
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr // listening will say what is wrong with it
	}
	return net.JoinHostPort(host, "0")
}

// config writes the demo's config file into the data folder, with fresh keys, and loads it.
func (d *demoRun) config(provider string) (*config.Config, error) {
	text, tokens := demoConfig(d.data, d.listen, provider)
	d.tokens = tokens
	path := filepath.Join(d.data, "lakegate.yaml")
	if err := writeFile(path, text); err != nil {
		return nil, err
	}
	cfg, err := config.Load(path, func(string) (string, bool) { return "", false })
	if err != nil {
		return nil, fmt.Errorf("the demo's own config: %w", err)
	}
	return cfg, nil
}

// signIn is the address that opens the dashboards as the demo's administrator, once.
func (d *demoRun) signIn() string {
	return d.app.console.SignInLink(d.app.baseURL, secret.New(d.tokens[demoAdmin]))
}
