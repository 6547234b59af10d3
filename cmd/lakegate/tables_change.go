package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// change is what the commands that change tables have in common.
type change struct {
	at                  lakeFlags
	all, dryRun, asJSON bool
}

func (x *change) flags(c *cobra.Command) {
	x.at.flags(c, "")
	c.Flags().BoolVar(&x.all, "all", false, "all of lakegate's tables")
	c.Flags().BoolVar(&x.dryRun, "dry-run", false, "change nothing, say what would be done")
	c.Flags().BoolVar(&x.asJSON, "json", false, "print JSON")
}

// open returns the tables that are meant and what works on them.
func (x *change) open(ctx context.Context, args []string) (*maintain.Keeper, []*tableschema.Table, error) {
	l, err := x.at.openTables(ctx, !x.dryRun)
	if err != nil {
		return nil, nil, err
	}
	tables, err := l.pick(args, x.all)
	if err != nil {
		return nil, nil, err
	}
	k, err := l.keeper()
	return k, tables, err
}

// keeper works on the tables for this command.
func (l *lakeTables) keeper() (*maintain.Keeper, error) {
	return openKeeper(l.cfg, localUser(), l.store, l.docs, func() []*tableschema.Table { return l.all },
		func(t *tableschema.Table) int { return retentionOf(l.cfg, t) }, nil, l.logger)
}

// each does the same for every table, and goes on after one that fails.
func each[R any](ctx context.Context, tables []*tableschema.Table, do func(*tableschema.Table) (R, error)) ([]R, error) {
	reports := make([]R, 0, len(tables))
	var errs []error
	for _, t := range tables {
		r, err := do(t)
		reports = append(reports, r)
		if err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return reports, errors.Join(errs...)
}

// watch tells on standard error how long work gets on, until the returned function is called.
func watch(w io.Writer, k *maintain.Keeper) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with end
		defer close(done)
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				s := k.Stats()
				fmt.Fprintf(w, "so far: %s files merged, %s read, %s written, %s files deleted\n",
					humanCount(s.FilesMerged), humanBytes(s.BytesMerged), humanBytes(s.BytesWritten), humanCount(s.FilesVacuumed))
			}
		}
	}()
	return func() { close(stop); <-done }
}

// would is how a sentence about work begins.
func would(dryRun bool, done, planned string) string {
	if dryRun {
		return planned
	}
	return done
}

func tablesCompactCommand() *cobra.Command {
	var x change
	var o maintain.CompactOptions
	c := &cobra.Command{
		Use:   "compact [TABLE]",
		Short: "Merge small files into large sorted ones; rows stay what they are",
		Long: `Merges the small files of a table, a day at a time, into files of maintenance.target_file_size that
are sorted for the common filters. Safe beside gateways and other writers: rows are counted before
each commit, and whoever changed the files first wins. Readers of older versions keep their files
until vacuum.

Days that are over are merged to the end; of days that are not, only what there is much of. --full
merges everything now.

  lakegate tables compact endpoint_usage --dry-run
  lakegate tables compact endpoint_usage --day 2026-11-20
  lakegate tables compact --all --full`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Partition != "" {
				if _, err := time.Parse(time.DateOnly, o.Partition); err != nil {
					return fmt.Errorf("--day %q: want a day such as 2026-11-20", o.Partition)
				}
			}
			k, tables, err := x.open(cmd.Context(), args)
			if err != nil {
				return err
			}
			o.DryRun = x.dryRun
			end := watch(cmd.ErrOrStderr(), k)
			reports, err := each(cmd.Context(), tables, func(t *tableschema.Table) (maintain.CompactReport, error) {
				return k.Compact(cmd.Context(), t, o)
			})
			end()
			if x.asJSON {
				return errors.Join(printJSON(cmd.OutOrStdout(), reports), err)
			}
			for _, r := range reports {
				writeCompaction(cmd.OutOrStdout(), r, x.dryRun)
			}
			return err
		},
	}
	x.flags(c)
	c.Flags().StringVar(&o.Partition, "day", "", "only this day, such as 2026-11-20")
	c.Flags().BoolVar(&o.Full, "full", false, "merge to the end, also days that are not over")
	return c
}

func writeCompaction(w io.Writer, r maintain.CompactReport, dryRun bool) {
	switch {
	case r.Table == "":
		return // it failed; the error says so
	case r.Groups == 0:
		fmt.Fprintf(w, "%s: nothing to merge\n", r.Table)
	case dryRun:
		fmt.Fprintf(w, "%s: would merge %s files (%s) in %d merges\n", r.Table, humanCount(int64(r.FilesBefore)), humanBytes(r.BytesBefore), r.Groups)
	default:
		fmt.Fprintf(w, "%s: merged %s files (%s) into %s (%s), %s rows; version %d\n", r.Table, humanCount(int64(r.FilesBefore)), humanBytes(r.BytesBefore),
			humanCount(int64(r.FilesAfter)), humanBytes(r.BytesAfter), humanCount(r.Rows), r.Version)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(w, "  left alone: %s: %s\n", s.Path, s.Reason)
	}
}

// vacuumed is what a vacuum did to one table.
type vacuumed struct {
	Table string             `json:"table"`
	Files delta.VacuumReport `json:"files"`
	Log   delta.CleanReport  `json:"log"`
}

func tablesVacuumCommand() *cobra.Command {
	var x change
	c := &cobra.Command{
		Use:   "vacuum [TABLE]",
		Short: "Delete files that no version within the retention needs, and versions past theirs",
		Long: `Deletes data files that were taken out of a table longer than maintenance.vacuum_after ago, files
that nobody ever committed, and versions of the table's log that are older than
maintenance.keep_history. What a reader of a version within that time may need stays.

Time travel to versions whose files are gone ends; closed months keep their numbers, but can't be
made again from the table.

  lakegate tables vacuum endpoint_usage --dry-run
  lakegate tables vacuum --all`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, tables, err := x.open(cmd.Context(), args)
			if err != nil {
				return err
			}
			end := watch(cmd.ErrOrStderr(), k)
			reports, err := each(cmd.Context(), tables, func(t *tableschema.Table) (v vacuumed, err error) {
				v.Table = t.Name.String()
				if v.Files, err = k.Vacuum(cmd.Context(), t, x.dryRun); err == nil && !x.dryRun {
					v.Log, err = k.CleanLog(cmd.Context(), t)
				}
				return v, err
			})
			end()
			if x.asJSON {
				return errors.Join(printJSON(cmd.OutOrStdout(), reports), err)
			}
			return errors.Join(writeVacuum(cmd.OutOrStdout(), reports, x.dryRun), err)
		},
	}
	x.flags(c)
	return c
}

func writeVacuum(w io.Writer, reports []vacuumed, dryRun bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "scanned\tin use\tkept\t%s\tsize\tversions\t  table\n", would(dryRun, "deleted", "would delete"))
	for _, v := range reports {
		f, gone := v.Files, v.Files.Deleted
		if dryRun {
			gone = delta.Files{Files: f.Expired.Files + f.Orphans.Files, Bytes: f.Expired.Bytes + f.Orphans.Bytes}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t  %s\n", humanCount(int64(f.Scanned.Files)), humanCount(int64(f.Live.Files)), humanCount(int64(f.Kept.Files)),
			humanCount(int64(gone.Files)), humanBytes(gone.Bytes), humanCount(int64(v.Log.Commits)), v.Table)
	}
	return t.Flush()
}

func tablesRetainCommand() *cobra.Command {
	var x change
	days := -1
	c := &cobra.Command{
		Use:   "retain [TABLE]",
		Short: "Delete the rows of days that are past the table's retention",
		Long: `Deletes the rows of whole UTC days that are older than the table's retention: retention.usage and
retention.payloads of the config file, or what an endpoint says (retention_days). --days says
otherwise, for once. The rows are in no newer version; their files go with vacuum.

  lakegate tables retain chat_payload --days 30 --dry-run
  lakegate tables retain --all`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("days") && days < 1 {
				return fmt.Errorf("--days %d: want 1 or more", days)
			}
			l, err := x.at.openTables(cmd.Context(), !x.dryRun)
			if err != nil {
				return err
			}
			tables, err := l.pick(args, x.all)
			if err != nil {
				return err
			}
			k, err := l.keeper()
			if err != nil {
				return err
			}
			reports, err := each(cmd.Context(), tables, func(t *tableschema.Table) (maintain.RetainReport, error) {
				n := retentionOf(l.cfg, t)
				if days > 0 {
					n = days
				}
				r, err := k.Retain(cmd.Context(), t, n, x.dryRun)
				r.Table = t.Name.String()
				return r, err
			})
			if x.asJSON {
				return errors.Join(printJSON(cmd.OutOrStdout(), reports), err)
			}
			for _, r := range reports {
				if r.Files == 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: nothing is past its retention\n", r.Table)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s %s rows of %d days before %s (%s files, %s)\n", r.Table, would(x.dryRun, "deleted", "would delete"),
					humanCount(r.Rows), r.Days, r.Before, humanCount(int64(r.Files)), humanBytes(r.Bytes))
			}
			return err
		},
	}
	x.flags(c)
	c.Flags().IntVar(&days, "days", days, "keep this many days, whatever the config file says")
	return c
}

func tablesRestoreCommand() *cobra.Command {
	var at lakeFlags
	var asJSON, yes bool
	c := &cobra.Command{
		Use:   "restore TABLE VERSION",
		Short: "Make a table what it was at a version; what came since can be restored the same way",
		Long: `Commits a new version of the table that has the rows of an older one. Nothing is deleted: the
versions in between stay in the history, and can be restored in turn until vacuum takes their files.
Rows that are still in a gateway's log land as ever.

Without --yes it says what it would do.

  lakegate tables history chat_payload
  lakegate tables restore chat_payload 41 --yes`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || to < 0 {
				return fmt.Errorf("version %q: want a number; `lakegate tables history %s` has them", args[1], args[0])
			}
			l, err := at.openTables(cmd.Context(), yes)
			if err != nil {
				return err
			}
			t, err := pickTable(l.all, args[0])
			if err != nil {
				return err
			}
			if !yes {
				return l.planRestore(cmd, t, to)
			}
			k, err := l.keeper()
			if err != nil {
				return err
			}
			made, err := k.Restore(cmd.Context(), t, to)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"table": t.Name.String(), "restored": to, "version": made})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is again what it was at version %d; that is version %d\n", t.Name, to, made)
			return nil
		},
	}
	at.flags(c, "")
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// planRestore says what a restore would change.
func (l *lakeTables) planRestore(cmd *cobra.Command, t *tableschema.Table, to int64) error {
	d, err := openTable(cmd.Context(), l.store, t.Name)
	if err != nil {
		return err
	}
	was, err := d.At(cmd.Context(), to)
	if err != nil {
		return err
	}
	now := d.Snapshot()
	rows := func(s *delta.Snapshot) string {
		if n, known := s.NumRecords(); known {
			return humanCount(n) + " rows"
		}
		return humanCount(int64(s.NumFiles())) + " files"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: version %d has %s, version %d had %s\nnothing was changed: run it with --yes to restore version %[4]d\n",
		t.Name, now.Version, rows(now), was.Version, rows(was))
	return err
}
