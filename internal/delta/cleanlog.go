package delta

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/objstore"
)

// MinLogRetention is the shortest time for which CleanLog keeps versions. It is longer than a Table
// goes without listing the log, so that no writer takes a version for free that was cleaned away.
const MinLogRetention = 2 * relist

// CleanReport is what CleanLog did.
type CleanReport struct {
	Oldest      int64 `json:"oldest"`      // the oldest version that is left; -1 if nothing could be cleaned
	Commits     int   `json:"commits"`     // versions deleted
	Checkpoints int   `json:"checkpoints"` // files of checkpoints deleted
	Bytes       int64 `json:"bytes"`
}

// CleanLog deletes what the log doesn't need to lead to the versions of the retention: everything
// before the newest checkpoint that is older than that, of which it keeps the version's own file as well.
//
// retention 0 is the table's property delta.logRetentionDuration (30 days unless it was changed);
// less than MinLogRetention is refused with ErrRetention. now is the time; zero is time.Now. Readers
// that are behind start over from a newer version. It may stop anywhere, and run again or twice at once.
// The report counts what was done even with an error. ErrProtocol.
func (t *Table) CleanLog(ctx context.Context, retention time.Duration, now time.Time) (CleanReport, error) {
	r, err := t.cleanLog(ctx, retention, now)
	if err != nil {
		return r, fmt.Errorf("clean the log of table %s: %w", t.log.path, err)
	}
	return r, nil
}

func (t *Table) cleanLog(ctx context.Context, retention time.Duration, now time.Time) (CleanReport, error) {
	none := CleanReport{Oldest: -1}
	if !t.writes {
		return none, ErrReadOnly
	}
	s, err := t.Refresh(ctx)
	if err != nil {
		return none, err
	}
	if err := s.writable(); err != nil {
		return none, err
	}
	if retention == 0 {
		retention = max(s.meta.logRetention(), MinLogRetention)
	}
	if retention < MinLogRetention {
		return none, fmt.Errorf("%w: %v; writers need %v", ErrRetention, retention, MinLogRetention)
	}
	if now.IsZero() {
		now = time.Now()
	}
	l, err := t.log.list(ctx)
	if err != nil {
		return none, err
	}
	keep, err := t.log.oldCheckpoint(ctx, l, now.Add(-retention))
	if err != nil || keep < 0 {
		return none, err
	}
	return t.log.cleanBefore(ctx, keep)
}

// oldCheckpoint returns the version of the newest checkpoint that is older than the cutoff, can be
// read, and leads to the newest version; -1 when there is none.
func (r reader) oldCheckpoint(ctx context.Context, l *listing, cutoff time.Time) (int64, error) {
	for _, c := range slices.Backward(l.checkpoints) {
		at := l.when(c.version)
		if at.IsZero() || at.After(cutoff) || !l.follows(c.version) {
			continue
		}
		_, err := r.checkpoint(ctx, c)
		if err == nil {
			return c.version, nil
		}
		if ctx.Err() != nil {
			return -1, err
		}
	}
	return -1, nil
}

// follows reports whether all versions after the given one are listed.
func (l *listing) follows(version int64) bool {
	next := version + 1
	for _, c := range l.commits {
		if c.version > next {
			return false
		}
		if c.version == next {
			next++
		}
	}
	return true
}

// versioned is the name of any file of the log that belongs to a version, also other engines'.
var versioned = regexp.MustCompile(`^(\d{20})\.`)

// cleanBefore deletes what belongs to versions before the given one, oldest first: whatever is left
// by a crash, what leads to later versions is whole.
func (r reader) cleanBefore(ctx context.Context, version int64) (CleanReport, error) {
	report := CleanReport{Oldest: version}
	prefix := r.path + logFolder
	var old []objstore.Info
	for info, err := range r.store.List(ctx, prefix, "") {
		if err != nil {
			return report, fmt.Errorf("list log: %w", err)
		}
		m := versioned.FindStringSubmatch(strings.TrimPrefix(info.Key, prefix))
		if m == nil {
			continue
		}
		if v, err := strconv.ParseInt(m[1], 10, 64); err == nil && v < version {
			old = append(old, info)
		}
	}
	for batch := range slices.Chunk(old, parallel) {
		g, gctx := errgroup.WithContext(ctx)
		for _, info := range batch {
			g.Go(func() error { return r.store.Delete(gctx, info.Key) })
		}
		if err := g.Wait(); err != nil {
			return report, err
		}
		for _, info := range batch {
			report.add(info)
		}
	}
	return report, nil
}

func (r *CleanReport) add(info objstore.Info) {
	r.Bytes += info.Size
	if _, ok := commitVersion(info.Key); ok {
		r.Commits++
	} else if checkpointFile.MatchString(info.Key) {
		r.Checkpoints++
	}
}

// logRetention is how long versions are kept: 30 days unless the table says otherwise. What isn't
// understood is taken for ever.
func (m *metadata) logRetention() time.Duration {
	text, ok := m.Configuration["delta.logRetentionDuration"]
	if !ok {
		return 30 * 24 * time.Hour
	}
	if d, ok := interval(text); ok {
		return d
	}
	return math.MaxInt64
}
