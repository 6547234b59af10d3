package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/pricing"
)

func pricesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "prices",
		Short: "Show, compare and import price lists; correct costs by other prices, compare them with a provider's bill",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(pricesListCommand(), pricesDiffCommand(), pricesImportCommand(), pricesRepriceCommand(), pricesReconcileCommand())
	return c
}

// maxPriceFile bounds a price list. The largest public one has 3 MB.
const maxPriceFile = 64 << 20

// pricesOf is the price list that requests are priced by.
func pricesOf(cfg *config.Config) (*pricing.List, error) {
	if cfg == nil {
		return pricing.Builtin(), nil
	}
	list := pricing.Builtin()
	if file := cfg.PriceList.File; file != "" {
		b, err := readPriceFile(file)
		if err != nil {
			return nil, fmt.Errorf("price_list: %w", err)
		}
		if err := checkSHA256(file, b, cfg.PriceList.SHA256); err != nil {
			return nil, fmt.Errorf("price_list: %w", err)
		}
		if list, err = pricing.Read(b); err != nil {
			return nil, fmt.Errorf("price_list: %s: %w", file, err)
		}
	}
	return pricing.New(list, cfg.Prices)
}

func readPriceFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, path)
}

func readAtMost(r io.Reader, name string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPriceFile+1))
	if err == nil && len(b) > maxPriceFile {
		err = fmt.Errorf("it is larger than %d MiB", maxPriceFile>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func sha256Of(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func checkSHA256(name string, b []byte, want string) error {
	if got := sha256Of(b); !strings.EqualFold(got, strings.TrimSpace(want)) {
		return fmt.Errorf("%s has SHA-256 %s, not %s: it is not the file that was looked at", name, got, want)
	}
	return nil
}

// pricer gives the gateway the price list in force.
type pricer struct{ list atomic.Pointer[pricing.List] }

func (p *pricer) Price(provider, model string, at time.Time, u inference.Usage) *inference.Cost {
	return p.list.Load().Cost(provider, model, at, u)
}
