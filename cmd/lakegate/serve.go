package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
)

func serveCommand() *cobra.Command {
	var path, level, listen, data string
	var asJSON bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Long: `Runs the gateway until SIGTERM or Ctrl-C, then drains: requests in flight end, rows land.

Endpoints and keys are reloaded when the file changes, when a secret they refer to changes, and on
SIGHUP; a bad file changes nothing and is reported with every fault and its line.
docs/configuration.md has every key of the file, docs/secrets.md where secrets may be.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := serveLogger(level, asJSON)
			if err != nil {
				return err
			}
			override := func(c *config.Config) {
				if listen != "" {
					c.Listen = listen
				}
				if data != "" {
					c.Data = data
				}
			}
			return serve(cmd.Context(), path, override, logger)
		},
	}
	c.Flags().StringVar(&path, "config", "lakegate.yaml", "config file")
	c.Flags().StringVar(&listen, "listen", "", "listen here instead of where the file says")
	c.Flags().StringVar(&data, "data", "", "use this data folder instead of the file's")
	c.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	c.Flags().BoolVar(&asJSON, "log-json", false, "log JSON, a line each")
	return c
}

func serveLogger(level string, asJSON bool) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", level)
	}
	if asJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
	}
	return stderrLogger(l), nil
}

func serve(ctx context.Context, path string, override func(*config.Config), logger *slog.Logger) (err error) {
	// The watch begins before the file is read, so that no change in between is missed.
	changed := make(chan struct{}, 1)
	watched, err := config.Watch(ctx, path, func() { nudge(changed) })
	if err != nil {
		return fmt.Errorf("watch the config file: %w", err)
	}
	found, err := newSecrets(logger)
	if err != nil {
		return err
	}
	var flags config.Config
	override(&flags)
	found.data, found.copies = flags.Data, true
	cfg, err := found.load(ctx, path, false)
	if err != nil {
		return err
	}
	override(cfg)
	a, err := newApp(ctx, cfg, configSource{path, override, found}, logger)
	if err != nil {
		return err
	}
	stop, err := a.start(cfg.Listen)
	if err != nil {
		return joinClose(err, a)
	}
	logger.Info("lakegate is up", "version", version, "address", a.baseURL, "data", cfg.Data,
		"endpoints", len(cfg.Endpoints), "keys", len(cfg.Keys), "console", a.baseURL+"/ui/")
	rotated := make(chan struct{}, 1)
	looked := make(chan struct{})
	go func() { // ends with ctx
		defer close(looked)
		found.vault.Watch(ctx, func() { nudge(rotated) })
	}()
	a.reloadUntil(ctx, changed, rotated)
	logger.Info("stopping: requests in flight may end")
	err = joinClose(stop(), a)
	<-watched
	<-looked
	if err == nil {
		logger.Info("stopped; every row has landed")
	}
	return err
}

// reloadUntil reloads on changes of the file or its secrets and on SIGHUP until ctx ends.
func (a *app) reloadUntil(ctx context.Context, changed, rotated <-chan struct{}) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			a.live.reload(ctx, hangup)
		case <-changed:
			a.live.reload(ctx, fileChanged)
		case <-rotated:
			a.live.reload(ctx, secretChanged)
		}
	}
}

// nudge sends unless somebody did already.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
