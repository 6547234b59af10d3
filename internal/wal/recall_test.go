package wal

import (
	"bytes"
	"fmt"
	"testing"
)

// TestReadDuringScan reads records again that a scan has gone past, near and far behind it: neither may
// get the other's bytes.
func TestReadDuringScan(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), manual())
	payload := func(i int) []byte {
		return append(fmt.Appendf(nil, "%d:", i), bytes.Repeat([]byte{byte(i)}, (i*997)%9000)...)
	}
	const records = 400 // several windows
	var at []Pos
	for i := range records {
		at = append(at, mustAppend(t, l, 1, string(payload(i))))
	}
	c := l.Cursor()
	defer c.Close()
	i, recalled := 0, 0
	for e, err := range c.Scan(Pos{}, l.End()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, back := range []int{0, 1, 30, 90, 300} {
			if back > i {
				continue
			}
			if _, ok := c.scan.recall(at[i-back].Offset); ok {
				recalled++
			}
			again, err := c.Read(at[i-back])
			if err != nil || !bytes.Equal(again.Payload, payload(i-back)) || again.Pos != at[i-back] {
				t.Fatalf("record %d, read at %d: %v, %.20q", i-back, i, err, again.Payload)
			}
		}
		if !bytes.Equal(e.Payload, payload(i)) {
			t.Fatalf("record %d has another's bytes after the reads: %.20q", i, e.Payload)
		}
		i++
	}
	if i != records || recalled < 2*records || c.scan != nil {
		t.Errorf("%d records were scanned, %d of those read again were in memory", i, recalled)
	}
	if e, err := c.Read(at[7]); err != nil || !bytes.Equal(e.Payload, payload(7)) {
		t.Errorf("after the scan: %v", err)
	}
}
