package wal

import (
	"os"
	"testing"
)

// Whatever a segment's bytes are, opening it gives records or damage, and never writes over
// records that were there.
func FuzzSegment(f *testing.F) {
	data, number, ends := sample(f, f.TempDir(), 3)
	f.Add(data)
	f.Add(data[:ends[2]+3])
	f.Add(append(append([]byte(nil), data...), make([]byte, 100)...))
	f.Add(append(append([]byte(nil), data...), data...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, number), data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, r, err := Open(dir, manual())
		if err != nil {
			return // damage, or a newer format
		}
		defer l.Close()
		var n int64
		c := l.Cursor()
		defer c.Close()
		for _, err := range c.Scan(Pos{}, l.End()) {
			if err != nil {
				t.Fatalf("opened without an error and then: %v", err)
			}
			n++
		}
		if len(r.Segments) == 1 && r.Segments[0].Records != n {
			t.Fatalf("recovery counts %d records and %d are read", r.Segments[0].Records, n)
		}
		mustAppend(t, l, 1, "the log goes on")
		if _, err := l.Rotate(); err != nil {
			t.Fatal(err)
		}
	})
}
