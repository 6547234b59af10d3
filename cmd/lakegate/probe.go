package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/probe"
)

// probing is `lakegate probe`.
type probing struct {
	config probe.Config
	every  time.Duration
	listen string
	out    io.Writer
}

func probeCommand() *cobra.Command {
	p := &probing{config: probe.DefaultConfig()}
	c := &cobra.Command{
		Use:   "probe",
		Short: "Send known calls from outside and ask the tables for them back",
		Long: `Sends a running gateway four calls as any client would (answered whole, streamed, refused, left by its
client), and asks for their rows by SQL: one row each within --within, the outcome and the tokens that the
client saw, a cost, and the payload where the endpoint keeps payloads. Prints a verdict per check and
exits 1 when one failed. The calls are real: they cost what a few dozen tokens cost.

With --every it goes on until it is stopped, and serves metrics of its own at --listen.

  lakegate probe --url https://gateway.example.com --endpoint chat
  lakegate probe --endpoint chat --every 1m --listen 127.0.0.1:9465`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.out = cmd.OutOrStdout()
			p.config.URL = cmp.Or(p.config.URL, os.Getenv(serverVar), defaultServer)
			if p.config.Key = cmp.Or(p.config.Key, os.Getenv(keyVar)); p.config.Key == "" {
				return fmt.Errorf("set %s to an API key that may call the endpoint and read its tables, or pass --key", keyVar)
			}
			return p.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&p.config.URL, "url", "", "address of the gateway (default $"+serverVar+" or "+defaultServer+")")
	f.StringVar(&p.config.Key, "key", "", "API key; better in $"+keyVar+", which no list of processes shows")
	f.StringVar(&p.config.Endpoint, "endpoint", "", "a chat endpoint")
	f.DurationVar(&p.config.Timeout, "timeout", p.config.Timeout, "of a call")
	f.DurationVar(&p.config.Within, "within", p.config.Within, "how long a row may take to be there")
	f.BoolVar(&p.config.Unpriced, "unpriced", false, "the endpoint's model has no price: don't ask for costs")
	f.DurationVar(&p.every, "every", 0, "go on, with a round as often as this")
	f.StringVar(&p.listen, "listen", "127.0.0.1:9465", "address of the metrics, with --every")
	_ = c.MarkFlagRequired("endpoint") // it is there
	return c
}

func (p *probing) run(ctx context.Context) error {
	db := &remote{base: p.config.URL, key: p.config.Key, timeout: p.config.Timeout}
	prober, err := probe.New(p.config, func(ctx context.Context, sql string) ([][]*string, error) {
		res, err := db.query(ctx, sql, 0)
		if err != nil {
			return nil, err
		}
		return res.Rows, nil
	}, nil)
	if err != nil {
		return err
	}
	if p.every <= 0 {
		checks := prober.Round(ctx)
		p.print(checks)
		if probe.Failed(checks) {
			return exitError{1}
		}
		return nil
	}
	return p.loop(ctx, prober)
}

// loop probes until ctx ends, and prints what failed.
func (p *probing) loop(ctx context.Context, prober *probe.Probe) error {
	m := newProbeMetrics()
	ln, err := net.Listen("tcp", p.listen)
	if err != nil {
		return fmt.Errorf("listen for Prometheus: %w", err)
	}
	server := &http.Server{Handler: m.handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }() // ends with Close below
	fmt.Fprintf(p.out, "probing %s every %s; metrics at http://%s/metrics\n", p.config.URL, p.every, ln.Addr())
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		checks := prober.Round(ctx)
		if ctx.Err() != nil {
			break // what is missing is missing because of that
		}
		m.count(checks, time.Now())
		p.printFailed(checks)
		select {
		case <-tick.C:
		case <-ctx.Done():
		case err := <-served:
			return fmt.Errorf("serve metrics: %w", err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	err = server.Close()
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

func (p *probing) print(checks []probe.Check) {
	for i := range checks {
		p.line(&checks[i])
	}
}

func (p *probing) printFailed(checks []probe.Check) {
	bad := 0
	for i := range checks {
		if !checks[i].OK {
			bad++
			p.line(&checks[i])
		}
	}
	fmt.Fprintf(p.out, "%s %d checks, %d failed\n", time.Now().UTC().Format(time.RFC3339), len(checks), bad)
}

func (p *probing) line(c *probe.Check) {
	verdict := "ok  "
	if !c.OK {
		verdict = "FAIL"
	}
	fmt.Fprintf(p.out, "%s  %-6s  %-7s  %s\n", verdict, c.Call, c.Name, c.Detail)
}

// probeMetrics are the probe's own: what an outsider sees of the gateway.
type probeMetrics struct {
	registry *prometheus.Registry
	checks   *prometheus.CounterVec
	ok       *prometheus.GaugeVec
	answer   *prometheus.HistogramVec
	row      *prometheus.HistogramVec
	success  prometheus.Gauge
}

func newProbeMetrics() *probeMetrics {
	labels := []string{"call", "check"}
	seconds := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: []float64{.05, .1, .25, .5, 1, 2, 5, 10, 20, 30, 60},
		}, []string{"call"})
	}
	m := &probeMetrics{
		registry: prometheus.NewRegistry(),
		checks:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lakegate_probe_checks_total", Help: "Checks made, by verdict: ok or failed."}, append(labels[:2:2], "verdict")),
		ok:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "lakegate_probe_ok", Help: "1 when the check was right in the last round, 0 when it failed."}, labels),
		answer:   seconds("lakegate_probe_answer_seconds", "How long calls took, as their client saw it."),
		row:      seconds("lakegate_probe_row_seconds", "From a call's end for its client until SQL had its row."),
		success:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "lakegate_probe_last_success_timestamp_seconds", Help: "When all checks of a round were right last; 0 before."}),
	}
	m.registry.MustRegister(m.checks, m.ok, m.answer, m.row, m.success)
	return m
}

func (m *probeMetrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

// count takes a round in. A check that was not made keeps no verdict of an earlier one.
func (m *probeMetrics) count(checks []probe.Check, now time.Time) {
	m.ok.Reset()
	for i := range checks {
		c := &checks[i]
		verdict, ok := "ok", 1.0
		if !c.OK {
			verdict, ok = "failed", 0
		}
		m.checks.WithLabelValues(c.Call, c.Name, verdict).Inc()
		m.ok.WithLabelValues(c.Call, c.Name).Set(ok)
		switch {
		case c.OK && c.Name == "answer":
			m.answer.WithLabelValues(c.Call).Observe(c.Took.Seconds())
		case c.OK && c.Name == "row":
			m.row.WithLabelValues(c.Call).Observe(max(0, c.Took.Seconds()))
		}
	}
	if !probe.Failed(checks) {
		m.success.Set(stamp(now))
	}
}
