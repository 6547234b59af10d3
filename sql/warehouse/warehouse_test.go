package warehouse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// fakeMark makes the test binary a worker without an engine, which does what the text says.
const fakeMark = "run-as-fake-worker"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == fakeMark {
		fakeWorker()
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == "refuse-to-start" {
		fmt.Fprintln(os.Stderr, "no engine today")
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func fakeWorker() {
	conn := protocol.NewConn(os.Stdin, os.Stdout)
	if m, err := conn.Receive(); err != nil || m.Init == nil {
		return
	}
	_ = conn.Send(&protocol.Message{Ready: &protocol.Ready{Engine: "fake"}})
	for {
		m, err := conn.Receive()
		if err != nil {
			return
		}
		if m.Query != nil {
			fakeQuery(conn, m.Query)
		}
	}
}

func fakeQuery(conn *protocol.Conn, q *protocol.Query) {
	send := func(m *protocol.Message) { _ = conn.Send(m) }
	word, rest, _ := strings.Cut(q.SQL, " ")
	switch word {
	case "hang":
		select {}
	case "die":
		fmt.Fprintln(os.Stderr, "fatal: out of memory")
		os.Exit(3)
	case "garbage":
		fmt.Println("this is no frame at all, and it is long enough to be read as one")
		select {}
	case "silence":
		os.Stdout.Close()
		select {}
	case "nonsense":
		send(&protocol.Message{})
		select {}
	case "fail":
		send(&protocol.Message{Failure: &protocol.Failure{Class: protocol.Class(rest), Message: "it failed"}})
	case "need":
		send(&protocol.Message{Need: needOf(strings.Fields(rest)...)})
		fakeTables(conn)
	case "unreadable": // after the columns, or after a row
		send(&protocol.Message{Need: needOf("a.b.c")})
		_, _ = conn.Receive()
		send(&protocol.Message{Columns: &protocol.Columns{Columns: []protocol.Column{{Name: "c"}}}})
		if rest == "late" {
			send(&protocol.Message{Rows: &protocol.Rows{Rows: [][]*string{{&rest}}}})
		}
		send(&protocol.Message{Failure: &protocol.Failure{Class: protocol.Internal, Message: "a data file could not be read", Unreadable: true}})
	case "greedy":
		send(&protocol.Message{Need: needOf("a.b.c")})
		send(&protocol.Message{Need: needOf("a.b.c")})
		select {}
	case "ask":
		for i := range len(strings.Fields(rest)) {
			send(&protocol.Message{Ask: &protocol.Ask{ID: uint64(i), Endpoint: "e", Prompt: strings.Fields(rest)[i]}})
		}
		fakeAnswers(conn, len(strings.Fields(rest)))
	default:
		reply(conn, q.SQL, q.User, fmt.Sprint(len(q.Readable)), q.Catalog+"."+q.Schema)
	}
}

func fakeTables(conn *protocol.Conn) {
	m, err := conn.Receive()
	if err != nil {
		return
	}
	if m.Failure != nil {
		_ = conn.Send(&protocol.Message{Failure: m.Failure})
		return
	}
	var files []string
	for _, t := range m.Tables.Scans {
		for _, f := range t.Files {
			p := "NULL"
			if f.Partition != nil {
				p = *f.Partition
			}
			files = append(files, f.Path+"@"+p)
		}
	}
	reply(conn, files...)
}

func fakeAnswers(conn *protocol.Conn, n int) {
	got := make([]string, n)
	for range n {
		m, err := conn.Receive()
		if err != nil || m.Answer == nil {
			return
		}
		got[m.Answer.ID] = m.Answer.Text + m.Answer.Error
	}
	reply(conn, got...)
}

// needOf asks for the files of tables.
func needOf(names ...string) *protocol.Need {
	n := &protocol.Need{}
	for _, name := range names {
		n.Scans = append(n.Scans, protocol.Scan{Name: name})
	}
	return n
}

// reply answers one row.
func reply(conn *protocol.Conn, cells ...string) {
	row, cols := make([]*string, len(cells)), make([]protocol.Column, len(cells))
	for i := range cells {
		row[i], cols[i] = &cells[i], protocol.Column{Name: fmt.Sprint(i), TypeName: "STRING"}
	}
	_ = conn.Send(&protocol.Message{Columns: &protocol.Columns{Columns: cols}})
	_ = conn.Send(&protocol.Message{Rows: &protocol.Rows{Rows: [][]*string{row}}})
	_ = conn.Send(&protocol.Message{Done: &protocol.Done{Rows: 1}})
}

// source has one table of two files.
type source struct {
	held     atomic.Int64
	fail     error
	rechecks atomic.Int64
}

func (s *source) Tables() []*tableschema.Table {
	n, err := tableschema.ParseName("a.b.c")
	if err != nil {
		panic(err)
	}
	return []*tableschema.Table{{Name: n, PartitionBy: "d"}}
}

func (s *source) Snapshot(context.Context, []warehouse.Request) (warehouse.Snapshot, error) {
	if s.fail != nil {
		return warehouse.Snapshot{}, s.fail
	}
	s.held.Add(1)
	var once sync.Once
	return warehouse.Snapshot{
		Recheck: func(context.Context) (bool, error) { s.rechecks.Add(1); return true, nil },
		Tables:  []warehouse.Table{{Schema: s.Tables()[0], Files: []warehouse.File{{Path: "/1", Partition: map[string]string{"d": "2026-11-20"}}, {Path: "/2"}}}},
		Release: func() { once.Do(func() { s.held.Add(-1) }) },
	}, nil
}

func (s *source) History(context.Context, string, int) ([]warehouse.Commit, error) {
	return nil, s.fail
}

func (s *source) Detail(context.Context, string) (*warehouse.Detail, error) { return nil, s.fail }

type askerFunc func(ctx context.Context, prompt string) (string, error)

func (f askerFunc) Ask(ctx context.Context, _ inference.Principal, _, prompt string, _ json.RawMessage) (string, error) {
	return f(ctx, prompt)
}

func config(t testing.TB) warehouse.Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := warehouse.DefaultConfig()
	cfg.Command, cfg.Dirs, cfg.ScratchDir, cfg.Workers = []string{self, fakeMark}, []string{t.TempDir()}, t.TempDir(), 1
	return cfg
}

func open(t testing.TB, cfg warehouse.Config, src warehouse.Source, a warehouse.Asker) *warehouse.Warehouse {
	t.Helper()
	w, err := warehouse.New(cfg, src, a, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func run(w *warehouse.Warehouse, sql string, timeout time.Duration) (string, error) {
	r, err := w.Query(context.Background(), warehouse.Query{
		SQL: sql, Allow: func(string) bool { return true }, Timeout: timeout, Principal: inference.Principal{Name: "alice"},
	})
	if err != nil {
		return "", err
	}
	var cells []string
	for _, c := range r.Rows[0] {
		cells = append(cells, *c)
	}
	return strings.Join(cells, "|"), nil
}

func TestQuery(t *testing.T) {
	src := &source{}
	w := open(t, config(t), src, nil)
	// One table, and the two billing views, which need none.
	if got, err := run(w, "hello", 0); err != nil || got != "hello|alice|3|system.serving" {
		t.Errorf("got %q %v", got, err)
	}
	if got, err := run(w, "need a.b.c", 0); err != nil || got != "/1@2026-11-20|/2@NULL" {
		t.Errorf("got %q %v", got, err)
	}
	if n := src.held.Load(); n != 0 {
		t.Errorf("%d snapshots are still held", n)
	}
	if err := w.Ready(); err != nil {
		t.Error(err)
	}
}

// TestBadWorkers has workers that do everything wrong. Each time the caller gets an error, and the
// next query a worker that works.
func TestBadWorkers(t *testing.T) {
	src := &source{}
	w := open(t, config(t), src, nil)
	for sql, want := range map[string]protocol.Class{
		"hang":          protocol.Timeout,
		"die":           protocol.Memory,
		"garbage":       protocol.Internal,
		"silence":       protocol.Memory,
		"nonsense":      protocol.Internal,
		"greedy":        protocol.Internal,
		"need x.y.z":    protocol.NotFound,
		"ask something": protocol.Internal, // there is no one to ask
		"fail syntax":   protocol.Syntax,
		"fail whatever": "whatever",
	} {
		t.Run(sql, func(t *testing.T) {
			timeout := time.Duration(0)
			if sql == "hang" {
				timeout = time.Millisecond
			}
			_, err := run(w, sql, timeout)
			var public *apierr.Error
			if !errors.As(err, &public) || warehouse.ClassOf(err) != want {
				t.Errorf("got %v of class %q, want %q", err, warehouse.ClassOf(err), want)
			}
			if got, err := run(w, "hello", 0); err != nil || !strings.HasPrefix(got, "hello|") {
				t.Errorf("the next query: %q %v", got, err)
			}
			if n := src.held.Load(); n != 0 {
				t.Errorf("%d snapshots are still held", n)
			}
		})
	}
}

func TestSnapshotError(t *testing.T) {
	w := open(t, config(t), &source{fail: errors.New("disk on fire")}, nil)
	_, err := run(w, "need a.b.c", 0)
	if warehouse.ClassOf(err) != protocol.Internal || strings.Contains(err.Error(), "fire") {
		t.Errorf("got %v", err)
	}
}

// TestUnreadable has files that cannot be read, though every check repairs them: a query is tried twice,
// once when the caller has rows already.
func TestUnreadable(t *testing.T) {
	src := &source{}
	w := open(t, config(t), src, nil)
	for sql, tries := range map[string]int64{"unreadable early": 2, "unreadable late": 1} {
		before := src.rechecks.Load()
		_, err := run(w, sql, 0)
		if warehouse.ClassOf(err) != protocol.Internal || src.rechecks.Load()-before != tries {
			t.Errorf("%s: %d tries, %v", sql, src.rechecks.Load()-before, err)
		}
	}
	if s := w.Stats(); s.Unreadable != 3 || s.Reruns != 1 || src.held.Load() != 0 {
		t.Errorf("%+v, %d held", s, src.held.Load())
	}
}

func TestAsk(t *testing.T) {
	w := open(t, config(t), &source{}, askerFunc(func(_ context.Context, prompt string) (string, error) {
		if prompt == "no" {
			return "", apierr.New(apierr.RequestLimit, "slow down").Because(errors.New("internal detail"))
		}
		return strings.ToUpper(prompt), nil
	}))
	if got, err := run(w, "ask a no b", 0); err != nil || got != "A|slow down|B" {
		t.Errorf("got %q %v", got, err)
	}
}

// TestAskLimit has a worker that asks for more than it may: the worker is not trusted with that.
func TestAskLimit(t *testing.T) {
	cfg := config(t)
	cfg.AICalls = 2
	w := open(t, cfg, &source{}, askerFunc(func(_ context.Context, prompt string) (string, error) { return prompt, nil }))
	if _, err := run(w, "ask a b c", 0); warehouse.ClassOf(err) != protocol.Internal {
		t.Errorf("got %v", err)
	}
}

// TestSinkError has a sink that fails in the middle: its error comes back, the worker goes.
func TestSinkError(t *testing.T) {
	w := open(t, config(t), &source{}, nil)
	full := errors.New("disk full")
	_, err := w.Stream(t.Context(), warehouse.Query{SQL: "hello"}, failingSink{full})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, err := run(w, "hello", 0); err != nil {
		t.Errorf("the next query: %v", err)
	}
	if s := w.Stats(); s.Kills != 1 {
		t.Errorf("%d workers were killed, want 1", s.Kills)
	}
}

type failingSink struct{ err error }

func (failingSink) Columns([]warehouse.Column) error { return nil }

func (s failingSink) Rows([][]*string) error { return s.err }

func TestTooLongText(t *testing.T) {
	w := open(t, config(t), &source{}, nil)
	if _, err := run(w, strings.Repeat("x", 70<<10), 0); warehouse.ClassOf(err) != protocol.TooLarge {
		t.Errorf("got %v", err)
	}
	long := strings.Repeat("x", 2<<20)
	if _, err := w.Query(t.Context(), warehouse.Query{SQL: "hello", Params: []warehouse.Param{{Name: "p", Value: &long}}}); warehouse.ClassOf(err) != protocol.TooLarge {
		t.Errorf("got %v", err)
	}
	if _, err := run(w, "\xff", 0); warehouse.ClassOf(err) != protocol.Refused {
		t.Errorf("got %v", err)
	}
}

// TestClose closes under running and waiting queries: all of them end.
func TestClose(t *testing.T) {
	w := open(t, config(t), &source{}, nil)
	if _, err := run(w, "hello", 0); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := run(w, "hang", 0)
			errs <- err
		}()
	}
	for w.Stats().Running == 0 {
		runtime.Gosched()
	}
	w.Close()
	for range 3 {
		if err := <-errs; warehouse.ClassOf(err) != protocol.Busy {
			t.Errorf("got %v", err)
		}
	}
	w.Close() // twice is fine
	if _, err := run(w, "hello", 0); warehouse.ClassOf(err) != protocol.Busy {
		t.Errorf("after the end: %v", err)
	}
}

func TestWaitingHasABound(t *testing.T) {
	cfg := config(t)
	cfg.MaxWaiting = 1
	w := open(t, cfg, &source{}, nil)
	if _, err := run(w, "hello", 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	hang := func() {
		_, err := w.Query(ctx, warehouse.Query{SQL: "hang"})
		if c := warehouse.ClassOf(err); c != protocol.Cancelled {
			t.Errorf("got %v", err)
		}
	}
	wg.Go(hang)
	for w.Stats().Running == 0 {
		runtime.Gosched()
	}
	wg.Go(hang)
	for w.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	if _, err := run(w, "hello", 0); warehouse.ClassOf(err) != protocol.Busy {
		t.Errorf("got %v", err)
	}
	cancel()
	wg.Wait()
}

func TestNoWorker(t *testing.T) {
	cfg := config(t)
	cfg.Command[1] = "refuse-to-start"
	cfg.Timeout = 300 * time.Millisecond
	w := open(t, cfg, &source{}, nil)
	if _, err := run(w, "hello", 0); warehouse.ClassOf(err) != protocol.Internal {
		t.Errorf("got %v", err)
	}
	if err := w.Ready(); err == nil || !strings.Contains(err.Error(), "no engine today") {
		t.Errorf("got %v", err)
	}
}

func TestFolders(t *testing.T) {
	for _, dir := range []string{"/there/is/no/such/folder", t.TempDir() + "/a*b"} {
		cfg := config(t)
		cfg.Dirs = []string{dir}
		if w, err := warehouse.New(cfg, &source{}, nil, slog.New(slog.DiscardHandler)); err == nil {
			w.Close()
			t.Errorf("%s was taken", dir)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := config(t).Validate(); err != nil {
		t.Error(err)
	}
	err := warehouse.Config{}.Validate()
	for _, want := range []string{"no command", "no folder", "workers is 0", "timeouts", "memory is 0", "no default catalog"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among the faults: %v", want, err)
		}
	}
}
