package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/dashboards/monthclose"
	"github.com/lakegate/lakegate/dashboards/report"
)

// openBook opens the statements of the place the flags name.
func (w *where) openBook(ctx context.Context) (b statementBook, close func() error, err error) {
	db, err := w.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	switch db := db.(type) {
	case *remote:
		return remoteBook{db}, db.close, nil
	case *stopped:
		return openStoppedBook(db), db.close, nil
	}
	panic("a database that keeps no statements")
}

func closeCommand() *cobra.Command {
	var w where
	var q closeRequest
	var format string
	c := &cobra.Command{
		Use:   "close --month 2026-11",
		Short: "Freeze a month's chargeback into a statement that never changes",
		Long: `Freezes the chargeback of a month: its lines in nano-dollars and the equation, the version of the
table they were read from, the price versions in them, who closed it and when, and a SHA-256 over it
all. A month is closed once. Rows that turn up later are shown by

  lakegate report statements --check 2026-11

and on the next month's statement; --revise freezes them in a revision that names what changed.

Before it closes, every gateway of the lake must have landed its rows of the month. Where one has
not, or the month is not over, the command says so and closes nothing; --force closes it all the
same, and the statement says that too. In a gateway only administrators may close.

  lakegate report close --month 2026-11 --tz Europe/Berlin --by team,model
  lakegate report close --month 2026-11 --revise
  lakegate report close --month 2026-11 --data ./data      without a gateway`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := report.ParseFormat(format)
			if err != nil {
				return err
			}
			if q.Month == "" {
				return fmt.Errorf("say which month: --month 2026-11")
			}
			if _, err := report.ParseBy(q.By); err != nil {
				return err
			}
			if _, err := report.LoadZone(q.TimeZone); err != nil {
				return err
			}
			b, done, err := w.openBook(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			s, err := b.close(cmd.Context(), q)
			if err != nil {
				return err
			}
			return s.Write(cmd.OutOrStdout(), f)
		},
	}
	c.Flags().StringVar(&q.Month, "month", "", "the month to close, such as 2026-11")
	c.Flags().StringVar(&q.By, "by", "team", "what to group by, separated by commas; see lakegate report chargeback")
	c.Flags().StringVar(&q.TimeZone, "tz", "UTC", "time zone of the month, such as Europe/Berlin")
	c.Flags().BoolVar(&q.Revise, "revise", false, "the month is closed: make a revision, by the statement's own grouping and zone")
	c.Flags().BoolVar(&q.Force, "force", false, "close also when the month is not over, or gateways have not landed its rows")
	c.Flags().StringVar(&format, "format", "table", "table, csv, json or md")
	w.flags(c)
	return c
}

func statementsCommand() *cobra.Command {
	var w where
	var format, checked string
	var revision int
	c := &cobra.Command{
		Use:   "statements [MONTH]",
		Short: "List closed months, print one, or check one against the table",
		Long: `Without MONTH lists the statements there are; with it prints that month's, as it was frozen.

--check MONTH makes the statement again, from the version of the table it names and from the newest,
and prints every line that differs. Exit 1 when any does, or when the version can't be read any more
(after vacuum the numbers stand, but can't be made again).

  lakegate report statements
  lakegate report statements 2026-11 --format csv > november.csv
  lakegate report statements --check 2026-11`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := report.ParseFormat(format)
			if err != nil {
				return err
			}
			if checked != "" && len(args) > 0 {
				return fmt.Errorf("give the month once: lakegate report statements --check %s", checked)
			}
			b, done, err := w.openBook(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if checked != "" {
				return printCheck(cmd, b, checked, revision, f)
			}
			if len(args) == 0 {
				return printStatements(cmd, b, f)
			}
			s, err := b.get(cmd.Context(), args[0], revision)
			if err != nil {
				return err
			}
			return s.Write(cmd.OutOrStdout(), f)
		},
	}
	c.Flags().StringVar(&checked, "check", "", "the month to check")
	c.Flags().IntVar(&revision, "revision", 0, "this revision of the month (default: the newest)")
	c.Flags().StringVar(&format, "format", "table", "table, csv, json or md; a list and a check are tables or JSON")
	w.flags(c)
	return c
}

func printStatements(cmd *cobra.Command, b statementBook, f report.Format) error {
	all, err := b.list(cmd.Context())
	if err != nil {
		return err
	}
	if len(all) == 0 && f != report.JSON {
		fmt.Fprintln(cmd.OutOrStdout(), "no month is closed yet; lakegate report close --month 2026-11 closes one")
		return nil
	}
	return monthclose.WriteList(cmd.OutOrStdout(), all, f)
}

func printCheck(cmd *cobra.Command, b statementBook, month string, revision int, f report.Format) error {
	c, err := b.check(cmd.Context(), month, revision)
	if err != nil {
		return err
	}
	if err := c.Write(cmd.OutOrStdout(), f); err != nil {
		return err
	}
	if !c.Same() || !c.Reproduced {
		return exitError{1}
	}
	return nil
}
