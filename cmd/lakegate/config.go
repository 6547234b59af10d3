package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check a config file"}
	c.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Report every fault of a config file, with its line; exit 1 if there is one",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0], os.LookupEnv)
			if err != nil {
				return err
			}
			prices, err := pricesOf(cfg)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is fine: %d endpoints, %d keys, data in %s, prices %s\n",
				args[0], len(cfg.Endpoints), len(cfg.Keys), cfg.Data, prices.Version())
			return nil
		},
	})
	return c
}

// readLine returns the first line without its end.
func readLine(r io.Reader) (string, error) {
	s, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(s, "\r\n"), nil
}
