package bedrock

import (
	"strings"

	"github.com/lakegate/lakegate/serving/wire/anthropic"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// The families of models whose requests differ.
const (
	familyOther     = ""
	familyAnthropic = "anthropic"
	familyNova      = "nova"
	familyCohere    = "cohere"
	familyMistral   = "mistral"
	familyOpenAI    = "openai"
)

// familyOf tells the family by the model's id, which may be an inference profile
// ("us.anthropic.claude-...") or an ARN that ends in an id. The ARN of an application's inference
// profile says nothing: then it is the vendor of the configuration that does.
func familyOf(o chat.Options) string {
	m := strings.ToLower(o.Model)
	for _, f := range [...]struct{ part, family string }{
		{"anthropic.", familyAnthropic},
		{"claude", familyAnthropic},
		{"amazon.nova", familyNova},
		{"cohere.", familyCohere},
		{"mistral.", familyMistral},
		{"openai.", familyOpenAI},
	} {
		if strings.Contains(m, f.part) {
			return f.family
		}
	}
	switch o.Vendor {
	case familyAnthropic, familyCohere, familyMistral, familyOpenAI:
		return o.Vendor
	}
	return familyOther
}

// claude is the generation of an Anthropic model, times ten. What a model takes depends on it:
//
//	37  thinking
//	41  temperature or top_p, not both
//	45  one tool at a time, JSON output by schema
//	46  adaptive thinking and effort
//	47  no budget of thinking, no temperature, top_p or top_k
type claude int

func (e *encoder) claude() claude { return claude(anthropic.Generation(e.o.Model)) }

func (c claude) thinks() bool      { return c >= 37 }
func (c claude) oneSampling() bool { return c >= 41 }
func (c claude) oneTool() bool     { return c >= 45 }
func (c claude) schemas() bool     { return c >= 45 }
func (c claude) adaptive() bool    { return c >= 46 }
func (c claude) budgets() bool     { return c < 47 }
func (c claude) samples() bool     { return c < 47 }
