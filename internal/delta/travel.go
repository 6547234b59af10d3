package delta

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
)

// VersionGoneError is an ErrVersionGone, with the versions there are.
type VersionGoneError struct {
	Wanted         string // "version 7", or a time
	ByTime         bool   // it is a time
	Oldest, Newest int64
	Since          time.Time // when Oldest was committed; zero if that isn't known
}

// Error implements error.
func (e *VersionGoneError) Error() string {
	since := ""
	if !e.Since.IsZero() {
		since = " (since " + e.Since.UTC().Format("2006-01-02T15:04:05.000Z") + ")"
	}
	return fmt.Sprintf("%s: %s; the log has versions %d%s to %d", ErrVersionGone, e.Wanted, e.Oldest, since, e.Newest)
}

// Unwrap makes it an ErrVersionGone.
func (e *VersionGoneError) Unwrap() error { return ErrVersionGone }

// At returns the table as of a version. ErrVersionGone when the log doesn't have it, or not any more.
func (t *Table) At(ctx context.Context, version int64) (*Snapshot, error) {
	s, err := t.at(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.log.path, err)
	}
	return s, nil
}

func (t *Table) at(ctx context.Context, version int64) (*Snapshot, error) {
	if t.Snapshot().Version < version {
		if _, err := t.Refresh(ctx); err != nil {
			return nil, err
		}
	}
	now := t.Snapshot()
	if now.Version == version {
		return now, nil
	}
	if version >= 0 && version < now.Version {
		near, err := t.log.listNear(ctx, version)
		if err != nil {
			return nil, err
		}
		if s, err := t.log.at(ctx, near, version); !errors.Is(err, errGap) {
			return s, err
		}
	}
	l, err := t.log.list(ctx)
	if err != nil {
		return nil, err
	}
	if version < 0 || version > now.Version {
		return nil, l.gone(fmt.Sprintf("version %d", version), now.Version)
	}
	s, err := t.log.at(ctx, l, version)
	if errors.Is(err, errGap) {
		return nil, l.gone(fmt.Sprintf("version %d", version), now.Version)
	}
	return s, err
}

// AtTime returns the table as of a time: the last version committed at or before it, by the
// store's clock, to the millisecond. ErrVersionGone when the log doesn't go back that far.
func (t *Table) AtTime(ctx context.Context, at time.Time) (*Snapshot, error) {
	now, err := t.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	l, err := t.log.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.log.path, err)
	}
	version, ok := l.versionAt(at)
	if !ok {
		gone := l.gone(at.UTC().Format(time.RFC3339Nano), now.Version)
		gone.ByTime = true
		return nil, fmt.Errorf("table %s: %w", t.log.path, gone)
	}
	return t.At(ctx, version)
}

// at returns the snapshot of a version, from the newest checkpoint up to it that can be read and has
// all versions in between, or from the first version. errGap when there is no way to it.
func (r reader) at(ctx context.Context, l *listing, version int64) (*Snapshot, error) {
	for _, name := range slices.Backward(l.checkpoints) {
		if name.version > version {
			continue
		}
		s, err := r.checkpoint(ctx, name)
		if err == nil {
			s, err = r.through(ctx, s, version)
		}
		if err == nil || errors.Is(err, ErrProtocol) || ctx.Err() != nil {
			return s, err
		}
		if !errors.Is(err, objstore.ErrNotFound) && !errors.Is(err, ErrCorrupt) {
			return nil, err
		}
	}
	if len(l.commits) == 0 || l.commits[0].version != 0 {
		return nil, fmt.Errorf("version 0: %w: %w", ErrCorrupt, errGap)
	}
	return r.through(ctx, emptySnapshot(r.place), version)
}

// through returns s with all versions up to the given one. errGap.
func (r reader) through(ctx context.Context, s *Snapshot, version int64) (*Snapshot, error) {
	commits, err := r.read(ctx, s.Version+1, int(version-s.Version))
	if err != nil {
		return nil, err
	}
	if got := s.Version + int64(len(commits)); got < version {
		return nil, fmt.Errorf("version %d (of %d): %w: %w", got+1, version, ErrCorrupt, errGap)
	}
	return s.apply(commits)
}
