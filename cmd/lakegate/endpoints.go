package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/ascode"
	"github.com/lakegate/lakegate/serving/control"
)

// versionsPath is the API beneath `lakegate endpoints`.
const versionsPath = "/api/2.0/lakegate/endpoints"

func endpointsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "endpoints",
		Short: "Keep endpoints as files: plan, apply, compare, and go back",
		Long: `Works on the endpoints of a running gateway through its API. Those of the gateway's own configuration file are
shown and can't be changed here. docs/endpoints-as-code.md has the whole story.

  lakegate endpoints export -o endpoints/               what there is, as files
  lakegate endpoints apply -f endpoints/ --dry-run      what the files would change
  lakegate endpoints apply -f endpoints/                change it, after asking
  lakegate endpoints diff -f endpoints/                 where the gateway differs, and who did that
  lakegate endpoints history chat                       versions, who made them, what they changed
  lakegate endpoints rollback chat --to 3               back to one of them
  lakegate endpoints routes chat                        which calls go where, as one table
  lakegate endpoints rollout chat                       how far a staged rollout is; --pause, --resume, --abort`,
	}
	c.AddCommand(
		endpointsApplyCommand(), endpointsDiffCommand(), endpointsExportCommand(),
		endpointsListCommand(), endpointsShowCommand(), endpointsHistoryCommand(), endpointsRollbackCommand(),
		endpointsRoutesCommand(), endpointsRolloutCommand(),
	)
	return c
}

// versionedEndpoint is an endpoint as the API lists it.
type versionedEndpoint struct {
	control.Stored
	Source   string `json:"source"`
	InForce  bool   `json:"in_force"`
	Level    string `json:"permission_level,omitempty"`
	Task     string `json:"task,omitempty"`
	Entities []struct {
		Name     string `json:"name"`
		Provider string `json:"provider"`
		Model    string `json:"model"`
		Traffic  int    `json:"traffic_percentage"`
	} `json:"served_entities,omitempty"`
}

func endpointPath(name string) string { return versionsPath + "/" + url.PathEscape(name) }

func endpointsListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the endpoints: where they are from, version, traffic, who changed them last",
		Args:  cobra.NoArgs,
		Example: `  lakegate endpoints list
  lakegate endpoints list --json`,
	}
	open := gatewayFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		var list struct {
			Endpoints []versionedEndpoint `json:"endpoints"`
		}
		if err := g.call(cmd.Context(), http.MethodGet, versionsPath, nil, &list); err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), list.Endpoints)
		}
		return writeEndpoints(cmd.OutOrStdout(), list.Endpoints, time.Now())
	}
	return c
}

func writeEndpoints(out io.Writer, list []versionedEndpoint, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "no endpoints")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tFROM\tVERSION\tTRAFFIC\tCHANGED\tBY\tMANAGED BY")
	idle := 0
	for _, e := range list {
		version, by, from := fmt.Sprint(e.Version), printable(e.ChangedBy), e.Source
		if e.Source == "file" {
			version, by = "-", "-"
		} else if !e.InForce {
			idle++
			version += " (!)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Name, from, version, cmp.Or(e.traffic(), "-"),
			humanAge(cmp.Or(e.Changed, e.Created), now), by, cmp.Or(printable(e.ManagedBy), "-"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if idle > 0 {
		fmt.Fprintln(out, "\n(!) not in force on this gateway: its log says why")
	}
	return nil
}

// traffic says in a few words where calls go.
func (e *versionedEndpoint) traffic() string {
	parts := make([]string, len(e.Entities))
	for i, x := range e.Entities {
		parts[i] = fmt.Sprintf("%s %d%%", printable(x.Name), x.Traffic)
	}
	if len(parts) > 3 {
		parts = append(parts[:3], fmt.Sprintf("%d more", len(e.Entities)-3))
	}
	return strings.Join(parts, ", ")
}

func endpointsShowCommand() *cobra.Command {
	var asJSON bool
	var version int64
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show an endpoint as a file would have it, as it is or as it was",
		Args:  cobra.ExactArgs(1),
		Example: `  lakegate endpoints show chat
  lakegate endpoints show chat --version 3`,
	}
	open := gatewayFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().Int64Var(&version, "version", 0, "show this version (default: the newest)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		path := endpointPath(args[0])
		if version != 0 {
			path += fmt.Sprintf("/versions/%d", version)
		}
		e := versionedEndpoint{Source: "api"}
		if err := g.call(cmd.Context(), http.MethodGet, path, nil, &e); err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), e)
		}
		return writeEndpoint(cmd.OutOrStdout(), &e)
	}
	return c
}

func writeEndpoint(out io.Writer, e *versionedEndpoint) error {
	p := paintFor(out)
	if e.Source == "file" {
		fmt.Fprintln(out, p.dim("# "+e.Name+" is declared in the gateway's configuration file: change it there"))
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "SERVED ENTITY\tPROVIDER\tMODEL\tTRAFFIC")
		for _, x := range e.Entities {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d%%\n", printable(x.Name), x.Provider, printable(x.Model), x.Traffic)
		}
		return t.Flush()
	}
	state := ""
	if e.Deleted {
		state = ", which deleted it; it was"
	}
	fmt.Fprintln(out, p.dim(fmt.Sprintf("# version %d, %s by %s: %s%s", e.Version, e.Changed.UTC().Format(time.DateTime), printable(e.ChangedBy), actionName(e.Action), state)))
	if e.ManagedBy != "" {
		fmt.Fprintln(out, p.dim(fmt.Sprintf("# managed by %s, applied last as version %d", printable(e.ManagedBy), e.Applied)))
	}
	text, err := fileOf(&e.Stored)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// fileOf is the file that makes an endpoint what it is.
func fileOf(s *control.Stored) ([]byte, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(s.Spec, &object); err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", s.Name, err)
	}
	if s.Permissions != nil {
		grants, err := json.Marshal(s.Permissions)
		if err != nil {
			return nil, err
		}
		object["permissions"] = grants
	}
	whole, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	return ascode.YAML(whole)
}
