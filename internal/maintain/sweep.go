package maintain

import (
	"context"
	"fmt"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// Vacuum deletes data files that are no longer in the table, or never were, when they are older than
// Config.VacuumAge; see delta.Vacuum.
func (k *Keeper) Vacuum(ctx context.Context, table *tableschema.Table, dryRun bool) (delta.VacuumReport, error) {
	t, _, err := k.table(ctx, table.Name)
	if err != nil {
		return delta.VacuumReport{}, fmt.Errorf("vacuum %s: %w", table.Name, err)
	}
	r, err := t.Vacuum(ctx, delta.VacuumOptions{Retention: k.cfg.VacuumAge, OrphanAge: k.cfg.VacuumAge, DryRun: dryRun, Now: k.cfg.Now})
	k.stats.vacuumed(r, err)
	return r, err
}

// CleanLog deletes versions of the table that are older than Config.LogRetention; see delta.CleanLog.
func (k *Keeper) CleanLog(ctx context.Context, table *tableschema.Table) (delta.CleanReport, error) {
	t, _, err := k.table(ctx, table.Name)
	if err != nil {
		return delta.CleanReport{}, fmt.Errorf("clean the log of %s: %w", table.Name, err)
	}
	r, err := t.CleanLog(ctx, k.cfg.LogRetention, k.cfg.Now())
	k.stats.cleaned(r, err)
	return r, err
}

// Restore makes the table what it was at a version; see delta.Restore. Rows that go are counted as
// erased, and rows that come back as not erased any more. It returns the version after it.
func (k *Keeper) Restore(ctx context.Context, table *tableschema.Table, version int64) (int64, error) {
	t, _, err := k.table(ctx, table.Name)
	if err != nil {
		return 0, fmt.Errorf("restore %s: %w", table.Name, err)
	}
	s, err := t.Restore(ctx, version, func(p delta.RestorePlan) ([]delta.Txn, error) {
		gone, err := k.countsOf(ctx, t, p.Remove, p.Txns)
		if err != nil {
			return nil, err
		}
		back, err := k.countsOf(ctx, t, p.Add, p.Txns)
		if err != nil {
			return nil, err
		}
		return txnsOf(p.Txns, gone.Sub(back)), nil
	})
	if err != nil {
		return 0, err
	}
	return s.Version, nil
}
