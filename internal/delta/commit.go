package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/objstore"
)

const (
	maxRaces   = 100 // lost races for the next version, one after the other
	maxUnknown = 6   // answers lost for one version
	minPause   = time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// commitInfo is the first action of our commits. Its TxnID is how we recognise them.
type commitInfo struct {
	Timestamp      int64             `json:"timestamp"` // ms
	Operation      string            `json:"operation"`
	Parameters     map[string]string `json:"operationParameters"`
	ReadVersion    *int64            `json:"readVersion,omitempty"`
	IsolationLevel string            `json:"isolationLevel"`
	IsBlindAppend  bool              `json:"isBlindAppend"`
	Metrics        map[string]string `json:"operationMetrics,omitempty"`
	UserMetadata   string            `json:"userMetadata,omitempty"`
	EngineInfo     string            `json:"engineInfo"`
	TxnID          string            `json:"txnId"`
}

// commit writes what build makes of the newest snapshot as the next version, and returns the
// snapshot after it. When the race for a version is lost, build is asked again with a snapshot that
// has the winners. An error of build ends it and comes with the snapshot it was about.
func (t *Table) commit(ctx context.Context, info commitInfo, build func(*Snapshot, *commitInfo) ([]action, error)) (*Snapshot, error) {
	select {
	case t.writer <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.writer }()
	if t.stale() {
		if err := t.reload(ctx); err != nil {
			return nil, err
		}
	}
	info.TxnID = uuid.NewString()
	for race := range maxRaces {
		s := t.Snapshot()
		actions, err := build(s, &info)
		if errors.Is(err, ErrRewriteConflict) || errors.Is(err, ErrTxnOrder) {
			// The caller may know more of the table than this Table does.
			if aerr := t.advance(ctx, s); aerr != nil {
				return nil, aerr
			}
			s = t.Snapshot()
			actions, err = build(s, &info)
		}
		if err != nil {
			return s, err
		}
		next, err := t.try(ctx, s, info, actions)
		if err != nil {
			return nil, err
		}
		if next != nil {
			t.checkpointIfDue(ctx, next)
			return next, nil
		}
		if err := pause(ctx, race); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %d", ErrContention, maxRaces)
}

// try writes the version after s, publishes the snapshot that has it, and returns it. When somebody
// else wrote that version, it publishes theirs and returns nil.
func (t *Table) try(ctx context.Context, s *Snapshot, info commitInfo, actions []action) (*Snapshot, error) {
	info.Timestamp = time.Now().UnixMilli()
	info.EngineInfo = "lakegate/" + t.opts.Version
	if s.Version >= 0 {
		info.ReadVersion = &s.Version
	}
	line, err := json.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("encode commit: %w", err)
	}
	actions = append([]action{{CommitInfo: line}}, actions...)
	body, err := encode(actions)
	if err != nil {
		return nil, err
	}
	version := s.Version + 1
	written, err := t.write(ctx, version, body)
	switch {
	case err != nil:
	case !written:
		written, err = t.readBack(ctx, s, info.TxnID)
	case t.stale():
		written, err = t.standing(ctx, version, actions)
	}
	if err != nil {
		return nil, fmt.Errorf("commit version %d: %w", version, err)
	}
	if !written {
		return nil, nil
	}
	next, err := s.apply([]commit{{version, actions}})
	if err != nil {
		return nil, fmt.Errorf("commit version %d: %w", version, err)
	}
	t.publish(next)
	return next, nil
}

// write creates the version. It reports false when there is one by that number, which may be this
// very one: the answer to an earlier try, here or inside the store's client, may have been lost. So
// after an unknown outcome the same bytes go to the same version again.
func (t *Table) write(ctx context.Context, version int64, body []byte) (written bool, err error) {
	for n := range maxUnknown {
		_, err = t.log.store.Create(ctx, t.log.commitKey(version), body)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, objstore.ErrExists):
			return false, nil
		case !errors.Is(err, objstore.ErrUnknown) && n == 0:
			return false, err
		}
		if perr := pause(ctx, n); perr != nil {
			return false, fmt.Errorf("%w: %w", objstore.ErrUnknown, perr)
		}
	}
	_, err = t.log.commit(ctx, version)
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, objstore.ErrNotFound):
		return false, fmt.Errorf("%w: %d tries, and the version isn't there yet", objstore.ErrUnknown, maxUnknown)
	default:
		return false, fmt.Errorf("%w: %w", objstore.ErrUnknown, err)
	}
}

// readBack reads the versions after s, of which there is at least one, and reports whether the first
// is ours. If not, it publishes them.
func (t *Table) readBack(ctx context.Context, s *Snapshot, txnID string) (ours bool, err error) {
	commits, err := t.log.next(ctx, s.Version+1)
	if err != nil {
		return false, fmt.Errorf("%w: read back: %w", objstore.ErrUnknown, err)
	}
	if len(commits) == 0 { // written, and removed by a log cleanup: s is very old
		return false, t.reload(ctx)
	}
	if commits[0].txnID() == txnID {
		return true, nil
	}
	next, err := s.apply(commits)
	if err != nil {
		return false, err
	}
	t.publish(next)
	return false, nil
}

// standing reports whether a version that was just written is part of the table. It isn't when this
// process slept for so long, between its last look at the log and the write, that others wrote the version
// and cleaned it away. Then it publishes what the table is, and the file is left for CleanLog.
func (t *Table) standing(ctx context.Context, version int64, actions []action) (bool, error) {
	at := time.Now()
	s, err := t.log.load(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("%w: read back: %w", objstore.ErrUnknown, err)
	}
	if s.Version <= version || s.includes(actions) {
		return true, nil
	}
	t.listed.Store(at.UnixNano())
	t.publish(s)
	return false, nil
}

// includes reports whether the files of a commit before s got into the table.
func (s *Snapshot) includes(actions []action) bool {
	for _, a := range actions {
		if a.Add == nil {
			continue
		}
		p, _ := s.place.file(a.Add.Path)
		_, live := s.files.get(p)
		_, removed := s.removed.get(p)
		return live || removed
	}
	for _, a := range actions {
		if a.Remove == nil {
			continue
		}
		p, _ := s.place.file(a.Remove.Path)
		if _, live := s.files.get(p); live {
			return false
		}
	}
	return true
}

// pause waits a random time that grows with the number of tries: the winner of the last race is the
// likeliest to win the next.
func pause(ctx context.Context, try int) error {
	longest := min(minPause<<min(try, 16), maxPause)
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
