package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check a config file"}
	c.AddCommand(configCheckCommand())
	return c
}

func configCheckCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Report every fault of a config file, with its line, and where its secrets are; exit 1 if there is a fault",
		Long: `Reads a config file as serve would. It lists every {{secrets/scope/key}} of the file with where it was
found or what is wrong with it, never with its value, and then every fault with its line. Secrets are
looked for where the file says, with this command's environment, user and AWS credentials: run it as
the gateway runs.

  lakegate config check lakegate.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if cmd.Flags().Changed("config") {
					return errors.New("the file is given twice: as --config and as an argument")
				}
				file = args[0]
			}
			s, err := newSecrets(slog.New(slog.NewTextHandler(io.Discard, nil)))
			if err != nil {
				return err
			}
			cfg, refs, err := s.check(cmd.Context(), file, false)
			if err := writeReferences(cmd.OutOrStdout(), refs); err != nil {
				return err
			}
			if err != nil {
				return err
			}
			prices, err := pricesOf(cfg)
			if err != nil {
				return err
			}
			for _, x := range cfg.NowhereFor() {
				fmt.Fprintf(cmd.OutOrStdout(), "%s is not in this file: it has to be made through the API\n", x)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is fine: %d endpoints, %d keys, data in %s, prices %s\n",
				file, len(cfg.Endpoints), len(cfg.Keys), cfg.Data, prices.Version())
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "lakegate.yaml", "the config file, as other commands take it")
	return c
}

// writeReferences lists references to secrets.
func writeReferences(out io.Writer, refs []config.Reference) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, r := range refs {
		state := "found in " + r.Where
		if r.Problem != "" {
			state = "not found: " + r.Problem
		}
		fmt.Fprintf(w, "line %d\tsecrets/%s/%s\t%s\n", r.Line, r.Scope, r.Key, state)
	}
	return w.Flush()
}

// readLine returns the first line without its end.
func readLine(r io.Reader) (string, error) {
	s, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(s, "\r\n"), nil
}
