package responses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// requestNames are a client's words for what it can ask.
var requestNames = map[chat.Feature]string{
	chat.FMaxTokens: "max_output_tokens", chat.FOutput: "text.format", chat.FReasoning: "reasoning.effort",
	chat.FVerbosity: "text.verbosity", chat.FLogProbs: "top_logprobs", chat.FSystem: "instructions",
}

// decoder reads a client's request.
type decoder struct {
	req *chat.Request
	err *apierr.Error

	began     bool              // something that is no system text came
	tools     map[string]string // names of the tools called, by call id
	signature string            // what the reasoning item before says of the call after it
	signedBy  string
}

// DecodeRequest reads a client's request. What only OpenAI can do, since it keeps answers or runs
// tools, is in Rest; what changes nothing about the answer (metadata, where and how long to cache,
// limits of built-in tools, what to include of them) is understood and left out.
func DecodeRequest(body []byte) (*chat.Request, *apierr.Error) {
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return nil, apierr.New(apierr.BadRequest, "the request body must be a JSON object: %v", err)
	}
	r := &chat.Request{WantsUsage: true, Names: maps.Clone(requestNames), Echo: map[string]json.RawMessage{}}
	d := &decoder{req: r, tools: map[string]string{}}
	input := -1
	for i := range o.Len() {
		name := string(o.Name(i))
		if name == "input" {
			input = i // after instructions, wherever they are
			continue
		}
		if isEchoed(name) && o.Kind(i) != rawjson.Null {
			r.Echo[name] = compacted(o.Value(i))
		}
		if o.Kind(i) != rawjson.Null {
			d.field(name, o.Kind(i), o.Value(i))
		}
	}
	if input < 0 || o.Kind(input) == rawjson.Null {
		d.fail("input", "field %q is missing: give a text or a list of items", "input")
	} else {
		d.input(o.Kind(input), o.Value(input))
	}
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

// compacted returns JSON without white space: line ends would break the events it goes into.
func compacted(v []byte) []byte {
	var buf bytes.Buffer
	if json.Compact(&buf, v) != nil {
		return nil
	}
	return buf.Bytes()
}

// fail notes what is wrong with a field; the first fault counts.
func (d *decoder) fail(path, format string, args ...any) {
	if d.err == nil {
		d.err = apierr.New(apierr.InvalidParameter, format, args...).At(path)
	}
}

func (d *decoder) want(path, expected string, k rawjson.Kind) {
	d.fail(path, "field %q must be %s, not %s", path, expected, k)
}

func (d *decoder) lose(field, why string) {
	d.req.Rest = append(d.req.Rest, chat.Loss{Field: field, Why: why})
}

// unknown takes a field of no meaning here. One that says nothing is no loss.
func (d *decoder) unknown(path string, k rawjson.Kind, v []byte) {
	c := rawjson.Walk(v)
	if k == rawjson.Null || (k == rawjson.Array || k == rawjson.ObjectKind) && !c.Enter() {
		return
	}
	d.lose(path, "lakegate can't translate it for a provider that does not speak the Responses API")
}

func (d *decoder) text(path string, k rawjson.Kind, v []byte) string {
	switch k {
	case rawjson.String:
		return rawjson.Unquote(v)
	case rawjson.Null:
	default:
		d.want(path, "a string", k)
	}
	return ""
}

func (d *decoder) flag(path string, k rawjson.Kind) bool {
	if k != rawjson.True && k != rawjson.False && k != rawjson.Null {
		d.want(path, "true or false", k)
	}
	return k == rawjson.True
}

func (d *decoder) number(path string, k rawjson.Kind, v []byte) json.Number {
	switch k {
	case rawjson.Number:
		return json.Number(v)
	case rawjson.Null:
	default:
		d.want(path, "a number", k)
	}
	return ""
}

func (d *decoder) integer(path string, k rawjson.Kind, v []byte) *int64 {
	if k == rawjson.Null {
		return nil
	}
	n, ok := rawjson.Int(v)
	if k != rawjson.Number || !ok {
		d.fail(path, "field %q must be a whole number", path)
		return nil
	}
	return &n
}

// each calls f for the members of an object that are not null; those f does not know are unknown.
func (d *decoder) each(path string, k rawjson.Kind, object []byte, f func(name, path string, k rawjson.Kind, v []byte) bool) {
	if k == rawjson.Null {
		return
	}
	if k != rawjson.ObjectKind {
		d.want(path, "an object", k)
		return
	}
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		at := path + "." + string(name)
		if k != rawjson.Null && !f(string(name), at, k, v) {
			d.unknown(at, k, v)
		}
		return d.err == nil
	})
}

// elements calls f for the elements of a list.
func (d *decoder) elements(path string, k rawjson.Kind, list []byte, f func(path string, k rawjson.Kind, v []byte)) {
	if k != rawjson.Array {
		if k != rawjson.Null {
			d.want(path, "a list", k)
		}
		return
	}
	c := rawjson.Walk(list)
	i := 0
	for ok := c.Enter(); ok && d.err == nil; ok = c.Next() {
		k := c.Kind()
		f(fmt.Sprintf("%s[%d]", path, i), k, c.Take())
		i++
	}
}

// field reads a member of the body, but for input.
func (d *decoder) field(name string, k rawjson.Kind, v []byte) {
	r := d.req
	switch name {
	case "model":
		r.Model = d.text(name, k, v)
	case "instructions":
		if s := d.text(name, k, v); s != "" {
			r.System = append(r.System, chat.Part{Kind: chat.Text, Text: s, Path: name})
		}
	case "max_output_tokens":
		r.MaxTokens = d.integer(name, k, v)
	case "temperature":
		r.Temperature = d.number(name, k, v)
	case "top_p":
		r.TopP = d.number(name, k, v)
	case "top_logprobs":
		if n := d.integer(name, k, v); n != nil && *n > 0 {
			r.LogProbs, r.TopLogProbs = true, *n
		}
	case "parallel_tool_calls":
		r.OneToolAtATime = !d.flag(name, k)
	case "stream":
		r.Stream = d.flag(name, k)
	case "safety_identifier":
		if r.User = d.text(name, k, v); r.User != "" {
			r.Names[chat.FUser] = name
		}
	case "user":
		if s := d.text(name, k, v); r.User == "" {
			r.User = s
		}
	case "service_tier":
		if s := d.text(name, k, v); s != "auto" {
			r.ServiceTier = s
		}
	case "tools":
		d.elements(name, k, v, d.tool)
	case "tool_choice":
		d.toolChoice(name, k, v)
	case "text":
		d.each(name, k, v, d.textMember)
	case "reasoning":
		r.Reasoning = &chat.Reasoning{}
		d.each(name, k, v, d.reasoningMember)
		if *r.Reasoning == (chat.Reasoning{}) {
			r.Reasoning = nil
		}
	case "include":
		d.elements(name, k, v, d.include)
	default:
		d.openAIOnly(name, k, v)
	}
}

// openAIOnly reads what other providers have no place for: some of it changes nothing about the
// answer, the rest is lost.
func (d *decoder) openAIOnly(name string, k rawjson.Kind, v []byte) {
	switch name {
	case "metadata", "client_metadata", "max_tool_calls", "stream_options", "usage_context", "client_request_id",
		"prompt_cache_key", "prompt_cache_retention", "prompt_cache_options":
	case "store":
		if d.flag(name, k) {
			d.lose(name, "lakegate keeps no answers for later: leave it out, or say false")
		}
	case "background":
		if d.flag(name, k) {
			d.lose(name, "only a provider that speaks the Responses API can answer in the background")
		}
	case "truncation":
		if d.text(name, k, v) == "auto" {
			d.lose(name, "lakegate does not shorten a conversation that is too long: leave it out, or say disabled")
		}
	case "previous_response_id", "conversation":
		d.lose(name, "lakegate keeps no answers: send the whole conversation in input, or use a model whose provider speaks the Responses API")
	case "prompt":
		d.lose(name, "the template is kept by OpenAI: send its text in instructions and input")
	case "custom_inputs", "databricks_options":
		d.unknownToAll(name, k, v)
	default:
		d.unknown(name, k, v)
	}
}

func (d *decoder) unknownToAll(name string, k rawjson.Kind, v []byte) {
	c := rawjson.Walk(v)
	if k == rawjson.ObjectKind && !c.Enter() {
		return
	}
	d.lose(name, "it is for agents on Databricks, and the model behind this endpoint is none")
}

func (d *decoder) textMember(name, path string, k rawjson.Kind, v []byte) bool {
	switch name {
	case "verbosity":
		if s := d.text(path, k, v); s != "medium" { // as it is anyway
			d.req.Verbosity = s
		}
	case "format":
		d.format(path, k, v)
	default:
		return false
	}
	return true
}

func (d *decoder) format(path string, k rawjson.Kind, v []byte) {
	out := &chat.Output{}
	d.each(path, k, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "type":
			out.Kind = d.text(path, k, v)
		case "name":
			out.Name = d.text(path, k, v)
		case "description":
			out.Description = d.text(path, k, v)
		case "schema":
			out.Schema = json.RawMessage(v)
		case "strict":
			strict := d.flag(path, k)
			out.Strict = &strict
		default:
			return false
		}
		return true
	})
	switch {
	case out.Kind == "text":
	case out.Kind == "json_object":
		d.req.Output = &chat.Output{Kind: out.Kind}
	case out.Kind == "json_schema" && out.Schema == nil:
		d.fail(path+".schema", "field %q is missing: a format of type json_schema needs one", path+".schema")
	case out.Kind == "json_schema":
		d.req.Output = out
	default:
		d.fail(path+".type", "field %q must be text, json_schema or json_object, not %q", path+".type", out.Kind)
	}
}

func (d *decoder) reasoningMember(name, path string, k rawjson.Kind, v []byte) bool {
	g := d.req.Reasoning
	switch name {
	case "effort":
		if g.Effort = d.text(path, k, v); g.Effort == "none" {
			g.Effort, g.Off = "", true
		}
	case "summary", "generate_summary":
		g.Summary = d.text(path, k, v)
		g.Show = g.Summary != ""
	case "context":
		if d.text(path, k, v) != "auto" {
			return false
		}
	case "mode":
		if d.text(path, k, v) != "standard" {
			return false
		}
	default:
		return false
	}
	return true
}

// include reads what else is wanted in the answer. Parts of built-in tools are not missed where
// the tools are not there.
func (d *decoder) include(path string, k rawjson.Kind, v []byte) {
	switch what := d.text(path, k, v); what {
	case "message.output_text.logprobs":
		d.req.LogProbs = true
	case "reasoning.encrypted_content", "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
		"message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs":
	default:
		d.lose(path, fmt.Sprintf("lakegate does not know %q", what))
	}
}
