package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// troubledLog is a log whose disk has trouble on demand.
type troubledLog struct {
	journal
	err atomic.Pointer[error] // of every append
}

func trouble(w *Writer) *troubledLog {
	l := &troubledLog{journal: w.log}
	w.log = l
	return l
}

func (l *troubledLog) set(err error) {
	if err == nil {
		l.err.Store(nil)
		return
	}
	l.err.Store(&err)
}

func (l *troubledLog) Append(kind byte, parts ...[]byte) (wal.Pos, error) {
	if err := l.err.Load(); err != nil {
		return wal.Pos{}, *err
	}
	return l.journal.Append(kind, parts...)
}

func (l *troubledLog) Err() error {
	if err := l.err.Load(); err != nil && errors.Is(*err, wal.ErrFailed) {
		return *err
	}
	return l.journal.Err()
}

func (l *troubledLog) Rotate() (wal.Segment, error) {
	if err := l.Err(); err != nil {
		return wal.Segment{}, err
	}
	return l.journal.Rotate()
}

var errNoRoom = fmt.Errorf("write: %w", wal.ErrFull)

func TestReserveTakesRunningRequests(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.ReserveBytes = 1 << 20
	w := mustOpen(t, cfg)
	reserve := glob(t, cfg, "log/reserve")[0]
	if info, err := os.Stat(reserve); err != nil || info.Size() != 1<<20 {
		t.Fatalf("reserve: %v, %v", info, err)
	}
	r := request("q")
	ticket, err := w.Admit(r)
	must(t, err)
	log := trouble(w)
	log.set(errNoRoom)
	if _, err := w.Admit(request("")); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("admit on a full disk: %v", err)
	}
	if _, err := os.Stat(reserve); err != nil {
		t.Fatal("the reserve was given up for a new request")
	}
	// Giving up the reserve does not help this log: the record is parked.
	if err := w.Finish(ticket, answered(r, 1), true); !errors.Is(err, ErrParked) || !errors.Is(err, wal.ErrFull) {
		t.Fatalf("finish on a full disk: %v", err)
	}
	if _, err := os.Stat(reserve); !os.IsNotExist(err) {
		t.Fatal("the reserve is still there")
	}
	if err := w.Ready(); !errors.Is(err, ErrParked) {
		t.Fatalf("ready: %v", err)
	}
	if _, err := w.Admit(request("")); !errors.Is(err, ErrParked) {
		t.Fatalf("admit while a record is parked: %v", err)
	}
	if err := w.Flush(t.Context()); !errors.Is(err, ErrParked) {
		t.Fatalf("flush: %v", err)
	}
	if s := w.Stats(); s.Parked != 1 || s.Accepted != 0 || s.Open != 1 {
		t.Fatalf("stats %+v", s)
	}

	log.set(nil)
	must(t, w.Flush(t.Context()))
	must(t, w.Ready())
	if _, err := os.Stat(reserve); err != nil {
		t.Fatal("the reserve was not made again")
	}
	sameIDs(t, ids(t, w, payloadTable), r)
	if s := w.Stats(); s.Parked != 0 || s.Accepted != 1 || s.Open != 0 {
		t.Fatalf("stats %+v", s)
	}
	mustClose(t, w)
	if rep := verified(t, cfg); !rep.OK() || rep.Landed != 2 {
		t.Fatalf("verify: %+v", rep)
	}
}

// What is parked when the Writer is closed is lost, and it says so. The request is still a row.
func TestParkedAtTheEnd(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	r := request("q")
	ticket, err := w.Admit(r)
	must(t, err)
	trouble(w).set(errNoRoom)
	if err := w.Finish(ticket, answered(r, 1), false); !errors.Is(err, ErrParked) {
		t.Fatalf("finish: %v", err)
	}
	if err := w.Close(context.Background()); err == nil || w.Stats().Losses != 1 {
		t.Fatalf("close: %v, %d losses", err, w.Stats().Losses)
	}
	w = mustOpen(t, cfg)
	sameIDs(t, ids(t, w, usageTable), r)
}

// A log that failed takes nothing more. What it took is landed, and the Writer is not ready.
func TestFailedLog(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	running := request("running")
	ticket, err := w.Admit(running)
	must(t, err)
	done := call(t, w, "q")
	broken := fmt.Errorf("%w: disk", wal.ErrFailed)
	trouble(w).set(broken)
	if _, err := w.Admit(request("")); !errors.Is(err, wal.ErrFailed) {
		t.Fatalf("admit: %v", err)
	}
	if err := w.Finish(ticket, answered(running, 1), false); !errors.Is(err, wal.ErrFailed) {
		t.Fatalf("finish: %v", err)
	}
	if err := w.Ready(); !errors.Is(err, wal.ErrFailed) {
		t.Fatalf("ready: %v", err)
	}
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, usageTable), done)
	if n := w.Stats().Landed; n != 2 {
		t.Fatalf("%d rows are landed", n)
	}
	w.Close(context.Background())
	w = mustOpen(t, cfg)
	sameIDs(t, ids(t, w, usageTable), done, running)
	mustClose(t, w)
	if rep := verified(t, cfg); !rep.OK() || rep.Landed != 4 {
		t.Fatalf("verify: %+v", rep)
	}
}

func TestDamagedLogIsNotOpened(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	for range 3 {
		call(t, w, "q")
	}
	abandon(t, w)
	path := glob(t, cfg, "log/*.wal")[0]
	b, err := os.ReadFile(path)
	must(t, err)
	b[100] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
	damage := new(wal.DamageError)
	if _, err := Open(t.Context(), cfg, testFeeds(), quiet); !errors.As(err, &damage) || damage.Path != path || damage.Hint == "" {
		t.Fatalf("open: %v", err)
	}
	if _, err := Verify(t.Context(), cfg, testFeeds(), quiet); !errors.As(err, &damage) {
		t.Fatalf("verify: %v", err)
	}
	// The hint: without the file it starts, and says what is missing.
	must(t, os.Remove(path))
	w = mustOpen(t, cfg)
	mustClose(t, w)
}

func TestDamagedLedgerIsNotOpened(t *testing.T) {
	cfg := stopped(t)
	path := ledgerPath(cfg.logDir())
	good, err := os.ReadFile(path)
	must(t, err)
	damage := new(wal.DamageError)
	for i := range good {
		b := append([]byte(nil), good...)
		b[i] ^= 0x15
		must(t, os.WriteFile(path, b, 0o600))
		if l, err := readLedger(disk.OS, cfg.logDir()); err == nil && i < len(good)-1 || err != nil && !errors.As(err, &damage) {
			t.Fatalf("byte %d changed: %+v, %v", i, l, err)
		}
	}
	must(t, os.WriteFile(path, good[:len(good)/2], 0o600))
	if _, err := Open(t.Context(), cfg, testFeeds(), quiet); !errors.As(err, &damage) {
		t.Fatalf("open: %v", err)
	}
}

// A process that dies between a commit and the ledger has told nobody which rows it had to leave out.
func TestLossesAreFoundAgain(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	bad := answered(request(""), 1)
	bad.ErrorCode = "HALF_ROW"
	must(t, w.Record(bad, false))
	good := call(t, w, "")
	must(t, w.seal())
	err := w.build(t.Context(), wal.Pos{}, wal.Pos{Segment: w.log.End().Segment}, true)
	must(t, errors.Join(err, w.commit(t.Context())))
	abandon(t, w) // before settle
	w = mustOpen(t, cfg)
	sameIDs(t, ids(t, w, usageTable), good)
	mustClose(t, w)
	if rep := verified(t, cfg); !rep.OK() || rep.Losses != 1 || rep.Landed != 1 {
		t.Fatalf("verify: %+v", rep)
	}
}

func TestTornTailIsRecovered(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	all := []*inference.Record{call(t, w, "q")}
	r := request("q")
	_, err := w.Admit(r)
	must(t, err)
	all = append(all, r)
	abandon(t, w)
	path := glob(t, cfg, "log/*.wal")[0]
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString("half a record")
	must(t, errors.Join(err, f.Close()))
	w = mustOpen(t, cfg)
	sameIDs(t, ids(t, w, usageTable), all...)
}
