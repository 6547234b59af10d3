package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/ascode"
	"github.com/lakegate/lakegate/serving/control"
)

// defaultOwner is whose files are meant where nobody says.
const defaultOwner = "code"

// applyFlags are the flags of `apply`.
type applyFlags struct {
	files                                    []string
	owner                                    string
	dry, prune, adopt, takeOver, yes, asJSON bool
	detailed                                 bool
}

func endpointsApplyCommand() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "apply -f DIR|FILE",
		Short: "Make the endpoints of a gateway what files say",
		Long: `Reads endpoints from YAML files, shows what would change on the gateway, asks, and changes it. Everything is
checked before anything is changed, by the gateway itself; what somebody else changes in between is left as
it is, and told. Applied again, the same files change nothing.

A file has one endpoint, or several under "endpoints", written as in lakegate.yaml; "permissions" may stand beside.
Endpoints that the files don't have are left alone. --prune deletes those of them that were applied from files of the
same owner before. docs/endpoints-as-code.md has the whole story.`,
		Args: cobra.NoArgs,
		Example: `  lakegate endpoints apply -f endpoints/ --dry-run
  lakegate endpoints apply -f endpoints/ --prune --yes
  lakegate endpoints apply -f endpoints/ --dry-run --detailed-exitcode   # 0: nothing to do, 2: changes, 1: an error`,
	}
	open := gatewayFlags(c)
	c.Flags().StringArrayVarP(&f.files, "filename", "f", nil, "a folder or a file of endpoints, or - for standard input; may be given several times")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "show the plan, and change nothing")
	c.Flags().BoolVar(&f.prune, "prune", false, "delete endpoints that this owner's files had and don't have any more")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Flags().StringVar(&f.owner, "owner", defaultOwner, "whose files these are; several sets of files on one gateway need a name each")
	c.Flags().BoolVar(&f.adopt, "adopt", false, "mark endpoints as this owner's that are as the files say already")
	c.Flags().BoolVar(&f.takeOver, "take-over", false, "take endpoints over that another owner's files made")
	c.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "with --dry-run, exit 2 when there are changes")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print the plan as JSON; needs --yes or --dry-run")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.asJSON && !f.yes && !f.dry {
			return errors.New("--json needs --yes or --dry-run: nothing can be asked")
		}
		files, err := readEndpoints(cmd, f.files)
		if err != nil {
			return err
		}
		g, err := open()
		if err != nil {
			return err
		}
		return applyEndpoints(cmd, g, &f, files)
	}
	return c
}

// readEndpoints reads the endpoints of files. Its error has a line for each fault.
func readEndpoints(cmd *cobra.Command, paths []string) ([]ascode.Endpoint, error) {
	if len(paths) == 0 {
		return nil, errors.New("say which files with -f: a folder, or a file")
	}
	files, faults, err := ascode.Read(paths, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, faultsError(faults)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no endpoint in %s: want .yaml, .yml or .json files", strings.Join(paths, ", "))
	}
	return files, nil
}

// faultsError is faults of files as one error, a line each.
func faultsError(faults []ascode.Fault) error {
	const most = 50
	lines := make([]string, 0, len(faults))
	for i, f := range faults {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(faults)-most))
			break
		}
		lines = append(lines, f.String())
	}
	what := "1 fault"
	if len(faults) > 1 {
		what = fmt.Sprintf("%d faults", len(faults))
	}
	return fmt.Errorf("%s, nothing was changed:\n%s", what, strings.Join(lines, "\n"))
}

// request is what the gateway is asked for.
func (f *applyFlags) request(files []ascode.Endpoint) *control.Apply {
	r := &control.Apply{Owner: f.owner, Prune: f.prune, Adopt: f.adopt, TakeOver: f.takeOver}
	for _, e := range files {
		r.Endpoints = append(r.Endpoints, e.JSON)
	}
	return r
}

// planOf has the gateway make a plan. Its error has a line for each fault, where it stands in the files.
func planOf(ctx context.Context, g *remote, r *control.Apply, files []ascode.Endpoint) (*control.Plan, error) {
	dry := *r
	dry.DryRun = true
	var plan control.Plan
	if err := g.call(ctx, http.MethodPost, versionsPath+"/apply", &dry, &plan); err != nil {
		return nil, err
	}
	if len(plan.Items) < len(files) {
		return nil, fmt.Errorf("the gateway at %s planned %d endpoints of %d: is it of another version?", g.base, len(plan.Items), len(files))
	}
	var faults []ascode.Fault
	for i, x := range plan.Items {
		for _, f := range x.Faults {
			if i < len(files) {
				faults = append(faults, files[i].At(f.Path, f.Message))
			} else {
				faults = append(faults, ascode.Fault{File: x.Name, Message: f.Message})
			}
		}
	}
	if len(faults) > 0 {
		return &plan, faultsError(faults)
	}
	return &plan, nil
}

func applyEndpoints(cmd *cobra.Command, g *remote, f *applyFlags, files []ascode.Endpoint) error {
	out := cmd.OutOrStdout()
	r := f.request(files)
	plan, err := planOf(cmd.Context(), g, r, files)
	if err != nil {
		if f.asJSON && plan != nil {
			err = errors.Join(err, printJSON(out, plan))
		}
		return err
	}
	counts := countPlan(plan)
	if !f.asJSON {
		writePlan(out, g.base, plan, files, f.prune, time.Now())
	}
	switch {
	case f.dry && f.asJSON:
		err = printJSON(out, plan)
		fallthrough
	case f.dry:
		if err == nil && f.detailed && counts.changes() > 0 {
			return exitError{2}
		}
		return err
	case counts.changes() == 0 && f.asJSON:
		return printJSON(out, plan)
	case counts.changes() == 0:
		return nil
	}
	if err := confirmed(cmd, f.yes, "Apply these changes?"); err != nil {
		return err
	}
	r.Expect = map[string]int64{}
	for _, x := range plan.Items {
		r.Expect[x.Name] = x.Version
	}
	var done control.Plan
	if err := g.call(cmd.Context(), http.MethodPost, versionsPath+"/apply", r, &done); err != nil {
		return err
	}
	if f.asJSON {
		return printJSON(out, done)
	}
	fmt.Fprintf(out, "\nDone: %s.\n", counts.done())
	return nil
}

// planCounts are how many endpoints get what.
type planCounts map[string]int

func countPlan(plan *control.Plan) planCounts {
	n := planCounts{}
	for _, x := range plan.Items {
		n[x.Action]++
	}
	return n
}

func (n planCounts) changes() int {
	return n[control.WillCreate] + n[control.WillUpdate] + n[control.WillDelete] + n[control.WillAdopt]
}

func (n planCounts) done() string {
	return n.list("created", "changed", "deleted", "marked")
}

func (n planCounts) planned() string {
	return n.list("to create", "to change", "to delete", "to mark as applied") + fmt.Sprintf(", %d unchanged", n[control.Unchanged])
}

func (n planCounts) list(create, change, remove, mark string) string {
	parts := []string{
		fmt.Sprintf("%d %s", n[control.WillCreate], create), fmt.Sprintf("%d %s", n[control.WillUpdate], change),
		fmt.Sprintf("%d %s", n[control.WillDelete], remove),
	}
	if n[control.WillAdopt] > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", n[control.WillAdopt], mark))
	}
	return strings.Join(parts, ", ")
}
