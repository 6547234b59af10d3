package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Append commits files that are in the store already, and the transaction, as the next version, and
// returns the snapshot that has them. info, which may be nil, goes into the commit as userMetadata.
//
// With ErrTxnDone or ErrTxnOrder comes the snapshot that says so. An error that is
// objstore.ErrUnknown says the commit may have happened, or may yet: Append the same Txn again, with
// the same files or others, and it is still committed once. After any other error nothing was
// written. Appends of one Table go one at a time.
func (t *Table) Append(ctx context.Context, adds []Add, txn Txn, info map[string]string) (*Snapshot, error) {
	if t.want == nil {
		return nil, fmt.Errorf("append to table %s: %w", t.log.path, ErrReadOnly)
	}
	ci, err := appendInfo(adds, t.want.PartitionBy, info)
	if err != nil {
		return nil, fmt.Errorf("append to table %s: %w", t.log.path, err)
	}
	s, err := t.commit(ctx, ci, func(s *Snapshot, _ *commitInfo) ([]action, error) { return t.appendTo(s, adds, txn) })
	if err != nil {
		return s, fmt.Errorf("append to table %s: %w", t.log.path, err)
	}
	return s, nil
}

// appendTo returns the actions of an append to s, or ErrTxnDone.
func (t *Table) appendTo(s *Snapshot, adds []Add, txn Txn) ([]action, error) {
	if v, ok := s.Txns[txn.AppID]; ok && txn.AppID != "" && v >= txn.Version {
		return nil, ErrTxnDone
	}
	if err := txn.inOrder(s); err != nil {
		return nil, err
	}
	actions, err := t.evolution(s)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if txn.AppID != "" {
		actions = append(actions, action{Txn: &txnAction{txn.AppID, txn.Version, now.UnixMilli()}})
	}
	for i := range adds {
		f := adds[i]
		if _, ok := s.File(f.Path); ok {
			return nil, fmt.Errorf("file %s is in the table already", f.Path)
		}
		if f.ModificationTime.IsZero() {
			f.ModificationTime = now
		}
		actions = append(actions, action{Add: f.action(true)})
	}
	return actions, nil
}

// inOrder reports whether the application's last transaction is the one that txn wants.
func (txn Txn) inOrder(s *Snapshot) error {
	if last := s.Txns[txn.AppID]; txn.After != nil && last != *txn.After {
		return fmt.Errorf("%w: %s is at %d, not %d", ErrTxnOrder, txn.AppID, last, *txn.After)
	}
	return nil
}

// evolution returns the metaData that s lacks to take rows of the wanted schema, if any. It refuses
// tables that can't be written.
func (t *Table) evolution(s *Snapshot) ([]action, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	if t.fits.Load() == s.meta {
		return nil, nil
	}
	m, err := s.meta.evolve(t.want)
	if err != nil {
		return nil, err
	}
	if m == nil {
		t.fits.Store(s.meta)
		return nil, nil
	}
	return []action{{Metadata: m}}, nil
}

// addColumns commits the columns that the table lacks, if any.
func (t *Table) addColumns(ctx context.Context) error {
	info := commitInfo{Operation: "ADD COLUMNS", Parameters: map[string]string{}, IsolationLevel: serializable}
	_, err := t.commit(ctx, info, func(s *Snapshot, _ *commitInfo) ([]action, error) {
		actions, err := t.evolution(s)
		if err == nil && actions == nil {
			err = errNothing
		}
		return actions, err
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

// serializable is the isolation of our commits: they read nothing but the schema and the transactions.
const serializable = "Serializable"

// errNothing says there is nothing to commit.
var errNothing = errors.New("nothing to commit")

// create writes version 0. When somebody else did so first, theirs is loaded.
func (t *Table) create(ctx context.Context) error {
	info := commitInfo{
		Operation: "CREATE TABLE", Parameters: map[string]string{}, IsolationLevel: serializable,
		IsBlindAppend: true, TxnID: uuid.NewString(),
	}
	m := newMetadata(t.want, t.opts.CheckpointInterval)
	s := emptySnapshot(t.log.place)
	actions := []action{{Protocol: &protocol{MinReaderVersion: readerVersion, MinWriterVersion: writerVersion}}, {Metadata: &m}}
	created, err := t.try(ctx, s, info, actions)
	if err != nil || created != nil {
		return err
	}
	return t.reload(ctx)
}

// checkAdds reports whether files can be added to a table with the partition columns.
func checkAdds(adds []Add, partitionBy []string) error {
	seen := map[string]bool{}
	for _, f := range adds {
		if err := objstore.ValidKey(f.Path); err != nil || strings.HasPrefix(f.Path, "_") || strings.HasPrefix(f.Path, ".") {
			return fmt.Errorf("file %q: the path can't be a data file's", f.Path)
		}
		if seen[f.Path] {
			return fmt.Errorf("file %s is added twice", f.Path)
		}
		seen[f.Path] = true
		if got := slices.Sorted(maps.Keys(f.PartitionValues)); !slices.Equal(got, slices.Sorted(slices.Values(partitionBy))) {
			return fmt.Errorf("file %s has values for the partition columns %q, want %q", f.Path, got, partitionBy)
		}
		if f.Size <= 0 || (f.Stats != "" && !json.Valid([]byte(f.Stats))) {
			return fmt.Errorf("file %s has a size of %d and statistics %.100q", f.Path, f.Size, f.Stats)
		}
	}
	return nil
}

// appendInfo checks the files and describes the commit that adds them.
func appendInfo(adds []Add, partitionBy string, info map[string]string) (commitInfo, error) {
	columns := []string{partitionBy}
	if partitionBy == "" {
		columns = nil
	}
	if err := checkAdds(adds, columns); err != nil {
		return commitInfo{}, err
	}
	ci := commitInfo{Operation: "WRITE", IsolationLevel: serializable, IsBlindAppend: true}
	by := "[]"
	if partitionBy != "" {
		by = `["` + partitionBy + `"]`
	}
	ci.Parameters = map[string]string{"mode": "Append", "partitionBy": by}
	var size, rows int64
	for _, f := range adds {
		size += f.Size
		rows += max(f.Rows, 0)
	}
	ci.Metrics = map[string]string{
		"numFiles": strconv.Itoa(len(adds)), "numOutputBytes": strconv.FormatInt(size, 10), "numOutputRows": strconv.FormatInt(rows, 10),
	}
	ci.UserMetadata = userMetadata(info)
	return ci, nil
}

func userMetadata(info map[string]string) string {
	if len(info) == 0 {
		return ""
	}
	b, _ := json.Marshal(info) // a map of strings can't fail
	return string(b)
}
