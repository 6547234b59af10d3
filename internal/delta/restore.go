package delta

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/objstore"
)

// FilesGoneError is an ErrFilesGone, with the files.
type FilesGoneError struct {
	Version int64
	Paths   []string
}

// Error implements error.
func (e *FilesGoneError) Error() string {
	some := e.Paths[:min(3, len(e.Paths))]
	return fmt.Sprintf("%s: %d of version %d, such as %s; a version since the last vacuum, or its retention, can be restored",
		ErrFilesGone, len(e.Paths), e.Version, strings.Join(some, ", "))
}

// Unwrap makes it an ErrFilesGone.
func (e *FilesGoneError) Unwrap() error { return ErrFilesGone }

// RestorePlan is what a restore is about to do to a snapshot.
type RestorePlan struct {
	Remove, Add []*Add           // read only
	Txns        map[string]int64 // of the snapshot; read only
}

// Restore makes the table's files those of a version again, in one commit: what came later is
// removed, what was removed since is added back. Transactions stay, so that nothing is landed again, and so
// do columns that were added since; a schema that the old files don't fit is taken back with
// them. account, of which there may be one, returns transactions to be kept with the restore.
//
// It returns the snapshot after it, or the present one when there is nothing to do. ErrVersionGone;
// ErrFilesGone when the store doesn't have all files of the version any more, which changes nothing.
// ErrProtocol, ErrAppendOnly, ErrTxnOrder. After objstore.ErrUnknown, restore again.
func (t *Table) Restore(ctx context.Context, version int64, account ...func(RestorePlan) ([]Txn, error)) (*Snapshot, error) {
	s, err := t.restore(ctx, version, account)
	if err != nil {
		return nil, fmt.Errorf("restore table %s to version %d: %w", t.log.path, version, err)
	}
	return s, nil
}

func (t *Table) restore(ctx context.Context, version int64, account []func(RestorePlan) ([]Txn, error)) (*Snapshot, error) {
	if !t.writes {
		return nil, ErrReadOnly
	}
	if _, err := t.Refresh(ctx); err != nil {
		return nil, err
	}
	target, err := t.at(ctx, version)
	if err != nil {
		return nil, err
	}
	r := restoring{t: t, version: version, account: account}
	var done RestorePlan
	s, err := r.commit(ctx, func(s *Snapshot) (RestorePlan, *metadataAction, error) {
		done = difference(s, target)
		if gone, err := t.missing(ctx, done.Add); err != nil || len(gone) > 0 {
			return done, nil, errors.Join(err, r.gone(gone))
		}
		return done, olderSchema(s, target), nil
	})
	if errors.Is(err, errNothing) {
		return t.Snapshot(), nil
	}
	if err != nil {
		return nil, err
	}
	// A vacuum that looked before the commit may have taken files after we did.
	gone, err := t.missing(ctx, done.Add)
	if err != nil || len(gone) == 0 {
		return s, err
	}
	_, err = r.commit(ctx, func(s *Snapshot) (RestorePlan, *metadataAction, error) { return done.undo(s), nil, nil })
	return nil, errors.Join(r.gone(gone), err)
}

// restoring commits a restore.
type restoring struct {
	t       *Table
	version int64
	account []func(RestorePlan) ([]Txn, error)
}

func (r restoring) gone(paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	return &FilesGoneError{r.version, paths}
}

func (r restoring) commit(ctx context.Context, plan func(*Snapshot) (RestorePlan, *metadataAction, error)) (*Snapshot, error) {
	info := commitInfo{
		Operation: "RESTORE", Parameters: map[string]string{"version": strconv.FormatInt(r.version, 10)}, IsolationLevel: serializable,
	}
	return r.t.commit(ctx, info, func(s *Snapshot, info *commitInfo) ([]action, error) {
		if err := s.writable(); err != nil {
			return nil, err
		}
		p, meta, err := plan(s)
		if err != nil {
			return nil, err
		}
		if len(p.Remove)+len(p.Add) == 0 && meta == nil {
			return nil, errNothing
		}
		if len(p.Remove) > 0 && s.meta.appendOnly() {
			return nil, ErrAppendOnly
		}
		return r.actions(s, info, p, meta)
	})
}

func (r restoring) actions(s *Snapshot, info *commitInfo, p RestorePlan, meta *metadataAction) ([]action, error) {
	var rewrite Rewrite
	p.Txns = s.Txns
	for _, account := range r.account {
		txns, err := account(p)
		if err != nil {
			return nil, err
		}
		rewrite.Txns = append(rewrite.Txns, txns...)
	}
	now := time.Now()
	actions, err := rewrite.txns(s, now)
	if err != nil {
		return nil, err
	}
	if meta != nil {
		actions = append(actions, action{Metadata: meta})
	}
	var removed, added int64
	for _, f := range p.Remove {
		removed += f.Size
		actions = append(actions, action{Remove: f.remove(true, now)})
	}
	for _, f := range p.Add {
		added += f.Size
		actions = append(actions, action{Add: f.action(true)})
	}
	info.Metrics = map[string]string{
		"numRemovedFiles": strconv.Itoa(len(p.Remove)), "removedFilesSize": strconv.FormatInt(removed, 10),
		"numRestoredFiles": strconv.Itoa(len(p.Add)), "restoredFilesSize": strconv.FormatInt(added, 10),
	}
	return actions, nil
}

// difference is what makes the files of s those of target.
func difference(s, target *Snapshot) RestorePlan {
	var p RestorePlan
	for f := range s.Files() {
		if _, ok := target.File(f.Path); !ok {
			p.Remove = append(p.Remove, f)
		}
	}
	for f := range target.Files() {
		if _, ok := s.File(f.Path); !ok {
			p.Add = append(p.Add, f)
		}
	}
	return p
}

// undo is what takes the plan back, as far as others left its files where they were.
func (p RestorePlan) undo(s *Snapshot) RestorePlan {
	var back RestorePlan
	for _, f := range p.Add {
		if _, ok := s.File(f.Path); ok {
			back.Remove = append(back.Remove, f)
		}
	}
	for _, f := range p.Remove {
		if _, ok := s.File(f.Path); !ok {
			back.Add = append(back.Add, f)
		}
	}
	return back
}

// olderSchema returns target's metaData if its files can't be read by the schema of s.
func olderSchema(s, target *Snapshot) *metadataAction {
	if s.meta.takes(target.meta) {
		return nil
	}
	m := target.meta.metadataAction
	m.ID = s.meta.ID
	return &m
}

// missing returns those of the files that are not in the store.
func (t *Table) missing(ctx context.Context, files []*Add) ([]string, error) {
	var (
		mu   sync.Mutex
		gone []string
	)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, f := range files {
		g.Go(func() error {
			_, err := t.log.store.Stat(gctx, t.Key(f.Path))
			if errors.Is(err, objstore.ErrNotFound) {
				mu.Lock()
				defer mu.Unlock()
				gone = append(gone, f.Path)
				return nil
			}
			return err
		})
	}
	return gone, g.Wait()
}
