package forget

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tablewriter"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice = "alice@example.com"
	bob   = "bob@example.com"

	usageTable   = "system/serving/endpoint_usage"
	payloadTable = "ai/logs/chat_payload"
)

var quiet = slog.New(slog.DiscardHandler)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func feeds() []tablewriter.Feed {
	cfg := systemtables.DefaultConfig()
	return []tablewriter.Feed{systemtables.NewUsageFeed(cfg), systemtables.NewEntityFeed(cfg), systemtables.NewComparisonFeed(cfg), inferencetables.NewFeed()}
}

// lake is a store with gateways that write into it.
type lake struct {
	t        testing.TB
	store    objstore.Store
	dir      string
	gateways []*gateway
}

func newLake(t testing.TB) *lake {
	t.Helper()
	dir := t.TempDir()
	store, err := fsstore.Open(filepath.Join(dir, "store"))
	must(t, err)
	return &lake{t: t, store: store, dir: dir}
}

func (l *lake) config() Config {
	return Config{Store: l.store, Logger: quiet, Version: "test", Holder: "a test", Patience: 10 * time.Second, Poll: 5 * time.Millisecond}
}

// gateway is one with its agent.
type gateway struct {
	l     *lake
	cfg   tablewriter.Config
	w     *tablewriter.Writer
	entry *gateways.Registration
	agent *Agent
	stop  context.CancelFunc
	ended chan struct{}
}

func (l *lake) gateway() *gateway {
	l.t.Helper()
	g := &gateway{l: l, cfg: tablewriter.DefaultConfig(filepath.Join(l.dir, fmt.Sprintf("gw%d", len(l.gateways))))}
	g.cfg.Store, g.cfg.FlushInterval, g.cfg.ReserveBytes = l.store, time.Hour, 0
	l.gateways = append(l.gateways, g)
	g.start()
	return g
}

// start opens the gateway and does what it does before it serves.
func (g *gateway) start() {
	t := g.l.t
	t.Helper()
	w, err := tablewriter.Open(context.Background(), g.cfg, feeds(), quiet)
	must(t, err)
	g.w = w
	id := w.Stats().LogID
	g.entry = gateways.Register(state.New(g.l.store), gateways.Gateway{LogID: id, Host: "test"}, func() gateways.Status {
		return gateways.Status{UnlandedBytes: w.Stats().UnlandedBytes}
	}, quiet)
	g.agent = NewAgent(g.l.config(), Gateway{Log: id, Host: "test", Folder: g.cfg.Dir, Purge: w.Purge, Entry: g.entry})
	g.agent.interval = 10 * time.Millisecond
	must(t, g.agent.CatchUp(context.Background()))
	must(t, g.entry.Ack(context.Background(), "hello"))
	ctx, stop := context.WithCancel(context.Background())
	g.stop, g.ended = stop, make(chan struct{})
	go func() {
		defer close(g.ended)
		g.agent.Run(ctx)
	}()
	t.Cleanup(func() { g.kill() })
}

// kill ends the gateway without a word to the others.
func (g *gateway) kill() {
	g.stop()
	<-g.ended
	_ = g.w.Close(context.Background())
}

// person is somebody with requests.
type person struct {
	name string
	tags map[string]string
}

// call makes a request of a person with a body.
func (g *gateway) call(p person, prompt string) *inference.Record {
	g.l.t.Helper()
	r := record(p, prompt)
	ticket, err := g.w.Admit(r)
	must(g.l.t, err)
	must(g.l.t, g.w.Finish(ticket, answered(r), false))
	return r
}

func record(p person, prompt string) *inference.Record {
	return &inference.Record{
		ID: inference.NewID(), Time: time.Now().UTC(), Principal: inference.Principal{Name: p.name, Kind: "USER", KeyID: p.name + "-laptop"},
		Target:       inference.Target{Endpoint: "chat", EndpointID: "e1", ServedEntity: "gpt", ServedEntityID: "s1", Provider: "openai", Model: "m"},
		UsageContext: p.tags, UserAgent: "curl of " + p.name, RemoteIP: "10.0.0.7", URL: "/v1/chat/completions", ClientRequestID: "c-" + p.name,
		Payload: inference.Payload{Table: "ai.logs.chat_payload", SamplingFraction: 1, Request: []byte(`{"user":"` + p.name + `","prompt":"` + prompt + `"}`)},
	}
}

func answered(r *inference.Record) *inference.Record {
	done := *r
	n := int64(5)
	done.Status, done.Outcome = 200, inference.OK
	done.Usage = inference.Usage{Source: inference.UsageProvider, Input: &n, Output: &n}
	done.Cost = &inference.Cost{NanoUSD: 1000, PriceVersion: "p1"}
	done.Payload.Response = []byte(`{"answer":"dear ` + r.Principal.Name + `"}`)
	return &done
}

// fill gives every gateway rows of two people, in several files, and leaves some in the log.
func (l *lake) fill() {
	l.t.Helper()
	for range 3 {
		for _, g := range l.gateways {
			for range 4 {
				g.call(person{alice, map[string]string{"team": "a"}}, "secret of hers")
				g.call(person{bob, map[string]string{"team": "b"}}, "what he asks")
			}
			must(l.t, g.w.Entity(&inference.EntityChange{ServedEntityName: "gpt", ServedEntityID: "s1", Time: time.Now(), CreatedBy: alice}))
			must(l.t, g.w.Flush(l.t.Context()))
		}
	}
	for _, g := range l.gateways {
		g.call(person{alice, nil}, "not landed yet")
		g.call(person{bob, nil}, "not landed yet")
	}
}

// values are the texts of a column in the newest version of a table, sorted, NULL as "NULL".
func (l *lake) values(table, column string) (values []string) {
	l.t.Helper()
	for _, b := range l.files(table) {
		values = append(values, columnValues(l.t, b, column)...)
	}
	slices.Sort(values)
	return values
}

// files are the data files of the newest version of a table.
func (l *lake) files(table string) map[string][]byte {
	l.t.Helper()
	d, err := delta.Open(l.t.Context(), l.store, table)
	must(l.t, err)
	files := map[string][]byte{}
	for a := range d.Snapshot().Files() {
		b, _, err := l.store.Get(l.t.Context(), d.Key(a.Path))
		must(l.t, err)
		files[d.Key(a.Path)] = b
	}
	return files
}

func count(values []string, v string) (n int) {
	for _, x := range values {
		if x == v {
			n++
		}
	}
	return n
}

// verify stops the gateways and has each of their folders verified.
func (l *lake) verify() (erased int64) {
	l.t.Helper()
	for _, g := range l.gateways {
		g.kill()
		rep, err := tablewriter.Verify(context.Background(), g.cfg, feeds(), quiet)
		must(l.t, err)
		if !rep.OK() || rep.Accepted != rep.Landed+rep.Erased+rep.Pending+rep.Losses {
			l.t.Errorf("verify %s: accepted %d, landed %d, erased %d, pending %d: %q", g.cfg.Dir, rep.Accepted, rep.Landed, rep.Erased, rep.Pending, rep.Problems)
		}
		erased += rep.Erased
	}
	return erased
}
