package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/reprice"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

func pricesRepriceCommand() *cobra.Command {
	var at lakeFlags
	var from, to string
	var o reprice.Options
	var asJSON bool
	c := &cobra.Command{
		Use:   "reprice",
		Short: "Correct the costs of past requests by the prices that hold now",
		Long: `Computes the cost of every request of the days asked for again, from the token counts in its row and
by the price list of the config file, for the time the request was made. Where that gives another
cost, the difference becomes a row of system.serving.cost_corrections. Rows of the ledger are not
changed: what was known then can still be read (VERSION AS OF), and a correction says who made it,
when, why, and by which price list.

Every query, report, view and dashboard has the corrections added to cost and cost_nanos by itself.
Requests whose cost was not known get one; those the list doesn't know stay as they are. Running it
twice changes nothing the second time. Statements of closed months stay as they were closed:
` + "`lakegate report statements --check MONTH`" + ` shows the difference, --revise freezes it.

Works beside running gateways. Requests that are still in a gateway's log, up to a flush interval
old, are not seen.

  lakegate prices reprice --from 2026-11-01 --dry-run
  lakegate prices reprice --from 2026-11-01 --to 2026-12-01 --model gpt-4o --reason "contract of November"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.From, err = parseDay("--from", from); err != nil {
				return err
			}
			if o.To, err = parseDay("--to", to); err != nil {
				return err
			}
			if !o.From.IsZero() && !o.To.IsZero() && !o.From.Before(o.To) {
				return fmt.Errorf("--to %s is not after --from %s: the day of --to is not included", to, from)
			}
			o.By = localUser()
			r, err := repriceLake(cmd.Context(), &at, o)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), r)
			}
			return printReprice(cmd.OutOrStdout(), r, o.DryRun)
		},
	}
	at.flags(c, "")
	f := c.Flags()
	f.StringVar(&from, "from", "", "first day (UTC), e.g. 2026-11-01; default: the first there is")
	f.StringVar(&to, "to", "", "the day after the last one (UTC); default: today included")
	f.StringVar(&o.Provider, "provider", "", "only requests answered by this provider")
	f.StringVar(&o.Model, "model", "", "only requests answered by this model")
	f.StringVar(&o.Reason, "reason", "", "why, for those who read the corrections")
	f.BoolVar(&o.DryRun, "dry-run", false, "change nothing, say what would be corrected")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// parseDay reads a day; "" is the zero time.
func parseDay(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fmt.Errorf("%s %q: want a day such as 2026-11-01", flag, s)
	}
	return t, nil
}

func repriceLake(ctx context.Context, at *lakeFlags, o reprice.Options) (*reprice.Report, error) {
	l, err := at.openTables(ctx, !o.DryRun)
	if err != nil {
		return nil, err
	}
	prices, err := pricesOf(l.cfg)
	if err != nil {
		return nil, err
	}
	return reprice.Run(ctx, reprice.Config{
		Store: l.store, Ledger: systemtables.EndpointUsage(), Corrections: systemtables.CostCorrections(), Price: prices.Cost, Now: time.Now,
	}, o)
}

func printReprice(out io.Writer, r *reprice.Report, dryRun bool) error {
	if len(r.Groups) > 0 {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "day\tprovider\tmodel\trequests\tbefore $\tafter $\tdifference $\t")
		for _, g := range r.Groups {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", g.Day, g.Provider, g.Model, humanCount(g.Rows), dollars(g.Before), dollars(g.After), dollars(g.After-g.Before))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%s requests with a usage: %s cost what they did, %s %s corrected, %s %s a cost for the first time, %s have no price in the list\n",
		humanCount(r.Rows), humanCount(r.Same), humanCount(r.Corrected), would(dryRun, "were", "would be"), humanCount(r.Priced),
		would(dryRun, "got", "would get"), humanCount(r.Unknown))
	fmt.Fprintf(out, "%s $%s", would(dryRun, "The corrections add up to", "The corrections would add up to"), dollars(r.Nanos))
	if r.Version >= 0 {
		fmt.Fprintf(out, "; they are version %d of system.serving.cost_corrections", r.Version)
	}
	_, err := fmt.Fprintln(out)
	return err
}

// dollars writes nano-dollars in full.
func dollars(nanos int64) string {
	sign, n := "", uint64(nanos)
	if nanos < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%09d", sign, n/1_000_000_000, n%1_000_000_000)
}
