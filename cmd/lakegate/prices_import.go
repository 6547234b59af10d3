package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/pricing"
	"github.com/lakegate/lakegate/internal/pricing/foreign"
)

func pricesImportCommand() *cobra.Command {
	var x priceImport
	c := &cobra.Command{
		Use:   "import FILE --sha256 HEX",
		Short: "Turn a public price list into a price file of lakegate's",
		Long: `Reads FILE, or what an https URL has, checks that its SHA-256 is the one you name, and writes a price
file that the config file's price_list can point at. Nothing is ever taken from a place that may say
something else tomorrow: without the right --sha256 there is no import.

Formats: genai-prices (data of version 2: a list of providers) and litellm
(model_prices_and_context_window.json); told by the file when --format doesn't say. docs/prices.md
says what of each is taken. What is left out is counted, --notes prints every line of it.

  lakegate prices import data.json --sha256 3f1c... -o genai-prices.yaml
  lakegate prices diff builtin genai-prices.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return x.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&x.sha256, "sha256", "", "SHA-256 of FILE, 64 hexadecimal digits (needed)")
	f.StringVar(&x.format, "format", "", "genai-prices or litellm")
	f.StringVarP(&x.out, "out", "o", "", "where to write the price file; default: standard output")
	f.StringVar(&x.asOf, "as-of", "", "the day the list is of, the beginning of its version; default: today")
	f.BoolVar(&x.notes, "notes", false, "print each model that was left out, and why")
	return c
}

type priceImport struct {
	sha256, format, out, asOf string
	notes                     bool
}

func (x *priceImport) run(ctx context.Context, from string, out, words io.Writer) error {
	if x.sha256 == "" {
		return errors.New("say which file you mean: --sha256 with the 64 hexadecimal digits of `sha256sum FILE`")
	}
	b, err := fetchPrices(ctx, from)
	if err != nil {
		return err
	}
	if err := checkSHA256(from, b, x.sha256); err != nil {
		return err
	}
	result, err := x.convert(b)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	result.File.Source += ", " + filepath.Base(from) + ", sha256 " + strings.ToLower(x.sha256)
	list, err := result.File.Compile()
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	text, err := result.File.Marshal()
	if err != nil {
		return err
	}
	if x.out == "" {
		_, err = out.Write(text)
	} else {
		err = os.WriteFile(x.out, text, 0o644)
	}
	if err != nil {
		return err
	}
	x.say(words, result, list, text)
	return nil
}

func (x *priceImport) convert(b []byte) (*foreign.Result, error) {
	format := x.format
	if format == "" {
		format = "litellm"
		if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
			format = "genai-prices"
		}
	}
	read := foreign.Formats[format]
	if read == nil {
		return nil, fmt.Errorf("--format %q: there are %s", format, strings.Join(slices.Sorted(maps.Keys(foreign.Formats)), " and "))
	}
	result, err := read(b)
	if err != nil {
		return nil, err
	}
	result.File.AsOf = pricing.NewDate(time.Now())
	if x.asOf != "" {
		err = result.File.AsOf.UnmarshalText([]byte(x.asOf))
	}
	return result, err
}

// downloadTimeout bounds the download of a list.
const downloadTimeout = 2 * time.Minute

// fetchPrices reads a file, or what an https URL has.
func fetchPrices(ctx context.Context, from string) ([]byte, error) {
	if !strings.Contains(from, "://") {
		return readPriceFile(from)
	}
	if !strings.HasPrefix(from, "https://") {
		return nil, fmt.Errorf("%s: want a file or an https URL", from)
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", from, resp.Status)
	}
	return readAtMost(resp.Body, from)
}

// billedBy is the part of a note that differs from model to model.
var billedBy = regexp.MustCompile(`is billed by \S+,|\S+ has the name already|\S+ is no class`)

// say tells what came of the import, and what to write into the config file.
func (x *priceImport) say(w io.Writer, result *foreign.Result, list *pricing.List, text []byte) {
	models := 0
	for _, p := range result.File.Providers {
		models += len(p.Models)
	}
	fmt.Fprintf(w, "%s models of %s providers; price list %s\n", humanCount(int64(models)), humanCount(int64(len(result.File.Providers))), list.Version())
	why := map[string]int64{}
	for _, n := range result.Notes {
		if x.notes {
			fmt.Fprintln(w, "  "+n)
			continue
		}
		_, reason, _ := strings.Cut(n, ": ")
		why[billedBy.ReplaceAllStringFunc(reason, func(s string) string {
			switch {
			case strings.HasPrefix(s, "is billed"):
				return "is billed by the image, second, character or page,"
			case strings.HasSuffix(s, "is no class"):
				return "one of its prices is of no class"
			default:
				return "another has the name already"
			}
		})]++
	}
	for _, reason := range slices.SortedFunc(maps.Keys(why), func(a, b string) int { return int(why[b] - why[a]) }) {
		fmt.Fprintf(w, "%8s  %s\n", humanCount(why[reason]), reason)
	}
	if x.out != "" {
		fmt.Fprintf(w, "\nprice_list:\n  file: %s\n  sha256: %s\n", x.out, sha256Of(text))
	}
}
