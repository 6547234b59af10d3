package delta

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// listing is what is in the log folder. It may miss what appeared while it was made.
type listing struct {
	commits     []commitFile     // by version
	checkpoints []checkpointName // complete ones, by version
}

type commitFile struct {
	version int64
	at      time.Time // by the store's clock, to the millisecond, later than that of the version before
	key     string
	size    int64
}

// list lists the log.
func (r reader) list(ctx context.Context) (*listing, error) {
	return r.listBetween(ctx, "", math.MaxInt64)
}

// window is how far back At looks for a checkpoint before it lists the whole log, which may have
// hundreds of thousands of versions: a few of our intervals.
const window = 5 * defaultCheckpointInterval

// listNear lists the log from a little before a version to the version.
func (r reader) listNear(ctx context.Context, version int64) (*listing, error) {
	after := ""
	if version > window {
		after = r.commitKey(version - window)
	}
	return r.listBetween(ctx, after, version)
}

func (r reader) listBetween(ctx context.Context, after string, last int64) (*listing, error) {
	l := &listing{}
	parts := map[checkpointName]int{}
	for info, err := range r.store.List(ctx, r.path+logFolder, after) {
		if err != nil {
			return nil, fmt.Errorf("list log: %w", err)
		}
		if v, ok := commitVersion(info.Key); ok {
			if v > last {
				break
			}
			l.commits = append(l.commits, commitFile{v, info.Modified.Truncate(time.Millisecond), info.Key, info.Size})
			continue
		}
		name, ok := checkpointOf(info.Key)
		if !ok {
			continue
		}
		if parts[name]++; parts[name] == max(name.parts, 1) {
			l.checkpoints = append(l.checkpoints, name)
		}
	}
	slices.SortStableFunc(l.checkpoints, func(a, b checkpointName) int { return cmp.Compare(a.version, b.version) })
	// A later version was committed later, whatever the clocks of several servers say.
	for i := l.unbroken() + 1; i < len(l.commits); i++ {
		if before := l.commits[i-1].at; !l.commits[i].at.After(before) {
			l.commits[i].at = before.Add(time.Millisecond)
		}
	}
	return l, nil
}

// checkpointOf parses the name of a checkpoint, or of one of its parts.
func checkpointOf(key string) (checkpointName, bool) {
	m := checkpointFile.FindStringSubmatch(key)
	if m == nil {
		return checkpointName{}, false
	}
	v, err := strconv.ParseInt(m[1], 10, 64)
	parts, _ := strconv.Atoi(m[3]) // ten digits, or none
	return checkpointName{v, parts}, err == nil
}

// oldest is the first version that the log leads to: the oldest checkpoint after which nothing is
// missing, or version 0. ok is false when there is none.
func (l *listing) oldest() (version int64, ok bool) {
	if len(l.commits) == 0 {
		if n := len(l.checkpoints); n > 0 {
			return l.checkpoints[n-1].version, true
		}
		return 0, false
	}
	first := l.commits[l.unbroken()].version
	if first == 0 {
		return 0, true
	}
	for _, c := range l.checkpoints {
		if c.version >= first-1 {
			return c.version, true
		}
	}
	return 0, false
}

// unbroken is the index of the first of the commits that lead to the newest without a gap.
func (l *listing) unbroken() int {
	i := max(len(l.commits)-1, 0)
	for i > 0 && l.commits[i-1].version == l.commits[i].version-1 {
		i--
	}
	return i
}

// versionAt is the last version committed at or before a time, of those that can be reached.
func (l *listing) versionAt(at time.Time) (version int64, ok bool) {
	oldest, ok := l.oldest()
	if !ok {
		return 0, false
	}
	ok = false
	for _, c := range l.commits {
		if c.version >= oldest && !c.at.After(at) {
			version, ok = c.version, true
		}
	}
	return version, ok
}

// when is the time that the version was committed, zero if that isn't known.
func (l *listing) when(version int64) time.Time {
	i, ok := slices.BinarySearchFunc(l.commits, version, func(c commitFile, v int64) int { return cmp.Compare(c.version, v) })
	if !ok {
		return time.Time{}
	}
	return l.commits[i].at
}

func (l *listing) gone(wanted string, newest int64) *VersionGoneError {
	oldest, ok := l.oldest()
	if !ok {
		oldest = newest
	}
	return &VersionGoneError{Wanted: wanted, Oldest: oldest, Newest: newest, Since: l.when(oldest)}
}
