package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/objstore"
)

// reader reads the log of the table under path.
type reader struct {
	store objstore.Store
	path  string
	place *place
}

func newReader(store objstore.Store, path string) reader {
	return reader{store, path, placeOf(store, path)}
}

const (
	logFolder = "/_delta_log/"
	// parallel is how many objects are read at once.
	parallel = 16
	// ahead is how many versions are asked for at once when at least one is known to be new.
	ahead = 8
)

func (r reader) commitKey(version int64) string {
	return fmt.Sprintf("%s%s%020d.json", r.path, logFolder, version)
}

func (r reader) hintKey() string { return r.path + logFolder + "_last_checkpoint" }

// load returns the newest snapshot: from the checkpoint that _last_checkpoint names, or else from
// the newest in the listing that can be read, or from the first version. have, which may be nil,
// saves the reading if nothing is missing after it. ErrNotTable.
func (r reader) load(ctx context.Context, have *Snapshot) (*Snapshot, error) {
	if have != nil {
		s, err := r.replay(ctx, have)
		if !errors.Is(err, errGap) {
			return s, err
		}
	}
	// _last_checkpoint is a hint. It may be gone, behind or wrong.
	s, err := r.hinted(ctx)
	if err == nil {
		s, err = r.replay(ctx, s)
	}
	if err == nil || errors.Is(err, ErrProtocol) || ctx.Err() != nil {
		return s, err
	}
	s, err = r.listed(ctx)
	if err != nil {
		return nil, err
	}
	return r.replay(ctx, s)
}

// hinted returns the checkpoint that _last_checkpoint names.
func (r reader) hinted(ctx context.Context) (*Snapshot, error) {
	data, _, err := r.store.Get(ctx, r.hintKey())
	if err != nil {
		return nil, fmt.Errorf("last checkpoint: %w", err)
	}
	var hint struct {
		Version int64 `json:"version"`
		Parts   int   `json:"parts"`
	}
	if err := json.Unmarshal(data, &hint); err != nil {
		return nil, fmt.Errorf("last checkpoint: %w: %w", ErrCorrupt, err)
	}
	return r.checkpoint(ctx, checkpointName{hint.Version, hint.Parts})
}

// listed returns the newest checkpoint that can be read, or the table before its first version.
func (r reader) listed(ctx context.Context) (*Snapshot, error) {
	l, err := r.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Backward(l.checkpoints) {
		s, err := r.checkpoint(ctx, name)
		if err == nil || errors.Is(err, ErrProtocol) || ctx.Err() != nil {
			return s, err
		}
	}
	return emptySnapshot(r.place), nil
}

// replay returns the snapshot after all versions that a listing shows after s. A listing is no
// snapshot: it may show a version and miss the one before, so it gives the newest only, and each
// version up to it is read. An error is errGap if one is not there.
func (r reader) replay(ctx context.Context, s *Snapshot) (*Snapshot, error) {
	newest := s.Version
	for info, err := range r.store.List(ctx, r.path+logFolder, r.commitKey(s.Version)) {
		if err != nil {
			return nil, fmt.Errorf("list log: %w", err)
		}
		if v, ok := commitVersion(info.Key); ok {
			newest = max(newest, v)
		}
	}
	if newest < 0 {
		return nil, ErrNotTable
	}
	commits, err := r.read(ctx, s.Version+1, int(newest-s.Version))
	if err != nil {
		return nil, err
	}
	if got := s.Version + int64(len(commits)); got < newest {
		return nil, fmt.Errorf("version %d (of %d): %w: %w", got+1, newest, ErrCorrupt, errGap)
	}
	return s.apply(commits)
}

// next returns the versions from version on, as far as there are any.
func (r reader) next(ctx context.Context, version int64) ([]commit, error) {
	all, err := r.read(ctx, version, 1)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	for {
		more, err := r.read(ctx, version+int64(len(all)), ahead)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
		if len(more) < ahead {
			return all, nil
		}
	}
}

// read returns up to n versions from the given one on, up to the first that is not there.
func (r reader) read(ctx context.Context, version int64, n int) ([]commit, error) {
	commits := make([]commit, n)
	found := make([]bool, n)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range n {
		g.Go(func() error {
			c, err := r.commit(gctx, version+int64(i))
			if errors.Is(err, objstore.ErrNotFound) {
				return nil
			}
			commits[i], found[i] = c, err == nil
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if i := slices.Index(found, false); i >= 0 {
		commits = commits[:i]
	}
	return commits, nil
}

// commit reads one version. ErrNotFound if there is none.
func (r reader) commit(ctx context.Context, version int64) (commit, error) {
	data, _, err := r.store.Get(ctx, r.commitKey(version))
	if err != nil {
		return commit{}, fmt.Errorf("version %d: %w", version, err)
	}
	actions, err := decode(data)
	if err != nil {
		return commit{}, fmt.Errorf("version %d: %w", version, err)
	}
	return commit{version, actions}, nil
}

var (
	commitName     = regexp.MustCompile(`/_delta_log/(\d{20})\.json$`)
	checkpointFile = regexp.MustCompile(`/_delta_log/(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$`)
)

func commitVersion(key string) (int64, bool) {
	m := commitName.FindStringSubmatch(key)
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseInt(m[1], 10, 64)
	return v, err == nil
}
