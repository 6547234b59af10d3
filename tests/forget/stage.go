package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	"github.com/lakegate/lakegate/internal/forget"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/tablewriter"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// person is who is forgotten. The name is in every place where one can be.
const person = "ada.lovelace@example.com"

// days is how many partitions the history has.
const days = 10

// stage is a lake with gateways.
type stage struct {
	o        options
	dir      string
	store    objstore.Store
	server   *s3test.Server // nil for a folder
	gateways []*gateway
	logger   *slog.Logger

	withBody, hers, hersWithBody, later atomic.Int64
	stopTraffic                         context.CancelFunc
	traffic                             sync.WaitGroup
	calls                               atomic.Int64
}

type gateway struct {
	cfg   tablewriter.Config
	w     *tablewriter.Writer
	entry *gateways.Registration
	stop  context.CancelFunc
	work  sync.WaitGroup
}

func feeds() []tablewriter.Feed {
	cfg := systemtables.DefaultConfig()
	return []tablewriter.Feed{systemtables.NewUsageFeed(cfg), systemtables.NewEntityFeed(cfg), inferencetables.NewFeed()}
}

func openStage(ctx context.Context, o options, dir string) (*stage, error) {
	s := &stage{o: o, dir: dir, logger: slog.New(slog.DiscardHandler)}
	if err := s.openStore(ctx); err != nil {
		return nil, err
	}
	for i := range o.gateways {
		g, err := s.gateway(ctx, i)
		if err != nil {
			s.close()
			return nil, err
		}
		s.gateways = append(s.gateways, g)
	}
	return s, nil
}

func (s *stage) openStore(ctx context.Context) (err error) {
	if !s.o.s3 {
		s.store, err = fsstore.Open(filepath.Join(s.dir, "lake"))
		return err
	}
	if s.server, err = s3test.Start(ctx, filepath.Join(s.dir, "s3")); err != nil {
		return err
	}
	s.store, err = s3store.Open(ctx, s3store.Config{
		Bucket: s3test.Bucket, Prefix: "lake", Region: s3test.Region, Endpoint: s.server.Endpoint, PathStyle: true,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey,
	}, s.logger)
	return err
}

func (s *stage) config() forget.Config {
	return forget.Config{Store: s.store, Logger: s.logger, Version: "test", Holder: "tests/forget"}
}

// gateway starts one with what a gateway runs beside.
func (s *stage) gateway(ctx context.Context, i int) (*gateway, error) {
	g := &gateway{cfg: tablewriter.DefaultConfig(filepath.Join(s.dir, fmt.Sprintf("gateway%d", i)))}
	g.cfg.Store, g.cfg.Tables, g.cfg.FlushInterval = s.store, systemtables.Tables(), 2*time.Second
	g.cfg.SegmentBytes = 8 << 20 // many files
	w, err := tablewriter.Open(ctx, g.cfg, feeds(), s.logger)
	if err != nil {
		return nil, err
	}
	g.w = w
	id := w.Stats().LogID
	g.entry = gateways.Register(state.New(s.store), gateways.Gateway{LogID: id, Host: "test"}, func() gateways.Status {
		return gateways.Status{UnlandedBytes: w.Stats().UnlandedBytes}
	}, s.logger)
	agent := forget.NewAgent(s.config(), forget.Gateway{
		Log: id, Host: "test", Folder: g.cfg.Dir, Purge: w.Purge, DropCopies: w.DropCopies, Entry: g.entry,
	})
	if err := agent.CatchUp(ctx); err != nil {
		return nil, errors.Join(err, w.Close(ctx))
	}
	background, stop := context.WithCancel(context.Background())
	g.stop = stop
	g.work.Go(func() { g.entry.Run(background) })
	g.work.Go(func() { agent.Run(background) })
	if s.o.compact {
		k, err := s.keeper(fmt.Sprint("gateway ", i))
		if err != nil {
			return nil, err
		}
		g.work.Go(func() { k.Run(background) })
	}
	return g, nil
}

// keeper maintains the tables as a gateway does, only more often.
func (s *stage) keeper(holder string) (*maintain.Keeper, error) {
	payload, err := inferencetables.NewTable("ai.logs.chat_payload")
	if err != nil {
		return nil, err
	}
	cfg := maintain.DefaultConfig()
	cfg.Holder, cfg.Version, cfg.Interval, cfg.QuietAge = holder, "test", 5*time.Second, time.Second
	tables := []*tableschema.Table{systemtables.EndpointUsage(), payload}
	return maintain.New(cfg, s.store, state.New(s.store), func() []*tableschema.Table { return tables }, s.logger)
}

func (g *gateway) close() error {
	g.stop()
	g.work.Wait()
	return g.w.Close(context.Background())
}

func (s *stage) close() {
	for _, g := range s.gateways {
		_ = g.close() // check has reported what matters
	}
	if s.server != nil {
		_ = s.server.Stop()
	}
}

// fill records the history, a share of it by each gateway, and leaves its end in the logs.
func (s *stage) fill(ctx context.Context) error {
	errs := make([]error, len(s.gateways))
	var all sync.WaitGroup
	for i, g := range s.gateways {
		all.Go(func() { errs[i] = s.history(ctx, g, i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *stage) history(ctx context.Context, g *gateway, i int) error {
	rng := rand.New(rand.NewPCG(1, uint64(i)))
	n := s.o.rows / len(s.gateways)
	if i == 0 {
		n += s.o.rows % len(s.gateways)
	}
	start := time.Now().UTC().Add(-days * 24 * time.Hour)
	for j := range n {
		if j%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		at := start.Add(time.Duration(j) * days * 24 * time.Hour / time.Duration(n+1))
		r := s.record(rng, rng.IntN(s.o.people), at)
		if err := g.w.Record(r, false); err != nil {
			return fmt.Errorf("record: %w", err)
		}
		for g.w.Stats().UnlandedBytes > 256<<20 { // as a gateway that is asked less
			if err := g.w.Flush(ctx); err != nil {
				return err
			}
		}
		s.count(r)
	}
	return nil
}

// count keeps the books.
func (s *stage) count(r *inference.Record) {
	if r.Payload.Table != "" {
		s.withBody.Add(1)
	}
	if r.Principal.Name != person {
		return
	}
	s.hers.Add(1)
	if r.Payload.Table != "" {
		s.hersWithBody.Add(1)
	}
}

// nameOf is the name of one of the people; 0 is the person's.
func nameOf(n int) string {
	if n == 0 {
		return person
	}
	return fmt.Sprintf("user%03d@example.com", n)
}

var words = strings.Fields("please summarise this quarterly report about shipping delays and weather in northern ports for the board of directors")

// record is a finished request.
func (s *stage) record(rng *rand.Rand, who int, at time.Time) *inference.Record {
	name := nameOf(who)
	in, out := int64(50+rng.IntN(2000)), int64(10+rng.IntN(800))
	r := &inference.Record{
		ID: idAt(at), Time: at, Principal: inference.Principal{Name: name, Kind: "USER", KeyID: name + "-laptop", KeyTags: map[string]string{"team": fmt.Sprint("team", who%7)}},
		Target:  inference.Target{Endpoint: "chat", EndpointID: "e-1", ServedEntity: "gpt", ServedEntityID: "s-1", Provider: "openai", Model: "gpt-5-mini", Task: "llm/v1/chat"},
		APIType: "openai/v1/chat/completions", URL: "/v1/chat/completions", RequestedModel: "chat", ClientRequestID: fmt.Sprintf("c-%d", rng.Uint64()),
		UsageContext: map[string]string{"user": name, "project": fmt.Sprint("p", who%13)}, UserAgent: "python of " + name, RemoteIP: fmt.Sprintf("10.0.%d.%d", who/250, who%250),
		Status: 200, Outcome: inference.OK, Latency: time.Duration(rng.IntN(3000)) * time.Millisecond,
		Usage: inference.Usage{Source: inference.UsageProvider, Input: &in, Output: &out},
		Cost:  &inference.Cost{NanoUSD: in*150 + out*600, PriceVersion: "2026-11"},
	}
	if rng.Float64() < s.o.payloads {
		var text strings.Builder
		for range 40 + rng.IntN(80) {
			text.WriteString(words[rng.IntN(len(words))] + " ")
		}
		r.Payload = inference.Payload{
			Table: "ai.logs.chat_payload", SamplingFraction: 1,
			Request:  fmt.Appendf(nil, `{"model":"chat","user":%q,"messages":[{"role":"user","content":"I am %s, %s"}]}`, name, name, &text),
			Response: fmt.Appendf(nil, `{"choices":[{"message":{"role":"assistant","content":"Dear %s, %s"}}]}`, name, &text),
		}
	}
	return r
}

// idAt is a request id of a time.
func idAt(at time.Time) inference.ID {
	id := uuid.Must(uuid.NewV7())
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}

// startTraffic has everybody call on, the person too, through admit and finish.
func (s *stage) startTraffic() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopTraffic = stop
	for i, g := range s.gateways {
		s.traffic.Go(func() {
			rng := rand.New(rand.NewPCG(2, uint64(i)))
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				<-tick.C
				who := 1 + rng.IntN(s.o.people-1)
				if s.later.Load() > 0 && rng.IntN(50) == 0 {
					who = 0
				}
				r := s.record(rng, who, time.Now().UTC())
				if t, err := g.w.Admit(r); err == nil && g.w.Finish(t, r, false) == nil {
					s.calls.Add(1)
					if who == 0 {
						s.later.Add(1)
					}
				}
			}
		})
	}
}

func (s *stage) endTraffic() {
	s.stopTraffic()
	s.traffic.Wait()
}
