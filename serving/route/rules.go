package route

import (
	"net/http"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Asked is what rules look at of a call.
type Asked struct {
	Header       http.Header // the client's whole header
	UsageContext map[string]string
	Requester    string
	Groups       []string
	Model        string
	InputTokens  int64 // estimated
	Streaming    bool
}

// Rule returns the place of the first rule that a meets, -1 for none.
func Rule(rules []endpoint.Rule, a *Asked) int {
	for i := range rules {
		if meets(&rules[i].When, a) {
			return i
		}
	}
	return -1
}

func meets(c *endpoint.Condition, a *Asked) bool {
	switch {
	case c.Streaming != nil && *c.Streaming != a.Streaming:
	case c.MinInput != nil && a.InputTokens < *c.MinInput:
	case c.MaxInput != nil && a.InputTokens > *c.MaxInput:
	case c.Requesters != nil && !c.Requesters.Match(a.Requester):
	case c.Models != nil && !c.Models.Match(a.Model):
	case c.Groups != nil && !anyOf(c.Groups, a.Groups):
	default:
		return tagged(c.UsageContext, a.UsageContext) && headed(c.Headers, a.Header)
	}
	return false
}

func tagged(want []endpoint.Named, tags map[string]string) bool {
	for i := range want {
		if v, ok := tags[want[i].Name]; !ok || !want[i].Is.Match(v) {
			return false
		}
	}
	return true
}

func headed(want []endpoint.Named, h http.Header) bool {
	for i := range want {
		if !anyOf(want[i].Is, h[want[i].Name]) {
			return false
		}
	}
	return true
}

func anyOf(want endpoint.Patterns, have []string) bool {
	for _, s := range have {
		if want.Match(s) {
			return true
		}
	}
	return false
}
