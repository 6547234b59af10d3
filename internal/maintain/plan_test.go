package maintain

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// simulate runs the planner over one day of a gateway that lands a file every ten seconds, of which
// only the log's part is real. It returns how often a byte was written by compaction until the day was
// closed, how many files there were at most, and how many at the end.
func simulate(t *testing.T, fileBytes int64) (amplification float64, most, left int) {
	t.Helper()
	cfg := DefaultConfig()
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	now := day
	cfg.Now = func() time.Time { return now }
	k := keeper(t, memstore.New(), cfg)
	live := map[string]*delta.Add{}
	var landed, written int64
	number := 0
	add := func(size int64, at time.Time) {
		number++
		stamp := at.Format("2006-01-02T15:04:05.000Z")
		live[fmt.Sprint(number)] = &delta.Add{
			Path: fmt.Sprint(number), Size: size, ModificationTime: now, PartitionValues: map[string]string{"request_date": "2026-11-20"},
			Stats: `{"numRecords":1,"minValues":{"request_time":"` + stamp + `"},"nullCount":{"request_time":0}}`,
		}
	}
	declared := calls()
	p := k.planner(&delta.Table{}, declared, nil)
	p.skip = func(*delta.Add) bool { return false }
	round := func() {
		for {
			p.now = now
			groups := p.planFiles(maps.Values(live))
			if len(groups) == 0 {
				return
			}
			for _, g := range groups {
				for _, f := range g.files {
					delete(live, f.Path)
				}
				size := g.bytes * 9 / 10 // merged files are a little smaller
				written += size
				add(size, time.UnixMicro(lowerBound(g.files[0], declared.Columns[2])).UTC())
			}
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for ; now.Before(day.AddDate(0, 0, 1)); now = now.Add(10 * time.Second) {
		size := fileBytes/2 + rnd.Int64N(fileBytes)
		landed += size
		add(size, now)
		most = max(most, len(live))
		if now.Second() == 0 {
			round()
		}
	}
	now = now.Add(2 * time.Hour)
	round()
	return float64(written) / float64(landed), most, len(live)
}

// The price of having few files all day: how often each byte is written again.
func TestWriteAmplification(t *testing.T) {
	for _, c := range []struct {
		fileBytes     int64
		amplification float64 // at most
		most, left    int
	}{
		{15 << 10, 3.5, 60, 2},
		{100 << 10, 3.5, 60, 10},
		{1 << 20, 2.5, 160, 90},
		{10 << 20, 1.5, 900, 850},
	} {
		a, most, left := simulate(t, c.fileBytes)
		t.Logf("8,640 files of %d KiB: each byte is written %.2f times more, %d files at most, %d at the end", c.fileBytes>>10, a, most, left)
		if a > c.amplification || most > c.most || left > c.left {
			t.Errorf("want %.1f times, %d and %d files at most", c.amplification, c.most, c.left)
		}
	}
}

func TestClosedDays(t *testing.T) {
	k := keeper(t, memstore.New(), DefaultConfig())
	p := k.planner(&delta.Table{}, calls(), nil)
	end := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		day    string
		now    time.Time
		newest time.Time
		want   bool
	}{
		{"2026-11-20", end, end.Add(-2 * time.Hour), false},
		{"2026-11-20", end.Add(time.Hour), end.Add(-time.Second), true},
		{"2026-11-20", end.Add(time.Hour), end.Add(time.Minute), false},     // late rows came
		{"2026-11-20", end.Add(10 * time.Hour), end.Add(time.Minute), true}, // and were waited for
		{"2026-11-21", end.Add(2 * time.Hour), end, false},
		{"", end, time.Time{}, false},
		{"nonsense", end, time.Time{}, false},
	} {
		p.now = c.now
		if got := p.closed(c.day, []*delta.Add{{ModificationTime: c.newest}}); got != c.want {
			t.Errorf("%s at %v, newest of %v: closed %t", c.day, c.now, c.newest, got)
		}
	}
}
