package wal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("WAL_CRASH_DIR"); dir != "" {
		crashChild(dir)
	}
	goleak.VerifyTestMain(m)
}

// manual is a configuration without the background sync.
func manual() Config { return Config{} }

func mustOpen(t testing.TB, dir string, cfg Config) (*Log, *Recovery) {
	t.Helper()
	l, r, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, r
}

// stop ends a Log as the end of its process would: no mark, no sync.
func stop(t testing.TB, l *Log) {
	t.Helper()
	l.mu.Lock()
	l.err = ErrClosed
	l.mu.Unlock()
	close(l.quit)
	l.idle.Wait()
	if err := errors.Join(l.file.Close(), l.lock.Close()); err != nil {
		t.Fatal(err)
	}
}

func mustAppend(t testing.TB, l *Log, kind byte, payload string) Pos {
	t.Helper()
	pos, err := l.Append(kind, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return pos
}

// read returns every record of the log as "kind:payload".
func read(t testing.TB, c *Cursor, to Pos) []string {
	t.Helper()
	defer c.Close()
	var all []string
	for e, err := range c.Scan(Pos{}, to) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d:%s", e.Kind, e.Payload))
	}
	return all
}

func TestAppendAndRead(t *testing.T) {
	l, r := mustOpen(t, t.TempDir(), DefaultConfig())
	if len(r.Segments) != 0 || r.Torn != nil || r.Missing != nil {
		t.Fatalf("a new folder recovers %+v", r)
	}
	big := strings.Repeat("x", 3*window)
	want := []string{"1:", "2:a", "3:ab" + big, "4:end"}
	var at []Pos
	for _, parts := range [][]string{{"1"}, {"2", "a"}, {"3", "a", "b", big}, {"4", "e", "", "nd"}} {
		var bs [][]byte
		for _, p := range parts[1:] {
			bs = append(bs, []byte(p))
		}
		pos, err := l.Append(parts[0][0]-'0', bs...)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Sync(pos); err != nil {
			t.Fatal(err)
		}
		at = append(at, pos)
	}
	got := read(t, l.Cursor(), l.End())
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("read %d records, want %d", len(got), len(want))
	}
	c := l.Cursor()
	defer c.Close()
	for _, i := range []int{3, 0, 2, 1, 2} {
		e, err := c.Read(at[i])
		if err != nil || fmt.Sprintf("%d:%s", e.Kind, e.Payload) != want[i] {
			t.Errorf("record %d at %v: %v", i, at[i], err)
		}
	}
	if _, err := c.Read(l.End()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading at the end: %v", err)
	}
	for e, err := range c.Scan(at[1], at[2]) {
		if err != nil || e.Kind != 2 {
			t.Errorf("the scan from the second to before the third yields kind %d, %v", e.Kind, err)
		}
	}
}

func TestCursorSeesWhatIsAppendedLater(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), manual())
	c := l.Cursor()
	defer c.Close()
	for i := range 5 {
		pos := mustAppend(t, l, byte(i), "x")
		if e, err := c.Read(pos); err != nil || e.Kind != byte(i) {
			t.Fatalf("record %d: kind %d, %v", i, e.Kind, err)
		}
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, DefaultConfig())
	id := l.ID()
	mustAppend(t, l, 1, "first")
	sealed, err := l.Rotate()
	if err != nil || sealed.Records != 1 {
		t.Fatalf("rotate: %+v, %v", sealed, err)
	}
	if again, err := l.Rotate(); err != nil || again.Number != 0 {
		t.Fatalf("rotating an empty segment: %+v, %v", again, err)
	}
	mustAppend(t, l, 1, "second")
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(1, nil); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
	if _, err := l.Rotate(); !errors.Is(err, ErrClosed) {
		t.Fatalf("rotate after close: %v", err)
	}

	l, r := mustOpen(t, dir, DefaultConfig())
	if l.ID() != id {
		t.Error("the log has a new identity")
	}
	if len(r.Segments) != 2 || r.Segments[0] != sealed || r.Torn != nil || r.Missing != nil {
		t.Errorf("recovery %+v", r)
	}
	if got := read(t, l.Cursor(), l.End()); strings.Join(got, "|") != "1:first|1:second" {
		t.Errorf("read %v", got)
	}
	for i, s := range l.Segments()[1:] {
		if prev := l.Segments()[i].Number; s.Prev != prev || s.Number <= prev {
			t.Errorf("segment %d follows %d and says %d", s.Number, prev, s.Prev)
		}
	}
}

func TestDropIsInOrder(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), manual())
	var n []uint64
	for range 2 {
		mustAppend(t, l, 1, "x")
		s, err := l.Rotate()
		if err != nil {
			t.Fatal(err)
		}
		n = append(n, s.Number)
	}
	if l.Drop(n[1]) == nil || l.Drop(l.End().Segment) == nil {
		t.Fatal("dropped a segment out of order")
	}
	for _, n := range n {
		if err := l.Drop(n); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.Segments(); len(got) != 1 || got[0].Prev != n[1] {
		t.Fatalf("left: %+v", got)
	}
}

func TestNumbersNeverRepeat(t *testing.T) {
	dir := t.TempDir()
	const after = uint64(1) << 62 // far in the future: the clock can't have made it
	l, _ := mustOpen(t, dir, Config{After: after})
	if n := l.End().Segment; n <= after {
		t.Fatalf("segment %d is not above %d", n, after)
	}
	first := l.End().Segment
	l.Close()
	l, _ = mustOpen(t, dir, manual()) // the clock is behind now
	if n := l.End().Segment; n <= first {
		t.Fatalf("segment %d is not above %d", n, first)
	}
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, manual())
	pid := fmt.Sprintf("process %d", os.Getpid())
	if _, _, err := Open(dir, manual()); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), pid) {
		t.Fatalf("second writer: %v", err)
	}
	if _, _, err := OpenView(dir); !errors.Is(err, ErrLocked) {
		t.Fatalf("reader beside a writer: %v", err)
	}
	mustAppend(t, l, 1, "x")
	l.Close()
	v, _, err := OpenView(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := OpenView(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, manual()); !errors.Is(err, ErrLocked) {
		t.Fatalf("writer beside readers: %v", err)
	}
	if got := read(t, v.Cursor(), v.End()); len(got) != 1 || v.ID() != l.ID() {
		t.Fatalf("the view reads %v", got)
	}
	if err := errors.Join(v.Close(), v.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenView(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no log: %v", err)
	}
}

func TestIdentityIsFoundAgain(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, manual())
	id := l.ID()
	l.Close()
	if err := os.Remove(filepath.Join(dir, "ID")); err != nil {
		t.Fatal(err)
	}
	l, _ = mustOpen(t, dir, manual())
	if l.ID() != id {
		t.Fatal("the identity in the segments was not used")
	}
	l.Close()
	if err := os.WriteFile(filepath.Join(dir, "ID"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	var damage *DamageError
	if _, _, err := Open(dir, manual()); !errors.As(err, &damage) {
		t.Fatalf("damaged identity: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ID"), []byte("0190a6a4-0000-7000-8000-000000000001"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, manual()); !errors.As(err, &damage) || !strings.Contains(err.Error(), id) {
		t.Fatalf("segments of another log: %v", err)
	}
}

func TestManyAppenders(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, DefaultConfig())
	const appenders, each = 16, 200
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for i := range each {
				payload := fmt.Sprintf("%d.%d.%s", a, i, strings.Repeat("p", a*i%5000))
				pos, err := l.Append(byte(a), []byte(payload))
				if err == nil && i%7 == 0 {
					err = l.Sync(pos)
				}
				if err == nil && i%50 == 49 {
					_, err = l.Rotate()
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	var n int64
	for _, s := range l.Segments() {
		n += s.Records
	}
	if n != appenders*each {
		t.Errorf("the segments count %d records, want %d", n, appenders*each)
	}
	next := map[byte]int{} // of each appender, in the order it appended
	c := l.Cursor()
	defer c.Close()
	for e, err := range c.Scan(Pos{}, l.End()) {
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(e.Payload, fmt.Appendf(nil, "%d.%d.", e.Kind, next[e.Kind])) {
			t.Fatalf("appender %d: got %.20s, want number %d", e.Kind, e.Payload, next[e.Kind])
		}
		next[e.Kind]++
	}
	for a := range appenders {
		if next[byte(a)] != each {
			t.Errorf("appender %d has %d records, want %d", a, next[byte(a)], each)
		}
	}
}

func TestTooLarge(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), manual())
	part := make([]byte, MaxRecord/2)
	if _, err := l.Append(1, part, part, []byte{1}); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("a record over the bound: %v", err)
	}
	mustAppend(t, l, 1, "the log goes on")
}

func TestValidate(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	if _, _, err := Open(t.TempDir(), Config{SyncInterval: -1}); err == nil {
		t.Error("a negative interval passed")
	}
}
