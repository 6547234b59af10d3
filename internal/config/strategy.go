package config

import (
	"net/http"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Strategy says which entity a call tries first.
type Strategy struct {
	By      string  `yaml:"by"` // weighted, least_busy, lowest_latency or lowest_cost
	Among   Texts   `yaml:"among,omitempty"`
	Explore float64 `yaml:"explore,omitempty"`
}

// strategy checks how an endpoint chooses among its entities.
func (c *checker) strategy(e *Endpoint, p string) {
	s := e.Lakegate.Strategy
	if s.By == "" && !c.given(p+".by") {
		s.By = string(endpoint.Weighted)
	}
	by := endpoint.StrategyKind(s.By)
	if !slices.Contains(endpoint.Strategies(), by) {
		c.fault(p+".by", "want weighted, least_busy, lowest_latency or lowest_cost, got %s", c.text(p+".by"))
		return
	}
	within(c, p+".explore", s.Explore, 0, 1)
	if c.given(p + ".among") {
		c.entityNames(e, p+".among", s.Among)
	}
	if by != endpoint.Weighted {
		if c.given(parent(p) + ".sticky_by") {
			c.fault(parent(p)+".sticky_by", "it holds on to a split by percentages, and strategy.by is %s", by)
		}
		return
	}
	if s.Explore > 0 {
		c.fault(p+".explore", "by weighted, all calls are drawn by the percentages")
	}
	for _, r := range e.Config.TrafficConfig.Routes {
		if len(s.Among) > 0 && r.TrafficPercentage != nil && *r.TrafficPercentage > 0 && !slices.Contains(s.Among, r.ServedEntityName) {
			c.fault(p+".among", "served entity %s is not among them, and has %d %% of the traffic", quote(r.ServedEntityName), *r.TrafficPercentage)
		}
	}
}

// stickyBy checks what a split goes by.
func (c *checker) stickyBy(by, p string) {
	tag, isTag := strings.CutPrefix(by, endpoint.StickyTag)
	header, isHeader := strings.CutPrefix(by, endpoint.StickyHeader)
	switch {
	case !c.given(p) || by == endpoint.StickyRequester || isTag && tag != "":
	case isHeader && header != "":
		c.routable(p, header)
	default:
		c.fault(p, "want requester, usage_context. and the name of a tag, such as usage_context.session, or header. and the name of a header, such as header.X-Session, got %s", c.text(p))
	}
}

func compileStrategy(from *Endpoint) *endpoint.Strategy {
	s := from.Lakegate.Strategy
	if s == nil {
		return nil
	}
	return &endpoint.Strategy{By: endpoint.StrategyKind(s.By), Among: from.placesOf(s.Among), Explore: s.Explore}
}

func compileStickyBy(by string) string {
	if header, ok := strings.CutPrefix(by, endpoint.StickyHeader); ok {
		return endpoint.StickyHeader + http.CanonicalHeaderKey(header)
	}
	return by
}
