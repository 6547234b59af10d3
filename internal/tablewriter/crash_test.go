package tablewriter

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
)

// childEnv makes the test binary a gateway's worth of requests instead: its value is an order.
const childEnv = "LAKEGATE_TABLEWRITER_CHILD"

// order says what a child process does and where it dies.
type order struct {
	Dir   string
	Point string // fail point at which it dies
	Hits  int64  // when it gets there for this time
}

// died is the exit code of a child that came to its fail point.
const died = 77

// runChild sends requests until it dies. It prints "A id" when a request was admitted and "F id" when it
// was finished or recorded, each only after it was acknowledged. It never returns.
func runChild() {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &o); err != nil {
		panic(err)
	}
	var hits atomic.Int64
	point := func(name string) {
		if name == o.Point && hits.Add(1) == o.Hits {
			os.Exit(died)
		}
	}
	fmt.Println("error", o.work(point))
	os.Exit(1)
}

func (o order) work(point func(string)) error {
	files, err := fsstore.Open(filepath.Join(o.Dir, "lake"))
	if err != nil {
		return err
	}
	cfg := crashConfig(o.Dir)
	cfg.Store = &dyingStore{Store: files, Local: files, point: point, dir: o.Dir}
	cfg.FailPoint = point
	w, err := Open(context.Background(), cfg, testFeeds(), quiet)
	if err != nil {
		return err
	}
	var out sync.Mutex
	say := func(what string, r *inference.Record) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf("%s %s\n", what, r.ID)
	}
	// One request stays open all the time, as a long stream does.
	long := request("long")
	if _, err := w.Admit(long); err != nil {
		return err
	}
	say("A", long)
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				if err := o.request(w, g, i, say); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	return <-errs
}

// request sends one request of goroutine g through the Writer.
func (o order) request(w *Writer, g, i int, say func(string, *inference.Record)) error {
	strict := g > 0 || i%8 == 0 // one goroutine is mostly relaxed, but leaves the others their turns
	payload := ""
	if i%3 > 0 {
		payload = strings.Repeat("word ", i*13%400) + "."
	}
	r := request(payload)
	r.Time = day.AddDate(0, 0, i%2)
	if i%7 == 6 {
		if err := w.Record(answered(r, 1), strict); err != nil {
			return err
		}
		say("F", r)
		return nil
	}
	ticket, err := w.Admit(r)
	if err != nil {
		return err
	}
	say("A", r)
	if err := w.Finish(ticket, answered(r, 1), strict); err != nil {
		return err
	}
	say("F", r)
	return nil
}

// crashConfig rotates, lands and looks for long requests all the time.
func crashConfig(dir string) Config {
	cfg := DefaultConfig(dir)
	cfg.SegmentBytes, cfg.FileBytes, cfg.FlushInterval, cfg.SyncInterval = 32<<10, 256<<10, 20*time.Millisecond, time.Millisecond
	cfg.ReserveBytes = 1 << 20
	return cfg
}

// dyingStore is a store whose writes have fail points.
type dyingStore struct {
	objstore.Store
	objstore.Local
	point func(string)
	dir   string
}

func (s *dyingStore) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	path := s.LocalPath(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return objstore.Info{}, err
	}
	half := filepath.Join(filepath.Dir(path), ".tmp-half")
	if err := os.WriteFile(half, data[:len(data)/2], 0o600); err != nil {
		return objstore.Info{}, err
	}
	s.point("half a file put")
	if err := os.Remove(half); err != nil {
		return objstore.Info{}, err
	}
	return s.Store.Put(ctx, key, data)
}

func (s *dyingStore) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	s.point("commit not sent")
	info, err := s.Store.Create(ctx, key, data)
	s.point("commit sent, answer not seen")
	return info, err
}

// acked is what children said.
type acked struct{ admitted, finished map[string]bool }

func newAcked() *acked { return &acked{map[string]bool{}, map[string]bool{}} }

// run runs a child to its end, or kills it after a number of lines, and notes what it said.
func (a *acked) run(t *testing.T, o order, killAfter int) (code int) {
	t.Helper()
	text, err := json.Marshal(o)
	must(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewReader(out)
	for i := 1; ; i++ {
		if i == killAfter {
			must(t, cmd.Process.Kill())
		}
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		must(t, err)
		what, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch what {
		case "A":
			a.admitted[id] = true
		case "F":
			a.finished[id] = true
		default:
			t.Errorf("child: %s", line)
		}
	}
	_ = cmd.Wait() // the exit code tells
	return cmd.ProcessState.ExitCode()
}

// check compares the tables with what the children said: every admitted request is one row, every
// finished one a row with its outcome. Rows that were not acknowledged are allowed, once.
func (a *acked) check(t *testing.T, src source) {
	t.Helper()
	s, err := src.Snapshot(context.Background(), []string{usageTable})
	if errors.Is(err, ErrNoTable) && len(a.admitted)+len(a.finished) == 0 {
		return // the child died before it did anything
	}
	must(t, err)
	defer s.Release()
	ids := column(t, s.Tables[usageTable], IDColumn)
	outcomes := column(t, s.Tables[usageTable], "outcome")
	if _, odd := counts(ids); odd != "" {
		t.Errorf("rows that are there more than once: %s", odd)
	}
	outcome := map[string]string{}
	for i, id := range ids {
		outcome[id] = outcomes[i]
	}
	lost := 0
	for id := range a.admitted {
		if outcome[id] == "" {
			lost++
		}
	}
	for id := range a.finished {
		if outcome[id] != "ok" {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d admitted and %d finished requests are lost or have another outcome", lost, len(a.admitted), len(a.finished))
	}
}

// examine checks a folder whose child died, as it is.
func (a *acked) examine(t *testing.T, dir string) {
	t.Helper()
	if rep := verified(t, crashConfig(dir)); !rep.OK() {
		t.Errorf("verify before recovery: %+v", rep)
	}
	r, err := OpenReader(context.Background(), crashConfig(dir), testFeeds(), quiet)
	must(t, err)
	defer r.Close()
	a.check(t, r)
}

// recovered checks the folder after a Writer has recovered it, twice.
func (a *acked) recovered(t *testing.T, dir string) {
	t.Helper()
	for range 2 {
		cfg := crashConfig(dir)
		cfg.FlushInterval = time.Hour
		w := mustOpen(t, cfg)
		must(t, w.Flush(t.Context()))
		a.check(t, w)
		mustClose(t, w)
		rep := verified(t, cfg)
		if !rep.OK() || rep.Pending != 0 || rep.Lost+rep.Duplicates+rep.Losses != 0 {
			t.Errorf("verify after recovery: %+v", rep)
		}
	}
}

// A process that dies at any point of a row's way loses nothing and doubles nothing.
func TestCrashPoints(t *testing.T) {
	points := []struct {
		name string
		hits int64 // the most of a run
	}{
		{"segment created", 3},
		{"admitted", 300},
		{"finished", 300},
		{"sync", 30},
		{"sealed", 3},
		{"half a file put", 6},
		{"file stored", 6},
		{"files stored", 3},
		{"commit not sent", 5},
		{"commit sent, answer not seen", 5},
		{"committed", 4},
		{"ledger written", 2},
		{"carried", 1},
		{"dropped", 2},
		{"crash row appended", 1},
	}
	for _, p := range points {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rnd := rand.New(rand.NewPCG(seed, 0))
			dir, a, deaths := t.TempDir(), newAcked(), 0
			for _, hits := range []int64{1 + rnd.Int64N(p.hits), 1 + rnd.Int64N(p.hits), 1} {
				// A child that does not come to the point that often is killed in the end.
				switch code := a.run(t, order{dir, p.name, hits}, 6000); code {
				case died:
					deaths++
				case -1:
				default:
					t.Fatalf("child ended with code %d", code)
				}
			}
			a.examine(t, dir)
			a.recovered(t, dir)
			t.Logf("%d deaths, %d admitted, %d finished", deaths, len(a.admitted), len(a.finished))
			if deaths == 0 {
				t.Error("no child came to the point")
			}
		})
	}
}

// A process that is killed at any moment loses nothing and doubles nothing.
func TestKilledProcess(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	dir, a := t.TempDir(), newAcked()
	for range 12 {
		if code := a.run(t, order{Dir: dir}, 2+rnd.IntN(600)); code != -1 {
			t.Fatalf("child ended with code %d instead of being killed", code)
		}
		a.examine(t, dir)
		if t.Failed() {
			return
		}
	}
	a.recovered(t, dir)
	t.Logf("%d admitted, %d finished", len(a.admitted), len(a.finished))
}
