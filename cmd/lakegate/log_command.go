package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/wal"
)

func logCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "log",
		Short: "Look at a stopped gateway's log, or give up damaged parts of it",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(logInspectCommand(), logRepairCommand())
	return c
}

func logInspectCommand() *cobra.Command {
	var at lakeFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect",
		Short: "Read every record of the log and say what is wrong; exit 1 if something is damaged",
		Long: `Reads every record of the write-ahead log and changes nothing. It lists the segments, what is
damaged and where, a torn tail that the next start will cut off, segments that are gone, and holes:
records that a power cut took before they were on disk, or that a repair gave up.

Needs the data folder to itself: stop the gateway first.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := at.load(cmd.Context())
			if err != nil {
				return err
			}
			i, err := wal.Inspect(disk.OS, filepath.Join(cfg.Data, "log"))
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(i)
			} else {
				err = writeInspection(cmd.OutOrStdout(), i)
			}
			if err == nil && len(i.Damage) > 0 {
				err = exitError{1}
			}
			return err
		},
	}
	at.flags(c, "while no gateway runs on it")
	c.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return c
}

// writeInspection prints an inspection for people: a line per segment, then what is wrong.
func writeInspection(w io.Writer, i *wal.Inspection) error {
	fmt.Fprintf(w, "log %s\n", i.ID)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "segment\tformat\trun\trecords\tfirst\tlast\tbytes\t")
	for _, s := range i.Segments {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", s.Number, s.Format, s.Epoch, s.Records, s.First, s.Last, s.Size)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, d := range i.Damage {
		fmt.Fprintf(w, "damaged: %s, %d bytes at %d: %s (%s)\n", d.Path, d.Bytes, d.Offset, d.Reason, recordCount(d.Records))
	}
	if i.Torn != nil {
		fmt.Fprintf(w, "torn tail: segment %d, %d bytes at %d; the next start cuts it off\n", i.Torn.Segment, i.Torn.Bytes, i.Torn.Offset)
	}
	for _, n := range i.Missing {
		fmt.Fprintf(w, "missing: segment %d\n", n)
	}
	for _, h := range i.Holes {
		fmt.Fprintf(w, "hole: %v\n", h)
	}
	_, err := fmt.Fprintf(w, "%d segments, %d damaged places\n", len(i.Segments), len(i.Damage))
	return err
}

func recordCount(n int64) string {
	if n < 0 {
		return "a record or more"
	}
	return fmt.Sprintf("%d records", n)
}

func logRepairCommand() *cobra.Command {
	var at lakeFlags
	var yes bool
	c := &cobra.Command{
		Use:   "repair",
		Short: "Give up the damaged records of the log, so that the gateway starts again",
		Long: `Gives up what is damaged in the write-ahead log, and nothing else. The bytes that were there are
kept in DATA/log/damaged first. It says how many records went; the next start reports them, and so
do verify and the metrics. Try restoring the file from a copy before.

Needs the data folder to itself: stop the gateway first. Without --yes it only says what it would do.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := at.load(cmd.Context())
			if err != nil {
				return err
			}
			dir, out := filepath.Join(cfg.Data, "log"), cmd.OutOrStdout()
			if !yes {
				i, err := wal.Inspect(disk.OS, dir)
				if err == nil {
					err = writeInspection(out, i)
				}
				if err == nil && len(i.Damage) > 0 {
					_, err = fmt.Fprintln(out, "nothing was changed: run it with --yes to give up the damaged records")
				}
				return err
			}
			r, err := wal.Repair(disk.OS, dir)
			if r != nil {
				writeRepaired(out, r)
			}
			return err
		},
	}
	at.flags(c, "while no gateway runs on it")
	c.Flags().BoolVar(&yes, "yes", false, "change the log")
	return c
}

func writeRepaired(w io.Writer, r *wal.Repaired) {
	for _, d := range r.Damage {
		fmt.Fprintf(w, "given up: %s, %d bytes at %d: %s (%s)\n", d.Path, d.Bytes, d.Offset, d.Reason, recordCount(d.Records))
	}
	for _, path := range r.Saved {
		fmt.Fprintf(w, "kept: %s\n", path)
	}
	atLeast := ""
	if r.AtLeast {
		atLeast = "at least "
	}
	fmt.Fprintf(w, "%s%d records are gone\n", atLeast, r.Records)
}
