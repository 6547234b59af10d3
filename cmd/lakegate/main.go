// Command lakegate is an AI gateway whose telemetry is a lakehouse: one binary that serves model
// calls, keeps their rows, and answers SQL, reports and dashboards over them.
//
// It joins the islands (serving, sql, dashboards, system_tables, inference_tables), owns flags, the
// environment and signals, and decides nothing about a request itself. `lakegate help` lists the
// commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker (see the Makefile).
var version = "dev"

// exitError carries a command's exit code; its text has been printed already.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	var ee exitError
	switch {
	case err == nil:
	case errors.As(err, &ee):
		os.Exit(ee.code)
	default:
		fmt.Fprintln(os.Stderr, "lakegate:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "lakegate",
		Short: "An AI gateway whose telemetry is a lakehouse",
		Long: `lakegate forwards model calls to their providers and turns every call into durable rows
in open Delta tables: who called which model, for what, with how many tokens, at what cost.

Start here:
  lakegate demo --data ./data/demo            everything at once, with a scripted provider
  lakegate keys new --name me --admin         make an API key and the lines for the config file
  lakegate secrets put openai/api-key         keep a provider's key, encrypted, for {{secrets/openai/api-key}}
  lakegate serve --config lakegate.yaml       run the gateway
  lakegate sql "SELECT count(*) FROM system.serving.endpoint_usage"`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
	}
	c.CompletionOptions.HiddenDefaultCmd = true
	c.AddCommand(
		serveCommand(), demoCommand(), sqlCommand(), reportCommand(), verifyCommand(),
		tablesCommand(), pricesCommand(), dashboardsCommand(), endpointsCommand(), promptsCommand(), keysCommand(), secretsCommand(), configCommand(), workerCommand(), maintainerCommand(), logCommand(), probeCommand(),
	)
	return c
}
