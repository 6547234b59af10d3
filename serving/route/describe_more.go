package route

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// prompt says which version's messages go before the caller's.
func (d *describer) prompt() {
	p := d.e.Prompt
	if p == nil {
		return
	}
	var parts []string
	for _, s := range p.Active {
		parts = append(parts, fmt.Sprintf("version %d: %d %%", s.Version.Number, s.Percent))
	}
	how := strings.Join(parts, ", ")
	if len(p.Active) == 1 {
		how = fmt.Sprintf("version %d", p.Active[0].Version.Number)
	}
	d.add(Line{Step: "prompt", When: "any call that names no version", How: how})
}

// rollout says by which stages an entity gets the traffic.
func (d *describer) rollout() {
	r := d.e.Rollout
	if r == nil {
		return
	}
	var parts []string
	for _, s := range r.Stages {
		parts = append(parts, fmt.Sprintf("%g %% for %s", float64(s.Traffic)/100, short(s.For)))
	}
	l := Line{Step: "rollout", When: "any call", To: d.names([]int{r.Target}), How: strings.Join(append(parts, "then all"), ", ") + "; none after " + stops(&r.Stop)}
	if len(d.e.Rules) > 0 {
		l.When = "any other call"
	}
	d.add(l)
}

// stops says what stops a rollout.
func stops(b *endpoint.RolloutBounds) string {
	var list []string
	if b.ErrorShare < 1 {
		list = append(list, fmt.Sprintf("more than %g %% errors", b.ErrorShare*100))
	}
	if b.Latency > 0 {
		list = append(list, fmt.Sprintf("%g %% slower than %s", endpoint.SlowShare*100, short(b.Latency)))
	}
	if b.FirstToken > 0 {
		list = append(list, fmt.Sprintf("%g %% of first tokens later than %s", endpoint.SlowShare*100, short(b.FirstToken)))
	}
	if b.WorseThan > 0 {
		list = append(list, fmt.Sprintf("%g times the others' errors or latency", b.WorseThan))
	}
	if len(list) == 0 {
		return "an abort"
	}
	return strings.Join(list, ", or ")
}

// beside says who is asked the same.
func (d *describer) beside() {
	if r := d.e.Race; r != nil {
		how := fmt.Sprintf("at once, at most %d: the first acceptable answer", r.Most)
		if r.After > 0 {
			how = fmt.Sprintf("the next after %s without an answer, at most %d: the first acceptable answer", short(r.After), r.Most)
		}
		d.add(Line{Step: "race", When: "a call that goes to one of them", To: d.names(r.Among), How: how})
	}
	if s := d.e.Shadow; s != nil {
		d.add(Line{Step: "shadow", When: fmt.Sprintf("%g %% of the calls", s.Share*100), To: d.names([]int{s.To}), How: "asked the same; nobody gets the answer" + d.confined()})
	}
	if c := d.e.Compare; c != nil {
		d.add(Line{Step: "compare", Name: c.Name, When: fmt.Sprintf("%g %% of the calls that one of them has answered", c.Share*100), To: d.names([]int{c.Baseline, c.Challenger}), How: "the other is asked the same, and " + c.Judge + " says which answer is better" + d.confined()})
	}
}
