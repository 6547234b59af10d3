package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/forget"
	"github.com/lakegate/lakegate/internal/wal"
)

func tablesForgetCommand() *cobra.Command {
	var at lakeFlags
	var s forget.Subject
	var o forget.Options
	var tag string
	var folders []string
	var anonymize, asJSON bool
	c := &cobra.Command{
		Use:   "forget (--requester NAME | --tag KEY=VALUE | --request-id ID)",
		Short: "Erase everything of a person, a tag or a request, and prove by a scan that it is gone",
		Long: `Erases the rows of a subject from every table: the newest version, older versions, files that no
version names, the logs of all gateways and their local copies. Then it scans every object and every
log for what is left and prints the proof. docs/privacy.md says what it reaches and what it can't
(backups, versions that a bucket keeps).

Running gateways do their part by themselves, within seconds; one that is down keeps the request
waiting and does its part before it serves again. A run that was cut short is finished by running it
again, or by a gateway.

Usage rows are deleted; with --anonymize they keep tokens and cost and lose everything that leads to
the person, so that past totals stay. Statements of closed months are kept as records of accounting;
--redact-statements takes the name out of those too, and then their SHA-256 does not fit any more.

Exit 1 when it is not forgotten everywhere yet: the output says what is missing.

  lakegate tables forget --requester ann@example.com --dry-run
  lakegate tables forget --requester ann@example.com
  lakegate tables forget --tag customer=4711 --anonymize
  lakegate tables forget --request-id 0199f3c2-7a31-7c55-9b1e-2f4f6d1c0a77`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if tag != "" {
				t, err := forget.ParseTag(tag)
				if err != nil {
					return fmt.Errorf("--tag: %w", err)
				}
				s.TagKey, s.TagValue = t.TagKey, t.TagValue
			}
			if err := s.Validate(); err != nil {
				return fmt.Errorf("%w (--requester, --tag, --request-id)", err)
			}
			l, err := at.openTables(cmd.Context(), !o.DryRun)
			if err != nil {
				return err
			}
			if anonymize {
				o.Mode = forget.Anonymize
			}
			o.By = localUser()
			if stoppedHere(l.cfg.Data) {
				folders = append(folders, l.cfg.Data)
			}
			for i, dir := range folders {
				if folders[i], err = filepath.Abs(dir); err != nil {
					return err
				}
			}
			r, err := forget.Run(cmd.Context(), forget.Config{
				Store: l.store, Logger: l.logger, Version: version, Holder: o.By, Folders: folders,
			}, s, o)
			if r == nil {
				return err
			}
			if asJSON {
				err = errors.Join(err, printJSON(cmd.OutOrStdout(), r))
			} else {
				err = errors.Join(err, r.Write(cmd.OutOrStdout()))
			}
			if err == nil && !r.Clean && !o.DryRun {
				return exitError{1}
			}
			return err
		},
	}
	at.flags(c, "")
	f := c.Flags()
	f.StringVar(&s.Requester, "requester", "", "erase this requester: the principal of an API key")
	f.StringVar(&tag, "tag", "", "erase the requests with this entry in usage_context")
	f.StringSliceVar(&s.RequestIDs, "request-id", nil, "erase these requests: ids of the header x-databricks-request-id, separated by commas")
	f.BoolVar(&anonymize, "anonymize", false, "keep usage rows with tokens and cost, without anything that leads to the person")
	f.BoolVar(&o.RedactStatements, "redact-statements", false, "take the name out of frozen statements too")
	f.BoolVar(&o.DryRun, "dry-run", false, "find and count, change nothing")
	f.StringSliceVar(&folders, "folder", nil, "data folder of a stopped gateway on this machine, to be scanned too")
	f.StringSliceVar(&o.Gone, "gone", nil, "log ids of gateways that are gone for good, disk and all: don't wait for them")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// stoppedHere reports whether a data folder is of a gateway that does not run. One that runs looks
// after its folder itself.
func stoppedHere(data string) bool {
	if _, err := os.Stat(data); err != nil {
		return false
	}
	v, _, err := wal.OpenView(filepath.Join(data, "log"))
	if err == nil {
		_ = v.Close() // it is only read
	}
	return !errors.Is(err, wal.ErrLocked)
}
