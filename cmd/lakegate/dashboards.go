package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/dashboards/lvdash"
)

func dashboardsCommand() *cobra.Command {
	c := &cobra.Command{Use: "dashboards", Short: "Check, import, list and export .lvdash.json files"}
	c.AddCommand(dashboardsCheckCommand(), dashboardsImportCommand(), dashboardsListCommand(), dashboardsExportCommand())
	return c
}

func dashboardsCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Say what lakegate makes of a dashboard: drawn, shown as a table, broken, tables it reads",
		Long:  "Reads the file alone, no gateway is needed. Exit 1 when the file can't be read or a widget is broken.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			d, err := lvdash.Parse(raw)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			r := lvdash.Check(d, nil, nil)
			if err := r.Print(cmd.OutOrStdout()); err != nil {
				return err
			}
			if r.Count(lvdash.BrokenState) > 0 {
				return exitError{1}
			}
			return nil
		},
	}
}

// dashboard is what of the lakeview API is used.
type dashboard struct {
	ID         string    `json:"dashboard_id,omitempty"`
	Name       string    `json:"display_name,omitempty"`
	Path       string    `json:"path,omitempty"`
	Updated    time.Time `json:"update_time,omitzero"`
	Serialized string    `json:"serialized_dashboard,omitempty"`
}

const lakeviewPath = "/api/2.0/lakeview/dashboards"

// gatewayFlags adds --server, and returns how to reach it.
func gatewayFlags(c *cobra.Command) func() (*remote, error) {
	w := &where{timeout: time.Minute}
	c.Flags().StringVar(&w.server, "server", "", "address of the gateway (default $"+serverVar+" or "+defaultServer+"); the API key comes from $"+keyVar)
	return func() (*remote, error) {
		if os.Getenv(keyVar) == "" {
			return nil, fmt.Errorf("set %s to an API key of the gateway", keyVar)
		}
		db, err := w.open(context.Background())
		if err != nil {
			return nil, err
		}
		return db.(*remote), nil
	}
}

func dashboardsImportCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Import a dashboard into a running gateway",
		Args:  cobra.ExactArgs(1),
	}
	open := gatewayFlags(c)
	c.Flags().StringVar(&name, "name", "", "display name (default: the file's name)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		raw, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		if name == "" {
			name = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(args[0]), ".json"), ".lvdash")
		}
		g, err := open()
		if err != nil {
			return err
		}
		var made dashboard
		if err := g.call(cmd.Context(), http.MethodPost, lakeviewPath, dashboard{Name: name, Serialized: string(raw)}, &made); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "imported %q as %s: %s/ui/d/%s\n", made.Name, made.ID, strings.TrimRight(g.base, "/"), made.ID)
		return nil
	}
	return c
}

func dashboardsListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the dashboards of a running gateway", Args: cobra.NoArgs}
	open := gatewayFlags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tNAME\tUPDATED")
		for token := ""; ; {
			var page struct {
				Dashboards []dashboard `json:"dashboards"`
				Next       string      `json:"next_page_token"`
			}
			if err := g.call(cmd.Context(), http.MethodGet, lakeviewPath+"?page_size=100&page_token="+token, nil, &page); err != nil {
				return err
			}
			for _, d := range page.Dashboards {
				updated := "comes with lakegate"
				if !d.Updated.IsZero() {
					updated = d.Updated.Format(time.DateTime)
				}
				fmt.Fprintf(t, "%s\t%s\t%s\n", d.ID, d.Name, updated)
			}
			if token = page.Next; token == "" {
				return t.Flush()
			}
		}
	}
	return c
}

func dashboardsExportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "export ID [FILE]",
		Short: "Write a dashboard of a running gateway to a file, byte for byte as it came",
		Args:  cobra.RangeArgs(1, 2),
	}
	open := gatewayFlags(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		var d dashboard
		if err := g.call(cmd.Context(), http.MethodGet, lakeviewPath+"/"+args[0], nil, &d); err != nil {
			return err
		}
		if !json.Valid([]byte(d.Serialized)) {
			return fmt.Errorf("the gateway sent a dashboard that is not JSON")
		}
		if len(args) == 1 {
			_, err = fmt.Fprint(cmd.OutOrStdout(), d.Serialized)
			return err
		}
		return os.WriteFile(args[1], []byte(d.Serialized), 0o644)
	}
	return c
}
