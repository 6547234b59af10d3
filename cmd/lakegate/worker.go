package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/sql/worker"
)

// workerName is the command that the warehouse starts its children with.
const workerName = "sqlworker"

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    workerName,
		Short:  "Run SQL for a gateway over standard input and output (started by lakegate itself)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return worker.Main(cmd.Context(), os.Stdin, os.Stdout)
		},
	}
}
