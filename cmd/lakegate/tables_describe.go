package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/maintain/lease"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// description is what is known of a table, for programs.
type description struct {
	Table string `json:"table"`
	Place string `json:"place"` // where it is
	maintain.Description
	Columns    []string `json:"columns"`              // name and type
	Maintainer string   `json:"maintainer,omitempty"` // who holds its lease now
}

func tablesDescribeCommand() *cobra.Command {
	var at lakeFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "describe TABLE",
		Short: "Say all there is to know of a table: columns, sizes, versions, maintenance",
		Long: `Describes a table as its newest version is: its columns, how its files are and how many of them the
next compaction merges, which versions can be looked at, and when it was maintained last.

  lakegate tables describe endpoint_usage`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := at.openTables(cmd.Context(), false)
			if err != nil {
				return err
			}
			picked, err := l.pick(args, false)
			if err != nil {
				return err
			}
			d, err := l.describe(cmd.Context(), picked[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), d)
			}
			return writeDescription(cmd.OutOrStdout(), d, time.Now())
		},
	}
	at.flags(c, "")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (l *lakeTables) describe(ctx context.Context, t *tableschema.Table) (*description, error) {
	k, err := l.keeper()
	if err != nil {
		return nil, err
	}
	d := &description{Table: t.Name.String(), Place: lakePlace(l.cfg) + "/" + tablePath(t.Name.String())}
	if d.Description, err = k.Describe(ctx, t); err != nil {
		return nil, err
	}
	open, err := openTable(ctx, l.store, t.Name)
	if err != nil {
		return nil, err
	}
	schema, err := open.Snapshot().Schema()
	if err != nil {
		return nil, err
	}
	for _, c := range schema.Columns {
		d.Columns = append(d.Columns, c.Name+" "+c.Type.SQL())
	}
	d.Maintainer, err = leaseHolder(ctx, l.docs, t.Name)
	return d, err
}

// leaseHolder is who maintains a table now, "" for nobody.
func leaseHolder(ctx context.Context, docs *state.Docs, name tableschema.Name) (string, error) {
	doc, _, err := docs.Get(ctx, lease.Kind, "table."+name.String())
	if errors.Is(err, state.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var held struct {
		Holder string `json:"holder"`
	}
	return held.Holder, json.Unmarshal(doc, &held)
}

func writeDescription(w io.Writer, d *description, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("table", "%s", d.Name)
	line("place", "%s", d.Place)
	if d.Comment != "" {
		line("comment", "%s", printable(d.Comment))
	}
	rows := "unknown"
	if d.RowsKnown {
		rows = humanCount(d.Rows)
	}
	line("rows", "%s in %s files, %s", rows, humanCount(int64(d.Files)), humanBytes(d.Bytes))
	line("small files", "%s (%s); the next compaction merges %s", humanCount(int64(d.SmallFiles)), humanBytes(d.SmallBytes), humanCount(int64(d.Due)))
	if d.PartitionBy != "" {
		line("partitions", "by %s: %d days, %s to %s", d.PartitionBy, d.Days, d.FirstDay, d.LastDay)
	}
	if len(d.SortBy) > 0 {
		line("sorted by", "%s", strings.Join(d.SortBy, ", "))
	}
	since := ""
	if !d.OldestSince.IsZero() {
		since = " (" + humanAge(d.OldestSince, now) + ")"
	}
	line("versions", "%d; back to %d%s", d.Version, d.OldestVersion, since)
	line("protocol", "reader %d, writer %d", d.ReaderVersion, d.WriterVersion)
	retention := "for ever"
	if d.RetentionDays > 0 {
		retention = fmt.Sprintf("%d days", d.RetentionDays)
	}
	line("rows are kept", "%s", retention)
	line("last maintained", "compacted %s, retention %s, vacuumed %s", humanAge(d.LastCompaction, now), humanAge(d.LastRetention, now), humanAge(d.LastVacuum, now))
	if d.Maintainer != "" {
		line("maintained by", "%s", printable(d.Maintainer))
	}
	for _, s := range d.Skipped {
		line("left alone", "%s: %s", s.Path, printable(s.Reason))
	}
	for i, c := range d.Columns {
		name := ""
		if i == 0 {
			name = "columns"
		}
		line(name, "%s", c)
	}
	return t.Flush()
}
