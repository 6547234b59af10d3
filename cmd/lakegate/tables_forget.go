package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/forget"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/tablewriter"
)

// forgetFlags are those of tables forget.
type forgetFlags struct {
	at             lakeFlags
	requester, tag string
	ids            []string
	mode           string
	folders, gone  []string
	redact         bool
	dryRun, asJSON bool
	list           bool
}

func tablesForgetCommand() *cobra.Command {
	var f forgetFlags
	c := &cobra.Command{
		Use:   "forget",
		Short: "Erase a person, a tag or a request from tables, logs and copies, and prove it; exit 1 if anything is left",
		Long: `Erases every row of a requester, of a tag of the usage context, or of requests, received until now: from
the newest version of every table and from every older one, from files that no version names, from
the logs, hot files and cached copies of all gateways of the lake, running or not. Then it reads
every object and prints what it scanned and what it found. Time travel to versions that had such
rows fails from then on.

Payload rows are deleted. Usage rows are deleted too, or, with --mode anonymize, keep tokens and
cost and lose whatever leads to the person: requester, tags, key, address, ids.

Works beside running gateways. One that is down keeps the request open and does its part when it
starts; name its data folder with --folder to have it done now, or its log with --gone if its disk
is lost. What was interrupted is finished by running it again, or by a gateway.

Backups, noncurrent versions of a versioned bucket, and what other programs copied are out of its
reach: docs/privacy.md.

  lakegate tables forget --requester ada@example.com --dry-run
  lakegate tables forget --requester ada@example.com --mode anonymize
  lakegate tables forget --tag customer=acme
  lakegate tables forget --request-id 0199c0de-0000-7000-8000-000000000000
  lakegate tables forget --list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f.at.flags(c, "")
	c.Flags().StringVar(&f.requester, "requester", "", "who is to be forgotten, as in the column requester")
	c.Flags().StringVar(&f.tag, "tag", "", "key=value of the usage context whose requests are to be forgotten")
	c.Flags().StringSliceVar(&f.ids, "request-id", nil, "a request to be forgotten, as in databricks_request_id; may be given several times")
	c.Flags().StringVar(&f.mode, "mode", string(forget.Delete), "what happens to usage rows: delete, or anonymize to keep tokens and cost")
	c.Flags().StringSliceVar(&f.folders, "folder", nil, "data folder of a stopped gateway of this lake, to do its part now; may be given several times")
	c.Flags().StringSliceVar(&f.gone, "gone", nil, "log id of a gateway whose disk is lost for good; may be given several times")
	c.Flags().BoolVar(&f.redact, "redact-statements", false, "take the name out of frozen statements too; their checksums no longer fit then")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "change nothing, say how many rows would go")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&f.list, "list", false, "list the requests to forget that were made")
	return c
}

func (f *forgetFlags) subject() (forget.Subject, error) {
	s := forget.Subject{Requester: f.requester, RequestIDs: f.ids}
	if f.tag != "" {
		t, err := forget.ParseTag(f.tag)
		if err != nil {
			return s, err
		}
		s.TagKey, s.TagValue = t.TagKey, t.TagValue
	}
	return s, s.Validate()
}

func (f *forgetFlags) run(ctx context.Context, out io.Writer) error {
	if m := forget.Mode(f.mode); m != forget.Delete && m != forget.Anonymize {
		return fmt.Errorf("--mode %q: want delete or anonymize", f.mode)
	}
	var subject forget.Subject
	if !f.list {
		var err error
		if subject, err = f.subject(); err != nil {
			return fmt.Errorf("%w (--requester, --tag, --request-id)", err)
		}
	}
	l, err := f.at.openTables(ctx, !f.dryRun && !f.list)
	if err != nil {
		return err
	}
	if f.list {
		return f.writeRequests(ctx, out, l)
	}
	cfg := forget.Config{Store: l.store, Logger: l.logger, Version: version, Holder: localUser()}
	if !f.dryRun {
		if cfg.Folders, err = f.land(ctx, l); err != nil {
			return err
		}
	}
	r, err := forget.Run(ctx, cfg, subject, forget.Options{
		Mode: forget.Mode(f.mode), DryRun: f.dryRun, Gone: f.gone, By: localUser(), RedactStatements: f.redact,
	})
	if r != nil {
		err = errors.Join(err, f.write(out, r))
	}
	if err == nil && !f.dryRun && !r.Clean {
		err = exitError{1}
	}
	return err
}

func (f *forgetFlags) write(out io.Writer, r *forget.Report) error {
	if f.asJSON {
		return printJSON(out, r)
	}
	return r.Write(out)
}

// land does the part of the stopped gateways whose folders are at hand: their logs go into the tables.
// The lake's own data folder is one of them unless a gateway runs on it.
func (f *forgetFlags) land(ctx context.Context, l *lakeTables) (folders []string, err error) {
	own := l.cfg.Data
	if _, err := os.Stat(filepath.Join(own, "log")); err == nil {
		folders = append(folders, own)
	}
	for _, dir := range f.folders {
		if _, err := os.Stat(filepath.Join(dir, "log")); err != nil {
			return nil, fmt.Errorf("--folder %s: it is no data folder of a gateway: %w", dir, err)
		}
		folders = append(folders, dir)
	}
	var stopped []string
	for _, dir := range folders {
		err := landFolder(ctx, l, dir)
		if errors.Is(err, tablewriter.ErrLocked) {
			continue // a gateway runs on it and does this by itself
		}
		if err != nil {
			return nil, fmt.Errorf("land the log of %s: %w", dir, err)
		}
		stopped = append(stopped, dir)
	}
	return stopped, nil
}

// landFolder is a gateway that starts, lands its log, drops it and its copies, and stops.
func landFolder(ctx context.Context, l *lakeTables, dir string) (err error) {
	cfg := *l.cfg
	cfg.Data = dir
	w, err := tablewriter.Open(ctx, writerConfig(&cfg, l.store), feeds(cfg.AccountID, cfg.WorkspaceID), l.logger)
	if err != nil {
		return err
	}
	entry := gateways.Register(l.docs, gateways.Gateway{LogID: w.Stats().LogID, Host: hostName(), Version: version}, statusOf(w), l.logger)
	_, _, err = w.Purge(ctx)
	if err == nil {
		err = w.PurgeCache(ctx, func(string) bool { return true })
	}
	err = errors.Join(err, w.Close(ctx))
	if err == nil {
		err = entry.Stop(ctx)
	}
	return err
}

// statusOf is what a gateway that only lands says of itself.
func statusOf(w *tablewriter.Writer) func() gateways.Status {
	return func() gateways.Status {
		s := w.Stats()
		status := gateways.Status{LandedThrough: s.LandedThrough}
		if !s.Unlanded.IsZero() {
			status.UnlandedBytes = max(1, s.UnlandedBytes)
		}
		return status
	}
}

func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

func (f *forgetFlags) writeRequests(ctx context.Context, out io.Writer, l *lakeTables) error {
	all, err := forget.List(ctx, l.docs)
	if err != nil {
		return err
	}
	if f.asJSON {
		for _, r := range all {
			r.Subject = nil
		}
		return printJSON(out, all)
	}
	for _, r := range all {
		rows := int64(0)
		if r.Report != nil {
			rows = r.Report.Rows()
		}
		line := fmt.Sprintf("%s  %s  %-9s  %-9s  %d rows", r.ID, r.Requested.Format("2006-01-02 15:04:05"), r.State, r.Mode, rows)
		if len(r.Waiting) > 0 {
			line += "  waits for " + strings.Join(r.Waiting, ", ")
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}
