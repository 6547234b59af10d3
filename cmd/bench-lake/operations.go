package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/internal/state"

	systemtables "github.com/lakegate/lakegate/system_tables"
)

// operations counts the calls of an object store that a gateway makes per landing, with its
// maintenance, and what they cost.
func (b *bench) operations(ctx context.Context) (err error) {
	l, err := b.openLake(ctx, "operations", 1<<40, false)
	if err != nil {
		return err
	}
	defer func() { err = l.close(err) }()
	const landings, perRound, each = 180, 6, 20
	k, err := keeper(l.store, 1, l.usage, l.texts)
	if err != nil {
		return err
	}
	presence := gateways.Register(state.New(l.store), gateways.Gateway{LogID: l.writer.Stats().LogID}, func() gateways.Status { return gateways.Status{} }, silent)
	made := newCalls(newPool(), 1)
	was := l.store.ops()
	var land, kept ops
	for n := range landings {
		var rec inference.Record
		for range each {
			made.next(&rec, time.Now().UTC())
			made.withPayload(&rec)
			if err := l.writer.Record(&rec, false); err != nil {
				return err
			}
		}
		if err := l.writer.Flush(ctx); err != nil {
			return err
		}
		now := l.store.ops()
		land, was = land.plus(now.minus(was)), now
		if err := presence.Ack(ctx, "beat"); err != nil { // a heartbeat, as every ten seconds
			return err
		}
		if n%perRound == perRound-1 {
			if err := k.Round(ctx); err != nil {
				return err
			}
		}
		now = l.store.ops()
		kept, was = kept.plus(now.minus(was)), now
	}
	per := func(o ops) string {
		return fmt.Sprintf("%.1f PUT, %.1f GET, %.2f LIST", float64(o.puts)/landings, float64(o.gets)/landings, float64(o.lists)/landings)
	}
	b.add("store calls per landing", per(land), "into a usage and a payload table, checkpoints included; one landing every 10 s")
	b.add("store calls of maintenance and heartbeats", per(kept), "per landing: compaction, leases, sweeps, a round a minute")
	all := land.plus(kept)
	for _, perSecond := range []int64{10, 100, 1000} {
		million := float64(1_000_000) / float64(perSecond*10) / landings
		b.add(fmt.Sprintf("a million requests at %s/s", grouped(perSecond)), fmt.Sprintf("$%.3f", all.dollars()*million),
			"%s PUT and LIST, %s GET", grouped(int64(float64(all.puts+all.lists)*million)), grouped(int64(float64(all.gets)*million)))
	}
	d, err := k.Describe(ctx, l.usage)
	if err != nil {
		return err
	}
	if d.Rows != landings*each {
		return fmt.Errorf("%d rows of %d requests", d.Rows, landings*each)
	}
	b.add("prices", "", "%s", priceSource)
	return nil
}

func (o ops) plus(p ops) ops { return ops{o.puts + p.puts, o.gets + p.gets, o.lists + p.lists} }

// commitRate measures commits of four writers to one table, on a folder and on a real S3 server.
func (b *bench) commitRate(ctx context.Context) error {
	folder, err := fsstore.Open(filepath.Join(b.dir, "commits"))
	if err != nil {
		return err
	}
	if err := b.commitsOn(ctx, "a folder, synced", folder); err != nil {
		return err
	}
	server, err := s3test.Start(ctx, filepath.Join(b.dir, "s3"))
	if err != nil {
		b.add("commits on an S3 server", "-", "not measured: %v", err)
		return nil
	}
	defer server.Kill()
	store, err := s3store.Open(ctx, s3store.Config{
		Bucket: s3test.Bucket, Region: s3test.Region, Endpoint: server.Endpoint, PathStyle: true,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey, Timeout: 30 * time.Second,
	}, silent)
	if err != nil {
		return err
	}
	return b.commitsOn(ctx, "an S3 server on this machine (versitygw)", store)
}

func (b *bench) commitsOn(ctx context.Context, what string, store objstore.Store) error {
	const writers = 4
	table := systemtables.EndpointUsage()
	var done [writers]int64
	g, gctx := errgroup.WithContext(ctx)
	begun := time.Now()
	for n := range writers {
		g.Go(func() error {
			t, err := delta.OpenOrCreate(gctx, store, table, delta.Options{Version: "bench"})
			if err != nil {
				return err
			}
			log := fmt.Sprintf("%08d-0000-4000-8000-000000000000", n)
			for v := int64(1); time.Since(begun) < b.commits; v++ {
				partition := map[string]string{"request_date": "2026-11-20"}
				add := delta.Add{Path: delta.DataFileName(partition, uint64(v), log), PartitionValues: partition, Size: 1000, Rows: 1, Stats: `{"numRecords":1}`}
				if _, err := t.Append(gctx, []delta.Add{add}, delta.Txn{AppID: log, Version: v}, nil); err != nil {
					return err
				}
				done[n]++
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	took := time.Since(begun)
	var commits int64
	for _, n := range done {
		commits += n
	}
	t, err := delta.Open(ctx, store, table.Name.Path())
	if err != nil {
		return err
	}
	if s := t.Snapshot(); s.Version != commits || int64(s.NumFiles()) != commits {
		return fmt.Errorf("version %d with %d files after %d commits", s.Version, s.NumFiles(), commits)
	}
	b.add("commits on "+what, rate(commits, took), "four writers on one table, each as fast as it can, a checkpoint every 50 versions")
	return nil
}
