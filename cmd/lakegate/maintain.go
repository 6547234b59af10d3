package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/spf13/cobra"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/tableschema"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// maintainerName is the command that a gateway starts to have its tables maintained.
const maintainerName = "maintainer"

// maintainerCommand maintains tables in a process of its own: a merge takes hundreds of megabytes and
// whole slices of a processor, which requests would wait for. It lives as long as its standard input,
// and writes its log and what it has done to standard output, a JSON object each line.
func maintainerCommand() *cobra.Command {
	var f lakeFlags
	var holder string
	c := &cobra.Command{
		Use:    maintainerName,
		Short:  "Maintain the tables of a gateway (started by lakegate itself)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			runtime.GOMAXPROCS(1)
			lowerPriority()
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			go func() { // ends with the gateway
				_, _ = io.Copy(io.Discard, cmd.InOrStdin())
				cancel()
			}()
			return maintainTables(ctx, f, holder, cmd.OutOrStdout())
		},
	}
	f.flags(c, "")
	c.Flags().StringVar(&holder, "holder", "maintainer", "name in leases")
	return c
}

// said is a line of a maintainer.
type said struct {
	Log   *logged         `json:"log,omitempty"`
	Stats *maintain.Stats `json:"stats,omitempty"`
}

// maintainTables works until ctx ends. The file is read anew for every round.
func maintainTables(ctx context.Context, f lakeFlags, holder string, out io.Writer) error {
	l := newLines(out)
	logger := slog.New(&lineHandler{lines: l})
	cfg, err := f.load(ctx)
	if err != nil {
		return err
	}
	lake, err := f.openTables(ctx, true)
	if err != nil {
		return err
	}
	keeper, err := openKeeper(cfg, holder, lake.store, lake.docs, func() []*tableschema.Table {
		if now, err := f.load(ctx); err == nil { // the gateway reports a file that is bad
			if now, err = withStored(ctx, now, lake.docs); err == nil { // else what was known stays
				cfg = now
			}
		}
		return configuredTables(cfg)
	}, func(t *tableschema.Table) int { return retentionOf(cfg, t) },
		func(s maintain.Stats) { l.write(said{Stats: &s}) }, logger)
	if err != nil {
		return err
	}
	keeper.Run(ctx)
	return nil
}

// configuredTables are ownTables of a configuration.
func configuredTables(cfg *config.Config) []*tableschema.Table {
	all := systemtables.Tables()
	for i := range cfg.Endpoints {
		p := cfg.Endpoints[i].AIGateway.InferenceTable
		if !p.On() {
			continue
		}
		if name, err := tableschema.ParseName(p.Table()); err == nil {
			all = append(all, declared(name))
		}
	}
	return all
}

// lines writes one object at a time.
type lines struct {
	mu  sync.Mutex
	out *json.Encoder
}

func newLines(out io.Writer) *lines { return &lines{out: json.NewEncoder(out)} }

func (l *lines) write(s said) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.out.Encode(s); err != nil {
		fmt.Fprintln(os.Stderr, "maintainer:", err)
	}
}
