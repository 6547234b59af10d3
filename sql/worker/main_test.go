package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/sql/warehouse"
	"github.com/lakegate/lakegate/sql/worker"
)

// workerMark makes the test binary a worker, as the hidden command does of lakegate.
const workerMark = "run-as-sql-worker"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerMark {
		if err := worker.Main(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == probeMark {
		probe(os.Args[2])
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == parentMark {
		parent(os.Args[2])
	}
	goleak.VerifyTestMain(m)
}

// start opens a warehouse with real worker processes over a lake.
func start(t testing.TB, l *lake, change func(*warehouse.Config)) *warehouse.Warehouse {
	t.Helper()
	return startAsking(t, l, l, change)
}

// startWithout opens a warehouse that has no models to ask.
func startWithout(t testing.TB, l *lake) *warehouse.Warehouse {
	t.Helper()
	return startAsking(t, l, nil, nil)
}

func startAsking(t testing.TB, l *lake, asker warehouse.Asker, change func(*warehouse.Config)) *warehouse.Warehouse {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := warehouse.DefaultConfig()
	cfg.Command = []string{self, workerMark}
	cfg.Dirs = []string{l.dir + "/lake", l.dir + "/hot"}
	cfg.ScratchDir = t.TempDir()
	cfg.Workers = 1
	cfg.Threads = 1
	cfg.Timeout = 20 * time.Second
	if raceEnabled {
		cfg.AddressSpace = 0 // the race detector maps terabytes
	}
	if change != nil {
		change(&cfg)
	}
	w, err := warehouse.New(cfg, l, asker, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// ask runs a query of alice, who may read everything but what is in other.
func ask(w *warehouse.Warehouse, sql string, params ...warehouse.Param) (*warehouse.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return w.Query(ctx, warehouse.Query{
		SQL: sql, Params: params, Allow: notOther,
		Principal: inference.Principal{Name: "alice@example.com", Groups: []string{"analysts"}},
	})
}

func notOther(table string) bool { return len(table) < 6 || table[:6] != "other." }

// text renders a result as lines of cells with bars between.
func text(r *warehouse.Result) string {
	s := ""
	for _, row := range r.Rows {
		for i, c := range row {
			if i > 0 {
				s += "|"
			}
			if c == nil {
				s += "NULL"
			} else {
				s += *c
			}
		}
		s += "\n"
	}
	return s
}

// testLog passes the warehouse's log on to the test's, as long as the test runs.
func testLog(t testing.TB) *slog.Logger {
	w := &logWriter{t: t}
	t.Cleanup(w.stop)
	return slog.New(slog.NewTextHandler(w, nil))
}

type logWriter struct {
	mu sync.Mutex
	t  testing.TB
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t != nil {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}

func (w *logWriter) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = nil
}
