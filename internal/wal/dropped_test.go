package wal

import (
	"os"
	"testing"
)

// A power cut brings dropped segments back in any order: Open deletes them unread, and so nobody sees
// one without those that followed it.
func TestDroppedSegmentsThatAreBack(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, manual())
	for _, payload := range []string{"a request", "its outcome", "later"} {
		mustAppend(t, l, 1, payload)
		if _, err := l.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	segments := l.Segments()
	back, err := os.ReadFile(segmentPath(dir, segments[0].Number))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range segments[:2] {
		if err := l.Drop(s.Number); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if err := os.WriteFile(segmentPath(dir, segments[0].Number), back, 0o600); err != nil {
		t.Fatal(err)
	}
	l, r := mustOpen(t, dir, Config{Dropped: segments[1].Number})
	if got := read(t, l.Cursor(), l.End()); len(got) != 1 || got[0] != "1:later" || len(r.Missing)+len(r.Holes) > 0 {
		t.Fatalf("read %q, %+v", got, r)
	}
	if _, err := os.Stat(segmentPath(dir, segments[0].Number)); !os.IsNotExist(err) {
		t.Fatalf("the segment that was back is still there: %v", err)
	}
}
