package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/sql/format"
)

func sqlCommand() *cobra.Command {
	var w where
	var name string
	var rows int
	c := &cobra.Command{
		Use:   "sql QUERY",
		Short: "Run one SELECT over the tables, rows of this second included",
		Long: `Runs one SELECT in Databricks' dialect over the tables of a running gateway, or of a data folder
that no gateway has open. QUERY "-" is read from standard input. docs/sql.md has the dialect.

  lakegate sql "SELECT usage_context['team'], sum(cost) FROM system.serving.endpoint_usage GROUP BY ALL"
  lakegate sql --format csv "SELECT * FROM system.serving.endpoint_usage" > usage.csv
  lakegate sql --data ./data "SHOW TABLES"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := format.Parse(name)
			if err != nil {
				return err
			}
			text := args[0]
			if text == "-" {
				b, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), 1<<20))
				if err != nil {
					return fmt.Errorf("read the query from standard input: %w", err)
				}
				text = string(b)
			}
			if strings.TrimSpace(text) == "" {
				return fmt.Errorf("the query is empty")
			}
			db, err := w.open(cmd.Context())
			if err != nil {
				return err
			}
			defer db.close()
			res, err := db.query(cmd.Context(), text, rows)
			if err != nil {
				return err
			}
			if err := format.Write(cmd.OutOrStdout(), f, res.Columns, res.Rows); err != nil {
				return err
			}
			if res.Truncated {
				fmt.Fprintf(cmd.ErrOrStderr(), "cut off after %d rows: the answer has more\n", len(res.Rows))
			}
			return nil
		},
	}
	c.Flags().StringVar(&name, "format", "table", "table, csv, json or md")
	c.Flags().IntVar(&rows, "rows", 0, "print at most this many rows (default: as many as the server allows)")
	w.flags(c)
	return c
}
