package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/faultdisk"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tablewriter"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// gateway is one data folder and the process that has it open.
type gateway struct {
	w      *world
	n      int
	policy tablewriter.Policy
	dir    string
	disk   *faultdisk.Disk
	store  *client
	writer *tablewriter.Writer // nil when the process is down

	holes     int64 // that the log is known to have
	dropped   int64 // rows that were dropped
	pending   int64 // of them, those that are counted in memory only, or maybe so
	uncertain int64 // of them, those whose count went with a process
}

func (g *gateway) config() tablewriter.Config {
	cfg := tablewriter.DefaultConfig(g.dir)
	cfg.FS, cfg.Store, cfg.Tables = g.disk.Process(), g.store, systemtables.Tables()
	cfg.SyncInterval, cfg.SyncBytes = 0, 0 // nothing is synced by a clock
	cfg.FlushInterval, cfg.ReserveBytes = time.Hour, 16<<10
	cfg.SegmentBytes, cfg.FileBytes, cfg.MaxBacklogBytes = 1<<30, 32<<10, 1<<30
	cfg.WhenFull = func(string) tablewriter.Policy { return g.policy }
	return cfg
}

// open starts the process. The network must be calm or the error is expected.
func (g *gateway) open(ctx context.Context) error {
	g.store = g.w.net.client()
	defer g.store.turn()()
	writer, err := tablewriter.Open(ctx, g.config(), feeds(), quiet)
	if err != nil {
		g.store.dead.Store(true)
		g.disk.Kill()
		return err
	}
	g.writer = writer
	g.w.model.of(g.n, func(f *fact) { f.open, f.limbo, f.synced, f.okSync = false, false, true, f.ok })
	return nil
}

// kill ends the process, maybe with the machine.
func (g *gateway) kill(power bool) {
	if g.writer == nil {
		return
	}
	g.store.dead.Store(true)
	if power {
		g.disk.PowerLoss()
	} else {
		g.disk.Kill()
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = g.writer.Close(ended) // the process is dead: this only ends its goroutines
	g.writer = nil
	g.uncertain, g.pending = g.uncertain+g.pending, 0
	g.disk.SetRoom(0)
	g.disk.Fail(nil)
	g.w.model.of(g.n, func(f *fact) {
		if f.parked {
			f.ok, f.okSync, f.parked = false, false, false
		}
	})
}

// lost applies to the model what a power cut may have taken: what is not there any more, of what was
// not on disk.
func (g *gateway) lost(ctx context.Context) error {
	defer g.store.turn()()
	s, err := g.writer.Snapshot(ctx, []string{usageName})
	if err != nil {
		return err
	}
	defer s.Release()
	there := map[string]bool{}
	if err := readIDs(ctx, s.Tables[usageName], func(id, _ string) { there[id] = true }); err != nil {
		return err
	}
	holes := g.writer.Stats().Holes
	vanished := 0
	for _, f := range g.w.model.facts {
		if f.gateway == g.n && f.fate == must && !there[f.id()] && !f.okSync && !f.synced {
			f.fate = may
			vanished++
		}
	}
	if vanished > 0 && holes == g.holes {
		return fmt.Errorf("gateway %d lost %d requests to a power cut, and its log has no new hole", g.n, vanished)
	}
	g.w.counts["lost to a power cut"] += vanished
	g.holes = holes
	return nil
}

var usageName = systemtables.EndpointUsage().Name.String()

// request makes a record.
func (w *world) request(payload bool) *inference.Record {
	n := len(w.model.facts)
	r := &inference.Record{
		ID: idOf(w.o.Seed, n), Time: today.AddDate(0, 0, -w.rnd.IntN(5)).Add(time.Duration(n) * time.Millisecond),
		Principal:    inference.Principal{Name: fmt.Sprintf("person-%d@example.com", w.people+w.rnd.IntN(4)), Kind: inference.User},
		Target:       inference.Target{Endpoint: "chat", EndpointID: "e1", ServedEntity: "gpt", Provider: "openai", Model: "gpt-5", Task: "llm/v1/chat"},
		URL:          "/v1/chat/completions",
		UsageContext: map[string]string{"team": fmt.Sprint(n % 3)},
	}
	if payload {
		r.Payload = inference.Payload{Table: payloadName, SamplingFraction: 1, Request: []byte(strings.Repeat("question ", 1+w.rnd.IntN(80)))}
	}
	return r
}

// answered adds an outcome to a record.
func answered(r *inference.Record) *inference.Record {
	done := *r
	n := int64(7)
	done.Status, done.Outcome, done.Latency = 200, inference.OK, time.Second
	done.Usage = inference.Usage{Source: inference.UsageProvider, Input: &n, Output: &n, Total: &n}
	if r.Payload.Table != "" {
		done.Payload.Response = []byte("answer to " + string(r.Payload.Request))
	}
	return &done
}

func (g *gateway) admit() {
	f := &fact{n: len(g.w.model.facts), gateway: g.n, payload: g.w.rnd.IntN(2) == 0}
	f.rec = g.w.request(f.payload)
	t, err := g.writer.Admit(f.rec)
	g.w.model.add(f)
	switch {
	case err != nil:
		f.fate = may // nobody was told that it is recorded, and nobody that it is not
	case t == tablewriter.Ticket{}:
		f.open, f.fate = true, may // let through without room: it becomes a row if there is some later
	default:
		f.open = true
	}
	f.ticket = t
	g.w.trace("gateway %d: admit %d (payload %v): %v", g.n, f.n, f.payload, err)
}

func (g *gateway) finish(f *fact) {
	strict := g.w.rnd.IntN(3) == 0
	before := g.writer.Stats().Losses
	err := g.writer.Finish(f.ticket, answered(f.rec), strict)
	f.open = false
	g.ended(f, err, strict, g.writer.Stats().Losses-before, f.ticket == tablewriter.Ticket{})
	g.w.trace("gateway %d: finish %d strict %v: %v", g.n, f.n, strict, err)
}

func (g *gateway) record() {
	strict := g.w.rnd.IntN(3) == 0
	f := &fact{n: len(g.w.model.facts), gateway: g.n, payload: g.w.rnd.IntN(3) == 0}
	f.rec = g.w.request(f.payload)
	g.w.model.add(f)
	before := g.writer.Stats().Losses
	err := g.writer.Record(answered(f.rec), strict)
	g.ended(f, err, strict, g.writer.Stats().Losses-before, true)
	g.w.trace("gateway %d: record %d strict %v: %v", g.n, f.n, strict, err)
}

// ended notes how a fact was acknowledged. alone says that there is no admit record.
func (g *gateway) ended(f *fact, err error, strict bool, dropped int64, alone bool) {
	switch {
	case errors.Is(err, tablewriter.ErrParked):
		f.ok, f.parked = true, true
		if alone {
			f.fate = may // a crash before there is room takes it
		}
		g.w.counts["parked"]++
	case err != nil:
		if alone {
			f.fate = may
		}
		f.ok, f.limbo = false, !alone
	case dropped > 0:
		f.fate = gone
		g.dropped, g.pending = g.dropped+dropped, g.pending+dropped
		g.w.counts["dropped"]++
	default:
		f.fate, f.ok = must, true
		if strict {
			g.onDisk()
		} else {
			f.synced = f.synced && !alone
		}
	}
}

// onDisk notes that everything acknowledged so far is on disk.
func (g *gateway) onDisk() {
	g.w.model.of(g.n, func(f *fact) {
		if !f.parked {
			f.synced, f.okSync = true, f.ok
		}
	})
}

func (g *gateway) flush(ctx context.Context) error {
	done := g.store.turn()
	err := g.writer.Flush(ctx)
	done()
	if err == nil {
		g.w.model.of(g.n, func(f *fact) { f.parked = false })
		g.onDisk()
		g.pending = 0
	}
	g.w.trace("gateway %d: flush: %v", g.n, err)
	return err
}

// trouble makes the disk fail, once or from now on.
func (g *gateway) trouble() {
	switch g.w.rnd.IntN(4) {
	case 0:
		room := g.disk.Used() + int64(g.w.rnd.IntN(2500))
		g.disk.SetRoom(room)
		g.w.trace("gateway %d: disk has room for %d bytes", g.n, room)
	case 1, 2:
		g.disk.SetRoom(0)
		g.disk.Fail(nil)
		g.w.trace("gateway %d: disk is well", g.n)
	case 3:
		n := 1 + g.w.rnd.IntN(12)
		g.disk.Fail(func(faultdisk.Op, string) error {
			if n--; n == 0 {
				return unix.EIO
			}
			return nil
		})
		g.w.trace("gateway %d: disk fails at operation %d", g.n, n)
	}
}
