package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/ascode"
	"github.com/lakegate/lakegate/serving/control"
)

func endpointsDiffCommand() *cobra.Command {
	f := applyFlags{prune: true}
	c := &cobra.Command{
		Use:   "diff [-f DIR|FILE]",
		Short: "Show where a gateway differs from the files, and who changed what since they were applied",
		Long: `Shows drift. With files, each endpoint that is not as they say: what differs, and whether the gateway's was changed by
hand since it was applied, the file was, or both. Without files, each endpoint that is not as it was applied last.
Nothing is changed.`,
		Args: cobra.NoArgs,
		Example: `  lakegate endpoints diff -f endpoints/
  lakegate endpoints diff --detailed-exitcode   # 0: nothing differs, 2: something does, 1: an error`,
	}
	open := gatewayFlags(c)
	c.Flags().StringArrayVarP(&f.files, "filename", "f", nil, "a folder or a file of endpoints, or - for standard input; may be given several times")
	c.Flags().StringVar(&f.owner, "owner", defaultOwner, "whose files these are")
	c.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit 2 when something differs")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		var differ int
		var err error
		if len(f.files) > 0 {
			var files []ascode.Endpoint
			if files, err = readEndpoints(cmd, f.files); err != nil {
				return err
			}
			g, err := open()
			if err != nil {
				return err
			}
			if differ, err = diffFiles(cmd, g, &f, files); err != nil {
				return err
			}
		} else {
			g, err := open()
			if err != nil {
				return err
			}
			if differ, err = diffApplied(cmd, g, &f); err != nil {
				return err
			}
		}
		if f.detailed && differ > 0 {
			return exitError{2}
		}
		return nil
	}
	return c
}

// diffFiles shows where the gateway differs from files.
func diffFiles(cmd *cobra.Command, g *remote, f *applyFlags, files []ascode.Endpoint) (int, error) {
	f.takeOver = true // whose they are is no difference
	plan, err := planOf(cmd.Context(), g, f.request(files), files)
	if err != nil {
		return 0, err
	}
	counts := countPlan(plan)
	differ := counts.changes() - counts[control.WillAdopt]
	out := cmd.OutOrStdout()
	if f.asJSON {
		return differ, printJSON(out, plan)
	}
	writeDiff(out, plan, files, time.Now())
	return differ, nil
}

func writeDiff(out io.Writer, plan *control.Plan, files []ascode.Endpoint, now time.Time) {
	p := paintFor(out)
	differ := 0
	for i, x := range plan.Items {
		place := ""
		if i < len(files) {
			place = p.dim(fmt.Sprintf("  %s:%d", files[i].File, files[i].Line()))
		}
		drifted := x.Drift != nil && len(x.Drift.Changes) > 0
		why := ""
		switch {
		case x.Action == control.WillCreate:
			why = "is in the files only"
		case x.Action == control.WillDelete:
			why = "is on the gateway only"
		case x.Action != control.WillUpdate:
			continue
		case drifted && x.Drift.InFiles:
			why = "was changed on the gateway, and so was the file"
		case drifted:
			why = "was changed on the gateway"
		default:
			why = "the file was changed"
			if x.ManagedBy == "" {
				why = "differs; it was never applied"
			}
		}
		differ++
		fmt.Fprintf(out, "%s: %s%s\n", p.bold(x.Name), why, place)
		if drifted {
			writeSince(out, p, x.Drift, now)
		}
		if x.Action == control.WillUpdate {
			fmt.Fprintln(out, p.dim("    from the gateway to the file:"))
			writeChanges(out, p, "        ", x.Changes, howMuch{})
		}
		fmt.Fprintln(out)
	}
	switch differ {
	case 0:
		fmt.Fprintf(out, "No difference: %s as the files say.\n", plural(len(plan.Items), "endpoint is", "endpoints are"))
	default:
		fmt.Fprintf(out, "%s of %d.\n", plural(differ, "endpoint differs", "endpoints differ"), len(plan.Items))
	}
}

// writeSince writes the versions since an apply.
func writeSince(out io.Writer, p paint, d *control.Drift, now time.Time) {
	fmt.Fprintln(out, p.dim(fmt.Sprintf("    since version %d was applied:", d.Applied)))
	for _, v := range d.Versions {
		fmt.Fprintf(out, "    version %d  %s (%s)  %s  %s\n", v.Version, v.Changed.UTC().Format(time.DateTime), humanAge(v.Changed, now), printable(v.ChangedBy), p.cyan(actionName(v.Action)))
		writeChanges(out, p, "        ", v.Changes, howMuch{})
	}
}

// diffApplied shows where the gateway differs from what was applied last.
func diffApplied(cmd *cobra.Command, g *remote, f *applyFlags) (int, error) {
	query := url.Values{"drift": {"true"}}
	if cmd.Flags().Changed("owner") {
		query.Set("owner", f.owner)
	}
	var list struct {
		Endpoints []control.Drifted `json:"endpoints"`
	}
	if err := g.call(cmd.Context(), http.MethodGet, versionsPath+"?"+query.Encode(), nil, &list); err != nil {
		return 0, err
	}
	out := cmd.OutOrStdout()
	if f.asJSON {
		return len(list.Endpoints), printJSON(out, list.Endpoints)
	}
	p := paintFor(out)
	for _, d := range list.Endpoints {
		fmt.Fprintf(out, "%s: was changed on the gateway%s\n", p.bold(d.Name), p.dim("  managed by "+printable(d.ManagedBy)))
		writeSince(out, p, &d.Drift, time.Now())
		fmt.Fprintln(out)
	}
	if len(list.Endpoints) == 0 {
		fmt.Fprintln(out, "No drift: every endpoint that was applied from files is as it was applied.")
	}
	return len(list.Endpoints), nil
}
