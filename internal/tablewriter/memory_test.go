package tablewriter

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
)

func TestBlocksAreUsedAgain(t *testing.T) {
	var m blocks
	a := m.Allocate(5000)
	if len(a) != 5000 || cap(a) != 8192 {
		t.Fatalf("%d bytes of %d", len(a), cap(a))
	}
	for i := range a {
		a[i] = 1
	}
	b := m.Reallocate(8000, a)
	if &b[0] != &a[0] {
		t.Error("moved though there was room")
	}
	b = m.Reallocate(9000, b)
	if len(b) != 9000 || b[4999] != 1 || b[5000] != 0 || a[0] != 0 {
		t.Errorf("%d bytes, %d and %d; what was freed begins with %d", len(b), b[4999], b[5000], a[0])
	}
	if again := m.Allocate(7000); &again[0] != &a[0] || again[0] != 0 || again[6999] != 0 {
		t.Error("not the block that was freed, cleared")
	}
	m.Free(make([]byte, 5000)) // not its own
	if m.kept != 0 {
		t.Errorf("%d bytes are kept", m.kept)
	}
}

func TestBlocksAreBounded(t *testing.T) {
	var m blocks
	one, large := m.Allocate(minBlock), m.Allocate(maxKept)
	m.Free(large)
	if m.Free(one); m.kept != maxKept {
		t.Errorf("%d bytes are kept, more than %d were to be", m.kept, maxKept)
	}
}

// TestBlocksUnderBuilders builds the same columns twice: the second time nothing new is needed.
func TestBlocksUnderBuilders(t *testing.T) {
	var m blocks
	checked := memory.NewCheckedAllocator(&m)
	defer checked.AssertSize(t, 0)
	for range 2 {
		b := array.NewStringBuilder(checked)
		for range 5000 {
			b.Append("some text")
			b.AppendNull()
		}
		a := b.NewStringArray()
		if a.Len() != 10000 || a.Value(9998) != "some text" || a.NullN() != 5000 {
			t.Errorf("%d values, %d of them NULL", a.Len(), a.NullN())
		}
		a.Release()
		b.Release()
	}
	if m.kept == 0 || m.kept > 512<<10 {
		t.Errorf("%d bytes are kept", m.kept)
	}
}

// TestBatchesOfOneSize finds out that a batch like the one before grows no builder, and that a small one
// takes little.
func TestBatchesOfOneSize(t *testing.T) {
	g := &gatherer{feeds: &feeds{}, memory: memory.DefaultAllocator, maxBytes: 1 << 30, left: 1 << 30, last: map[tableschema.Name]batchSize{}}
	g.emit = func(*tableschema.Table, map[string]string, arrow.RecordBatch) error { return nil }
	feed := newUsageFeed()
	fill := func(rows int) (capacity int) {
		for range rows {
			must(t, g.add(feed.table, feed, loggedFact{Fact: inference.Fact{Record: typical(0)}, size: 100}))
			if capacity == 0 {
				capacity = g.tables[feed.table].parts[dayOf(inference.Fact{Record: typical(0)})].builder.Field(0).Cap()
			}
		}
		must(t, g.finish())
		return capacity
	}
	fill(3000)
	if got := g.last[feed.table.Name]; got.rows != 3000 || got.bytes != 300000 {
		t.Errorf("measured %+v", got)
	}
	if c := fill(3000); c < 3000 {
		t.Errorf("room for %d rows at first", c)
	}
	g.left = 1000
	if c := fill(1); c > 64 {
		t.Errorf("room for %d rows where 10 may come", c)
	}
}
