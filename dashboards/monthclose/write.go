package monthclose

import (
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lakegate/lakegate/dashboards/report"
)

// Write writes the statement: as the stored document in JSON, else as the report it was made from,
// with what makes it a statement. Errors are those of w, and of a document that is no statement.
func (s *Statement) Write(w io.Writer, f report.Format) error {
	if f == report.JSON {
		doc, err := indented(s)
		if err == nil {
			_, err = w.Write(doc)
		}
		return err
	}
	r, err := s.report()
	if err != nil {
		return fmt.Errorf("statement of %s: %w", s.Month, err)
	}
	if err := r.Write(w, f); err != nil || f == report.CSV {
		return err
	}
	if s.Replaces != nil {
		if err := writeChanges(w, fmt.Sprintf("Changed since revision %d", s.Replaces.Revision), s.Replaces.Changes, s.Replaces.Total); err != nil {
			return err
		}
	}
	if s.Late == nil {
		return nil
	}
	return writeChanges(w, fmt.Sprintf("Late rows of %s, since its revision %d; not in the numbers above", s.Late.Month, s.Late.Revision), s.Late.Changes, s.Late.Total)
}

// report turns the statement into the report it was made from.
func (s *Statement) report() (*report.Report, error) {
	by, err := report.ParseBy(strings.Join(s.By, ","))
	if err != nil {
		return nil, err
	}
	loc, err := report.LoadZone(s.TimeZone)
	if err != nil {
		return nil, err
	}
	r := &report.Report{ByClass: map[report.Class]report.Sums{}, Total: s.Sums["total"].report()}
	r.Options = report.Options{By: by, Location: loc}
	for _, t := range []struct {
		text string
		dst  *time.Time
	}{{s.From, &r.From}, {s.To, &r.To}, {s.ClosedAt, &r.Made}} {
		if *t.dst, err = time.Parse(time.RFC3339, t.text); err != nil {
			return nil, err
		}
	}
	if s.NewestRequest != nil {
		newest, err := time.Parse(time.RFC3339, *s.NewestRequest)
		if err != nil {
			return nil, err
		}
		r.Newest = &newest
	}
	for _, c := range []report.Class{report.Allocated, report.Untagged, report.Unpriced} {
		r.ByClass[c] = s.Sums[string(c)].report()
	}
	for _, l := range s.Lines {
		line := report.Line{Class: report.Class(l.Line), Reason: report.Reason(l.Reason), Sums: l.report()}
		for _, d := range s.By {
			line.Group = append(line.Group, l.Group[d])
		}
		r.Lines = append(r.Lines, line)
	}
	for _, p := range s.Prices {
		r.PriceVersions = append(r.PriceVersions, p.Version)
	}
	r.Remarks = s.remarks()
	r.Columns = []report.Column{
		{Name: "month", Value: s.Month},
		{Name: "revision", Value: strconv.Itoa(s.Revision)},
		{Name: "closed_by", Value: s.ClosedBy},
		{Name: "table_version", Value: strconv.FormatInt(s.Table.Version, 10)},
		{Name: "sha256", Value: s.SHA256},
	}
	return r, nil
}

func (s *Statement) remarks() []string {
	remarks := []string{
		fmt.Sprintf("Statement of %s, revision %d. Closed by %s at %s.", s.Month, s.Revision, report.Show(s.ClosedBy), s.ClosedAt),
		fmt.Sprintf("Read from version %d of %s, committed at %s.", s.Table.Version, s.Table.Name, s.Table.CommittedAt),
	}
	for _, p := range s.Prices {
		remarks = append(remarks, fmt.Sprintf("Price list %s: %d requests, $%s.", p.Version, p.Requests, report.USD(Sums{CostNanos: p.CostNanos}.cost())))
	}
	for _, f := range s.Forced {
		remarks = append(remarks, "Closed all the same: "+report.Show(f)+".")
	}
	return append(remarks, "SHA-256 "+s.SHA256+".")
}

func (s Sums) report() report.Sums {
	return report.Sums{
		Requests: s.Requests, Failed: s.Failed, Generated: s.Generated, Input: s.Input, Output: s.Output, Cached: s.Cached, Cost: s.cost(),
	}
}

// writeChanges writes one line per change, and their sum.
func writeChanges(w io.Writer, title string, changes []Change, total Sums) error {
	if _, err := fmt.Fprintf(w, "\n%s:\n\n", title); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "requests\tcost USD\twas\tnow\t  line")
	for _, c := range changes {
		fmt.Fprintf(t, "%+d\t%s\t%s\t%s\t  %s\n", c.Diff.Requests, signed(c.Diff.cost()), usd(c.Was), usd(c.Now), c.name())
	}
	fmt.Fprintf(t, "%+d\t%s\t\t\t  total\n", total.Requests, signed(total.cost()))
	return t.Flush()
}

func signed(n *big.Int) string {
	if n.Sign() > 0 {
		return "+" + report.USD(n)
	}
	return report.USD(n)
}

func usd(s *Sums) string {
	if s == nil {
		return "-"
	}
	return s.CostUSD
}

// name is the line in words: allocated team=search, model=gpt-4o.
func (c *Change) name() string {
	name := c.Line
	if c.Reason != "" {
		name += " (" + c.Reason + ")"
	}
	for i, k := range slices.Sorted(maps.Keys(c.Group)) {
		sep := ", "
		if i == 0 {
			sep = " "
		}
		v := "(none)"
		if c.Group[k] != nil {
			v = report.Show(*c.Group[k])
		}
		name += sep + k + "=" + v
	}
	return name
}

// Write writes the check for people, or as JSON.
func (c *Check) Write(w io.Writer, f report.Format) error {
	if f == report.JSON {
		doc, err := indented(c)
		if err == nil {
			_, err = w.Write(doc)
		}
		return err
	}
	made := fmt.Sprintf("version %d of %s gives the same document again", c.Table.Version, c.Table.Name)
	if !c.Reproduced {
		made = "NOT PROVEN: " + c.Unproven
	}
	_, err := fmt.Fprintf(w, "Statement of %s, revision %d\n  content     has its SHA-256, %s\n  made again  %s\n", c.Month, c.Revision, c.SHA256, made)
	if err != nil {
		return err
	}
	now := fmt.Sprintf("version %d, committed at %s", c.Now.Version, c.Now.CommittedAt)
	if c.Same() {
		_, err := fmt.Fprintf(w, "  now         the same on every line (%s)\n", now)
		return err
	}
	if _, err := fmt.Fprintf(w, "  now         %d lines differ (%s)\n", len(c.Changes), now); err != nil {
		return err
	}
	return writeChanges(w, "Rows of the month that came, or went, since", c.Changes, c.Total)
}

// WriteList writes one line per statement.
func WriteList(w io.Writer, all []*Statement, f report.Format) error {
	if f == report.JSON {
		doc, err := indented(all)
		if err == nil {
			_, err = w.Write(doc)
		}
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MONTH\tREVISION\tTOTAL USD\tREQUESTS\tBY\tCLOSED AT\tCLOSED BY\tVERSION\tSHA-256")
	for _, s := range all {
		total := s.Sums["total"]
		fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%s\t%s\t%s\t%d\t%.12s\n", s.Month, s.Revision, total.CostUSD, total.Requests,
			report.Show(strings.Join(s.By, ",")), s.ClosedAt, report.Show(s.ClosedBy), s.Table.Version, s.SHA256)
	}
	return t.Flush()
}
