package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
)

var entityName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./:@-]{0,127}$`)

func (c *checker) entities(ec *EndpointConfig, p string) {
	at := p + ".served_entities"
	switch n := len(ec.ServedEntities); {
	case n == 0:
		c.fault(at, "an endpoint needs at least one served entity")
	case n > maxEntities:
		c.fault(at, "want at most %d served entities, got %d", maxEntities, n)
	}
	names := map[string]string{}
	for i := range ec.ServedEntities {
		s, sp := &ec.ServedEntities[i], index(at, i)
		c.externalModel(&s.ExternalModel, sp+".external_model")
		c.entityName(s, sp)
		c.unique(names, s.Name, sp+".name", "name")
		first, task := &ec.ServedEntities[0].ExternalModel, sp+".external_model.task"
		if i > 0 && s.ExternalModel.Task != first.Task && !c.bad(index(at, 0)+".external_model.task") {
			c.fault(task, "all entities of an endpoint have the same task, and the first has another")
		}
	}
}

// entityName checks a served entity's name, which is the model's unless the file says otherwise.
func (c *checker) entityName(s *ServedEntity, p string) {
	from := p + ".name"
	if !c.given(from) {
		s.Name, from = s.ExternalModel.Name, p+".external_model.name"
	}
	if s.Name == "" && !c.given(p+".name") {
		return // the model has no name either, which has been said
	}
	if !entityName.MatchString(s.Name) {
		c.fault(p+".name", "want 1 to 128 letters, digits or any of _ . / : @ -, the first a letter or digit, got %s", c.text(from))
	}
}

func (c *checker) externalModel(m *ExternalModel, p string) {
	if !c.given(p) {
		c.fault(p, "it is required: name, provider, task and the provider's configuration")
		return
	}
	c.label(p+".name", m.Name)
	tasks := endpoint.Tasks()
	if c.required(p+".task", m.Task) && !slices.Contains(tasks, m.Task) {
		c.fault(p+".task", "want %s, got %s%s", strings.Join(tasks, ", "), c.text(p+".task"), didYouMean(m.Task, tasks))
	}
	if !c.provider(m, p) {
		return
	}
	if k := providers[m.Provider]; slices.Contains(tasks, m.Task) && !k.has(m.Task) {
		c.fault(p+".task", "provider %s has no %s; it has %s", m.Provider, c.text(p+".task"), strings.Join(k.tasks(), ", "))
	}
	c.providerConfig(m, p)
}

// provider reports whether there is such a provider.
func (c *checker) provider(m *ExternalModel, p string) bool {
	at := p + ".provider"
	if !c.required(at, m.Provider) {
		return false
	}
	if m.Provider == palm {
		c.fault(at, "Google has switched PaLM off; use %s or %s", Gemini, Vertex)
		return false
	}
	if _, known := providers[m.Provider]; known {
		return true
	}
	names := Providers()
	c.fault(at, "there is no provider %s%s; there are %s. Use %s for any other server", c.text(at), didYouMean(m.Provider, names), strings.Join(names, ", "), Custom)
	return false
}

// traffic checks the routes, and fills in the one of an endpoint with one entity.
func (c *checker) traffic(ec *EndpointConfig, p string) {
	at := p + ".traffic_config.routes"
	entities := ec.ServedEntities
	if len(entities) == 1 && len(ec.TrafficConfig.Routes) == 0 {
		all := 100
		ec.TrafficConfig.Routes = []Route{{ServedEntityName: entities[0].Name, TrafficPercentage: &all}}
		return
	}
	if len(entities) == 0 || c.bad(at) {
		return
	}
	if len(ec.TrafficConfig.Routes) == 0 {
		c.fault(p+".traffic_config", "it is required: with %d entities, say how the traffic is split", len(entities))
		return
	}
	names := make([]string, len(entities))
	for i, s := range entities {
		names[i] = s.Name
	}
	routed := c.routes(ec.TrafficConfig.Routes, at, names)
	for i, n := range names {
		entity := fmt.Sprintf("%s.served_entities[%d]", p, i)
		if _, ok := routed[n]; !ok && n != "" && !c.bad(entity+".name") {
			c.fault(entity, "it has no route in traffic_config; give it one, with 0 to use it only as a fallback")
		}
	}
}

// routes checks each route and their sum. It returns where each entity has its route.
func (c *checker) routes(routes []Route, at string, names []string) map[string]string {
	routed, sum, complete := map[string]string{}, 0, true
	for i, r := range routes {
		rp := index(at, i)
		name := rp + ".served_entity_name"
		if c.required(name, r.ServedEntityName) && !slices.Contains(names, r.ServedEntityName) {
			c.fault(name, "there is no served entity %s in this endpoint", c.text(name))
		}
		c.unique(routed, r.ServedEntityName, name, "entity")
		percent := rp + ".traffic_percentage"
		if r.TrafficPercentage == nil {
			c.fault(percent, "it is required")
			complete = false
			continue
		}
		within(c, percent, *r.TrafficPercentage, 0, 100)
		complete = complete && !c.bad(percent)
		sum += *r.TrafficPercentage
	}
	if complete && sum != 100 {
		c.fault(at, "the percentages add up to %d, want 100", sum)
	}
	return routed
}
