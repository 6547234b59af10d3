package delta

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Rewrite replaces files of the table by others.
type Rewrite struct {
	Operation  string            // for the history: OPTIMIZE, DELETE
	Parameters map[string]string // of the operation; nil for none
	Remove     []string          // paths of live files
	Add        []Add             // files that are in the store already
	// DataChange says that the rows differ: false for a compaction, which readers of changes skip.
	DataChange bool
	// Txns are kept with the rewrite or not at all. With After they are counters.
	Txns []Txn
	Info map[string]string // userMetadata; nil for none
}

// Rewrite commits a rewrite as the next version, and returns the snapshot after it. Appends of others
// that came first are kept: only the files named are removed.
//
// With ErrRewriteConflict, when one of them is not in the table any more, with ErrTxnOrder, and with
// ErrTxnDone, comes the snapshot that says so: plan again from it, the added files are garbage. After
// objstore.ErrUnknown they may be in the table, or may still get there: leave them to Vacuum, and plan
// again. Whenever the first try arrives, only one of the two is committed. ErrProtocol, ErrAppendOnly.
func (t *Table) Rewrite(ctx context.Context, r Rewrite) (*Snapshot, error) {
	s, err := t.rewrite(ctx, r)
	if err != nil {
		return s, fmt.Errorf("rewrite table %s: %w", t.log.path, err)
	}
	return s, nil
}

func (t *Table) rewrite(ctx context.Context, r Rewrite) (*Snapshot, error) {
	if !t.writes {
		return nil, ErrReadOnly
	}
	if r.Operation == "" || len(r.Remove)+len(r.Add)+len(r.Txns) == 0 {
		return nil, errors.New("no operation, or nothing to do")
	}
	if err := checkRemoves(r.Remove); err != nil {
		return nil, err
	}
	info := commitInfo{Operation: r.Operation, Parameters: filled(r.Parameters), UserMetadata: userMetadata(r.Info), IsolationLevel: serializable}
	if !r.DataChange {
		info.IsolationLevel = "SnapshotIsolation"
	}
	return t.commit(ctx, info, func(s *Snapshot, info *commitInfo) ([]action, error) { return r.apply(s, info) })
}

func checkRemoves(paths []string) error {
	seen := make(map[string]bool, len(paths))
	for _, p := range paths {
		if seen[p] {
			return fmt.Errorf("file %s is removed twice", p)
		}
		seen[p] = true
	}
	return nil
}

// apply returns the actions of the rewrite of s, and puts its figures into info.
func (r Rewrite) apply(s *Snapshot, info *commitInfo) ([]action, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	if r.DataChange && len(r.Remove) > 0 && s.meta.appendOnly() {
		return nil, ErrAppendOnly
	}
	now := time.Now()
	actions, err := r.txns(s, now)
	if err != nil {
		return nil, err
	}
	var removed, added, rows int64
	for _, p := range r.Remove {
		f, ok := s.File(p)
		if !ok {
			return nil, fmt.Errorf("%w: %s", ErrRewriteConflict, p)
		}
		removed += f.Size
		actions = append(actions, action{Remove: f.remove(r.DataChange, now)})
	}
	if err := checkAdds(r.Add, s.meta.PartitionColumns); err != nil {
		return nil, err
	}
	for _, f := range r.Add {
		if _, ok := s.File(f.Path); ok {
			return nil, fmt.Errorf("file %s is in the table already", f.Path)
		}
		if f.ModificationTime.IsZero() {
			f.ModificationTime = now
		}
		added += f.Size
		rows += max(f.Rows, 0)
		actions = append(actions, action{Add: f.action(r.DataChange)})
	}
	info.Metrics = map[string]string{
		"numRemovedFiles": strconv.Itoa(len(r.Remove)), "numRemovedBytes": strconv.FormatInt(removed, 10),
		"numAddedFiles": strconv.Itoa(len(r.Add)), "numAddedBytes": strconv.FormatInt(added, 10), "numOutputRows": strconv.FormatInt(rows, 10),
	}
	return actions, nil
}

// txns returns the transactions of the rewrite.
func (r Rewrite) txns(s *Snapshot, now time.Time) ([]action, error) {
	var actions []action
	seen := map[string]bool{}
	for _, txn := range r.Txns {
		if txn.AppID == "" || seen[txn.AppID] {
			return nil, fmt.Errorf("transaction of %q: no application, or twice", txn.AppID)
		}
		seen[txn.AppID] = true
		if v, ok := s.Txns[txn.AppID]; ok && txn.After == nil && v >= txn.Version {
			return nil, fmt.Errorf("%w: %s %d", ErrTxnDone, txn.AppID, txn.Version)
		}
		if err := txn.inOrder(s); err != nil {
			return nil, err
		}
		actions = append(actions, action{Txn: &txnAction{txn.AppID, txn.Version, now.UnixMilli()}})
	}
	return actions, nil
}
