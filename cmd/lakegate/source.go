package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// lakeView is what SQL needs of a lake, open for writing or for reading.
type lakeView interface {
	Tables() []*tableschema.Table
	SnapshotOf(ctx context.Context, requests []tablewriter.SnapshotRequest) (*tablewriter.Snapshot, error)
	History(ctx context.Context, table string, limit int) ([]delta.Version, error)
	Detail(ctx context.Context, table string) (*tablewriter.Detail, error)
}

// source gives the warehouse the tables of a lake.
type source struct{ lake lakeView }

func (s source) Tables() []*tableschema.Table {
	tables := s.lake.Tables()
	out := make([]*tableschema.Table, len(tables))
	for i, t := range tables {
		out[i] = withLater(t)
	}
	return out
}

// withLater adds the columns of a system table that the table lacks: a lake which an older program
// wrote, and old versions of a newer one, have no such rows, but the views and queries of today ask
// for the columns. They are NULL there.
func withLater(t *tableschema.Table) *tableschema.Table {
	if t == nil {
		return nil
	}
	for _, known := range systemtables.Tables() {
		if known.Name != t.Name {
			continue
		}
		var later []tableschema.Column
		for _, c := range known.Columns {
			if _, _, has := t.Column(c.Name); !has {
				later = append(later, c)
			}
		}
		if len(later) > 0 {
			all := *t
			all.Columns = slices.Concat(t.Columns, later)
			return &all
		}
	}
	return t
}

func (s source) Snapshot(ctx context.Context, requests []warehouse.Request) (warehouse.Snapshot, error) {
	wanted := make([]tablewriter.SnapshotRequest, len(requests))
	for i, r := range requests {
		if r.Timestamp != nil && r.Timestamp.After(time.Now()) {
			return warehouse.Snapshot{}, inFuture(*r.Timestamp)
		}
		wanted[i] = tablewriter.SnapshotRequest{Table: r.Name, Filter: r.Filter, Version: r.Version, Timestamp: r.Timestamp}
	}
	snap, err := s.lake.SnapshotOf(ctx, wanted)
	if err != nil {
		return warehouse.Snapshot{}, told(err)
	}
	out := warehouse.Snapshot{Release: snap.Release, Recheck: func(ctx context.Context) (bool, error) {
		repaired, err := snap.Recheck(ctx)
		if past(requests) {
			err = told(err) // files of old versions may be gone
		}
		return repaired, err
	}}
	for i, t := range snap.List {
		if t.Schema == nil {
			out.Release()
			return warehouse.Snapshot{}, fmt.Errorf("table %s: its columns are not known yet", requests[i].Name)
		}
		w := warehouse.Table{Schema: withLater(t.Schema), Files: make([]warehouse.File, 0, len(t.Files)+len(t.Hot)), Pruned: t.Pruned}
		for _, files := range [][]tablewriter.DataFile{t.Files, t.Hot} {
			for _, f := range files {
				w.Files = append(w.Files, warehouse.File{Path: f.Path, Partition: f.Partition})
			}
		}
		out.Tables = append(out.Tables, w)
	}
	return out, nil
}

func past(requests []warehouse.Request) bool {
	return slices.ContainsFunc(requests, func(r warehouse.Request) bool { return r.Version != nil || r.Timestamp != nil })
}

func (s source) History(ctx context.Context, table string, limit int) ([]warehouse.Commit, error) {
	versions, err := s.lake.History(ctx, table, limit)
	if err != nil {
		return nil, told(err)
	}
	commits := make([]warehouse.Commit, len(versions))
	for i, v := range versions {
		commits[i] = warehouse.Commit{
			Version: v.Version, Timestamp: v.Timestamp, Operation: v.Operation, Parameters: v.Parameters, Metrics: v.Metrics,
			ReadVersion: v.ReadVersion, IsBlindAppend: v.IsBlindAppend, Engine: v.Engine, UserMetadata: v.UserMetadata,
		}
	}
	return commits, nil
}

func (s source) Detail(ctx context.Context, table string) (*warehouse.Detail, error) {
	d, err := s.lake.Detail(ctx, table)
	if err != nil {
		return nil, told(err)
	}
	return &warehouse.Detail{
		ID: d.ID, Description: d.Description, Location: d.Path, Created: d.Created, Modified: d.Modified,
		PartitionColumns: d.PartitionColumns, Files: d.Files, Bytes: d.Bytes, Properties: d.Properties,
		Reader: d.Reader, Writer: d.Writer,
	}, nil
}

// told makes a failure of what the caller of a query can do something about, in Databricks' words where
// it has some. Other errors stay in the
// gateway's log.
func told(err error) error {
	var gone *delta.VersionGoneError
	switch {
	case errors.As(err, &gone) && gone.ByTime:
		since := "its oldest version"
		if !gone.Since.IsZero() {
			since = gone.Since.UTC().Format("2006-01-02 15:04:05.000")
		}
		return invalid("[DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION] The provided timestamp (%s) is before the earliest version available to this table (%s). Please use a timestamp after %s.",
			gone.Wanted, since, since)
	case errors.As(err, &gone):
		return invalid("[DELTA_VERSION_NOT_FOUND] Cannot time travel Delta table to %s. Available versions: [%d, %d].", gone.Wanted, gone.Oldest, gone.Newest)
	case errors.Is(err, filecache.ErrTooLarge):
		return &protocol.Failure{Class: protocol.Memory, Message: "the query needs more of the table at once than this machine may keep of it " +
			"(lake.cache.max_size): narrow it by date or another column, or have that raised"}
	case errors.Is(err, filecache.ErrDiskFull):
		return &protocol.Failure{Class: protocol.Busy, Message: "the gateway's disk has no room for the files of the query; try again later"}
	case errors.Is(err, filecache.ErrGone), errors.Is(err, tablewriter.ErrFileGone):
		return &protocol.Failure{Class: protocol.Invalid, Message: "[DELTA_FILE_NOT_FOUND] files that this version of the table needs are not there any more; a vacuum removes them after some days, and a request to forget somebody at once"}
	case errors.Is(err, tablewriter.ErrUnseen):
		return &protocol.Failure{Class: protocol.Busy, Message: "the store of the tables has not been reached since this gateway started, so their committed rows are not known; try again when the store is back"}
	case errors.Is(err, delta.ErrNotTable):
		return &protocol.Failure{Class: protocol.Invalid, Message: "nothing of the table is in the lake yet"}
	}
	return err
}

func invalid(format string, args ...any) error {
	return &protocol.Failure{Class: protocol.Invalid, Message: fmt.Sprintf(format, args...)}
}

func inFuture(at time.Time) error {
	return invalid("[DELTA_TIMESTAMP_GREATER_THAN_COMMIT] The provided timestamp (%s) is after the latest version available to this table. Please use a timestamp that has passed.",
		at.UTC().Format("2006-01-02 15:04:05.000"))
}
