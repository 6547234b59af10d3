package pricing

import (
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// period is a Period as it is looked up: what the file leaves out is filled in.
type period struct {
	from     time.Time
	unknown  bool
	standard choice
	windows  []window
	tiers    map[string]choice
	// everyTier is for overrides: the price holds whatever tier answered.
	everyTier bool
}

// choice are rates, and those of requests with a long input.
type choice struct {
	rates *Rates
	long  []band
}

type band struct {
	over  int64
	rates *Rates // nil is not known
}

type window struct {
	days      []int
	at, until Clock
	choice    choice
}

func (w *window) holds(at time.Time) bool {
	day := int(at.Weekday())
	if day == 0 {
		day = 7
	}
	now := Clock(at.Hour()*60 + at.Minute())
	return now >= w.at && now < w.until && (len(w.days) == 0 || slices.Contains(w.days, day))
}

// tierName is the tier that a price is looked up by; "" is the standard one.
func tierName(word string) string {
	switch w := strings.ToLower(strings.TrimSpace(word)); w {
	case "", "default", "standard", "auto", "standard_only", "on_demand", "on-demand", "traffic_type_unspecified":
		return ""
	case "on_demand_priority":
		return "priority"
	case "on_demand_flex":
		return "flex"
	default:
		return w
	}
}

// pick finds the rates that hold for a request; nil when they are not known.
func (p *period) pick(u *inference.Usage, at time.Time) *Rates {
	if p.unknown {
		return nil
	}
	c := p.standard
	if tier := tierName(u.ServiceTier); tier != "" && !p.everyTier {
		c = p.tiers[tier]
	} else {
		for i := range p.windows {
			if p.windows[i].holds(at) {
				c = p.windows[i].choice
				break
			}
		}
	}
	if len(c.long) == 0 {
		return c.rates
	}
	if u.Input == nil {
		return nil
	}
	for i := len(c.long) - 1; i >= 0; i-- {
		if *u.Input > c.long[i].over {
			return c.long[i].rates
		}
	}
	return c.rates
}
