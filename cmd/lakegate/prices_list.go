package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/pricing"
)

func pricesListCommand() *cobra.Command {
	var configFile, file, provider, model, day string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Show what models cost, and since when",
		Long: `Shows the prices that hold now, or on the day of --at, in US dollars per million tokens, requests and
searches per thousand. With --model the name may be any that a provider answers with: it is looked
up as a call's price is, and what the config file says of it is in it.

  lakegate prices list --provider anthropic
  lakegate prices list --model gpt-4o-2024-08-06 --config lakegate.yaml
  lakegate prices list --file prices.yaml --at 2026-03-01 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := parsePriceDay(day)
			if err != nil {
				return err
			}
			list, err := priceListOf(cmd.Context(), configFile, file)
			if err != nil {
				return err
			}
			entries := listed(list, provider, model, at)
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]any{"version": list.Version(), "at": at, "models": entries})
			}
			return printPrices(cmd.OutOrStdout(), list, entries)
		},
	}
	f := c.Flags()
	f.StringVar(&configFile, "config", "", "the gateway's config file: its list, prices and discounts")
	f.StringVar(&file, "file", "", "a price file instead of the built-in list")
	f.StringVar(&provider, "provider", "", "only this provider, as served entities or the list name it")
	f.StringVar(&model, "model", "", "only this model")
	f.StringVar(&day, "at", "", "the day (UTC) or moment the prices are for, e.g. 2026-11-01; default: now")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	c.MarkFlagsMutuallyExclusive("config", "file")
	return c
}

// parsePriceDay reads a day or a moment; "" is now.
func parsePriceDay(s string) (time.Time, error) {
	if s == "" {
		return time.Now().UTC(), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("--at %q: want a day such as 2026-11-20 or a moment such as 2026-11-20T16:30:00Z", s)
}

// priceListOf is the list of a config file, of a price file, or the built-in one.
func priceListOf(ctx context.Context, configFile, file string) (*pricing.List, error) {
	if configFile != "" {
		cfg, err := loadLake(ctx, configFile)
		if err != nil {
			return nil, err
		}
		return pricesOf(cfg)
	}
	if file == "" || file == "builtin" {
		return pricing.Builtin(), nil
	}
	b, err := readPriceFile(file)
	if err != nil {
		return nil, err
	}
	list, err := pricing.Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return list, nil
}

// listed are the prices asked for. A model is looked up with each provider, or the one asked for.
func listed(list *pricing.List, provider, model string, at time.Time) []pricing.Entry {
	var out []pricing.Entry
	if model == "" {
		for _, e := range list.Entries(at) {
			if provider == "" || list.Same(provider, e.Provider) {
				out = append(out, e)
			}
		}
		return out
	}
	providers := []string{provider}
	if provider == "" {
		providers = append(list.Providers(), "custom")
		if !slices.Contains(providers, "openai") {
			providers = append(providers, "openai")
		}
	}
	for _, p := range providers {
		if e, ok := list.Lookup(p, model, at); ok {
			out = append(out, e)
		}
	}
	return out
}

func printPrices(out io.Writer, list *pricing.List, entries []pricing.Entry) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROVIDER\tMODEL\tSINCE\tINPUT\tOUTPUT\tCACHED\tWRITE\tMORE")
	for _, e := range entries {
		since := e.From.String()
		if since == "" {
			since = "always"
		}
		cells, more := priceCells(&e)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.Provider, e.Model, since, strings.Join(cells, "\t"), strings.Join(more, "; "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s models; price list %s; US dollars per million tokens\n", humanCount(int64(len(entries))), list.Version())
	return err
}

// priceCells are the four columns everybody has, and the rest in words.
func priceCells(e *pricing.Entry) (cells, more []string) {
	cells = []string{"-", "-", "-", "-"}
	if e.Unknown {
		return cells, []string{"not known"}
	}
	columns := []string{"input", "output", "cached_input", "cache_write"}
	var when []string
	groups := map[string][]string{}
	for _, p := range e.Prices {
		if i := slices.Index(columns, p.Class); i >= 0 && p.When == "" {
			cells[i] = p.Price.String()
			continue
		}
		if _, ok := groups[p.When]; !ok {
			when = append(when, p.When)
		}
		groups[p.When] = append(groups[p.When], priceWords(&p))
	}
	for _, w := range when {
		text := strings.Join(groups[w], ", ")
		if w != "" {
			text = w + ": " + text
		}
		more = append(more, text)
	}
	if e.Own {
		more = append(more, "the installation's own price")
	}
	if e.Discount != 0 {
		more = append(more, "less "+e.Discount.String()+" %")
	}
	return cells, more
}

func priceWords(p *pricing.Price) string {
	switch {
	case p.Unknown:
		return "not known"
	case p.Class == "requests" || p.Class == "searches":
		return p.Class + " " + p.Price.String() + " per thousand"
	default:
		return p.Class + " " + p.Price.String()
	}
}

func pricesDiffCommand() *cobra.Command {
	var provider, day string
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Show which models cost something else in price file B than in A",
		Long: `Compares two price files, as of now or the day of --at: models that B has and A lacks, that A has and
B lacks, and each price that is another. "builtin" is the list that comes with lakegate. Models are
the same when one list finds the other's name of them.

  lakegate prices diff builtin genai-prices.yaml
  lakegate prices diff old.yaml new.yaml --provider openai`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := parsePriceDay(day)
			if err != nil {
				return err
			}
			a, err := priceListOf(cmd.Context(), "", args[0])
			if err != nil {
				return err
			}
			b, err := priceListOf(cmd.Context(), "", args[1])
			if err != nil {
				return err
			}
			changes := slices.DeleteFunc(pricing.Compare(a, b, at), func(c pricing.Change) bool {
				return provider != "" && !a.Same(provider, c.Provider) && !b.Same(provider, c.Provider)
			})
			if asJSON {
				return printJSON(cmd.OutOrStdout(), changes)
			}
			return printChanges(cmd.OutOrStdout(), changes)
		},
	}
	f := c.Flags()
	f.StringVar(&provider, "provider", "", "only this provider")
	f.StringVar(&day, "at", "", "the day (UTC) or moment the prices are for, e.g. 2026-11-01; default: now")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printChanges(out io.Writer, changes []pricing.Change) error {
	count := map[string]int64{}
	for _, c := range changes {
		count[c.What]++
		sign := map[string]string{"added": "+", "removed": "-", "changed": "~"}[c.What]
		line := fmt.Sprintf("%s %s %s", sign, c.Provider, c.Model)
		if len(c.Prices) > 0 {
			line += ": " + strings.Join(c.Prices, ", ")
		}
		fmt.Fprintln(out, line)
	}
	_, err := fmt.Fprintf(out, "%s models changed, %s added, %s removed\n", humanCount(count["changed"]), humanCount(count["added"]), humanCount(count["removed"]))
	return err
}
