package maintain

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// group is files of one partition that are to become one.
type group struct {
	day   string // value of the partition column, "" for NULL or none
	files []*delta.Add
	bytes int64
	rows  int64 // 0 for those that don't say
}

// planner decides which files are merged.
//
// A day that is over is merged to the end: into files of the target size, and a rest. A day that is
// not over gets new small files all the time: of those of about one size (tiers, each sixteen times
// the one before) MinFiles are merged at a time, so a row is rewritten about once per tier.
type planner struct {
	table    *tableschema.Table
	target   int64
	minFiles int
	quiet    time.Duration
	now      time.Time
	full     bool                   // merge every day to the end
	only     string                 // this day only, "" for all
	skip     func(*delta.Add) bool  // files to leave alone
	from     func(*delta.Add) int64 // what to order the files of a day by
}

const (
	tierFactor = 16
	// maxInputs bounds what one merge opens, and what is lost when it is in vain.
	maxInputs = 512
)

// plan returns the groups, oldest days first.
func (p *planner) plan(s *delta.Snapshot) []group { return p.planFiles(s.Files()) }

func (p *planner) planFiles(files iter.Seq[*delta.Add]) []group {
	days := map[string][]*delta.Add{}
	for f := range files {
		day := f.PartitionValues[p.table.PartitionBy]
		if f.Size < p.large() && (p.only == "" || p.only == day) && !p.skip(f) {
			days[day] = append(days[day], f)
		}
	}
	var groups []group
	for _, day := range sortedKeys(days) {
		files := days[day]
		if len(files) < 2 {
			continue
		}
		if p.full || p.closed(day, files) {
			groups = append(groups, p.pack(day, files, 2)...)
			continue
		}
		for _, tier := range p.tiers(files) {
			groups = append(groups, p.pack(day, tier, p.minFiles)...)
		}
	}
	return groups
}

// large is the size from which files are left alone.
func (p *planner) large() int64 { return p.target - p.target/4 }

// closed reports whether nothing is expected to be added to a day any more.
func (p *planner) closed(day string, files []*delta.Add) bool {
	start, err := time.Parse(time.DateOnly, day)
	if err != nil || p.now.Before(start.AddDate(0, 0, 1).Add(p.quiet)) {
		return false
	}
	for _, f := range files {
		if p.now.Sub(f.ModificationTime) < p.quiet {
			return false
		}
	}
	return true
}

// tiers returns files by size, the smallest first.
func (p *planner) tiers(files []*delta.Add) [][]*delta.Add {
	tiers := map[int][]*delta.Add{}
	deepest := 0
	for _, f := range files {
		n := 0
		for size := p.large() / tierFactor; f.Size < size; size /= tierFactor {
			n++
		}
		tiers[n] = append(tiers[n], f)
		deepest = max(deepest, n)
	}
	var list [][]*delta.Add
	for n := deepest; n >= 0; n-- {
		if len(tiers[n]) > 0 {
			list = append(list, tiers[n])
		}
	}
	return list
}

// pack cuts files into groups of the target size, which have enough files or are large.
func (p *planner) pack(day string, files []*delta.Add, enough int) []group {
	var bytes int64
	for _, f := range files {
		bytes += f.Size
	}
	if len(files) < 2 || (len(files) < enough && bytes < p.large()) {
		return nil
	}
	var groups []group
	g := group{day: day}
	end := func() {
		if len(g.files) >= 2 && (len(g.files) >= enough || g.bytes >= p.large()) {
			groups = append(groups, g)
		}
		g = group{day: day}
	}
	for _, f := range p.sorted(files) {
		if g.bytes+f.Size > p.target || len(g.files) == maxInputs {
			end()
		}
		g.files = append(g.files, f)
		g.bytes += f.Size
		g.rows += max(f.Rows, 0)
	}
	end()
	return groups
}

// sorted returns files in the order of their rows.
func (p *planner) sorted(files []*delta.Add) []*delta.Add {
	type keyed struct {
		from int64
		file *delta.Add
	}
	keys := make([]keyed, len(files))
	for i, f := range files {
		keys[i] = keyed{p.from(f), f}
	}
	slices.SortStableFunc(keys, func(a, b keyed) int { return cmp.Compare(a.from, b.from) })
	list := make([]*delta.Add, len(files))
	for i, k := range keys {
		list[i] = k.file
	}
	return list
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// lowerBound returns the file's smallest value of a timestamp or date column as datafile.Input.From
// wants it, math.MinInt64 when the statistics don't say, or have NULLs, which sort first.
func lowerBound(f *delta.Add, c tableschema.Column) int64 {
	if gjson.Get(f.Stats, "nullCount."+c.Name).Raw != "0" {
		return math.MinInt64
	}
	text := gjson.Get(f.Stats, "minValues."+c.Name).String()
	switch c.Type.Kind {
	case tableschema.Timestamp:
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at.Truncate(time.Millisecond).UnixMicro()
		}
	case tableschema.Date:
		if at, err := time.Parse(time.DateOnly, text); err == nil {
			return at.Unix() / (24 * 60 * 60)
		}
	}
	return math.MinInt64
}
