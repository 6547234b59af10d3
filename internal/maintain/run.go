package maintain

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/maintain/lease"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// leaseTTL is how long a table is left alone when the gateway that maintained it died.
const leaseTTL = time.Minute

// Run maintains the tables until ctx ends, one after the other, a table at a time by one gateway.
// What fails is tried again in the next round; the others go on.
func (k *Keeper) Run(ctx context.Context) {
	for {
		wait := k.cfg.Interval - k.cfg.Interval/5 + rand.N(k.cfg.Interval*2/5)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := k.Round(ctx); err != nil && ctx.Err() == nil {
			k.logger.Warn("maintenance of tables failed and is tried again", "error", err)
		}
		if k.cfg.OnRound != nil {
			k.cfg.OnRound(k.Stats())
		}
	}
}

// Round does for every table what is due, once.
func (k *Keeper) Round(ctx context.Context) error {
	tables, err := k.known(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range tables {
		err := k.maintain(ctx, t)
		if ctx.Err() != nil {
			break
		}
		if err != nil && !errors.Is(err, lease.ErrHeld) && !errors.Is(err, delta.ErrNotTable) {
			errs = append(errs, err)
		}
	}
	k.stats.round(errors.Join(errs...), k.cfg.Now())
	return errors.Join(errs...)
}

// due is what there is to do for a table.
type due struct {
	compact, sweep bool
	retain         int // days that stay; 0 for nothing to delete
}

func (d due) any() bool { return d.compact || d.retain > 0 || d.sweep }

// maintain does what is due for a table, under its lease. Without anything to do it writes nothing.
func (k *Keeper) maintain(ctx context.Context, t *tableschema.Table) error {
	d, err := k.due(ctx, t)
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	if !d.any() {
		return nil
	}
	l, err := k.leases.Acquire(ctx, "table."+t.Name.String(), leaseTTL)
	if err != nil {
		return err
	}
	return l.Do(ctx, func(ctx context.Context) error {
		// Whoever had the lease before may have done it.
		d, err := k.due(ctx, t)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		return k.do(ctx, t, d)
	})
}

func (k *Keeper) due(ctx context.Context, t *tableschema.Table) (due, error) {
	table, s, err := k.table(ctx, t.Name)
	if err != nil {
		return due{}, err
	}
	if err := s.Writable(); err != nil {
		return due{}, k.sayOnce(t, err)
	}
	declared, err := schema(s, t)
	if err != nil {
		return due{}, err
	}
	d := due{compact: len(k.planner(table, declared, nil).plan(s)) > 0}
	if d.sweep, err = k.sweepDue(ctx, t); err != nil {
		return due{}, err
	}
	if days := k.retention(declared); days > 0 {
		before := k.cfg.Now().UTC().AddDate(0, 0, 1-days).Format(time.DateOnly)
		if len(expired(s, declared.PartitionBy, before)) > 0 {
			d.retain = days
		}
	}
	return d, nil
}

// sweepDue reports whether nobody has swept the table for long. It asks the store only when this
// process doesn't know of a sweep.
func (k *Keeper) sweepDue(ctx context.Context, t *tableschema.Table) (bool, error) {
	recent := func(at time.Time) bool { return k.cfg.Now().Sub(at) < k.cfg.SweepEvery }
	k.mu.Lock()
	at := k.swept[t.Name.Path()]
	k.mu.Unlock()
	if recent(at) {
		return false, nil
	}
	done, _, err := k.record(ctx, t.Name)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	k.swept[t.Name.Path()] = done.Vacuumed
	k.mu.Unlock()
	return !recent(done.Vacuumed), nil
}

// sayOnce reports that a table isn't maintained any more. It stays so until somebody changes it, which
// is no reason to fail every minute.
func (k *Keeper) sayOnce(t *tableschema.Table, reason error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.given[t.Name.Path()] != reason.Error() {
		k.given[t.Name.Path()] = reason.Error()
		k.logger.Error("a table can't be maintained: another engine has changed what it asks of writers", "table", t.Name.String(), "error", reason)
	}
	return nil
}

// do does it: what is deleted needn't be compacted first.
func (k *Keeper) do(ctx context.Context, t *tableschema.Table, d due) error {
	var errs []error
	var done []func(*record)
	step := func(err error, note func(r *record, now time.Time)) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		now := k.cfg.Now().UTC()
		done = append(done, func(r *record) { note(r, now) })
	}
	if d.retain > 0 {
		_, err := k.Retain(ctx, t, d.retain, false)
		step(err, func(r *record, now time.Time) { r.Retained = now })
	}
	if d.compact {
		_, err := k.Compact(ctx, t, CompactOptions{})
		step(err, func(r *record, now time.Time) { r.Compacted = now })
	}
	if d.sweep {
		_, err := k.Vacuum(ctx, t, false)
		step(err, func(r *record, now time.Time) { r.Vacuumed = now })
		_, err = k.CleanLog(ctx, t)
		step(err, func(r *record, now time.Time) { r.Cleaned = now })
	}
	if len(done) > 0 {
		errs = append(errs, k.note(ctx, t, func(r *record) {
			for _, f := range done {
				f(r)
			}
		}))
	}
	return errors.Join(errs...)
}
