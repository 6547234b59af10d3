package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/reconcile"
)

func pricesReconcileCommand() *cobra.Command {
	var w where
	var x reconcileFlags
	c := &cobra.Command{
		Use:   "reconcile FILE --provider NAME",
		Short: "Compare a provider's own usage or cost report with the ledger, by day and model",
		Long: `Reads what the provider says was used or what it cost, and puts the ledger beside it: a line for each
UTC day and model, a mark at what differs by more than --tolerance, and exit status 1 if anything
does. Only days that the report has are compared. FILE is "-" for standard input, or

  the pages of OpenAI's   /v1/organization/usage/completions?bucket_width=1d&group_by=model
                     or   /v1/organization/costs?group_by=line_item
  of Anthropic's          /v1/organizations/usage_report/messages?bucket_width=1d&group_by[]=model
                     or   /v1/organizations/cost_report?group_by[]=description
  or a CSV file with a header, such as a console's export; --columns says what its columns are
  where their names don't: --columns date=ChargePeriodStart,model=SkuId,cost=BilledCost

The provider is the one of the served entities (openai, anthropic, ...). Requests that did not go
through lakegate are the provider's alone; costs of the ledger are by its price list, corrections
included.

  lakegate prices reconcile usage.json --provider openai
  lakegate prices reconcile bill.csv --provider amazon-bedrock --columns date=day,cost=usd --tolerance 2%`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			diffs, err := x.compare(cmd.Context(), &w, args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return x.print(cmd.OutOrStdout(), diffs)
		},
	}
	f := c.Flags()
	f.StringVar(&x.provider, "provider", "", "the provider whose report it is, as served entities name it")
	f.StringVar(&x.tolerance, "tolerance", "0.1%", "difference that is let pass, as a part of the larger number")
	f.StringToStringVar(&x.columns, "columns", nil, "columns of a CSV file: date, model, requests, input, output, cached, written, cost")
	f.BoolVar(&x.requests, "requests", false, "compare numbers of requests too (providers count failed ones in ways of their own)")
	f.BoolVar(&x.all, "all", false, "print the lines that agree too")
	f.BoolVar(&x.asJSON, "json", false, "print JSON")
	w.flags(c)
	return c
}

type reconcileFlags struct {
	provider, tolerance   string
	columns               map[string]string
	requests, all, asJSON bool
}

func (x *reconcileFlags) compare(ctx context.Context, w *where, file string, stdin io.Reader) ([]reconcile.Diff, error) {
	if x.provider == "" {
		return nil, errors.New("say whose report it is: --provider openai")
	}
	tolerance, err := parsePart(x.tolerance)
	if err != nil {
		return nil, err
	}
	theirs, err := readReport(file, stdin, x.columns)
	if err != nil {
		return nil, err
	}
	days := map[string]bool{}
	for _, r := range theirs {
		days[r.Day] = true
	}
	if len(days) == 0 {
		return nil, fmt.Errorf("%s: the report has no day", file)
	}
	ours, err := ledgerUsage(ctx, w, x.provider, days)
	if err != nil {
		return nil, err
	}
	return reconcile.Compare(theirs, ours, tolerance, x.requests), nil
}

func readReport(file string, stdin io.Reader, columns map[string]string) ([]reconcile.Row, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	rows, _, err := reconcile.Read(in, columns)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rows, nil
}

// parsePart reads 0.1% or 0.001.
func parsePart(s string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	f, err := strconv.ParseFloat(number, 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, fmt.Errorf("--tolerance %q: want a part such as 0.1%% or 0.001", s)
	}
	return f, nil
}

// ledgerUsage is what the ledger says of the provider's models on the days.
func ledgerUsage(ctx context.Context, w *where, provider string, days map[string]bool) ([]reconcile.Row, error) {
	db, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	defer db.close()
	var list []string
	for d := range days {
		list = append(list, d)
	}
	slices.Sort(list)
	const most = 100_000
	of := `'` + strings.ReplaceAll(provider, "'", "''") + `'`
	within := `request_date >= DATE '` + list[0] + `' AND request_date <= DATE '` + list[len(list)-1] + `' AND NOT coalesce(generated, false)`
	// Where several attempts have cost something, they may be different providers'.
	res, err := db.query(ctx, `SELECT CAST(request_date AS STRING), model, count(*), sum(input), sum(output), sum(cached), sum(written), sum(nanos) FROM (
		SELECT request_date, model, input_token_count AS input, output_token_count AS output, cached_input_token_count AS cached,
			cache_write_token_count AS written, cost_nanos AS nanos
		FROM system.serving.endpoint_usage
		WHERE provider = `+of+` AND `+within+` AND model IS NOT NULL AND usage_source <> 'none' AND extra_cost_nanos IS NULL
		UNION ALL
		SELECT request_date, a.model, a.input_token_count, a.output_token_count, NULL, NULL, a.cost_nanos
		FROM (SELECT request_date, explode(attempts) AS a FROM system.serving.endpoint_usage WHERE `+within+` AND extra_cost_nanos IS NOT NULL)
		WHERE a.provider = `+of+` AND a.usage_source IS NOT NULL
	) GROUP BY request_date, model`, most)
	if err != nil {
		return nil, err
	}
	if res.Truncated {
		return nil, fmt.Errorf("the ledger has more than %d lines for these days: reconcile fewer days at a time", most)
	}
	var out []reconcile.Row
	for _, cells := range res.Rows {
		if len(cells) != 8 || cells[0] == nil || cells[1] == nil || !days[*cells[0]] {
			continue
		}
		r := reconcile.Row{Day: *cells[0], Model: *cells[1]}
		for i, into := range []**int64{&r.Requests, &r.Input, &r.Output, &r.Cached, &r.Written, &r.Nanos} {
			if c := cells[i+2]; c != nil {
				n, err := strconv.ParseInt(*c, 10, 64)
				if err != nil {
					return nil, fmt.Errorf("the ledger's numbers of %s on %s: %w", r.Model, r.Day, err)
				}
				*into = &n
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// print writes the comparison; the error of a difference is exit status 1.
func (x *reconcileFlags) print(out io.Writer, diffs []reconcile.Diff) error {
	off := 0
	for _, d := range diffs {
		if len(d.Off) > 0 {
			off++
		}
	}
	if x.asJSON {
		if err := printJSON(out, diffs); err != nil {
			return err
		}
	} else if err := x.table(out, diffs, off); err != nil {
		return err
	}
	if off > 0 {
		return exitError{1}
	}
	return nil
}

func (x *reconcileFlags) table(out io.Writer, diffs []reconcile.Diff, off int) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	printed := false
	for _, d := range diffs {
		if len(d.Off) == 0 && !x.all {
			continue
		}
		if !printed {
			fmt.Fprintln(w, "day\tmodel\twhose\trequests\tinput\toutput\tcached\twritten\tcost $\tdiffers\t")
			printed = true
		}
		for i, r := range []*reconcile.Row{d.Theirs, d.Ours} {
			whose, note := "provider", strings.Join(d.Off, ", ")
			if i == 1 {
				whose, note = "ledger", ""
			}
			if r == nil {
				fmt.Fprintf(w, "%s\t%s\t%s\tnone\t\t\t\t\t\t%s\t\n", d.Day, d.Model, whose, note)
				continue
			}
			cost := "-"
			if r.Nanos != nil {
				cost = dollars(*r.Nanos)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", d.Day, d.Model, whose, orDash(r.Requests), orDash(r.Input), orDash(r.Output),
				orDash(r.Cached), orDash(r.Written), cost, note)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d days and models differ by more than %s\n", off, len(diffs), x.tolerance)
	return err
}

func orDash(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}
