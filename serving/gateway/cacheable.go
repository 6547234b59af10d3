package gateway

import (
	"bytes"
	"strconv"

	"github.com/lakegate/lakegate/serving/cache"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// maxCachedBody bounds the requests whose answers are kept: a longer one will hardly come twice,
// and hashing it takes time.
const maxCachedBody = 1 << 20

// question returns what the call asks, as the response cache knows it. false: its answer is not to
// be kept, nor to come from there.
func (w *work) question() (*cache.Question, bool) {
	tenant, ok := w.cacheTenant()
	if !ok || !w.cacheable() {
		return nil, false
	}
	return &cache.Question{
		EndpointID: w.endpoint.ID, ConfigVersion: w.endpoint.ConfigVersion, DropUnsupported: w.endpoint.DropUnsupported,
		Scope: string(w.endpoint.Cache.Scope) + ":" + w.endpoint.Cache.Tag, Tenant: tenant, Route: w.cacheRoute(),
		Format: w.codec.Format, DataOnly: w.call.Surface.DataOnly, Header: w.call.Header, Body: w.req.Body(),
	}, true
}

// cacheRoute tells calls apart that other entities are to answer: by their rule, by what a strategy
// may choose from, and by what a split sticks to. "" where all calls are alike.
func (w *work) cacheRoute() string {
	e := w.endpoint
	var b []byte
	list := func(what string, places []int) {
		b = append(append(b, what...), 0)
		for _, i := range places {
			b = append(append(b, e.Entities[i].Name...), 0)
		}
	}
	rule := w.rule()
	switch {
	case rule >= 0:
		list("rule "+e.Rules[rule].Name, e.Rules[rule].To)
	case e.Strategy != nil:
		list("strategy", e.Strategy.Among)
	}
	if x := w.stuckTo(rule); x != nil {
		b = append(append(b, "sticky "...), x.Name...)
	}
	return string(b)
}

// cacheTenant returns with whom the caller shares answers. false: with nobody, because its key lacks
// the tag that would say.
func (w *work) cacheTenant() (string, bool) {
	p := &w.rec.Principal
	switch c := w.endpoint.Cache; c.Scope {
	case endpoint.CachePerEndpoint:
		return "", true
	case endpoint.CachePerTag:
		v, ok := p.KeyTags[c.Tag]
		return v, ok
	default:
		return string(p.Kind) + ":" + p.Name, p.Name != ""
	}
}

// cacheable reports whether the same request may be answered by the same answer: it is of a known
// shape, asks for text or numbers, leaves the model no dice, and starts nothing but the model. What
// lakegate asks by itself is never asked again.
func (w *work) cacheable() bool {
	if w.call.purpose != "" || w.call.Stored != nil || w.call.Suffix != "" || w.call.Method != "" || w.req.IsForm() || len(w.req.Body()) > maxCachedBody {
		return false
	}
	if t := w.endpoint.Task; t == endpoint.AgentChat || t == endpoint.AgentResponses {
		return false // an agent may do anything
	}
	switch w.codec.Operation {
	case wire.OpEmbeddings, wire.OpRerank, wire.OpModerations:
		return true
	case wire.OpChat, wire.OpCompletions:
		return !w.startsMore() && (w.endpoint.Cache.AnyTemperature || w.coldly())
	default:
		return false
	}
}

// startsMore reports whether a request makes the provider do more than answer: keep the answer, go
// on with a stored one, search, run code. Functions are the client's to call, and do no harm.
func (w *work) startsMore() bool {
	for _, name := range [...]string{
		"web_search_options", "search_parameters", "enable_search", "plugins", "connectors", "mcp_servers", "container", "audio",
		"background", "conversation", "previous_response_id", "prompt", "custom_inputs", "databricks_options",
	} {
		if name == "prompt" && w.codec.Format != wire.OpenAIResponses {
			continue // elsewhere the question, there a template at the provider
		}
		if _, k := w.req.Member(name); k != rawjson.Invalid && k != rawjson.Null && k != rawjson.False {
			return true
		}
	}
	_, stored := w.req.Member("store")
	if stored == rawjson.True || w.codec.Format == wire.OpenAIResponses && stored != rawjson.False {
		return true
	}
	tools, k := w.req.Member("tools")
	return k != rawjson.Invalid && k != rawjson.Null && !onlyFunctions(tools)
}

// onlyFunctions reports whether tools are all for the client to run, in any format's words.
func onlyFunctions(tools []byte) bool {
	c := rawjson.Walk(tools)
	if c.Kind() != rawjson.Array {
		return false
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		if !isFunction(c.Take()) {
			return false
		}
	}
	return true
}

func isFunction(tool []byte) bool {
	typed, own, other := false, false, false
	is := rawjson.Members(tool, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "type":
			typed = string(v) == `"function"` || string(v) == `"custom"`
			other = other || !typed
		case "functionDeclarations", "function_declarations": // Google's
			own = true
		case "input_schema": // Anthropic's may go without a type
			own = true
		case "name", "description", "cache_control", "strict", "function", "parameters", "format", "eager_input_streaming", "input_examples":
		default:
			other = true // a tool of the provider's, by its name
		}
		return true
	})
	return is && !other && (typed || own)
}

// coldly reports whether a request asks for temperature 0.
func (w *work) coldly() bool {
	v, k := w.req.Member("temperature")
	if w.codec.Format == wire.GeminiGenerate {
		v, k = nil, rawjson.Invalid
		for _, name := range [...]string{"generationConfig", "generation_config"} {
			config, _ := w.req.Member(name)
			rawjson.Members(config, func(name []byte, kind rawjson.Kind, value []byte) bool {
				if string(name) == "temperature" {
					v, k = value, kind
				}
				return true
			})
		}
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return k == rawjson.Number && err == nil && f == 0
}

// worthKeeping reports whether an answer, whole and in the client's format, is one to give again:
// neither a failure nor what a filter or the model's refusal left of it.
func (w *work) worthKeeping(whole []byte) bool {
	a, err := w.codec.ParseAnswer(whole)
	if err != nil || a.Failed || bytes.Contains(whole, []byte(`"content_filter"`)) {
		return false
	}
	if w.codec.Operation != wire.OpChat || w.codec.Chat == nil || w.codec.Chat.DecodeAnswer == nil {
		return true
	}
	given, err := w.codec.Chat.DecodeAnswer(whole)
	if err != nil || len(given.Choices) == 0 {
		return false
	}
	for i := range given.Choices {
		c := &given.Choices[i]
		switch c.Stop {
		case chat.StopEnd, chat.StopSequence, chat.StopLength, chat.StopTool:
		default:
			return false
		}
		for _, p := range c.Parts {
			if p.Kind == chat.Refusal {
				return false
			}
		}
	}
	return true
}
