package tablewriter

import (
	"context"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
)

// Detail is how a table is stored.
type Detail struct {
	delta.Details
	Path           string // below the lake's root
	Version        int64
	Modified       time.Time // when the version was committed; zero when the log does not say any more
	Files          int64
	Bytes          int64
	Reader, Writer int // the protocol's versions
}

// detail implements Writer.Detail and Reader.Detail.
func (l *lake) detail(ctx context.Context, name string) (*Detail, error) {
	t, err := l.named(ctx, name)
	if err != nil {
		return nil, err
	}
	l.catchUp(ctx, []*table{t}, time.Now().Add(-l.refresh))
	d, err := l.opened(ctx, t)
	if err != nil {
		return nil, err
	}
	s := d.Snapshot()
	out := &Detail{Details: s.Details(), Path: t.name.Path(), Version: s.Version, Files: int64(s.NumFiles())}
	out.Reader, out.Writer = s.Protocol()
	for a := range s.Files() {
		out.Bytes += a.Size
	}
	out.Modified, err = d.Committed(ctx, s.Version)
	return out, err
}
