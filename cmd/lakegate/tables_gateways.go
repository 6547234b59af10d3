package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/maintain/gateways"
)

// silentAfter is how long a gateway may say nothing before it counts as gone: a few heartbeats.
const silentAfter = time.Minute

func tablesGatewaysCommand() *cobra.Command {
	var at lakeFlags
	var asJSON bool
	var remove string
	c := &cobra.Command{
		Use:   "gateways",
		Short: "List the gateways that write into this lake, and what is still in their logs only",
		Long: `Lists every gateway that ever wrote into the lake: when it was last heard of (running ones say so
every ten seconds) and how much of its log is in no table yet.

A gateway that is gone for good, with its disk, stays in the list, because the rows that were in its
log only are lost, and month closes and forget wait for it. --remove takes it off the list: that is
how to say that those rows will not come.

  lakegate tables gateways
  lakegate tables gateways --remove 5f0c2d7e-...`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := at.openTables(cmd.Context(), remove != "")
			if err != nil {
				return err
			}
			all, err := gateways.List(cmd.Context(), l.docs)
			if err != nil {
				return err
			}
			if remove != "" {
				g, err := pickGateway(all, remove, time.Now())
				if err != nil {
					return err
				}
				if err := gateways.Remove(cmd.Context(), l.docs, g.LogID); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "removed %s on %s; %s of its log were in no table\n", g.LogID, g.Host, humanBytes(g.UnlandedBytes))
				return nil
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), append([]gateways.Gateway{}, all...))
			}
			return writeGateways(cmd.OutOrStdout(), all, time.Now())
		},
	}
	at.flags(c, "")
	c.Flags().StringVar(&remove, "remove", "", "take the gateway with this log id, or its beginning, off the list")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// pickGateway finds one by the beginning of its id. One that runs can't be removed.
func pickGateway(all []gateways.Gateway, id string, now time.Time) (*gateways.Gateway, error) {
	var found []*gateways.Gateway
	for i := range all {
		if strings.HasPrefix(all[i].LogID, id) {
			found = append(found, &all[i])
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("no gateway has a log id that begins with %q; `lakegate tables gateways` has them", id)
	case len(found) > 1:
		return nil, fmt.Errorf("%d gateways have log ids that begin with %q: write more of it", len(found), id)
	case !found[0].Done() && found[0].Stopped.IsZero() && !found[0].Silent(now, silentAfter):
		return nil, fmt.Errorf("gateway %s runs: it was heard of %s", found[0].LogID, humanAge(found[0].Seen, now))
	}
	return found[0], nil
}

func writeGateways(w io.Writer, all []gateways.Gateway, now time.Time) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "no gateway has written into this lake yet")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "LOG ID\tHOST\tVERSION\tSTATE\tHEARD OF\tNOT LANDED")
	for _, g := range all {
		state := "runs"
		switch {
		case g.Done():
			state = "stopped, all landed"
		case !g.Stopped.IsZero():
			state = "stopped, rows in its log"
		case g.Silent(now, silentAfter):
			state = "silent"
		}
		landed := "nothing"
		if g.UnlandedBytes > 0 {
			landed = humanBytes(g.UnlandedBytes)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", g.LogID, g.Host, g.Version, state, humanAge(g.Seen, now), landed)
	}
	return t.Flush()
}
