package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/inference"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		runChild()
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

// manual is a configuration that lands rows only when asked to.
func manual(dir string) Config {
	cfg := DefaultConfig(dir)
	cfg.FlushInterval = time.Hour
	cfg.ReserveBytes = 0
	return cfg
}

func mustOpen(t testing.TB, cfg Config, feeds ...Feed) *Writer {
	t.Helper()
	if feeds == nil {
		feeds = checkedFeeds(t)
	}
	w, err := Open(t.Context(), cfg, feeds, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(context.Background()) })
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustClose(t testing.TB, w *Writer) {
	t.Helper()
	must(t, w.Close(context.Background()))
}

// call admits and finishes one request.
func call(t testing.TB, w *Writer, payload string) *inference.Record {
	t.Helper()
	r := request(payload)
	ticket, err := w.Admit(r)
	must(t, err)
	r = answered(r, 7)
	must(t, w.Finish(ticket, r, false))
	return r
}

// source is what has snapshots: a Writer or a Reader.
type source interface {
	Snapshot(context.Context, []string) (*Snapshot, error)
}

// ids returns the ids of a table's rows, in files and hot files.
func ids(t testing.TB, src source, table string) []string {
	t.Helper()
	s, err := src.Snapshot(context.Background(), []string{table})
	must(t, err)
	defer s.Release()
	return column(t, s.Tables[table], IDColumn)
}

// column returns the values of one string column in every row.
func column(t testing.TB, s *TableSnapshot, name string) (values []string) {
	t.Helper()
	for _, f := range slices.Concat(s.Files, s.Hot) {
		file, err := os.Open(f.Path)
		must(t, err)
		n := len(values)
		err = datafile.ReadStrings(context.Background(), file, name, func(v string, null bool) error {
			if null {
				v = "NULL"
			}
			values = append(values, v)
			return nil
		})
		must(t, errors.Join(err, file.Close()))
		if int64(len(values)-n) != f.Rows {
			t.Fatalf("%s has %d rows and the snapshot says %d", f.Path, len(values)-n, f.Rows)
		}
	}
	return values
}

func sameIDs(t testing.TB, got []string, want ...*inference.Record) {
	t.Helper()
	var ids []string
	for _, r := range want {
		ids = append(ids, r.ID.String())
	}
	slices.Sort(ids)
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		t.Fatalf("%d rows, want %d\ngot  %v\nwant %v", len(got), len(ids), got, ids)
	}
}

func verified(t testing.TB, cfg Config) *Report {
	t.Helper()
	r, err := Verify(context.Background(), cfg, testFeeds(), quiet)
	must(t, err)
	return r
}

func TestRequestsBecomeRows(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	a, b := call(t, w, ""), call(t, w, "question")
	c := answered(request("refused"), 0)
	must(t, w.Record(c, true))
	must(t, w.Entity(&inference.EntityChange{Time: day, ServedEntityName: "gpt", ConfigVersion: 1}))

	check := func(step string, files, hot int) {
		t.Helper()
		s, err := w.Snapshot(t.Context(), []string{usageTable, payloadTable, entityTable})
		must(t, err)
		defer s.Release()
		usage, payload := s.Tables[usageTable], s.Tables[payloadTable]
		sameIDs(t, column(t, usage, IDColumn), a, b, c)
		sameIDs(t, column(t, payload, IDColumn), b, c)
		if got := column(t, s.Tables[entityTable], "name"); !slices.Equal(got, []string{"gpt"}) {
			t.Fatalf("%s: entities %v", step, got)
		}
		requests := column(t, payload, "request")
		slices.Sort(requests)
		if !slices.Equal(requests, []string{"question", "refused"}) {
			t.Fatalf("%s: requests %v", step, requests)
		}
		if len(usage.Files) != files || len(usage.Hot) != hot {
			t.Fatalf("%s: %d files and %d hot files, want %d and %d", step, len(usage.Files), len(usage.Hot), files, hot)
		}
		for _, f := range slices.Concat(usage.Files, usage.Hot) {
			if !maps.Equal(f.Partition, map[string]string{"request_date": "2026-11-20"}) {
				t.Fatalf("%s: partition %v", step, f.Partition)
			}
		}
	}
	must(t, w.Declare(t.Context(), newUsageFeed().table))
	must(t, w.Declare(t.Context(), newEntityFeed().table))
	must(t, w.Declare(t.Context(), newPayloadFeed().Table(inference.Fact{Record: b})))
	check("before the flush", 0, 1)
	must(t, w.Flush(t.Context()))
	check("after the flush", 1, 0)
	must(t, w.Flush(t.Context()))
	check("after a flush of nothing", 1, 0)
	if s := w.Stats(); s.Accepted != 4 || s.Landed != 6 || s.Admitted != 2 || s.Open != 0 || s.HotFiles != 0 || s.Segments != 1 || s.UnlandedBytes > 100 {
		t.Fatalf("stats %+v", s)
	}
	mustClose(t, w)

	w = mustOpen(t, cfg)
	check("after a restart", 1, 0)
	mustClose(t, w)
	r := verified(t, cfg)
	if !r.OK() || r.Accepted != 6 || r.Landed != 6 || r.Pending+r.Lost+r.Duplicates+r.Losses+r.Foreign != 0 || len(r.Tables) != 3 {
		t.Fatalf("verify: %+v", r)
	}
}

func TestCrashedRequestsBecomeRows(t *testing.T) {
	dir := t.TempDir()
	w := mustOpen(t, manual(dir))
	running := request("what was asked")
	_, err := w.Admit(running)
	must(t, err)
	silent := request("")
	_, err = w.Admit(silent)
	must(t, err)
	done := call(t, w, "")
	abandon(t, w)

	r, err := OpenReader(t.Context(), Config{Dir: dir}, testFeeds(), quiet)
	must(t, err)
	sameIDs(t, ids(t, r, usageTable), running, silent, done)
	must(t, r.Close())
	if rep := verified(t, manual(dir)); !rep.OK() || rep.Pending != 4 || rep.Accepted != 4 {
		t.Fatalf("verify before recovery: %+v", rep)
	}

	for range 2 { // the second start must not make them again
		w = mustOpen(t, manual(dir))
		sameIDs(t, ids(t, w, usageTable), running, silent, done)
		s, err := w.Snapshot(t.Context(), []string{usageTable, payloadTable})
		must(t, err)
		outcomes := column(t, s.Tables[usageTable], "outcome")
		slices.Sort(outcomes)
		if !slices.Equal(outcomes, []string{"crashed", "crashed", "ok"}) {
			t.Fatalf("outcomes %v", outcomes)
		}
		payload := s.Tables[payloadTable]
		if q, a := column(t, payload, "request"), column(t, payload, "response"); !slices.Equal(q, []string{"what was asked"}) || !slices.Equal(a, []string{"NULL"}) {
			t.Fatalf("payload %v %v", q, a)
		}
		s.Release()
		mustClose(t, w)
	}
	if rep := verified(t, manual(dir)); !rep.OK() || rep.Landed != 4 {
		t.Fatalf("verify: %+v", rep)
	}
}

// abandon ends a Writer as a kill would: nothing is landed or told. Only the lock is given back.
func abandon(t testing.TB, w *Writer) {
	t.Helper()
	w.closed.Store(true)
	w.stop()
	w.loop.Wait()
	w.lake.background.end()
	if w.lake.cache != nil {
		must(t, w.lake.cache.Close())
	}
	must(t, w.log.Close())
}

func TestTickets(t *testing.T) {
	w := mustOpen(t, manual(t.TempDir()))
	r := request("question")
	ticket, err := w.Admit(r)
	must(t, err)
	must(t, w.Finish(ticket, answered(r, 1), true))
	if err := w.Finish(ticket, answered(r, 1), false); !errors.Is(err, ErrTicketUsed) {
		t.Fatalf("second finish: %v", err)
	}
	never := answered(request(""), 1)
	must(t, w.Finish(Ticket{}, never, false))
	sameIDs(t, ids(t, w, usageTable), r, never)
}

func TestBodyThatChangedIsLoggedAgain(t *testing.T) {
	w := mustOpen(t, manual(t.TempDir()))
	late := request("") // not wanted at first
	changed, dropped, same := request("secret"), request("not wanted after all"), request("equal")
	var tickets []Ticket
	for _, r := range []*inference.Record{late, changed, dropped, same} {
		ticket, err := w.Admit(r)
		must(t, err)
		tickets = append(tickets, ticket)
	}
	late.Payload = inference.Payload{Table: payloadTable, Request: []byte("late")}
	changed.Payload.Request = []byte("masked")
	dropped.Payload.Table = ""
	same.Payload.Request = []byte("equal")
	for i, r := range []*inference.Record{late, changed, dropped, same} {
		must(t, w.Finish(tickets[i], answered(r, 1), false))
	}
	must(t, w.Flush(t.Context()))
	s, err := w.Snapshot(t.Context(), []string{payloadTable})
	must(t, err)
	defer s.Release()
	got := column(t, s.Tables[payloadTable], "request")
	slices.Sort(got)
	if !slices.Equal(got, []string{"equal", "late", "masked"}) {
		t.Fatalf("requests %q", got)
	}
}

// A request that runs through many flushes keeps its body, and does not keep the log.
func TestLongRequestIsCarried(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.SegmentBytes = 4096
	w := mustOpen(t, cfg)
	r := request("asked long ago")
	ticket, err := w.Admit(r)
	must(t, err)
	all := []*inference.Record{r}
	for range 3 * maxHeld {
		all = append(all, call(t, w, ""))
		must(t, w.Flush(t.Context()))
	}
	if s := w.Stats(); s.Segments > maxHeld+2 {
		t.Fatalf("one request holds %d segments", s.Segments)
	}
	must(t, w.Finish(ticket, answered(r, 1), false))
	sameIDs(t, ids(t, w, usageTable), all...)
	must(t, w.Flush(t.Context()))
	s, err := w.Snapshot(t.Context(), []string{payloadTable})
	must(t, err)
	if got := column(t, s.Tables[payloadTable], "request"); !slices.Equal(got, []string{"asked long ago"}) {
		t.Fatalf("request %q", got)
	}
	s.Release()
	if s := w.Stats(); s.Segments != 1 {
		t.Fatalf("%d segments are left", s.Segments)
	}
	mustClose(t, w)
	if rep := verified(t, cfg); !rep.OK() {
		t.Fatalf("verify: %+v", rep)
	}
}

func TestLongRequestThatCrashesAfterItWasCarried(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	r := request("asked long ago")
	_, err := w.Admit(r)
	must(t, err)
	all := []*inference.Record{r}
	for range 2 * maxHeld {
		all = append(all, call(t, w, ""))
		must(t, w.Flush(t.Context()))
	}
	abandon(t, w)
	w = mustOpen(t, cfg)
	sameIDs(t, ids(t, w, usageTable), all...)
	mustClose(t, w)
	if rep := verified(t, cfg); !rep.OK() {
		t.Fatalf("verify: %+v", rep)
	}
}

func TestHistoryGoesToItsDays(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	var all []*inference.Record
	for i := range 90 {
		r := answered(request("q"), 1)
		r.Time = day.AddDate(0, 0, -(i * 7 % 45))
		must(t, w.Record(r, false))
		all = append(all, r)
	}
	must(t, w.Flush(t.Context()))
	s, err := w.Snapshot(t.Context(), []string{usageTable})
	must(t, err)
	defer s.Release()
	days := map[string]int64{}
	for _, f := range s.Tables[usageTable].Files {
		days[f.Partition["request_date"]] += f.Rows
		if !strings.Contains(f.Path, "request_date="+f.Partition["request_date"]+string(filepath.Separator)) {
			t.Errorf("%s is in partition %v", f.Path, f.Partition)
		}
	}
	if len(days) != 45 || days["2026-10-07"] != 2 {
		t.Fatalf("days %v", days)
	}
	sameIDs(t, column(t, s.Tables[usageTable], IDColumn), all...)
}

func TestLargeSegmentBecomesSeveralFiles(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.FileBytes = 64 << 10
	w := mustOpen(t, cfg)
	var all []*inference.Record
	for range 40 {
		all = append(all, call(t, w, strings.Repeat("long ", 2000)))
	}
	sameIDs(t, ids(t, w, payloadTable), all...)
	must(t, w.Flush(t.Context()))
	s, err := w.Snapshot(t.Context(), []string{usageTable, payloadTable})
	must(t, err)
	defer s.Release()
	if n := len(s.Tables[payloadTable].Files); n < 5 {
		t.Fatalf("%d files for 800 KB of payload", n)
	}
	sameIDs(t, column(t, s.Tables[payloadTable], IDColumn), all...)
	sameIDs(t, column(t, s.Tables[usageTable], IDColumn), all...)
}

func TestRowsThatCannotBeBuilt(t *testing.T) {
	for _, code := range []string{"HALF_ROW", "TWO_VALUES", "PANIC", "BROKEN_MAP"} {
		t.Run(code, func(t *testing.T) {
			cfg := manual(t.TempDir())
			w := mustOpen(t, cfg)
			var good, bad []*inference.Record
			for i := range 10 {
				r := answered(request("q"), 1)
				if i%4 == 1 {
					r.ErrorCode = code
					bad = append(bad, r)
				} else {
					good = append(good, r)
				}
				must(t, w.Record(r, false))
			}
			must(t, w.Declare(t.Context(), newUsageFeed().table))
			sameIDs(t, ids(t, w, usageTable), good...)
			must(t, w.Flush(t.Context()))
			sameIDs(t, ids(t, w, usageTable), good...)
			sameIDs(t, ids(t, w, payloadTable), append(good, bad...)...)
			if n := w.Stats().Losses; n != 3 {
				t.Fatalf("%d losses counted, want 3", n)
			}
			mustClose(t, w)
			rep := verified(t, cfg)
			if !rep.OK() || rep.Losses != 3 || rep.Lost != 0 || rep.Accepted != 20 || rep.Landed != 17 {
				t.Fatalf("verify: %+v", rep)
			}
			var lost []string
			for _, id := range rep.Tables[1].LossIDs {
				lost = append(lost, id.String())
			}
			sameIDs(t, lost, bad...)
		})
	}
}

func TestOnlyRowsThatCannotBeBuilt(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	r := answered(request(""), 1)
	r.ErrorCode = "PANIC"
	must(t, w.Record(r, false))
	must(t, w.Flush(t.Context()))
	if s := w.Stats(); s.Losses != 1 || s.Segments != 1 {
		t.Fatalf("stats %+v", s)
	}
	mustClose(t, w)
	if rep := verified(t, cfg); !rep.OK() || rep.Losses != 1 {
		t.Fatalf("verify: %+v", rep)
	}
}

func TestManyAtOnce(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.SegmentBytes = 64 << 10 // rotations and landings all the time
	cfg.FlushInterval = 20 * time.Millisecond
	w := mustOpen(t, cfg)
	must(t, w.Declare(t.Context(), newEntityFeed().table)) // never gets a row: its hot rows stay far behind
	const callers, each = 8, 150
	var mu sync.Mutex
	var all []*inference.Record
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				r := request(fmt.Sprintf("%d.%d", c, i))
				ticket, err := w.Admit(r)
				if err == nil {
					err = w.Finish(ticket, answered(r, 1), i%10 == 0)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				all = append(all, r)
				mu.Unlock()
			}
		})
	}
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			mu.Lock()
			before := len(all)
			mu.Unlock()
			if before == 0 {
				continue
			}
			s, err := w.Snapshot(context.Background(), []string{usageTable, payloadTable, entityTable})
			if err != nil {
				t.Error(err)
				return
			}
			usage, odd := counts(column(t, s.Tables[usageTable], IDColumn))
			payload, odd2 := counts(column(t, s.Tables[payloadTable], IDColumn))
			if odd+odd2 != "" || usage < before || usage != payload {
				t.Errorf("%d rows acknowledged; %d and %d rows seen; more than once: %s %s", before, usage, payload, odd, odd2)
				return
			}
			if n := len(s.Tables[usageTable].Hot); n > maxExtents {
				t.Errorf("%d hot files", n)
			}
			s.Release()
		}
	})
	wg.Wait()
	close(stop)
	looking.Wait()
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, usageTable), all...)
	if s := w.Stats(); s.Landed != 2*callers*each || s.HotFiles != 0 || s.HotRows != 0 {
		t.Fatalf("stats %+v", s)
	}
	mustClose(t, w)
	if rep := verified(t, cfg); !rep.OK() || rep.Landed != 2*callers*each {
		t.Fatalf("verify: %+v", rep)
	}
}

func TestSecondWriterIsKeptOut(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	if _, err := Open(t.Context(), cfg, testFeeds(), quiet); !errors.Is(err, ErrLocked) {
		t.Fatalf("second writer: %v", err)
	}
	if _, err := OpenReader(t.Context(), cfg, testFeeds(), quiet); !errors.Is(err, ErrLocked) {
		t.Fatalf("reader: %v", err)
	}
	if _, err := Verify(t.Context(), cfg, testFeeds(), quiet); !errors.Is(err, ErrLocked) {
		t.Fatalf("verify: %v", err)
	}
	mustClose(t, w)
	mustClose(t, w)
	for name, err := range map[string]error{
		"record": w.Record(request(""), false),
		"finish": w.Finish(Ticket{}, request(""), false),
		"entity": w.Entity(&inference.EntityChange{}),
		"ready":  w.Ready(),
		"flush":  w.Flush(context.Background()),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after close: %v", name, err)
		}
	}
	if _, err := w.Admit(request("")); !errors.Is(err, ErrClosed) {
		t.Errorf("admit after close: %v", err)
	}
}

func TestValidate(t *testing.T) {
	must(t, DefaultConfig("x").Validate())
	bad := Config{SyncInterval: -1, FlushInterval: 1, SegmentBytes: 1, FileBytes: 1, MaxBacklogBytes: 0, ReserveBytes: -1}
	err := bad.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 7 {
		t.Fatalf("faults: %v", err)
	}
	if _, err := Open(t.Context(), bad, nil, quiet); err == nil {
		t.Fatal("opened with a bad configuration")
	}
}
