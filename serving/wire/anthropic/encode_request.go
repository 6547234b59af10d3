package anthropic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// requestWriter writes a request for Anthropic.
type requestWriter struct {
	r       *chat.Request
	o       chat.Options
	version version
	dst     []byte
	lost    []chat.Loss

	maxTokens int64
	system    []chat.Part // with the instructions that have no place between messages
	turns     []turn
	think     thought
	jsonTool  bool // JSON output is asked for by a tool that must be called
	ids       map[string]string
}

// encodeRequest writes a request for the model of o.
//
// What no version of the API has is lost: n, seed, penalties, log probabilities, biases,
// verbosity, sound, names of speakers. A temperature above 1, where Anthropic's scale ends, is
// lost too and not rounded down: who drops it gets 1, Anthropic's default.
func encodeRequest(r *chat.Request, o chat.Options) (body []byte, lost []chat.Loss, err *apierr.Error) {
	e := requestWriter{r: r, o: o, version: versionOf(o.Model), dst: []byte{'{'}, system: r.System}
	e.ids = toolIDs(r)
	e.collect()
	switch {
	case len(e.turns) > 0:
	case len(e.lost) > 0:
		return nil, nil, apierr.New(apierr.InvalidParameter, "of the messages nothing is left to say to Anthropic's API: %s", e.lost[0].Why).At(e.lost[0].Field)
	default:
		return nil, nil, apierr.New(apierr.InvalidParameter, "Anthropic's API needs a message of the user or the assistant that is not empty").At("messages")
	}
	e.bound()
	e.planOutput()
	e.planThinking()

	e.dst = appendText(e.dst, "model", o.Model)
	e.dst = appendInt(e.dst, "max_tokens", e.maxTokens)
	e.writeSystem()
	e.writeTurns()
	e.writeTools()
	e.writeSampling()
	e.writeThinking()
	e.writeOutputConfig()
	if r.User != "" {
		e.dst = append(appendText(appendRaw(e.dst, "metadata", []byte{'{'}), "user_id", r.User), '}')
	}
	e.writeServiceTier()
	if o.Stream {
		e.dst = append(e.dst, `,"stream":true`...)
	}
	e.loseTheRest()
	return append(e.dst, '}'), e.lost, nil
}

func (e *requestWriter) lose(field, why string, args ...any) {
	if len(args) > 0 {
		why = fmt.Sprintf(why, args...)
	}
	e.lost = append(e.lost, chat.Loss{Field: field, Why: why})
}

func (e *requestWriter) loseFeature(f chat.Feature, why string, args ...any) {
	e.lose(e.r.Name(f), why, args...)
}

// bound says how long the answer may be. Clients of other APIs who say nothing want an answer that
// isn't cut off, so they get what is long and allowed by all models of the generation; where that
// is not known, what the gateway gives.
func (e *requestWriter) bound() {
	switch most := e.version.longest(); {
	case e.r.MaxTokens != nil:
		e.maxTokens = *e.r.MaxTokens
	case e.o.MaxTokens > 0 || most > 0:
		e.maxTokens = max(e.o.MaxTokens, min(most, longAnswer))
	default:
		e.maxTokens = shortAnswer
	}
}

const (
	longAnswer  = 32000
	shortAnswer = 4096 // of the oldest models
)

func (e *requestWriter) writeSystem() {
	var texts []chat.Part
	for _, p := range e.system {
		if strings.TrimSpace(p.Text) != "" {
			texts = append(texts, p)
		}
	}
	switch {
	case len(texts) == 0:
	case len(texts) == 1 && texts[0].Cache == "":
		e.dst = appendText(e.dst, "system", texts[0].Text)
	default:
		e.dst = append(appendName(e.dst, "system"), '[')
		for i := range texts {
			e.dst = appendTextBlock(comma(e.dst), texts[i].Text, texts[i].Cache)
		}
		e.dst = append(e.dst, ']')
	}
}

func (e *requestWriter) writeSampling() {
	r := e.r
	temperature, topP := e.temperature(), string(r.TopP)
	switch {
	case topP == "":
	case !e.version.samples() && !isOne(r.TopP):
		e.loseFeature(chat.FTopP, "Claude %s takes no top_p", e.version)
		topP = ""
	case !e.version.samples(), isOne(r.TopP) && temperature != "":
		topP = "" // all tokens, which is the default
	case e.version.oneSampling() && temperature != "":
		e.loseFeature(chat.FTopP, "Claude %s takes temperature or top_p, not both", e.version)
		topP = ""
	}
	if temperature != "" {
		e.dst = appendRaw(e.dst, "temperature", []byte(temperature))
	}
	if topP != "" {
		e.dst = appendRaw(e.dst, "top_p", []byte(topP))
	}
	switch {
	case r.TopK == "":
	case !e.version.samples():
		e.loseFeature(chat.FTopK, "Claude %s takes no top_k", e.version)
	case e.think.on():
		e.loseFeature(chat.FTopK, "Anthropic's models take no top_k while they think")
	default:
		e.dst = appendRaw(e.dst, "top_k", []byte(r.TopK))
	}
	e.writeStop()
}

// temperature returns the number to write, "" for none. 1 is the default.
func (e *requestWriter) temperature() string {
	t := e.r.Temperature
	f, err := t.Float64()
	switch {
	case t == "" || err != nil:
	case f > 1 || f < 0:
		e.loseFeature(chat.FTemperature, "Anthropic's scale is from 0 to 1, not %s", t)
	case f == 1 && (e.think.on() || !e.version.samples()):
	case f == 1 && e.version.oneSampling() && e.r.TopP != "" && !isOne(e.r.TopP): // top_p is said instead
	case !e.version.samples():
		e.loseFeature(chat.FTemperature, "Claude %s takes no temperature", e.version)
	case e.think.on():
		e.loseFeature(chat.FTemperature, "Anthropic's models think at temperature 1 only")
	default:
		return string(t)
	}
	return ""
}

func isOne(n json.Number) bool {
	f, err := n.Float64()
	return err == nil && f == 1
}

// writeStop leaves out sequences of white space alone, which Anthropic refuses.
func (e *requestWriter) writeStop() {
	stop := slices.DeleteFunc(slices.Clone(e.r.Stop), func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(stop) < len(e.r.Stop) {
		e.loseFeature(chat.FStop, "Anthropic's API takes no stop sequence of white space alone")
	}
	if len(stop) == 0 {
		return
	}
	e.dst = append(appendName(e.dst, "stop_sequences"), '[')
	for _, s := range stop {
		e.dst = appendQuoted(comma(e.dst), s)
	}
	e.dst = append(e.dst, ']')
}

// writeServiceTier: OpenAI's default tier is Anthropic's standard_only. Priority can't be asked
// for; it is used where it was bought.
func (e *requestWriter) writeServiceTier() {
	switch tier := e.r.ServiceTier; tier {
	case "", "auto":
	case "default", "standard", "standard_only":
		e.dst = appendText(e.dst, "service_tier", "standard_only")
	default:
		e.loseFeature(chat.FServiceTier, "Anthropic's API has no tier %q to ask for", tier)
	}
}

func (e *requestWriter) loseTheRest() {
	r := e.r
	for _, f := range []struct {
		said    bool
		feature chat.Feature
		what    string
	}{
		{r.N > 1, chat.FN, "gives one answer per request"},
		{r.Seed != nil, chat.FSeed, "has no seed"},
		{r.FrequencyPenalty != "", chat.FFrequencyPenalty, "has no frequency_penalty"},
		{r.PresencePenalty != "", chat.FPresencePenalty, "has no presence_penalty"},
		{r.LogProbs, chat.FLogProbs, "gives no log probabilities"},
		{len(r.LogitBias) > 0, chat.FLogitBias, "has no logit_bias"},
		{r.Verbosity != "" && r.Verbosity != "medium", chat.FVerbosity, "has no verbosity"},
	} {
		if f.said {
			e.loseFeature(f.feature, "Anthropic's API "+f.what)
		}
	}
}
