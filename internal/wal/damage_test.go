package wal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample writes a log of one segment with records of growing size and returns the file's bytes,
// its number and where each record ends.
func sample(t testing.TB, dir string, n int) (data []byte, number uint64, ends []int64) {
	t.Helper()
	l, _ := mustOpen(t, dir, manual())
	ends = []int64{headerSize}
	for i := range n {
		mustAppend(t, l, byte(i), strings.Repeat(string(rune('a'+i)), 5+i))
		ends = append(ends, l.End().Offset)
	}
	number = l.End().Segment
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(segmentPath(dir, number))
	if err != nil {
		t.Fatal(err)
	}
	return data[:ends[n]], number, ends // as if it had not been closed
}

// reopened opens a log whose only segment has the given content and returns how many of sample's
// records are in it. Any other record fails the test; damage is returned.
func reopened(t testing.TB, dir string, number uint64, data []byte) (int, *Recovery, *DamageError) {
	t.Helper()
	old, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range old {
		os.Remove(f)
	}
	if err := os.WriteFile(segmentPath(dir, number), data, 0o600); err != nil {
		t.Fatal(err)
	}
	l, r, err := Open(dir, manual())
	damage := new(DamageError)
	if errors.As(err, &damage) {
		after, err := os.ReadFile(segmentPath(dir, number))
		if err != nil || string(after) != string(data) {
			t.Fatalf("the damaged file was changed: %v", err)
		}
		return 0, nil, damage
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := read(t, l.Cursor(), l.End())
	for i, g := range got {
		if want := fmt.Sprintf("%d:%s", i, strings.Repeat(string(rune('a'+i)), 5+i)); g != want {
			t.Fatalf("record %d is %q, want %q", i, g, want)
		}
	}
	return len(got), r, nil
}

// whole says how many records end at or before an offset.
func whole(ends []int64, at int64) int {
	n := 0
	for n+1 < len(ends) && ends[n+1] <= at {
		n++
	}
	return n
}

func TestEveryTruncation(t *testing.T) {
	dir := t.TempDir()
	data, number, ends := sample(t, dir, 5)
	for cut := range len(data) + 1 {
		n, r, damage := reopened(t, dir, number, data[:cut])
		if damage != nil {
			t.Fatalf("cut at %d: %v", cut, damage)
		}
		if want := whole(ends, int64(cut)); n != want {
			t.Fatalf("cut at %d: %d records, want %d", cut, n, want)
		}
		torn := cut >= headerSize && ends[n] != int64(cut)
		if (r.Torn != nil) != torn {
			t.Fatalf("cut at %d: torn %+v", cut, r.Torn)
		}
		if torn && (r.Torn.Offset != ends[n] || r.Torn.Bytes != int64(cut)-ends[n]) {
			t.Fatalf("cut at %d: torn %+v", cut, r.Torn)
		}
	}
}

func TestEveryFlippedByte(t *testing.T) {
	dir := t.TempDir()
	data, number, ends := sample(t, dir, 5)
	for i := range data {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			changed := append([]byte(nil), data...)
			changed[i] ^= flip
			n, _, damage := reopened(t, dir, number, changed)
			intact := whole(ends, int64(i))
			inLast := i >= headerSize && intact == len(ends)-2
			switch {
			case inLast && (damage != nil || n != intact):
				t.Fatalf("byte %d of the last record: %d records, want %d; %v", i, n, intact, damage)
			case !inLast && damage == nil:
				t.Fatalf("byte %d changed and nothing was noticed", i)
			case damage != nil && i >= headerSize && damage.Offset != ends[intact]:
				t.Fatalf("byte %d: damage at %d, want %d", i, damage.Offset, ends[intact])
			case damage != nil && (damage.Segment != number || damage.Hint == "" || !strings.Contains(damage.Error(), damage.Path)):
				t.Fatalf("byte %d: %v", i, damage)
			}
		}
	}
}

func TestEveryZeroTail(t *testing.T) {
	dir := t.TempDir()
	data, number, ends := sample(t, dir, 5)
	for z := range len(data) + 1 {
		changed := append([]byte(nil), data...)
		clear(changed[z:])
		for _, extra := range []int{0, 1, 4096} { // a file can come back longer than what was written
			n, _, damage := reopened(t, dir, number, append(changed, make([]byte, extra)...))
			if z < headerSize {
				if damage == nil && n != 0 {
					t.Fatalf("zeros from %d: %d records", z, n)
				}
				continue
			}
			if want := whole(ends, int64(z)); damage != nil || n != want {
				t.Fatalf("zeros from %d: %d records, want %d; %v", z, n, want, damage)
			}
		}
	}
}

func TestRecordsOfAnotherPlaceAreNotRecords(t *testing.T) {
	dir := t.TempDir()
	data, number, ends := sample(t, dir, 4)
	// The third record stands where the second was, as when a disk mixes up blocks.
	moved := append(append([]byte(nil), data[:ends[1]]...), data[ends[2]:ends[3]]...)
	n, r, damage := reopened(t, dir, number, moved)
	if damage != nil || n != 1 || r.Torn == nil {
		t.Fatalf("%d records, torn %+v, %v", n, r.Torn, damage)
	}
	// The file has another segment's number.
	if _, _, damage = reopened(t, dir, number+1, data); damage == nil {
		t.Fatal("a segment under another number was read")
	}
}

func TestTornTailIsCutOnce(t *testing.T) {
	dir := t.TempDir()
	data, number, _ := sample(t, dir, 3)
	if n, r, _ := reopened(t, dir, number, data[:len(data)-2]); n != 2 || r.Torn == nil {
		t.Fatalf("%d records, %+v", n, r)
	}
	l, r := mustOpen(t, dir, manual())
	if r.Torn != nil {
		t.Fatalf("torn again: %+v", r.Torn)
	}
	if got := read(t, l.Cursor(), l.End()); len(got) != 2 {
		t.Fatalf("read %v", got)
	}
}

func TestTornSegmentBehindARecordIsDamage(t *testing.T) {
	for _, tc := range []struct {
		name    string
		newer   bool // a newer segment has records
		cutTo   int64
		damaged bool
	}{
		{"newest records torn", false, 110, false},
		{"older records torn", true, 110, true},
		{"older header torn", true, 20, true},
		{"older header kept only", true, headerSize, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			l, _ := mustOpen(t, dir, manual())
			mustAppend(t, l, 1, "long enough to be cut in the middle of it")
			sealed, err := l.Rotate()
			if err != nil {
				t.Fatal(err)
			}
			if tc.newer {
				mustAppend(t, l, 1, "newer")
			}
			stop(t, l)
			if err := os.Truncate(segmentPath(dir, sealed.Number), tc.cutTo); err != nil {
				t.Fatal(err)
			}
			l, _, err = Open(dir, manual())
			if err == nil {
				l.Close()
			}
			damage := new(DamageError)
			if errors.As(err, &damage) != tc.damaged {
				t.Fatalf("open: %v", err)
			}
			if tc.damaged && damage.Segment != sealed.Number {
				t.Fatalf("damage in segment %d, want %d", damage.Segment, sealed.Number)
			}
		})
	}
}

func TestMissingSegment(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, manual())
	var n []uint64
	for range 3 {
		mustAppend(t, l, 1, "x")
		s, err := l.Rotate()
		if err != nil {
			t.Fatal(err)
		}
		n = append(n, s.Number)
	}
	l.Close()
	if err := os.Remove(segmentPath(dir, n[1])); err != nil {
		t.Fatal(err)
	}
	_, r := mustOpen(t, dir, manual())
	if len(r.Missing) != 1 || r.Missing[0] != n[1] {
		t.Fatalf("missing %v, want %d", r.Missing, n[1])
	}
}

func TestNewerFormatIsNotTouched(t *testing.T) {
	dir := t.TempDir()
	data, number, _ := sample(t, dir, 1)
	h, _ := parseHeader(data)
	head := h.append(nil)
	head[8] = version + 1
	copy(data, appendSum(head[:headerSize-4]))
	if err := os.WriteFile(segmentPath(dir, number), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, manual()); err == nil || !strings.Contains(err.Error(), "newer lakegate") {
		t.Fatalf("open: %v", err)
	}
}
