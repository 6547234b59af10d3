package anthropic

import (
	"maps"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
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
	fields.Reader
	r *chat.Request
}

// decodeRequest reads the body of a client.
func decodeRequest(body []byte) (*chat.Request, *apierr.Error) {
	d := requestReader{r: &chat.Request{Names: names, WantsUsage: true}}
	hasMessages, cache := false, ""
	if !d.Body(body, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "messages":
			hasMessages = true
			d.messages(v)
		case "cache_control":
			cache = d.cache(name, v)
		default:
			d.member(name, k, v)
		}
	}) {
		return nil, d.Err
	}
	if !hasMessages {
		d.Refuse("messages", "the request has no messages")
	}
	if d.Err != nil {
		return nil, d.Err
	}
	d.markLast(cache)
	if r := d.r.Reasoning; r != nil && r.Effort != "" && r.Budget == nil && !r.Show && !r.Off {
		d.r.Names, r.Adaptive = namesOfEffort, true
	}
	d.r.Rest = d.Rest
	return d.r, nil
}

func (d *requestReader) member(name string, k rawjson.Kind, v []byte) {
	r := d.r
	switch name {
	case "model":
		r.Model = d.Text(name, k, v)
	case "system":
		r.System = d.systemParts(name, k, v)
	case "max_tokens":
		r.MaxTokens = new(d.Whole(name, k, v, 0))
	case "temperature":
		r.Temperature = d.Number(name, k, v)
	case "top_p":
		r.TopP = d.Number(name, k, v)
	case "top_k":
		r.TopK = d.Number(name, k, v)
	case "stop_sequences":
		d.Elements(name, v, func(path string, _ rawjson.Kind, v []byte) {
			r.Stop = append(r.Stop, d.Text(path, kindOf(v), v))
		})
	case "stream":
		r.Stream = d.Flag(name, k)
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
		d.Elements(name, v, d.tool)
	case "tool_choice":
		d.toolChoice(v)
	case "usage_context", "client_request_id": // lakegate's own
	case "context_management":
		d.contextManagement(v)
	case "anthropic_version": // Bedrock and Vertex AI have it in the body
	case "speed":
		if d.Text(name, k, v) != "standard" {
			d.Lose(name, onlyHere)
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
	d.Members("metadata", v, func(name string, k rawjson.Kind, v []byte) {
		if name == "user_id" {
			d.r.User = d.Text("metadata.user_id", k, v)
		}
	})
}

// contextManagement says what is taken out of a long chat before the model sees it. To keep all
// thoughts, as Claude Code asks by default, is to take out nothing.
func (d *requestReader) contextManagement(v []byte) {
	const path = "context_management"
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		if name != "edits" {
			d.loseUnless(path, k, v)
			return
		}
		d.Elements(path+".edits", v, func(at string, _ rawjson.Kind, v []byte) {
			kind := d.choice(at, v)
			if keep := memberOf(v, "keep"); kind != "clear_thinking_20251015" || string(keep) != `"all"` {
				d.Lose(path, onlyHere)
			}
		})
	})
}

// serviceTier: to take what there is is what auto means, and every API's default; standard_only
// is OpenAI's default tier.
func (d *requestReader) serviceTier(name string, k rawjson.Kind, v []byte) {
	switch tier := d.Text(name, k, v); tier {
	case "auto":
	case "standard_only":
		d.r.ServiceTier = "default"
	default:
		d.Refuse(name, "service_tier must be auto or standard_only, not %q", tier)
	}
}

// cache reads a cache_control: how long what is before is to be cached.
func (d *requestReader) cache(path string, v []byte) (ttl string) {
	ttl = "5m"
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
			if t := d.Text(path+".type", k, v); t != "ephemeral" {
				d.Refuse(path+".type", "%s.type must be ephemeral, not %q", path, t)
			}
		case "ttl":
			if ttl = d.Text(path+".ttl", k, v); ttl != "5m" && ttl != "1h" {
				d.Refuse(path+".ttl", "%s.ttl must be 5m or 1h, not %q", path, ttl)
			}
		default:
			d.Lose(path+"."+name, onlyHere)
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
