package delta

import (
	"context"
	"fmt"
	"time"
)

// Protocol returns the versions that the table asks of readers and of writers.
func (s *Snapshot) Protocol() (reader, writer int) {
	return s.protocol.MinReaderVersion, s.protocol.MinWriterVersion
}

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
