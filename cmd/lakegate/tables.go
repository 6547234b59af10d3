package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
)

func tablesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tables",
		Short: "Look at the lake's tables and maintain them: sizes, versions, compaction, vacuum",
		Long: `Works on the tables where they are, in the data folder or in the bucket, beside any gateways that
run on them; nothing has to be stopped. A running gateway does all of this in the background
(maintenance: in its config file): these commands are for looking, for doing it now, and for lakes
that no gateway maintains.

The lake is the one of --config FILE, or the one in the folder --data DIR; without either it is that
of ./lakegate.yaml, or the one in ./data. A table is named in full, or by the end of its name when
that is enough: endpoint_usage.

  lakegate tables list                              what there is, how large, since when
  lakegate tables history endpoint_usage            who changed it, and how
  lakegate tables compact endpoint_usage --dry-run  what would be merged
  lakegate tables vacuum --all                      delete files that nothing needs any more
  lakegate tables forget --requester ann@example.com --dry-run
  lakegate tables gateways                          who writes into this lake`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(
		tablesListCommand(), tablesDescribeCommand(), tablesHistoryCommand(), tablesCompactCommand(), tablesRetainCommand(),
		tablesVacuumCommand(), tablesRestoreCommand(), tablesForgetCommand(), tablesGatewaysCommand(),
	)
	return c
}

// lakeTables is a lake whose tables a command works on.
type lakeTables struct {
	cfg    *config.Config
	store  objstore.Store
	docs   *state.Docs
	logger *slog.Logger
	all    []*tableschema.Table
}

// openTables finds the tables of the lake that the flags name. For commands that change something
// the store has to prove itself first.
func (f *lakeFlags) openTables(ctx context.Context, change bool) (*lakeTables, error) {
	cfg, err := f.load(ctx)
	if err != nil {
		return nil, err
	}
	l := &lakeTables{cfg: cfg, logger: stderrLogger(slog.LevelWarn)}
	if l.store, err = openExistingStore(ctx, cfg, l.logger); err != nil {
		return nil, err
	}
	if _, local := l.store.(objstore.Local); change && !local {
		p := newProven(l.store)
		if err := p.prove(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", cfg.Lake.URL, err)
		}
		l.store = p
	}
	l.docs = state.New(l.store)
	if l.cfg, err = withStored(ctx, cfg, l.docs); err != nil {
		return nil, err
	}
	l.all, err = discoverTables(ctx, l.store)
	return l, err
}

// pick returns the table named by the argument, or all of them with all set.
func (l *lakeTables) pick(args []string, all bool) ([]*tableschema.Table, error) {
	switch {
	case all && len(args) > 0:
		return nil, errors.New("name a table or say --all, not both")
	case all: // what else is in the lake belongs to others
		var own []*tableschema.Table
		for _, t := range l.all {
			if len(t.Columns) > 0 {
				own = append(own, t)
			}
		}
		return own, nil
	case len(args) == 0:
		return nil, errors.New("which table? Name it, or say --all; `lakegate tables list` has the names")
	}
	t, err := pickTable(l.all, args[0])
	if err != nil {
		return nil, err
	}
	return []*tableschema.Table{t}, nil
}

// printJSON writes v for programs.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
