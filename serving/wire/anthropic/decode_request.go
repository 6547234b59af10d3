package anthropic

import (
	"maps"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// names are this format's own words for features.
var names = map[chat.Feature]string{
	chat.FStop:      "stop_sequences",
	chat.FOutput:    "output_config.format",
	chat.FReasoning: "thinking",
	chat.FParallel:  "tool_choice.disable_parallel_tool_use",
	chat.FUser:      "metadata.user_id",
}

// namesOfEffort are those of a request that has an effort and says nothing of thinking.
var namesOfEffort = func() map[chat.Feature]string {
	n := maps.Clone(names)
	n[chat.FReasoning] = "output_config.effort"
	return n
}()

// requestReader reads a client's request into the common form.
type requestReader struct {
	fields
	r *chat.Request
}

// decodeRequest reads the body of a client.
func decodeRequest(body []byte) (*chat.Request, *apierr.Error) {
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return nil, apierr.New(apierr.BadRequest, "the request body must be a JSON object in UTF-8, at most %d levels deep: %v", maxDepth, err)
	}
	d := requestReader{r: &chat.Request{Names: names, WantsUsage: true}}
	hasMessages, cache := false, ""
	for i := range o.Len() {
		k, v := o.Kind(i), o.Value(i)
		if k == rawjson.Null {
			continue
		}
		switch name := string(o.Name(i)); name {
		case "messages":
			hasMessages = true
			d.messages(v)
		case "cache_control":
			cache = d.cache(name, v)
		default:
			d.member(name, k, v)
		}
	}
	if !hasMessages {
		d.refuse("messages", "the request has no messages")
	}
	if d.err != nil {
		return nil, d.err
	}
	d.markLast(cache)
	if r := d.r.Reasoning; r != nil && r.Effort != "" && r.Budget == nil && !r.Show && !r.Off {
		d.r.Names, r.Adaptive = namesOfEffort, true
	}
	d.r.Rest = d.rest
	return d.r, nil
}

func (d *requestReader) member(name string, k rawjson.Kind, v []byte) {
	r := d.r
	switch name {
	case "model":
		r.Model = d.text(name, k, v)
	case "system":
		r.System = d.systemParts(name, k, v)
	case "max_tokens":
		r.MaxTokens = d.whole(name, k, v)
	case "temperature":
		r.Temperature = d.number(name, k, v)
	case "top_p":
		r.TopP = d.number(name, k, v)
	case "top_k":
		r.TopK = d.number(name, k, v)
	case "stop_sequences":
		d.elements(name, v, func(path string, v []byte) {
			r.Stop = append(r.Stop, d.text(path, kindOf(v), v))
		})
	case "stream":
		r.Stream = d.flag(name, k)
	case "metadata":
		d.metadata(v)
	case "service_tier":
		d.serviceTier(name, k, v)
	case "thinking":
		d.thinking(v)
	case "output_config":
		d.outputConfig(v)
	case "output_format": // where output_config.format was in the beta
		d.format(name, v)
	case "tools":
		d.elements(name, v, d.tool)
	case "tool_choice":
		d.toolChoice(v)
	case "usage_context", "client_request_id": // lakegate's own
	case "context_management":
		d.contextManagement(v)
	case "anthropic_version": // Bedrock and Vertex AI have it in the body
	case "speed":
		if d.text(name, k, v) != "standard" {
			d.lose(name, onlyHere)
		}
	default:
		d.loseUnless(name, k, v)
	}
}

func kindOf(v []byte) rawjson.Kind {
	c := rawjson.Walk(v)
	return c.Kind()
}

// metadata takes user_id alone; Anthropic has no other.
func (d *requestReader) metadata(v []byte) {
	d.members("metadata", v, func(name string, k rawjson.Kind, v []byte) {
		if name == "user_id" {
			d.r.User = d.text("metadata.user_id", k, v)
		}
	})
}

// contextManagement says what is taken out of a long chat before the model sees it. To keep all
// thoughts, as Claude Code asks by default, is to take out nothing.
func (d *requestReader) contextManagement(v []byte) {
	const path = "context_management"
	d.members(path, v, func(name string, k rawjson.Kind, v []byte) {
		if name != "edits" {
			d.loseUnless(path, k, v)
			return
		}
		d.elements(path+".edits", v, func(at string, v []byte) {
			kind := d.choice(at, v)
			if keep := memberOf(v, "keep"); kind != "clear_thinking_20251015" || string(keep) != `"all"` {
				d.lose(path, onlyHere)
			}
		})
	})
}

// serviceTier: to take what there is is what auto means, and every API's default; standard_only
// is OpenAI's default tier.
func (d *requestReader) serviceTier(name string, k rawjson.Kind, v []byte) {
	switch tier := d.text(name, k, v); tier {
	case "auto":
	case "standard_only":
		d.r.ServiceTier = "default"
	default:
		d.refuse(name, "service_tier must be auto or standard_only, not %q", tier)
	}
}

// cache reads a cache_control: how long what is before is to be cached.
func (d *requestReader) cache(path string, v []byte) (ttl string) {
	ttl = "5m"
	d.members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
			if t := d.text(path+".type", k, v); t != "ephemeral" {
				d.refuse(path+".type", "%s.type must be ephemeral, not %q", path, t)
			}
		case "ttl":
			if ttl = d.text(path+".ttl", k, v); ttl != "5m" && ttl != "1h" {
				d.refuse(path+".ttl", "%s.ttl must be 5m or 1h, not %q", path, ttl)
			}
		default:
			d.lose(path+"."+name, onlyHere)
		}
	})
	return ttl
}

// markLast does what cache_control at the top asks for: it marks the last part that can be cached.
func (d *requestReader) markLast(cache string) {
	if cache == "" {
		return
	}
	for i := len(d.r.Messages) - 1; i >= 0; i-- {
		parts := d.r.Messages[i].Parts
		for j := len(parts) - 1; j >= 0; j-- {
			if parts[j].Kind != chat.Thinking {
				if parts[j].Cache == "" {
					parts[j].Cache = cache
				}
				return
			}
		}
	}
}
