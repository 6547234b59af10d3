package forget

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// keeper compacts the lake's tables, again and again, until stop.
func (l *lake) keeper() (stop func() (compactions int)) {
	l.t.Helper()
	payload, err := inferencetables.NewTable("ai.logs.chat_payload")
	must(l.t, err)
	tables := []*tableschema.Table{systemtables.EndpointUsage(), payload}
	cfg := maintain.DefaultConfig()
	cfg.MinFiles, cfg.Share = 2, 1
	k, err := maintain.New(cfg, l.store, state.New(l.store), func() []*tableschema.Table { return tables }, quiet)
	must(l.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	n := 0
	work.Go(func() {
		for ctx.Err() == nil {
			for _, t := range tables {
				r, err := k.Compact(ctx, t, maintain.CompactOptions{Full: true})
				n += r.Groups
				if err != nil && ctx.Err() == nil && !errors.Is(err, maintain.ErrConflicts) {
					l.t.Errorf("compact: %v", err)
				}
			}
		}
	})
	return func() int {
		cancel()
		work.Wait()
		return n
	}
}

// Two gateways write, a keeper compacts and three subjects are forgotten, all at once: each row goes
// or stays exactly once.
func TestForgetBesideWritersAndCompaction(t *testing.T) {
	l := newLake(t)
	l.gateway()
	l.gateway()
	l.fill()
	stop := l.keeper()
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	var made [2]int
	for i, g := range l.gateways {
		work.Go(func() {
			for ctx.Err() == nil {
				g.call(person{bob, map[string]string{"team": "b"}}, "meanwhile")
				if made[i]++; made[i]%5 == 0 {
					must(t, g.w.Flush(context.Background()))
				}
				_ = sleep(ctx, time.Millisecond)
			}
		})
	}
	for _, s := range []Subject{{Requester: alice}, {TagKey: "team", TagValue: "a"}} {
		wantClean(t, l.forget(s, Options{}))
	}
	wantClean(t, l.forget(Subject{Requester: alice}, Options{Mode: Anonymize}))
	cancel()
	work.Wait()
	if n := stop(); n == 0 {
		t.Error("nothing was compacted meanwhile")
	}
	for _, g := range l.gateways {
		must(t, g.w.Flush(context.Background()))
	}
	want := 2*13 + made[0] + made[1]
	for _, table := range []string{usageTable, payloadTable} {
		if v := l.values(table, "requester"); len(v) != want || count(v, bob) != want {
			t.Errorf("%s has %d rows, %d of his, want %d", table, len(v), count(v, bob), want)
		}
	}
	l.noBytes(alice)
	l.verify()
}

// Files that a compaction made of two gateways' rows: whose rows were erased cannot be told, and the
// books are right all the same.
func TestForgetInCompactedFiles(t *testing.T) {
	l := newLake(t)
	l.gateway()
	l.gateway()
	l.fill()
	for _, g := range l.gateways {
		must(t, g.w.Flush(t.Context()))
	}
	stop := l.keeper()
	deadline := time.Now().Add(20 * time.Second)
	for len(l.files(usageTable)) > 1 || len(l.files(payloadTable)) > 1 {
		if time.Now().After(deadline) {
			t.Fatal("not compacted")
		}
	}
	stop()
	wantClean(t, l.forget(Subject{Requester: alice}, Options{Mode: Anonymize}))
	wantClean(t, l.forget(Subject{Requester: bob}, Options{}))
	if v := l.values(usageTable, "requester"); count(v, "NULL") != 26 || len(v) != 26 {
		t.Errorf("requesters %v", v)
	}
	l.noBytes(alice)
	l.noBytes(bob)
	l.verify()
}
