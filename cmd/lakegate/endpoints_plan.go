package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lakegate/lakegate/internal/ascode"
	"github.com/lakegate/lakegate/serving/control"
)

// writePlan writes what an apply would do.
func writePlan(out io.Writer, server string, plan *control.Plan, files []ascode.Endpoint, prune bool, now time.Time) {
	p := paintFor(out)
	counts := countPlan(plan)
	if counts.changes() == 0 {
		fmt.Fprintf(out, "Nothing to do: %s as the files say.\n", plural(len(plan.Items), "endpoint is", "endpoints are"))
		writeOthers(out, p, plan, prune)
		return
	}
	fmt.Fprintf(out, "Plan for %s, files of %s:\n\n", p.bold(server), p.bold(printable(plan.Owner)))
	width := 0
	for _, x := range plan.Items {
		if x.Action != control.Unchanged {
			width = max(width, utf8.RuneCountInString(x.Name))
		}
	}
	for i, x := range plan.Items {
		if x.Action == control.Unchanged {
			continue
		}
		place := ""
		if i < len(files) {
			place = fmt.Sprintf("  %s:%d", files[i].File, files[i].Line())
		}
		name := x.Name + strings.Repeat(" ", width-utf8.RuneCountInString(x.Name))
		writePlanned(out, p, name, place, &x, now)
	}
	fmt.Fprintf(out, "\n%s %s.\n", p.bold("Plan:"), counts.planned())
	writeOthers(out, p, plan, prune)
}

func writePlanned(out io.Writer, p paint, name, place string, x *control.Planned, now time.Time) {
	switch x.Action {
	case control.WillCreate:
		fmt.Fprintf(out, "  %s %s  %s%s\n", p.green("+"), p.bold(name), p.green("create"), p.dim(place))
		writeChanges(out, p, "      ", withoutName(x.Changes), howMuch{})
	case control.WillUpdate:
		fmt.Fprintf(out, "  %s %s  %s%s\n", p.yellow("~"), p.bold(name), p.yellow(fmt.Sprintf("version %d -> %d", x.Version, x.NewVersion)), p.dim(place))
		writeDrift(out, p, "      ", x.Drift, now)
		writeChanges(out, p, "      ", x.Changes, howMuch{})
	case control.WillDelete:
		fmt.Fprintf(out, "  %s %s  %s\n", p.red("-"), p.bold(name), p.red(fmt.Sprintf("delete version %d", x.Version))+p.dim("  in no file any more"))
		writeDrift(out, p, "      ", x.Drift, now)
	case control.WillAdopt:
		why := "marked as applied, nothing else changes"
		if x.ManagedBy != "" && x.Drift == nil {
			why = "taken over from " + printable(x.ManagedBy) + ", nothing else changes"
		}
		fmt.Fprintf(out, "  %s %s  %s%s\n", p.cyan("*"), p.bold(name), p.cyan(why), p.dim(place))
	}
}

// withoutName leaves out of an endpoint's values what stands above them.
func withoutName(changes []control.Difference) []control.Difference {
	return slices.DeleteFunc(slices.Clone(changes), func(d control.Difference) bool { return d.Path == "name" })
}

// writeDrift tells who has changed an endpoint since it was applied.
func writeDrift(out io.Writer, p paint, indent string, d *control.Drift, now time.Time) {
	if d == nil || len(d.Changes) == 0 {
		return
	}
	for _, v := range d.Versions {
		fmt.Fprintf(out, "%s%s\n", indent, p.yellow(fmt.Sprintf("! changed since it was applied: version %d by %s, %s, %s", v.Version, printable(v.ChangedBy), humanAge(v.Changed, now), actionName(v.Action))))
	}
}

// writeOthers tells of endpoints that are in no file and stay.
func writeOthers(out io.Writer, p paint, plan *control.Plan, prune bool) {
	var gone, others []string
	for _, o := range plan.Others {
		if o.ManagedBy == plan.Owner && !prune {
			gone = append(gone, o.Name)
		} else {
			others = append(others, o.Name)
		}
	}
	if len(gone) > 0 {
		fmt.Fprintln(out, p.yellow(fmt.Sprintf("In no file any more, and left alone without --prune: %s.", fewOf(gone))))
	}
	if len(others) > 0 {
		fmt.Fprintln(out, p.dim(fmt.Sprintf("Not of these files, and left alone: %s.", fewOf(others))))
	}
}

// fewOf is a list of names, cut off where it gets long.
func fewOf(names []string) string {
	const few = 8
	if len(names) > few {
		return strings.Join(names[:few], ", ") + fmt.Sprintf(" and %d more", len(names)-few)
	}
	return strings.Join(names, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
