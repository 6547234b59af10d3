package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/serving/rollout"
)

const rolloutsPath = "/api/2.0/lakegate/rollouts"

func endpointsRolloutCommand() *cobra.Command {
	var asJSON bool
	var do [3]bool
	actions := [3]rollout.Action{rollout.Pause, rollout.Resume, rollout.Abort}
	c := &cobra.Command{
		Use:   "rollout [NAME]",
		Short: "Show staged rollouts; pause, resume or abort one",
		Long: `Shows the rollouts of a running gateway's endpoints, or one of them with what was counted of its stage, and its
history. An action holds on every gateway of the lake. docs/experiments.md says what a rollout does.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  lakegate endpoints rollout
  lakegate endpoints rollout chat
  lakegate endpoints rollout chat --pause
  lakegate endpoints rollout chat --abort`,
	}
	open := gatewayFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&do[0], "pause", false, "stay at this stage; it still stops when the entity does badly")
	c.Flags().BoolVar(&do[1], "resume", false, "go on: after a pause, or with the stage that was stopped, counting anew")
	c.Flags().BoolVar(&do[2], "abort", false, "send the entity no more calls, also when the rollout is done")
	c.MarkFlagsMutuallyExclusive("pause", "resume", "abort")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		method, path := http.MethodGet, rolloutsPath
		if len(args) == 1 {
			path += "/" + url.PathEscape(args[0])
		}
		for i, a := range actions {
			if do[i] && len(args) == 0 {
				return fmt.Errorf("--%s needs the NAME of an endpoint", a)
			}
			if do[i] {
				method, path = http.MethodPost, path+"/"+string(a)
			}
		}
		if len(args) == 0 {
			var list struct {
				Rollouts []rollout.Report `json:"rollouts"`
			}
			if err := g.call(cmd.Context(), method, path, nil, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), list.Rollouts)
			}
			return writeRollouts(cmd.OutOrStdout(), list.Rollouts, time.Now())
		}
		var r rollout.Report
		if err := g.call(cmd.Context(), method, path, nil, &r); err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), r)
		}
		return writeRollout(cmd.OutOrStdout(), &r, time.Now())
	}
	return c
}

func writeRollouts(out io.Writer, list []rollout.Report, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "no rollouts")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ENDPOINT\tTO\tSTATUS\tSTAGE\tTRAFFIC\tCALLS\tFAILED\tSINCE\tWHY")
	for _, r := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d of %d\t%s%%\t%d\t%d\t%s\t%s\n", printable(r.Endpoint), printable(r.To), r.Status, r.Stage, len(r.Stages),
			plain(r.Traffic), r.Target.Calls, r.Target.Failed, humanAge(r.Since, now), printable(r.Why))
	}
	return t.Flush()
}

func writeRollout(out io.Writer, r *rollout.Report, now time.Time) error {
	p := paintFor(out)
	fmt.Fprintf(out, "%s to %s: %s, %s%% of the calls\n%s (%s)\n\n", p.bold(printable(r.Endpoint)), p.bold(printable(r.To)),
		p.bold(string(r.Status)), plain(r.Traffic), printable(r.Why), humanAge(r.Since, now))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tSTAGE\tTRAFFIC\tFOR\tWATCHED\tCALLS")
	for i, s := range r.Stages {
		mark, watched, calls := "", "", ""
		if r.Stage == i+1 {
			mark, watched, calls = ">", plainDuration(r.Watched), fmt.Sprintf("%d, %d needed", r.Target.Calls, r.MinCalls)
		}
		fmt.Fprintf(t, "%s\t%d\t%s%%\t%s\t%s\t%s\n", mark, i+1, plain(s.Traffic), plainDuration(s.For), watched, calls)
	}
	fmt.Fprintln(t, "\n\tOF THE STAGE\tCALLS\tFAILED\tREFUSED\tSLOW\tLATE\tLATENCY\tFIRST TOKEN")
	for _, x := range []struct {
		name string
		seen rollout.Seen
	}{{r.To, r.Target}, {"the others", r.Others}} {
		s := x.seen
		fmt.Fprintf(t, "\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", printable(x.name), s.Calls, s.Failed, s.Refused, s.Slow, s.Late, milli(s.Latency), milli(s.FirstToken))
	}
	fmt.Fprintln(t, "\n\tHISTORY\tSTATUS\tSTAGE\tBY\tWHY")
	for _, e := range r.History {
		fmt.Fprintf(t, "\t%s\t%s\t%d\t%s\t%s\n", e.Time.UTC().Format(time.DateTime), e.Status, e.Stage, printable(e.By), printable(e.Why))
	}
	return t.Flush()
}

func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func plainDuration(seconds float64) string {
	return (time.Duration(seconds) * time.Second).String()
}

func milli(ms *float64) string {
	if ms == nil {
		return "-"
	}
	return strconv.FormatFloat(*ms, 'f', 0, 64) + " ms"
}
