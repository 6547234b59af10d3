package forget

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report is what was done, and what is left. It does not name the subject.
type Report struct {
	ID        string        `json:"id"`
	Subject   string        `json:"subject"` // what named it: requester, tag or request id
	Hash      string        `json:"subject_hash"`
	Mode      Mode          `json:"mode"`
	DryRun    bool          `json:"dry_run,omitempty"`
	Clean     bool          `json:"clean"` // everything is done and nothing was found
	Requested time.Time     `json:"requested_at"`
	Finished  time.Time     `json:"finished_at"`
	Took      time.Duration `json:"took_ns"`
	Tables    []TableReport `json:"tables"`
	Redacted  []string      `json:"documents_redacted,omitempty"`
	Waiting   []string      `json:"waiting_for_gateways,omitempty"`
	Unlisted  []string      `json:"unlisted_gateways,omitempty"` // logs in the tables that no gateway on the list has
	// Versions is "kept" when the bucket keeps what is overwritten and deleted, "unknown" when it would
	// not say, and "" when it does not.
	Versions string   `json:"noncurrent_versions,omitempty"`
	Left     []string `json:"left_files,omitempty"` // not committed, and maybe about to be: run it again in an hour
	Proof    Proof    `json:"proof"`
}

// Rows is how many rows of the subject there were, over all tables.
func (r *Report) Rows() (n int64) {
	for _, t := range r.Tables {
		n += t.Rows
	}
	return n
}

// maxPrinted is how many findings a text has.
const maxPrinted = 20

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	out := &printer{w: w}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "rows\tdeleted\tanonymized\tfiles rewritten\tfiles removed\told files deleted\t  table\t")
	for _, x := range r.Tables {
		if x.Rows+int64(x.Dead) > 0 {
			fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%d\t  %s\t\n", x.Rows, x.Deleted, x.Anonymized, x.Rewritten, x.Removed, x.Dead, x.Table)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if r.DryRun {
		out.line("dry run: %d rows would go; nothing was changed, and rows in logs are not counted", r.Rows())
		return out.err
	}
	p := &r.Proof
	out.line("scanned %d objects (%s): %d data files with %d rows, %d of them of no current version, %d texts (%s) decoded; %d log entries, %d checkpoints, %d documents",
		p.Objects, size(p.Bytes), p.DataFiles, p.Rows, p.Unnamed, p.Values, size(p.ValueBytes), p.Commits, p.Checkpoints, p.Documents)
	out.line("and %d folders of gateways: %d files (%s), %d log segments among them", p.Folders, p.Local, size(p.LocalBytes), p.Segments)
	for i, f := range p.Found {
		if i == maxPrinted {
			out.line("found in %d more places; see --json", len(p.Found)-i)
			break
		}
		out.line("found: %v", f)
	}
	if p.Later > 0 {
		out.line("later: %d rows and mentions of requests that came after the request to forget; they are not touched", p.Later)
	}
	if p.Residual > 0 {
		out.line("residual: %d ids of erased requests in statistics of the Delta log; they go when it is cleaned", p.Residual)
	}
	for _, d := range r.Redacted {
		out.line("redacted: %s", d)
	}
	switch r.Versions {
	case versionsKept:
		out.line("note: the bucket keeps versions of what is deleted: they are not erased before its lifecycle rule for noncurrent versions does it (docs/privacy.md)")
	case versionsUnknown:
		out.line("note: the bucket does not say whether it keeps versions of what is deleted; if it does, a lifecycle rule has to expire them (docs/privacy.md)")
	}
	for _, key := range r.Left {
		out.line("left: %s is of a write that may still be under way; run this again in an hour", key)
	}
	for _, f := range p.Kept {
		out.line("kept: %v; frozen statements are records of accounting (--redact-statements)", f)
	}
	for _, log := range r.Unlisted {
		out.line("note: log %s wrote into the tables and is not on the list of gateways; if its folder still exists, start its gateway or name it with --folder", log)
	}
	for _, log := range r.Waiting {
		out.line("waiting: the gateway of log %s is down; it does its part when it starts. Or run this with its data folder (--folder), or --gone if its disk is lost", log)
	}
	verdict := "forgotten"
	if !r.Clean {
		verdict = "NOT FORGOTTEN YET"
	}
	out.line("%s: request %s, %d rows (%s), found=%d, took %v", verdict, r.ID, r.Rows(), r.Mode, len(p.Found), r.Took.Round(time.Millisecond))
	return out.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// size writes a number of bytes for people.
func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	div, exp := int64(unit), 0
	for m := n / unit; m >= unit; m /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %ciB", float64(n)/float64(div), "KMGTPE"[exp])
}
