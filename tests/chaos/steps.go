package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/forget"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/wal"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// kind is something that can happen, and how often.
type kind struct {
	weight int
	name   string
	do     func(w *world, ctx context.Context, g *gateway) error
}

var kinds = []kind{
	{300, "admit", func(_ *world, _ context.Context, g *gateway) error { g.admit(); return nil }},
	{280, "finish", (*world).finish},
	{100, "record", func(_ *world, _ context.Context, g *gateway) error { g.record(); return nil }},
	{60, "flush", func(_ *world, ctx context.Context, g *gateway) error { _ = g.flush(ctx); return nil }},
	{30, "snapshot", (*world).look},
	{30, "network", (*world).weather},
	{40, "disk", func(_ *world, _ context.Context, g *gateway) error { g.trouble(); return nil }},
	{12, "kill", func(w *world, ctx context.Context, g *gateway) error { g.kill(false); return nil }},
	{10, "power loss", (*world).powerLoss},
	{12, "restart", (*world).restart},
	{15, "compact", (*world).compact},
	{4, "retain", (*world).retain},
	{6, "vacuum", (*world).vacuum},
	{4, "clean log", (*world).cleanLog},
	{4, "forget", (*world).forget},
	{8, "foreign append", func(w *world, ctx context.Context, _ *gateway) error { return w.append(ctx) }},
	{10, "lost race", (*world).race},
}

var weights = func() (n int) {
	for _, k := range kinds {
		n += k.weight
	}
	return n
}()

// next does one step.
func (w *world) next(ctx context.Context) error {
	if w.rnd.IntN(4) == 0 {
		w.net.deliver()
	}
	g := w.gateways[w.rnd.IntN(len(w.gateways))]
	n := w.rnd.IntN(weights)
	if g.writer == nil {
		w.trace("gateway %d: start", g.n)
		err := g.open(ctx)
		if err != nil {
			w.trace("gateway %d: %v", g.n, err)
			g.disk.SetRoom(0)
			g.disk.Fail(nil)
		}
		return nil
	}
	if errors.Is(g.writer.Ready(), wal.ErrFailed) && w.rnd.IntN(3) == 0 {
		return w.restart(ctx, g) // somebody looks at readiness
	}
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			w.counts[k.name]++
			err := k.do(w, ctx, g)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			return nil
		}
	}
	return nil
}

func (w *world) finish(_ context.Context, g *gateway) error {
	var open []*fact
	w.model.of(g.n, func(f *fact) {
		if f.open {
			open = append(open, f)
		}
	})
	if len(open) > 0 {
		g.finish(open[w.rnd.IntN(len(open))])
	}
	return nil
}

// weather changes how bad the network is.
func (w *world) weather(context.Context, *gateway) error {
	w.net.mu.Lock()
	w.net.rate = []int{0, 0, 5, 20, 50, 100}[w.rnd.IntN(6)]
	w.net.mu.Unlock()
	w.trace("network fails %d of 100 calls", w.net.rate)
	return nil
}

// powerLoss cuts a gateway off and starts it again, and looks at what is gone.
func (w *world) powerLoss(ctx context.Context, g *gateway) error {
	w.trace("gateway %d: power loss", g.n)
	g.kill(true)
	w.net.calm()
	w.model.of(g.n, func(f *fact) { f.ok = f.okSync })
	return g.reopen(ctx)
}

// reopen starts a gateway whose machine lost power. Nothing else may fail now.
func (g *gateway) reopen(ctx context.Context) error {
	unsynced := map[*fact][2]bool{}
	g.w.model.of(g.n, func(f *fact) { unsynced[f] = [2]bool{f.synced, f.okSync} })
	if err := g.open(ctx); err != nil {
		return fmt.Errorf("gateway %d does not start after a power loss: %w", g.n, err)
	}
	for f, was := range unsynced {
		f.synced, f.okSync = was[0], was[1]
	}
	err := g.lost(ctx)
	g.w.model.of(g.n, func(f *fact) { f.synced, f.okSync = true, f.ok })
	return err
}

func (w *world) restart(ctx context.Context, g *gateway) error {
	g.store.turn()
	err := g.writer.Close(ctx)
	w.trace("gateway %d: close: %v", g.n, err)
	g.store.dead.Store(true)
	g.disk.Kill()
	g.writer = nil
	w.model.of(g.n, func(f *fact) {
		if f.parked {
			f.ok, f.okSync, f.parked = false, false, false
		}
	})
	g.disk.SetRoom(0)
	g.disk.Fail(nil)
	g.uncertain, g.pending = g.uncertain+g.pending, 0
	if w.net.rate == 0 {
		if err := g.verify(ctx); err != nil {
			return err
		}
	}
	if err := g.open(ctx); err != nil {
		w.trace("gateway %d: open: %v", g.n, err)
	}
	return nil
}

func (w *world) tables() []*tableschema.Table {
	return []*tableschema.Table{systemtables.EndpointUsage(), w.payload}
}

func (w *world) compact(ctx context.Context, _ *gateway) error {
	w.now = time.Now().Add(48 * time.Hour)
	return w.keepsAccounts(ctx, func() {
		for _, t := range w.tables() {
			r, err := w.keeper.Compact(ctx, t, maintain.CompactOptions{})
			w.trace("compact %s: %+v, %v", t.Name, r, err)
		}
	})
}

// settle makes everything work and lands what every gateway has. It reports whether that went well.
func (w *world) settle(ctx context.Context) bool {
	w.net.calm()
	for _, g := range w.gateways {
		if g.writer == nil && g.open(ctx) != nil {
			return false
		}
		g.disk.SetRoom(0)
		g.disk.Fail(nil)
		if errors.Is(g.writer.Ready(), wal.ErrFailed) {
			_ = w.restart(ctx, g)
		}
		if g.writer == nil || g.flush(ctx) != nil {
			return false
		}
	}
	w.net.deliver()
	return true
}

func (w *world) retain(ctx context.Context, _ *gateway) error {
	if !w.settle(ctx) {
		return nil
	}
	w.now = today
	w.net.rate = []int{0, 0, 30}[w.rnd.IntN(3)]
	const days = 4
	before := today.AddDate(0, 0, 1-days).Truncate(24 * time.Hour)
	certain := true
	err := w.keepsAccounts(ctx, func() {
		for _, t := range w.tables() {
			r, err := w.keeper.Retain(ctx, t, days, false)
			w.trace("retain %s: %+v, %v", t.Name, r, err)
			certain = certain && err == nil
		}
	})
	if err != nil {
		return err
	}
	w.counts["rows past retention"] += w.model.erased(func(f *fact) bool { return f.day().Before(before) }, certain)
	return nil
}

func (w *world) vacuum(ctx context.Context, _ *gateway) error {
	if !w.settle(ctx) { // files that wait for their commit are not eight days old
		return nil
	}
	w.now = time.Now().AddDate(0, 0, 8)
	for _, t := range w.tables() {
		r, err := w.keeper.Vacuum(ctx, t, false)
		w.trace("vacuum %s: %+v, %v", t.Name, r, err)
	}
	return nil
}

func (w *world) cleanLog(ctx context.Context, _ *gateway) error {
	if !w.settle(ctx) { // no commit is on its way for a month
		return nil
	}
	w.now = time.Now().AddDate(0, 0, 31)
	err := w.keepsAccounts(ctx, func() {
		for _, t := range w.tables() {
			r, err := w.keeper.CleanLog(ctx, t)
			w.trace("clean log of %s: %+v, %v", t.Name, r, err)
		}
	})
	// Nobody commits to a version he saw a month ago: writers load a table anew when theirs is old, by
	// the real clock, which did not go on a month here. So they start anew.
	for _, g := range w.gateways {
		if err == nil {
			err = w.restart(ctx, g)
		}
	}
	return err
}

// forget erases a person from tables and logs.
func (w *world) forget(ctx context.Context, _ *gateway) error {
	if !w.settle(ctx) {
		return nil
	}
	who := fmt.Sprintf("person-%d@example.com", w.people)
	for _, g := range w.gateways {
		done := g.store.turn()
		_, _, err := g.writer.Purge(ctx)
		done()
		if err != nil {
			return fmt.Errorf("purge gateway %d: %w", g.n, err)
		}
		g.onDisk()
	}
	w.net.rate = []int{0, 0, 0, 10}[w.rnd.IntN(4)]
	cfg := forget.Config{Store: w.net.client(), Logger: quiet, Version: "chaos", Holder: "chaos", Patience: time.Millisecond, Poll: time.Millisecond}
	var r *forget.Report
	var err error
	unbalanced := w.keepsAccounts(ctx, func() {
		r, err = forget.Run(ctx, cfg, forget.Subject{Requester: who}, forget.Options{By: "chaos"})
	})
	if unbalanced != nil {
		return unbalanced
	}
	clean := err == nil && r.Clean
	w.trace("forget %s: clean %v, %v", who, clean, err)
	if w.net.rate == 0 && err == nil && !clean { // a lease of maintenance that failed may still be held: that is an error
		return fmt.Errorf("forget %s: %+v, %w", who, r, err)
	}
	w.counts["rows forgotten"] += w.model.erased(func(f *fact) bool { return f.who() == who }, clean)
	w.people++
	return nil
}

// append adds a row to the usage table as another engine does: no tag, no transaction.
func (w *world) append(ctx context.Context) error {
	w.foreign++
	rec := answered(w.request(false))
	rec.ID = idOf(w.o.Seed, -w.foreign)
	rec.Principal.Name = "another engine"
	rec.Time = today
	feed := systemtables.NewUsageFeed(systemtables.DefaultConfig())
	b := array.NewRecordBuilder(memory.DefaultAllocator, systemtables.EndpointUsage().Arrow())
	defer b.Release()
	if err := feed.Append(b, inference.Fact{Record: rec}); err != nil {
		return err
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	f, err := datafile.Encode(batch, systemtables.EndpointUsage(), datafile.Options{})
	if err != nil {
		return err
	}
	store := w.net.store
	t, err := delta.OpenOrCreate(ctx, store, systemtables.EndpointUsage(), delta.Options{CheckpointInterval: -1})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("request_date=%s/other-engine-%d.parquet", today.Format(time.DateOnly), w.foreign)
	if _, err := store.Put(ctx, t.Key(name), f.Data); err != nil {
		return err
	}
	add := delta.Add{Path: name, PartitionValues: map[string]string{"request_date": today.Format(time.DateOnly)}, Size: int64(len(f.Data)), Rows: f.Rows, Stats: f.Stats, ModificationTime: time.Now()}
	if _, err := t.Append(ctx, []delta.Add{add}, delta.Txn{}, nil); err != nil {
		return err
	}
	w.model.foreign[rec.ID.String()] = true
	w.trace("another engine appends row %d", w.foreign)
	return nil
}

// race lets another engine win the race for the next version that a gateway wants to write.
func (w *world) race(ctx context.Context, g *gateway) error {
	var failed error
	usage := systemtables.EndpointUsage().Name.Path() + "/_delta_log/"
	w.net.mu.Lock()
	w.net.before = func(key string) {
		if bytes.HasPrefix([]byte(key), []byte(usage)) {
			failed = w.append(ctx)
			w.counts["races lost"]++
		}
	}
	w.net.mu.Unlock()
	_ = g.flush(ctx)
	return failed
}

// end lets everything work again, lands everything, and compares the tables with the model.
func (w *world) end(ctx context.Context) (rows int, err error) {
	for _, g := range w.gateways {
		g.disk.SetRoom(0)
		g.disk.Fail(nil)
	}
	w.net.calm()
	for _, g := range w.gateways {
		if g.writer != nil {
			_ = w.restart(ctx, g) // open requests become crashed ones; a failed log is opened anew
		}
		if g.writer == nil {
			if err := g.open(ctx); err != nil {
				return 0, fmt.Errorf("open gateway %d: %w", g.n, err)
			}
		}
		if err := g.flush(ctx); err != nil {
			return 0, fmt.Errorf("flush gateway %d: %w", g.n, err)
		}
	}
	for _, g := range w.gateways {
		if err := w.check(ctx, g); err != nil {
			return 0, err
		}
	}
	if rows, err = w.checkTables(ctx); err != nil {
		return rows, err
	}
	for _, g := range w.gateways {
		g.store.turn()
		if err := g.writer.Close(ctx); err != nil {
			return 0, fmt.Errorf("close gateway %d: %w", g.n, err)
		}
		g.writer = nil
		if err := g.verify(ctx); err != nil {
			return 0, err
		}
	}
	return rows, nil
}

// look compares what a gateway shows of its own rows with the model.
func (w *world) look(ctx context.Context, g *gateway) error { return w.check(ctx, g) }

func sorted(m map[string]int) []string {
	var list []string
	for k, n := range m {
		list = append(list, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(list)
	return list
}
