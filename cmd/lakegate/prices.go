package main

import (
	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/pricing"
)

func pricesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "prices",
		Short: "Correct costs by other prices, compare them with a provider's bill",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(pricesRepriceCommand(), pricesReconcileCommand())
	return c
}

// pricesOf is the price list that requests are priced by.
func pricesOf(*config.Config) (*pricing.List, error) { return pricing.Builtin(), nil }
