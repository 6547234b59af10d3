package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/serving/control"
)

func endpointsHistoryCommand() *cobra.Command {
	var asJSON, all bool
	var limit int
	c := &cobra.Command{
		Use:   "history NAME",
		Short: "Show the versions of an endpoint: when, who, and what each one changed",
		Args:  cobra.ExactArgs(1),
		Example: `  lakegate endpoints history chat
  lakegate endpoints history chat --limit 5 --all`,
	}
	open := gatewayFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&all, "all", false, "show every value that changed, and whole")
	c.Flags().IntVar(&limit, "limit", 20, "show at most this many versions, the newest ones")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		g, err := open()
		if err != nil {
			return err
		}
		var h struct {
			Name     string            `json:"name"`
			Versions []control.Version `json:"versions"`
		}
		if err := g.call(cmd.Context(), http.MethodGet, fmt.Sprintf("%s/history?limit=%d", endpointPath(args[0]), limit), nil, &h); err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), h)
		}
		return writeVersions(cmd.OutOrStdout(), h.Versions, all, time.Now())
	}
	return c
}

// shownChanges bounds the changes that are shown of a version unless all are asked for.
const shownChanges = 8

func writeVersions(out io.Writer, versions []control.Version, all bool, now time.Time) error {
	p := paintFor(out)
	for i := len(versions) - 1; i >= 0; i-- {
		v := versions[i]
		fmt.Fprintf(out, "%s  %s (%s)  %s  %s\n", p.bold(fmt.Sprintf("version %d", v.Version)),
			v.Changed.UTC().Format(time.DateTime), humanAge(v.Changed, now), printable(v.ChangedBy), p.cyan(actionName(v.Action)))
		if v.Deleted {
			continue // of what it was, all is gone
		}
		if all {
			writeChanges(out, p, "    ", v.Changes, howMuch{whole: true})
		} else {
			writeChanges(out, p, "    ", v.Changes, howMuch{lines: shownChanges})
		}
	}
	return nil
}

// actionName says an action of the audit log in a word or two.
func actionName(action string) string {
	switch action {
	case "createServingEndpoint":
		return "created"
	case "deleteServingEndpoint":
		return "deleted"
	case "updateServingEndpointConfig":
		return "config changed"
	case "putServingEndpointAiGateway":
		return "ai_gateway changed"
	case "putServingEndpointRateLimits":
		return "rate limits changed"
	case "patchServingEndpointTags":
		return "tags changed"
	case "changeServingEndpointAcl":
		return "permissions changed"
	case "applyServingEndpoint":
		return "applied"
	case "rollbackServingEndpoint":
		return "rolled back"
	case "activateServingEndpointPrompt":
		return "prompt version activated"
	case "addServingEndpointPromptVersion":
		return "prompt version added"
	default:
		return printable(action)
	}
}

func endpointsRollbackCommand() *cobra.Command {
	var to int64
	var yes, dry, asJSON bool
	c := &cobra.Command{
		Use:   "rollback NAME --to VERSION",
		Short: "Make an endpoint again what it was in a version of its history",
		Long: `Makes a new version whose specification is that of an older one, byte for byte. Who may use the endpoint
stays as it is. A deleted endpoint comes back, with the permissions of that version.`,
		Args: cobra.ExactArgs(1),
		Example: `  lakegate endpoints rollback chat --to 3 --dry-run
  lakegate endpoints rollback chat --to 3 --yes`,
	}
	open := gatewayFlags(c)
	c.Flags().Int64Var(&to, "to", 0, "the version to go back to")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would change, and change nothing")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON; needs --yes or --dry-run")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if to < 1 {
			return errors.New("say which version to go back to with --to; `lakegate endpoints history NAME` has them")
		}
		if asJSON && !yes && !dry {
			return errors.New("--json needs --yes or --dry-run: nothing can be asked")
		}
		g, err := open()
		if err != nil {
			return err
		}
		out, path := cmd.OutOrStdout(), endpointPath(args[0])+"/rollback"
		var plan control.Outcome
		if err := g.call(cmd.Context(), http.MethodPost, path, control.Back{To: to, DryRun: true}, &plan); err != nil {
			return err
		}
		p := paintFor(out)
		if !asJSON {
			fmt.Fprintf(out, "%s: version %d would become as version %d\n", p.bold(args[0]), plan.From, to)
			writeChanges(out, p, "    ", plan.Changes, howMuch{})
		}
		switch {
		case dry && asJSON:
			return printJSON(out, plan)
		case dry:
			return nil
		case plan.Version == plan.From && !asJSON:
			fmt.Fprintln(out, "It is as that version already: nothing to do.")
			return nil
		}
		if err := confirmed(cmd, yes, "Roll back?"); err != nil {
			return err
		}
		var done control.Outcome
		if err := g.call(cmd.Context(), http.MethodPost, path, control.Back{To: to, Expected: &plan.From}, &done); err != nil {
			return err
		}
		if asJSON {
			return printJSON(out, done)
		}
		fmt.Fprintf(out, "%s is at version %d now, which is as version %d.\n", args[0], done.Version, to)
		return nil
	}
	return c
}
