package main

import (
	"sync/atomic"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// fullPolicies says what happens to requests when the log has no room, by their payload table. It
// follows the endpoints in force.
type fullPolicies struct {
	otherwise tablewriter.Policy // of requests without a payload table: log.when_full
	byTable   atomic.Pointer[map[string]tablewriter.Policy]
}

func newFullPolicies(w config.WhenFull) *fullPolicies { return &fullPolicies{otherwise: policyOf(w)} }

func policyOf(w config.WhenFull) tablewriter.Policy {
	switch w {
	case config.Drop:
		return tablewriter.Drop
	case config.ShedPayloads:
		return tablewriter.ShedPayloads
	}
	return tablewriter.Block
}

// take makes the endpoints of a catalog the ones in force.
func (p *fullPolicies) take(c *endpoint.Catalog) {
	m := map[string]tablewriter.Policy{}
	for _, e := range c.All() {
		if e.Payload != nil {
			m[e.Payload.Table.String()] = policyOf(config.WhenFull(e.Payload.WhenFull))
		}
	}
	p.byTable.Store(&m)
}

func (p *fullPolicies) of(table string) tablewriter.Policy {
	if m := p.byTable.Load(); m != nil {
		if policy, ok := (*m)[table]; ok {
			return policy
		}
	}
	return p.otherwise
}
