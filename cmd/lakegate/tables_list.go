package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// tableLine is a line of `lakegate tables list`.
type tableLine struct {
	Table    string    `json:"table"`
	Version  int64     `json:"version"`
	Rows     int64     `json:"rows"` // -1 when a file doesn't say
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`
	FirstDay string    `json:"first_day,omitempty"`
	LastDay  string    `json:"last_day,omitempty"`
	Changed  time.Time `json:"changed"`
	Error    string    `json:"error,omitempty"` // the table can't be read
}

func tablesListCommand() *cobra.Command {
	var at lakeFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the tables: rows, files, sizes, days, when they changed last",
		Long: `Lists the tables of the lake as their newest versions are. Rows that are still in a gateway's log
are not in them yet; SQL has those too.

  lakegate tables list
  lakegate tables list --config lakegate.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := at.openTables(cmd.Context(), false)
			if err != nil {
				return err
			}
			lines := make([]tableLine, 0, len(l.all))
			for _, t := range l.all {
				lines = append(lines, l.line(cmd.Context(), t))
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), lines)
			}
			return writeTableList(cmd.OutOrStdout(), lines, time.Now())
		},
	}
	at.flags(c, "")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// line describes one table. That one can't be read is for the list to say, not a reason to end it.
func (l *lakeTables) line(ctx context.Context, t *tableschema.Table) tableLine {
	x := tableLine{Table: t.Name.String()}
	d, err := openTable(ctx, l.store, t.Name)
	if err != nil {
		x.Error = err.Error()
		return x
	}
	s := d.Snapshot()
	x.Version, x.Files = s.Version, s.NumFiles()
	if rows, known := s.NumRecords(); known {
		x.Rows = rows
	} else {
		x.Rows = -1
	}
	schema, err := s.Schema()
	if err != nil {
		x.Error = err.Error()
		return x
	}
	for f := range s.Files() {
		x.Bytes += f.Size
		if day := f.PartitionValues[schema.PartitionBy]; day != "" {
			x.LastDay = max(x.LastDay, day)
			if x.FirstDay == "" || day < x.FirstDay {
				x.FirstDay = day
			}
		}
	}
	newest, err := d.History(ctx, 1)
	if err != nil {
		x.Error = err.Error()
	} else if len(newest) > 0 {
		x.Changed = newest[0].Timestamp
	}
	return x
}

func writeTableList(w io.Writer, lines []tableLine, now time.Time) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintln(w, "the lake has no tables yet; a gateway makes them with its first rows")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "rows\tfiles\tsize\tper file\tversion\tchanged\t  days\t  table")
	for _, x := range lines {
		if x.Error != "" {
			fmt.Fprintf(t, "?\t?\t?\t?\t?\t?\t  ?\t  %s: %s\n", x.Table, x.Error)
			continue
		}
		rows, perFile, days := "?", "-", "-"
		if x.Rows >= 0 {
			rows = humanCount(x.Rows)
		}
		if x.Files > 0 {
			perFile = humanBytes(x.Bytes / int64(x.Files))
		}
		if x.FirstDay != "" {
			days = x.FirstDay
			if x.LastDay != x.FirstDay {
				days += " to " + x.LastDay
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t  %s\t  %s\n", rows, humanCount(int64(x.Files)), humanBytes(x.Bytes), perFile, x.Version, humanAge(x.Changed, now), days, x.Table)
	}
	return t.Flush()
}

// historyLine is a version of a table, for programs.
type historyLine struct {
	Version     int64             `json:"version"`
	Timestamp   time.Time         `json:"timestamp"`
	Operation   string            `json:"operation"`
	Parameters  map[string]string `json:"operation_parameters"`
	Metrics     map[string]string `json:"operation_metrics"`
	Engine      string            `json:"engine_info"`
	ReadVersion *int64            `json:"read_version"`
	BlindAppend bool              `json:"is_blind_append"`
}

func tablesHistoryCommand() *cobra.Command {
	var at lakeFlags
	var asJSON bool
	var limit int
	c := &cobra.Command{
		Use:   "history TABLE",
		Short: "List the versions of a table, newest first: when, by whom, what was done",
		Long: `Lists the versions that the table's log still has (maintenance.keep_history says how long they
stay). Any of them can be read in SQL while its files are there:

  lakegate tables history endpoint_usage --limit 5
  lakegate sql "SELECT count(*) FROM system.serving.endpoint_usage VERSION AS OF 12"`,
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
			d, err := openTable(cmd.Context(), l.store, picked[0].Name)
			if err != nil {
				return err
			}
			versions, err := d.History(cmd.Context(), limit)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), historyLines(versions))
			}
			return writeHistory(cmd.OutOrStdout(), versions)
		},
	}
	at.flags(c, "")
	c.Flags().IntVar(&limit, "limit", 20, "how many versions; 0 for all")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func historyLines(versions []delta.Version) []historyLine {
	lines := make([]historyLine, 0, len(versions))
	for _, v := range versions {
		lines = append(lines, historyLine{v.Version, v.Timestamp.UTC(), v.Operation, v.Parameters, v.Metrics, v.Engine, v.ReadVersion, v.IsBlindAppend})
	}
	return lines
}

func writeHistory(w io.Writer, versions []delta.Version) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "VERSION\tTIME (UTC)\tOPERATION\tBY\tWHAT")
	for _, v := range versions {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", v.Version, v.Timestamp.UTC().Format("2006-01-02 15:04:05"), printable(v.Operation), printable(v.Engine), printable(pairs(v.Metrics, v.Parameters)))
	}
	return t.Flush()
}

// pairs writes maps as name=value, in order.
func pairs(of ...map[string]string) string {
	var all []string
	for _, m := range of {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			all = append(all, k+"="+m[k])
		}
	}
	return strings.Join(all, " ")
}
