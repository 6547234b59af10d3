package warehouse

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/protocol"
)

// need answers what a query's tables are.
func (r *run) need(ctx context.Context, n *protocol.Need) error {
	wantsShapes := n.All || len(n.Shapes) > 0
	wantsFiles := len(n.Scans) > 0 || n.History != nil || n.Detail != ""
	if wantsShapes && r.asked.shapes || wantsFiles && r.asked.files {
		r.kill(protocol.Internal, "the query could not be run")
		return errProtocol
	}
	r.asked.shapes, r.asked.files = r.asked.shapes || wantsShapes, r.asked.files || wantsFiles
	if n.AI {
		r.timer.Reset(r.aiTimeout() + r.w.cfg.Grace)
	}
	answer, err := r.answer(ctx, n)
	if err != nil {
		var f *protocol.Failure
		if !errors.As(err, &f) {
			if r.why() == nil { // else nobody waits for it any more
				r.w.log.Error("snapshot for a query", "err", err)
			}
			f = &protocol.Failure{Class: protocol.Internal, Message: "the tables' snapshot could not be taken"}
		}
		if err := r.c.conn.Send(&protocol.Message{Failure: f}); err != nil {
			return r.broken(err)
		}
		return nil
	}
	if err := r.c.conn.Send(&protocol.Message{Tables: answer}); err != nil {
		return r.broken(err)
	}
	return nil
}

// answer gathers what a worker needs. It believes nothing of the worker's idea of who may read what.
func (r *run) answer(ctx context.Context, n *protocol.Need) (out *protocol.Tables, err error) {
	out = &protocol.Tables{}
	if n.All {
		for _, t := range r.may {
			out.Shapes = append(out.Shapes, protocol.Table{Schema: t.schema, View: t.view})
		}
	}
	under := basesOf(r.may)
	if err := r.shapes(under, n, out); err != nil {
		return nil, err
	}
	switch {
	case n.History != nil:
		if r.may[n.History.Name].schema == nil {
			return nil, notReadable(n.History.Name)
		}
		out.Commits, err = r.w.source.History(ctx, n.History.Name, n.History.Limit)
		return out, err
	case n.Detail != "":
		if r.may[n.Detail].schema == nil {
			return nil, notReadable(n.Detail)
		}
		out.Detail, err = r.w.source.Detail(ctx, n.Detail)
		return out, err
	case len(n.Scans) == 0:
		return out, nil
	}
	requests := make([]Request, len(n.Scans))
	for i, s := range n.Scans {
		if !under[s.Name] {
			return nil, notReadable(s.Name)
		}
		requests[i] = Request{Name: s.Name, Filter: s.Filter, Version: s.Version, Timestamp: s.Timestamp}
	}
	corrections := r.corrections(ctx, n.Scans)
	for _, i := range corrections {
		requests = append(requests, Request{Name: protocol.Corrections, Timestamp: n.Scans[i].Timestamp})
	}
	snap, err := r.w.source.Snapshot(ctx, requests)
	if err != nil {
		return nil, err
	}
	r.snap = &snap
	for _, t := range snap.Tables[:len(n.Scans)] {
		r.w.stats.files.Add(int64(len(t.Files)))
		r.w.stats.pruned.Add(int64(t.Pruned))
		out.Scans = append(out.Scans, protocol.Table{Schema: t.Schema, Files: wireFiles(t), Pruned: t.Pruned})
	}
	for k, i := range corrections {
		t := snap.Tables[len(n.Scans)+k]
		out.Scans[i].Corrections = &protocol.Table{Schema: t.Schema, Files: wireFiles(t)}
	}
	return out, nil
}

// corrections returns the places of the scans whose costs are to be corrected. Who may read the
// ledger may read what corrects it. A version of the ledger is as it was written.
func (r *run) corrections(ctx context.Context, scans []protocol.Scan) []int {
	var out []int
	for i, s := range scans {
		if s.Corrected && s.Name == protocol.Ledger && s.Version == nil && r.w.has(protocol.Corrections) && r.correctedBy(ctx, s.Timestamp) {
			out = append(out, i)
		}
	}
	return out
}

// correctedBy reports whether there was a table of corrections at a time, nil for now.
func (r *run) correctedBy(ctx context.Context, at *time.Time) bool {
	if at == nil {
		return true
	}
	commits, err := r.w.source.History(ctx, protocol.Corrections, 0)
	return err == nil && len(commits) > 0 && !commits[len(commits)-1].Timestamp.After(*at)
}

func (w *Warehouse) has(table string) bool {
	return slices.ContainsFunc(w.source.Tables(), func(t *tableschema.Table) bool { return t.Name.String() == table })
}

// shapes adds the columns of the tables that were named.
func (r *run) shapes(under map[string]bool, n *protocol.Need, out *protocol.Tables) error {
	if len(n.Shapes) == 0 {
		return nil
	}
	tables := map[string]*tableschema.Table{}
	for _, t := range r.w.source.Tables() {
		tables[t.Name.String()] = t
	}
	for _, name := range n.Shapes {
		if !under[name] {
			return notReadable(name)
		}
		if t := tables[name]; t != nil {
			out.Shapes = append(out.Shapes, protocol.Table{Schema: t})
		}
	}
	return nil
}

func notReadable(name string) error {
	return &protocol.Failure{Class: protocol.NotFound, Message: "table or view not found, or you may not read it: " + name}
}

// wireFiles keeps of a file what the worker needs: its path and the value of its partition.
func wireFiles(t Table) []protocol.File {
	files := make([]protocol.File, len(t.Files))
	for i, f := range t.Files {
		files[i] = protocol.File{Path: f.Path}
		if v := f.Partition[t.Schema.PartitionBy]; v != "" {
			files[i].Partition = &v
		}
	}
	return files
}

// unreadable looks whether the copy of a file is damaged. The worker is not used again: its engine
// may remember parts of the file. It returns what the caller is told: f, unless the source knows better.
func (r *run) unreadable(ctx context.Context, f *protocol.Failure) *protocol.Failure {
	r.w.stats.unreadable.Add(1)
	r.c.kill()
	if r.snap == nil || r.snap.Recheck == nil {
		return f
	}
	repaired, err := r.snap.Recheck(ctx)
	var known *protocol.Failure
	if errors.As(err, &known) {
		return known
	}
	if err != nil {
		r.w.log.Error("check the copies of files after one could not be read", "err", err)
		return f
	}
	r.w.log.Warn("a file of a query could not be read", "repaired", repaired)
	r.repaired = repaired && !r.begun
	return f
}
