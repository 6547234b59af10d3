package rollouts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/rollout"
)

var errAway = errors.New("no route to host")

// lake is a store that takes its time, so that writers race, and that can be away for one gateway.
type lake struct {
	objstore.Store
	away atomic.Bool
}

func (l *lake) wait(ctx context.Context) error {
	time.Sleep(time.Duration(20+rand.IntN(200)) * time.Millisecond)
	if l.away.Load() {
		return errAway
	}
	return ctx.Err()
}

func (l *lake) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if err := l.wait(ctx); err != nil {
		return nil, objstore.Info{}, err
	}
	return l.Store.Get(ctx, key)
}

func (l *lake) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	if err := l.wait(ctx); err != nil {
		return objstore.Info{}, err
	}
	return l.Store.Create(ctx, key, data)
}

func (l *lake) Replace(ctx context.Context, key, etag string, data []byte) (objstore.Info, error) {
	if err := l.wait(ctx); err != nil {
		return objstore.Info{}, err
	}
	return l.Store.Replace(ctx, key, etag, data)
}

func (l *lake) Delete(ctx context.Context, key string) error {
	if err := l.wait(ctx); err != nil {
		return err
	}
	return l.Store.Delete(ctx, key)
}

// witness is a store that checks each change of a rollout's document.
type witness struct {
	objstore.Store
	t        *testing.T
	rollout  *endpoint.Rollout
	mu       sync.Mutex
	replaced int
	refused  int // lost races
}

func (w *witness) Replace(ctx context.Context, key, etag string, data []byte) (objstore.Info, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, _, _ := w.Store.Get(ctx, key)
	info, err := w.Store.Replace(ctx, key, etag, data)
	if err != nil {
		w.refused++
		return info, err
	}
	w.replaced++
	var was, is rollout.State
	if err := errors.Join(json.Unmarshal(old, &was), json.Unmarshal(data, &is)); err != nil {
		w.t.Error(err)
	}
	w.check(&was, &is)
	return info, nil
}

// check finds steps without evidence. What the replaced document said, and what its writer added, must
// be enough for them.
func (w *witness) check(was, is *rollout.State) {
	if is.Turn == was.Turn && was.Status == rollout.Stopped && is.Status != rollout.Stopped {
		w.t.Errorf("a stop was undone: %+v", is)
	}
	if is.Since.Before(was.Since) && is.Turn >= was.Turn {
		w.t.Errorf("it went back in time: %+v, then %+v", was, is)
	}
	forward := is.Status == rollout.Done && was.Status != rollout.Done || is.Stage > was.Stage
	if !forward {
		return
	}
	if is.Stage > was.Stage+1 {
		w.t.Errorf("it jumped from stage %d to %d", was.Stage, is.Stage)
	}
	var calls, stageCalls int64
	for _, c := range was.Counts {
		calls += c.Target.Calls
	}
	if _, err := fmt.Sscanf(is.Why, fmt.Sprintf("stage %d went well: %%d calls", was.Stage+1), &stageCalls); err != nil {
		w.t.Errorf("why %q: %v", is.Why, err)
	}
	if stageCalls < w.rollout.Stop.MinCalls || stageCalls < calls {
		w.t.Errorf("stage %d ended after %d calls, of which %d were written down", was.Stage+1, stageCalls, calls)
	}
}

// logged is a log that is read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// member is one gateway.
type member struct {
	t      *testing.T
	name   string
	store  *lake
	table  *rollout.Table
	keeper *Keeper
	skew   time.Duration
	log    *logged
	file   string
	mu     sync.Mutex
	audit  []*inference.Audit
	ends   context.CancelFunc
	ended  chan struct{}

	calls, target int // made, and of these at the target
}

func testEndpoint(t *testing.T, change ...func(*endpoint.Endpoint)) *endpoint.Endpoint {
	t.Helper()
	at, err := url.Parse("http://up.example/v1")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint.Endpoint{
		Name: "chat", Task: endpoint.Chat, Weights: []int{100, 0},
		Entities: []*endpoint.Entity{{Name: "old", BaseURL: at}, {Name: "new", BaseURL: at}},
		Rollout: &endpoint.Rollout{
			Target: 1,
			Stages: []endpoint.RolloutStage{{Traffic: 5_00, For: 10 * time.Minute}, {Traffic: 50_00, For: 10 * time.Minute}},
			Stop:   endpoint.RolloutBounds{ErrorShare: 0.05, MinCalls: 50},
		},
	}
	for _, c := range change {
		c(e)
	}
	return e
}

func catalog(t *testing.T, all ...*endpoint.Endpoint) *endpoint.Catalog {
	t.Helper()
	c, err := endpoint.NewCatalog(all)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newMember starts a gateway whose clock is wrong by skew.
func newMember(t *testing.T, name string, store objstore.Store, e *endpoint.Endpoint, skew time.Duration) *member {
	m := &member{t: t, name: name, skew: skew, store: &lake{Store: store}, log: &logged{}, file: filepath.Join(t.TempDir(), "rollouts.json")}
	m.start(catalog(t, e))
	return m
}

// start makes the gateway's process.
func (m *member) start(c *endpoint.Catalog) {
	logger := slog.New(slog.NewTextHandler(m.log, nil))
	m.table = rollout.NewTable(logger)
	m.table.Configure(c)
	k := New(Deps{
		Docs: state.New(m.store), Table: m.table, Gateway: m.name, Copy: m.file, Logger: logger,
		Has: func(name string) bool { _, ok := c.Lookup(name); return ok },
		Record: func(a *inference.Audit) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.audit = append(m.audit, a)
			return nil
		},
		Now: func() time.Time { return time.Now().Add(m.skew) },
	})
	m.keeper = k
	ctx, cancel := context.WithCancel(context.Background())
	m.ends, m.ended = cancel, make(chan struct{})
	go func() {
		defer close(m.ended)
		k.Run(ctx)
	}()
}

// kill ends the gateway's process.
func (m *member) kill() {
	m.ends()
	<-m.ended
}

func (m *member) track() *rollout.Track { return m.table.All()[0] }

// call makes one call, whose result at the target is given.
func (m *member) call(atTarget rollout.Result) {
	k := m.track()
	s := k.Split()
	c := rollout.Call{Target: s.Takes(rand.Uint32()), Result: rollout.Answered, Latency: time.Second}
	m.calls++
	if c.Target {
		m.target++
		c.Result = atTarget
	}
	k.Note(s, c)
}

// serve makes calls for d, one every 50 ms.
func (m *member) serve(d time.Duration, atTarget func() rollout.Result) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		m.call(atTarget())
	}
}

func fine() rollout.Result   { return rollout.Answered }
func broken() rollout.Result { return rollout.Failed }

func (m *member) status() string {
	v := m.track().View(time.Now())
	return fmt.Sprintf("%s %d", v.Status, v.Stage)
}

func (m *member) actions() string {
	all := make([]string, len(m.audit))
	for i, a := range m.audit {
		all[i] = a.Action
	}
	return strings.Join(all, " ")
}

func newWitness(t *testing.T, e *endpoint.Endpoint) *witness {
	return &witness{Store: memstore.New(), t: t, rollout: e.Rollout}
}
