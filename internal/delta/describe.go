package delta

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Protocol returns the versions that the table asks of readers and of writers.
func (s *Snapshot) Protocol() (reader, writer int) {
	return s.protocol.MinReaderVersion, s.protocol.MinWriterVersion
}

// Writable is nil if the table asks nothing of its writers that this package can't do. ErrProtocol.
func (s *Snapshot) Writable() error { return s.writable() }

// Property returns one of the table's properties, such as delta.logRetentionDuration.
func (s *Snapshot) Property(name string) (value string, ok bool) {
	value, ok = s.meta.Configuration[name]
	return value, ok
}

// Oldest returns the oldest version that At can return, and when it was committed; zero if that
// isn't known.
func (t *Table) Oldest(ctx context.Context) (version int64, at time.Time, err error) {
	l, err := t.log.list(ctx)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("table %s: %w", t.log.path, err)
	}
	version, ok := l.oldest()
	if !ok {
		version = t.Snapshot().Version
	}
	return version, l.when(version), nil
}

// Details is what a table says of itself.
type Details struct {
	ID, Description  string
	Created          time.Time // zero when nobody wrote it down
	PartitionColumns []string
	Properties       map[string]string // read only
}

// Details returns what the table says of itself as of the snapshot.
func (s *Snapshot) Details() Details {
	d := Details{
		ID: s.meta.ID, Description: s.meta.Description,
		PartitionColumns: slices.Clone(s.meta.PartitionColumns), Properties: s.meta.Configuration,
	}
	if s.meta.CreatedTime != nil {
		d.Created = time.UnixMilli(*s.meta.CreatedTime)
	}
	return d
}

// Committed returns when a version was committed, by the store's clock; zero if the log doesn't have
// it any more.
func (t *Table) Committed(ctx context.Context, version int64) (time.Time, error) {
	l, err := t.log.list(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("table %s: %w", t.log.path, err)
	}
	return l.when(version), nil
}
