package config

import (
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Race has several entities asked for one call.
type Race struct {
	Among Texts         `yaml:"among,omitempty"`
	After time.Duration `yaml:"after,omitempty"`
	Most  *int          `yaml:"most,omitempty"`
}

// Shadow has an entity asked what others are asked.
type Shadow struct {
	To    string   `yaml:"to"`
	Share *float64 `yaml:"share,omitempty"`
}

// race checks and completes a race.
func (c *checker) race(e *Endpoint, p string) {
	l := &e.Lakegate
	r := l.Race
	switch {
	case c.given(p + ".among"):
		c.entityNames(e, p+".among", r.Among)
	case l.Shadow != nil:
		r.Among = slices.DeleteFunc(e.entityList(), func(name string) bool { return name == l.Shadow.To })
	default:
		r.Among = e.entityList()
	}
	if len(r.Among) == 1 && !c.bad(p+".among") {
		c.fault(p, "a race takes two served entities or more, and there is only %s", quote(r.Among[0]))
	}
	within(c, p+".after", r.After, 0, time.Hour)
	if r.After >= l.Timeout && !c.bad(p+".after") && !c.bad(parent(p)+".timeout") {
		c.fault(p+".after", "no call takes as long: timeout is %s", short(l.Timeout))
	}
	if r.Most == nil {
		r.Most = new(int)
		*r.Most = endpoint.DefaultMost
	}
	within(c, p+".most", *r.Most, 2, 10)
	if l.Rollout != nil {
		c.fault(p, "a rollout splits calls between served entities, and a race asks several for one: take one of the two away")
	}
}

// shadow checks and completes a shadow.
func (c *checker) shadow(e *Endpoint, p string) {
	l := &e.Lakegate
	s := l.Shadow
	if s.Share == nil {
		s.Share = new(float64)
		*s.Share = 1
	}
	if f := *s.Share; !(f > 0 && f <= 1) { // also refuses what is no number
		c.fault(p+".share", "want more than 0 and at most 1, got %s", c.text(p+".share"))
	}
	if !e.AIGateway.UsageTracking.On(true) && !e.AIGateway.InferenceTable.On() {
		c.fault(p, "nobody gets a shadow's answer, and nothing of it is kept: enable ai_gateway.usage_tracking_config or inference_table_config")
	}
	if !c.required(p+".to", s.To) || c.bad(p+".to") {
		return
	}
	if e.place(s.To) < 0 {
		c.fault(p+".to", "there is no served entity %s; there are %s", quote(s.To), strings.Join(e.entityList(), ", "))
		return
	}
	if weight(e.Config.TrafficConfig, s.To) != 0 || len(e.Config.ServedEntities) == 1 {
		c.fault(p+".to", "give %s a traffic_percentage of 0: clients get no answers of a shadow", quote(s.To))
	}
	if r := l.Race; r != nil && slices.Contains(r.Among, s.To) {
		c.fault(p+".to", "%s is in race.among, whose answers clients get", quote(s.To))
	}
	if t := l.Strategy; t != nil && slices.Contains(t.Among, s.To) {
		c.fault(p+".to", "%s is in strategy.among, whose answers clients get", quote(s.To))
	}
	if r := l.Rollout; r != nil && r.To == s.To {
		c.fault(p+".to", "%s is rolled out, and clients get its answers", quote(s.To))
	}
	for i := range l.Rules {
		if slices.Contains(l.Rules[i].To, s.To) {
			c.fault(p+".to", "rule %s sends calls to %s, whose answers clients get", quote(l.Rules[i].Name), quote(s.To))
		}
	}
}

func compileRace(from *Endpoint) *endpoint.Race {
	r := from.Lakegate.Race
	if r == nil {
		return nil
	}
	return &endpoint.Race{Among: from.placesOf(r.Among), After: r.After, Most: *r.Most}
}

func compileShadow(from *Endpoint) *endpoint.Shadow {
	s := from.Lakegate.Shadow
	if s == nil {
		return nil
	}
	return &endpoint.Shadow{To: from.place(s.To), Share: *s.Share}
}
