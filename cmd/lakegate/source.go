package main

import (
	"context"
	"fmt"

	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// lakeView is what SQL needs of a lake, open for writing or for reading.
type lakeView interface {
	Tables() []*tableschema.Table
	Snapshot(ctx context.Context, tables []string) (*tablewriter.Snapshot, error)
}

// source gives the warehouse the tables of a lake.
type source struct{ lake lakeView }

func (s source) Tables() []*tableschema.Table { return s.lake.Tables() }

func (s source) Snapshot(ctx context.Context, requests []warehouse.Request) (warehouse.Snapshot, error) {
	names := make([]string, len(requests))
	for i, r := range requests {
		if r.Version != nil || r.Timestamp != nil {
			return warehouse.Snapshot{}, notYet("time travel")
		}
		names[i] = r.Name
	}
	snap, err := s.lake.Snapshot(ctx, names)
	if err != nil {
		return warehouse.Snapshot{}, err
	}
	out := warehouse.Snapshot{Release: snap.Release}
	for _, r := range requests {
		t := snap.Tables[r.Name]
		if t.Schema == nil {
			out.Release()
			return warehouse.Snapshot{}, fmt.Errorf("table %s: its columns are not known yet", r.Name)
		}
		w := warehouse.Table{Schema: t.Schema, Files: make([]warehouse.File, 0, len(t.Files)+len(t.Hot))}
		keep := r.Filter.For(t.Schema)
		for _, files := range [][]tablewriter.DataFile{t.Files, t.Hot} {
			for _, f := range files {
				if !keep.Keep(f.Partition, prune.NewStats(f.Stats)) {
					w.Pruned++
					continue
				}
				w.Files = append(w.Files, warehouse.File{Path: f.Path, Partition: f.Partition})
			}
		}
		out.Tables = append(out.Tables, w)
	}
	return out, nil
}

func (s source) History(context.Context, string, int) ([]warehouse.Commit, error) {
	return nil, notYet("DESCRIBE HISTORY")
}

func (s source) Detail(context.Context, string) (*warehouse.Detail, error) {
	return nil, notYet("DESCRIBE DETAIL")
}

func notYet(what string) error {
	return &protocol.Failure{Class: protocol.Unsupported, Message: what + " is not supported yet"}
}
