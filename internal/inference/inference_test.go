package inference

import (
	"bytes"
	"testing"
)

func TestIDsSortByTime(t *testing.T) {
	last := NewID()
	for range 1000 {
		id := NewID()
		if bytes.Compare(id[:], last[:]) <= 0 {
			t.Fatalf("%s does not sort after %s", id, last)
		}
		last = id
	}
}
