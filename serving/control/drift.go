package control

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// Drift is what has become of an endpoint since it was applied from files last.
type Drift struct {
	Applied  int64        `json:"applied_version"`
	Versions []Version    `json:"versions"` // since then, the oldest first
	Changes  []Difference `json:"changes"`  // of all of them together; empty when they came to nothing
	// InFiles says that the files have changed too, or instead.
	InFiles bool `json:"in_files"`
}

// Drifted is an endpoint that is not as it was applied.
type Drifted struct {
	Name      string    `json:"name"`
	ManagedBy string    `json:"managed_by"`
	Version   int64     `json:"version"`
	Changed   time.Time `json:"changed"`
	Drift     Drift     `json:"drift"`
}

// Drifts returns the endpoints that a manages, and owner's files made, "" for anybody's, which are not
// as they were applied last.
func (p *Plane) Drifts(ctx context.Context, a *Actor, owner string) ([]Drifted, error) {
	set, err := p.Follow(ctx)
	if err != nil {
		return nil, unreachable(err)
	}
	list := []Drifted{}
	for _, d := range set.Live() {
		if d.ManagedBy == "" || owner != "" && d.ManagedBy != owner || !allows(d, a, endpoint.CanManage) {
			continue
		}
		drift, _, err := p.drift(ctx, d)
		if err != nil {
			return nil, unreachable(err)
		}
		if drift != nil && len(drift.Changes) > 0 {
			list = append(list, Drifted{Name: d.Name, ManagedBy: d.ManagedBy, Version: d.Version, Changed: d.Changed, Drift: *drift})
		}
	}
	return list, nil
}

// drifts adds to a plan who has changed what it is about to change back.
func (p *Plane) drifts(ctx context.Context, plan *Plan) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(writers)
	for i := range plan.Items {
		x := &plan.Items[i]
		if x.old == nil || x.ManagedBy != plan.Owner {
			continue
		}
		g.Go(func() error {
			drift, then, err := p.drift(ctx, x.old)
			if drift == nil || err != nil {
				return err
			}
			drift.InFiles = x.Action != WillDelete && x.next != nil && len(Differences(then, x.next)) > 0
			x.Drift = drift
			if x.Action == Unchanged && drift.InFiles { // the files have taken the change over
				x.Action, x.NewVersion = WillAdopt, x.next.Version
			}
			return nil
		})
	}
	return g.Wait()
}

// maxDrift bounds the versions that are told of a drift, the newest.
const maxDrift = 20

// drift compares an endpoint with what was applied; nil when that is what it is.
func (p *Plane) drift(ctx context.Context, d *endpoints.Document) (*Drift, *endpoints.Document, error) {
	if d.Applied == 0 || d.Applied >= d.Version {
		return nil, nil, nil
	}
	then, err := p.Store.Get(ctx, d.Name, d.Applied)
	if err != nil {
		return nil, nil, err
	}
	since, err := p.Store.Between(ctx, d.Name, max(d.Applied, d.Version-maxDrift), d.Version-1)
	if err != nil {
		return nil, nil, err
	}
	drift := &Drift{Applied: d.Applied, Changes: Differences(then, d)}
	for i, v := range append(since[1:], d) {
		drift.Versions = append(drift.Versions, versionOf(since[i], v))
	}
	return drift, then, nil
}
