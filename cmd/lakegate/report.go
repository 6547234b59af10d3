package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/dashboards/report"
)

func reportCommand() *cobra.Command {
	c := &cobra.Command{Use: "report", Short: "Reports over the usage table"}
	c.AddCommand(chargebackCommand(), closeCommand(), statementsCommand())
	return c
}

func chargebackCommand() *cobra.Command {
	var w where
	var by, from, to, tz, format string
	c := &cobra.Command{
		Use:   "chargeback",
		Short: "What was spent, by team, model or any other tag, with the equation that adds it up",
		Long: `Prints what was spent in a period. --by takes tags (team, project, ...) and endpoint, model,
requester, provider, key, day and month, in any combination; tag:NAME is the tag of that name.

Spend without the tags asked for, and calls whose price is not known, are lines of their own:
allocated + untagged + unpriced = total, in requests and in dollars.

  lakegate report chargeback --by team,model --from 2026-11-01 --to 2026-12-01 --tz Europe/Berlin
  lakegate report chargeback --by requester,day --from 2026-11 --format csv > november.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := report.Options{Made: time.Now()}
			f, err := report.ParseFormat(format)
			if err != nil {
				return err
			}
			if o.By, err = report.ParseBy(by); err != nil {
				return err
			}
			if o.Location, err = report.LoadZone(tz); err != nil {
				return err
			}
			if o.From, o.To, err = report.ParsePeriod(from, to, o.Location, o.Made); err != nil {
				return err
			}
			db, err := w.open(cmd.Context())
			if err != nil {
				return err
			}
			defer db.close()
			r, err := report.Chargeback(cmd.Context(), reportRunner{db.query}, o)
			if err != nil {
				return fmt.Errorf("chargeback: %w", err)
			}
			return r.Write(cmd.OutOrStdout(), f)
		},
	}
	c.Flags().StringVar(&by, "by", "team", "what to group by, separated by commas")
	c.Flags().StringVar(&from, "from", "", "first day, 2026-11-01, or month, 2026-11 (default: this month)")
	c.Flags().StringVar(&to, "to", "", "first day after the period (default: the end of a month given with --from)")
	c.Flags().StringVar(&tz, "tz", "UTC", "time zone of days and months, such as Europe/Berlin")
	c.Flags().StringVar(&format, "format", "table", "table, csv, json or md")
	w.flags(c)
	return c
}
