package tablewriter

import (
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/wal"
)

// tally counts the rows that a segment promises, by table.
type tally map[string]*count

// count is the promised rows of one table. The sum is over rowtags.IDSum of the rows' ids and wraps around,
// so it does not depend on the order.
type count struct {
	rows int64
	sum  uint64
	lost map[wal.Pos]inference.ID // rows among them that cannot be built, by the place of their fact
	// examined says that every row was built once, so that lost is complete.
	examined bool
}

func (t tally) of(table string) *count {
	c := t[table]
	if c == nil {
		c = &count{}
		t[table] = c
	}
	return c
}

// losses is the number of rows that cannot be built.
func (t tally) losses() (n int64) {
	for _, c := range t {
		n += int64(len(c.lost))
	}
	return n
}

func (c *count) row(id inference.ID) {
	c.rows++
	c.sum += rowtags.IDSum(id)
}

// lose says that a row cannot be built, and reports whether that was not known.
func (c *count) lose(f loggedFact) bool {
	if _, known := c.lost[f.pos]; known {
		return false
	}
	if c.lost == nil {
		c.lost = map[wal.Pos]inference.ID{}
	}
	c.lost[f.pos] = idOf(f.Fact)
	return true
}
