package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/tablewriter"
)

func verifyCommand() *cobra.Command {
	var at lakeFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Prove that every accepted request is exactly one row; exit 1 if not",
		Long: `Compares what the gateway accepted with what is in the tables: counts, distinct ids and an
order-independent sum of ids, per table, and whether every file the tables name is there, whole.
What was deleted on purpose (retention, forget, restore) is counted as erased.
Rows that are still in the log count as pending: they land when the gateway starts.

Needs the data folder to itself: stop the gateway first.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := at.load(cmd.Context())
			if err != nil {
				return err
			}
			r, err := verify(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				if err := enc.Encode(r); err != nil {
					return err
				}
			} else if err := writeVerify(out, r); err != nil {
				return err
			}
			if !r.OK() {
				return exitError{1}
			}
			return nil
		},
	}
	at.flags(c, "while no gateway runs on it")
	c.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return c
}

// verify compares the data folder of a gateway that does not run with its lake.
func verify(ctx context.Context, cfg *config.Config) (*tablewriter.Report, error) {
	quiet := stderrLogger(slog.LevelError)
	store, err := openExistingStore(ctx, cfg, quiet)
	if err != nil {
		return nil, err
	}
	return tablewriter.Verify(ctx, writerConfig(cfg, store), feeds(cfg.AccountID, cfg.WorkspaceID), quiet)
}

// writeVerify prints a report for people: a line per table, what is wrong, the verdict.
func writeVerify(w io.Writer, r *tablewriter.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "accepted\tlanded\terased\tpending\tlosses\tlost\tunproved\tduplicates\tfiles\t  table")
	for _, x := range r.Tables {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t  %s\n", x.Accepted, x.Landed, x.Erased, x.Pending, x.Losses, x.Lost, x.Unproved, x.Duplicates, x.Files, x.Table)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(w, "problem:", p)
	}
	verdict := "verified"
	if !r.OK() {
		verdict = "NOT VERIFIED"
	}
	_, err := fmt.Fprintf(w, "%s: accepted=%d landed=%d erased=%d pending=%d losses=%d lost=%d duplicates=%d\n",
		verdict, r.Accepted, r.Landed, r.Erased, r.Pending, r.Losses, r.Lost+r.Unproved, r.Duplicates)
	return err
}
