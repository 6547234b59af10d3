// Package maintain keeps the lake's tables in shape while others write and read them: it compacts
// small files into large sorted ones, deletes whole days that are past their retention, removes files
// and versions that nobody may need any more, restores and describes.
//
// It promises that no row is lost, doubled or brought back, whatever else happens to the table at the
// same time: appends, other Keepers, deletions of rows, crashes at any moment (docs/format/maintenance.md
// has what is on disk after each, and the tests). What a change takes out of the table is decided
// again when somebody else has changed those files first; leases only keep two gateways from doing the
// same work. Before a compaction is committed, the rows read are counted, and the sums of their ids
// compared with what the files were tagged with; a file that fails is left alone and named.
//
// It does one thing at a time, takes a share of one core (Config.Share), and TargetFileBytes and some
// 100 MiB of live memory while it compacts, whatever the size of the table, and the garbage collector's
// share of that: cmd/lakegate runs it in a process of its own. Readers of a version keep their files
// for Config.VacuumAge.
//
// A Keeper may be used by many goroutines; several in several processes may share the lake. The fake
// is memstore. Deleting single rows is internal/forget's.
package maintain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/maintain/lease"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// Config says what is done when. Start from DefaultConfig.
type Config struct {
	Holder  string // this process, in leases
	Version string // lakegate's, in commits

	// TargetFileBytes is how large files get. Those of three quarters of it are left as they are.
	TargetFileBytes int64
	// MinFiles is how many files of about one size an open day has before they are merged.
	MinFiles int
	// QuietAge is how long after its end, and after its newest file, a day is merged to the end.
	QuietAge time.Duration
	// Share of one core that compaction takes, up to 1.
	Share float64

	// Retention returns after how many whole days a table's rows are deleted; 0 is never. Nil: never. It
	// is given the table with the columns that its log has: it may be one that nobody declares any more.
	Retention func(t *tableschema.Table) int
	// VacuumAge is how long files are kept that are no longer in the table, or not yet.
	VacuumAge time.Duration
	// LogRetention is how long old versions of a table can be looked at.
	LogRetention time.Duration

	Interval   time.Duration // from one round of Run to the next, about
	SweepEvery time.Duration // from one vacuum of a table to the next

	OnRound   func(Stats)        // called by Run after each round. Nil: nobody
	Now       func() time.Time   // nil: time.Now
	FailPoint func(point string) // called at the named points of a change. Nil in production
}

// DefaultConfig returns what production uses.
func DefaultConfig() Config {
	return Config{
		Holder: "lakegate", TargetFileBytes: 128 << 20, MinFiles: 16, QuietAge: time.Hour, Share: 0.25,
		VacuumAge: 7 * 24 * time.Hour, LogRetention: 30 * 24 * time.Hour, Interval: time.Minute, SweepEvery: 6 * time.Hour,
	}
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("maintenance: "+format, args...))
		}
	}
	need(c.Holder != "", "no name for leases")
	need(c.TargetFileBytes >= 1<<10 && c.TargetFileBytes <= 1<<30, "files of %d bytes: want 1 KiB to 1 GiB", c.TargetFileBytes)
	need(c.MinFiles >= 2, "merging %d files: want 2 or more", c.MinFiles)
	need(c.Share > 0 && c.Share <= 1, "a share of %g of a core: want more than 0, up to 1", c.Share)
	need(c.QuietAge >= 0, "quiet age of %v: want 0 or more", c.QuietAge)
	need(c.VacuumAge >= delta.MinRetention, "files kept for %v: want %v or more", c.VacuumAge, delta.MinRetention)
	need(c.LogRetention >= delta.MinLogRetention, "versions kept for %v: want %v or more", c.LogRetention, delta.MinLogRetention)
	need(c.Interval >= time.Second && c.SweepEvery >= c.Interval, "interval of %v, sweeps every %v: want a second or more, and no less", c.Interval, c.SweepEvery)
	return errors.Join(errs...)
}

// Keeper maintains the tables of a lake.
type Keeper struct {
	cfg    Config
	store  objstore.Store
	docs   *state.Docs
	tables func() []*tableschema.Table
	logger *slog.Logger
	leases *lease.Observer
	stats  counters

	mu    sync.Mutex
	open  map[string]*delta.Table // by path
	bad   map[string]string       // files that can't be compacted, by key, and why
	swept map[string]time.Time    // when tables were vacuumed last, by path, as far as is known
	given map[string]string       // tables that are not maintained, by path, and why
}

// New returns a Keeper for the tables that are declared now or have been maintained before. tables is
// called whenever the list is needed.
func New(cfg Config, store objstore.Store, docs *state.Docs, tables func() []*tableschema.Table, logger *slog.Logger) (*Keeper, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Keeper{
		cfg: cfg, store: store, docs: docs, tables: tables, logger: logger, leases: lease.NewObserver(docs, cfg.Holder),
		open: map[string]*delta.Table{}, bad: map[string]string{}, given: map[string]string{}, swept: map[string]time.Time{},
	}, nil
}

func (k *Keeper) failPoint(point string) {
	if k.cfg.FailPoint != nil {
		k.cfg.FailPoint(point)
	}
}

// table returns the table with a snapshot of now. ErrNotTable (of delta) when there is none.
func (k *Keeper) table(ctx context.Context, name tableschema.Name) (*delta.Table, *delta.Snapshot, error) {
	k.mu.Lock()
	t := k.open[name.Path()]
	k.mu.Unlock()
	if t == nil {
		var err error
		if t, err = delta.OpenExisting(ctx, k.store, name.Path(), delta.Options{Version: k.cfg.Version, Logger: k.logger}); err != nil {
			return nil, nil, err
		}
		k.mu.Lock()
		k.open[name.Path()] = t
		k.mu.Unlock()
		return t, t.Snapshot(), nil
	}
	s, err := t.Refresh(ctx)
	return t, s, err
}

// schema is the table as its log has it, to be sorted as it is declared.
func schema(s *delta.Snapshot, declared *tableschema.Table) (*tableschema.Table, error) {
	t, err := s.Schema()
	if err != nil {
		return nil, err
	}
	t.Name, t.SortBy = declared.Name, declared.SortBy
	for _, by := range t.SortBy {
		if c, _, ok := t.Column(by); !ok || c.Name != by {
			t.SortBy = nil // not there yet
		}
	}
	return t, nil
}
