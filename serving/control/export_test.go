package control

import (
	"context"

	"github.com/lakegate/lakegate/internal/endpoints"
)

// TestSpec replaces an endpoint's whole specification.
func (p *Plane) TestSpec(ctx context.Context, a *Actor, name string, body []byte) error {
	s, err := object(body)
	return p.change(ctx, a, change{name: name, action: "test", early: err, edit: func(d *endpoints.Document) error { return set(d, s) }})
}
