package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/objstore"
)

// checkpointName names a classic checkpoint: one file, or several parts.
type checkpointName struct {
	version int64
	parts   int // 0 for one file
}

func (r reader) checkpointKeys(n checkpointName) []string {
	base := fmt.Sprintf("%s%s%020d.checkpoint", r.path, logFolder, n.version)
	if n.parts == 0 {
		return []string{base + ".parquet"}
	}
	keys := make([]string, n.parts)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s.%010d.%010d.parquet", base, i+1, n.parts)
	}
	return keys
}

// maxParts bounds what a damaged _last_checkpoint can make us look for.
const maxParts = 10_000

// checkpoint reads a checkpoint.
func (r reader) checkpoint(ctx context.Context, n checkpointName) (*Snapshot, error) {
	if n.version < 0 || n.parts < 0 || n.parts > maxParts {
		return nil, fmt.Errorf("checkpoint %d in %d parts: %w", n.version, n.parts, ErrCorrupt)
	}
	keys := r.checkpointKeys(n)
	parts := make([][]action, len(keys))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, key := range keys {
		g.Go(func() error {
			data, _, err := r.store.Get(gctx, key)
			if err == nil {
				parts[i], err = decodeCheckpoint(data)
			}
			if err != nil {
				return fmt.Errorf("checkpoint %d: %s: %w", n.version, key, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	s, err := emptySnapshot(r.place).apply([]commit{{n.version, slices.Concat(parts...)}})
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return s, nil
}

// Checkpoint writes a checkpoint of the newest version now. It is what makes opening the table fast
// and cleaning its log possible; writers do it every CheckpointInterval versions by themselves.
func (t *Table) Checkpoint(ctx context.Context) error {
	if !t.writes {
		return fmt.Errorf("checkpoint table %s: %w", t.log.path, ErrReadOnly)
	}
	s, err := t.Refresh(ctx)
	if err == nil {
		err = s.writable()
	}
	if err == nil {
		err = t.writeCheckpoint(ctx, s)
	}
	if err != nil {
		return fmt.Errorf("checkpoint table %s: %w", t.log.path, err)
	}
	return nil
}

const (
	// quickCheckpoint is how many files a checkpoint has at most that is written before the commit
	// returns: some 30 ms of work.
	quickCheckpoint = 5000
	// checkpointTime bounds the writing of one beside the commits.
	checkpointTime = 5 * time.Minute
)

// checkpointIfDue writes a checkpoint of every interval's last version: a large one beside the
// commits that follow, one at a time.
func (t *Table) checkpointIfDue(ctx context.Context, s *Snapshot) {
	if t.opts.CheckpointInterval < 0 || s.Version == 0 || s.Version%t.opts.CheckpointInterval != 0 {
		return
	}
	if s.files.n+s.removed.n <= t.quick {
		t.tryCheckpoint(ctx, s)
		return
	}
	if !t.checkpointing.CompareAndSwap(false, true) {
		return
	}
	t.background.Go(func() {
		defer t.checkpointing.Store(false)
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), checkpointTime)
		defer stop()
		t.background.Go(func() {
			select {
			case <-t.closing:
				stop()
			case <-ctx.Done():
			}
		})
		t.tryCheckpoint(ctx, s)
	})
}

// Close ends what runs beside the commits: a checkpoint that is being written is given up, the next
// one will do. It is safe twice.
func (t *Table) Close() {
	t.closeOnce.Do(func() { close(t.closing) })
	t.background.Wait()
}

// tryCheckpoint writes a checkpoint. The table is complete without it, so a failure is logged and
// forgotten.
func (t *Table) tryCheckpoint(ctx context.Context, s *Snapshot) {
	if err := t.writeCheckpoint(ctx, s); err != nil {
		t.opts.Logger.WarnContext(ctx, "delta checkpoint not written", "table", t.log.path, "version", s.Version, "error", err)
	}
}

func (t *Table) writeCheckpoint(ctx context.Context, s *Snapshot) error {
	data, rows, err := encodeCheckpoint(s, time.Now().Add(-s.meta.tombstones()), t.codec)
	if err != nil {
		return err
	}
	// Another writer's checkpoint of the version is as good.
	_, err = t.log.store.Create(ctx, t.log.checkpointKeys(checkpointName{version: s.Version})[0], data)
	if err != nil && !errors.Is(err, objstore.ErrExists) {
		return fmt.Errorf("write checkpoint %d: %w", s.Version, err)
	}
	return t.writeHint(ctx, s, rows, len(data))
}

// writeHint has _last_checkpoint name the checkpoint of s, unless it names a newer one.
func (t *Table) writeHint(ctx context.Context, s *Snapshot, rows, size int) error {
	hint, err := json.Marshal(map[string]int64{
		"version": s.Version, "size": int64(rows), "sizeInBytes": int64(size), "numOfAddFiles": int64(s.NumFiles()),
	})
	if err != nil {
		return fmt.Errorf("encode last checkpoint: %w", err)
	}
	old, info, err := t.log.store.Get(ctx, t.log.hintKey())
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		_, err = t.log.store.Create(ctx, t.log.hintKey(), hint)
	case err == nil:
		var had struct {
			Version int64 `json:"version"`
		}
		if json.Unmarshal(old, &had) == nil && had.Version >= s.Version {
			return nil
		}
		_, err = t.log.store.Replace(ctx, t.log.hintKey(), info.ETag, hint)
	}
	if err != nil {
		return fmt.Errorf("write last checkpoint: %w", err)
	}
	return nil
}
