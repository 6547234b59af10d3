package config

import (
	"slices"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Compare says which answers of two served entities a judge compares.
type Compare struct {
	Name       string  `yaml:"name"`
	Baseline   string  `yaml:"baseline"`
	Challenger string  `yaml:"challenger"`
	Share      float64 `yaml:"share"`
	Judge      string  `yaml:"judge"`
	Rubric     string  `yaml:"rubric"`
}

const maxRubric = 16 << 10

// compared are the tasks whose answers a judge can read.
var compared = []string{endpoint.Chat, endpoint.Completions, endpoint.AgentChat, endpoint.AgentResponses}

// compare checks and completes a comparison.
func (c *checker) compare(e *Endpoint, p string) {
	l := e.Lakegate.Compare
	baseline, challenger := c.side(e, p+".baseline", l.Baseline), c.side(e, p+".challenger", l.Challenger)
	if baseline && challenger && l.Baseline == l.Challenger {
		c.fault(p+".challenger", "it is the baseline too; compare it with another served entity")
	}
	if l.Name == "" && !c.given(p+".name") {
		l.Name = l.Baseline + "-vs-" + l.Challenger
	} else if !ruleName.MatchString(l.Name) {
		c.fault(p+".name", "want 1 to 63 letters, digits, spaces, '_', '.' or '-', the first a letter or digit, got %s", c.text(p+".name"))
	}
	switch {
	case !c.given(p + ".share"):
		c.fault(p+".share", "say which share of the calls is compared, such as 0.05")
	case !(l.Share > 0 && l.Share <= 1): // also refuses what is no number
		c.fault(p+".share", "want more than 0 and at most 1, got %s", c.text(p+".share"))
	}
	switch {
	case !c.required(p+".judge", l.Judge):
	case !endpointName.MatchString(l.Judge):
		c.fault(p+".judge", "want the name of an endpoint, got %s", c.text(p+".judge"))
	case strings.EqualFold(l.Judge, e.Name):
		c.fault(p+".judge", "an endpoint can't judge itself: name another one")
	}
	if len(l.Rubric) > maxRubric {
		c.fault(p+".rubric", "want at most %s, got %s", Bytes(maxRubric), Bytes(len(l.Rubric)))
	}
	if !e.AIGateway.UsageTracking.On(true) {
		c.fault(p, "a comparison is about rows of the usage table: it needs ai_gateway.usage_tracking_config to be enabled")
	}
	for i := range e.Config.ServedEntities {
		at := index(parent(parent(p))+".config.served_entities", i) + ".external_model.task"
		if task := e.Config.ServedEntities[i].ExternalModel.Task; !slices.Contains(compared, task) && !c.bad(at) && slices.Contains(endpoint.Tasks(), task) {
			c.fault(p, "answers of %s can't be compared, only those of %s", task, strings.Join(compared, ", "))
			return
		}
	}
}

// side checks the name of one of the two entities.
func (c *checker) side(e *Endpoint, p, name string) bool {
	if !c.required(p, name) {
		return false
	}
	if e.place(name) < 0 {
		c.fault(p, "there is no served entity %s; there are %s", quote(name), strings.Join(e.entityList(), ", "))
		return false
	}
	return true
}

func compileCompare(from *Endpoint) *endpoint.Compare {
	l := from.Lakegate.Compare
	if l == nil {
		return nil
	}
	return &endpoint.Compare{
		Name: l.Name, Baseline: from.place(l.Baseline), Challenger: from.place(l.Challenger),
		Share: l.Share, Judge: l.Judge, Rubric: l.Rubric,
	}
}
