// Package chaos runs several gateways' writers over one lake while everything fails, and compares what
// is left with a model.
//
// A seed decides a list of steps: requests admitted, finished, recorded, flushed and looked at by
// three gateways; gateways closed, killed, cut off from power; disks that fill up or fail; a store that
// refuses, loses answers and applies commits late; other engines that append; compaction, retention,
// vacuum, log cleanup, forgetting. Steps run one after the other, on disks and a store in memory, so
// that a seed repeats what happens. After each restart and at the end the tables are compared with
// the model:
//
//   - every acknowledged fact is exactly one row of each of its tables, and nothing else is;
//   - what was acknowledged as strict survives a power cut; what was not may be gone then, and then
//     the log says that it has a hole;
//   - what was erased stays erased; what was dropped is counted, row for row;
//   - lakegate verify agrees, gateway by gateway.
//
// Within a step a writer's goroutines may run in another order than last time. The faults do not
// depend on that: they are a function of seed, step and the object or file they strike.
package chaos

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"time"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	"github.com/lakegate/lakegate/internal/faultdisk"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/tablewriter"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// Options say what to run.
type Options struct {
	Seed  uint64
	Steps int
	Dir   string    // scratch folder for hot and cached files
	Trace io.Writer // gets every step
}

// payloadName is the payload table of all requests.
const payloadName = "main.ai.chat_payload"

// world is everything in one run.
type world struct {
	o        Options
	rnd      *rand.Rand
	step     int
	net      *network
	gateways []*gateway
	model    model
	keeper   *maintain.Keeper
	payload  *tableschema.Table
	people   int // requesters that were forgotten
	foreign  int
	counts   map[string]int // what happened, for the report
	now      time.Time
}

// today is the day of the newest requests.
var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var quiet = slog.New(slog.DiscardHandler)

// Result says what a run did.
type Result struct {
	Steps, Facts, Rows int
	Counts             map[string]int
}

// Run runs the steps and returns an error that names the step and what is wrong.
func Run(ctx context.Context, o Options) (r Result, err error) {
	w, err := newWorld(ctx, o)
	if err != nil {
		return r, err
	}
	defer func() {
		for _, g := range w.gateways {
			g.kill(false)
		}
	}()
	for w.step = 1; w.step <= o.Steps; w.step++ {
		if err := w.next(ctx); err != nil {
			return r, fmt.Errorf("seed %d, step %d: %w", o.Seed, w.step, err)
		}
	}
	rows, err := w.end(ctx)
	if err != nil {
		return r, fmt.Errorf("seed %d, at the end: %w", o.Seed, err)
	}
	return Result{o.Steps, len(w.model.facts), rows, w.counts}, nil
}

func newWorld(ctx context.Context, o Options) (*world, error) {
	w := &world{o: o, rnd: rand.New(rand.NewPCG(o.Seed, 0)), model: newModel(), counts: map[string]int{}}
	w.net = &network{seed: o.Seed, store: memstore.New(), step: &w.step}
	var err error
	if w.payload, err = inferencetables.NewTable(payloadName); err != nil {
		return nil, err
	}
	cfg := maintain.DefaultConfig()
	cfg.TargetFileBytes, cfg.MinFiles, cfg.Share = 64<<10, 3, 1
	cfg.Now = func() time.Time { return w.now }
	tables := func() []*tableschema.Table { return []*tableschema.Table{systemtables.EndpointUsage(), w.payload} }
	store := w.net.client()
	if w.keeper, err = maintain.New(cfg, store, state.New(store), tables, quiet); err != nil {
		return nil, err
	}
	policies := []tablewriter.Policy{tablewriter.Block, tablewriter.ShedPayloads, tablewriter.Drop}
	for i, p := range policies {
		g := &gateway{
			w: w, n: i, policy: p, dir: filepath.Join(o.Dir, fmt.Sprint(i)),
			disk: faultdisk.New(rand.New(rand.NewPCG(o.Seed, uint64(i)+1))),
		}
		w.gateways = append(w.gateways, g)
		if err := g.open(ctx); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *world) trace(format string, args ...any) {
	if w.o.Trace != nil {
		fmt.Fprintf(w.o.Trace, "%d: %s\n", w.step, fmt.Sprintf(format, args...))
	}
}

func feeds() []tablewriter.Feed {
	cfg := systemtables.DefaultConfig()
	return []tablewriter.Feed{systemtables.NewUsageFeed(cfg), systemtables.NewLossFeed(cfg), inferencetables.NewFeed()}
}

// idOf makes request ids of a seed: a run that is repeated has the same.
func idOf(seed uint64, n int) (id inference.ID) {
	h := fnv.New128a()
	fmt.Fprintf(h, "%d %d", seed, n)
	copy(id[:], h.Sum(nil))
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}
