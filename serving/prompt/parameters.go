package prompt

import (
	"slices"
	"strings"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/openai"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// parameters are those of a version in the words of one format.
type parameters struct {
	members []member
	lost    []string // those that the format has no words for
}

type member struct {
	name  string
	kind  rawjson.Kind
	value []byte
}

// in returns the version's parameters in the words of a format. They are translated once.
func (v *Version) in(c *wire.Codec) *parameters {
	v.params.mu.Lock()
	defer v.params.mu.Unlock()
	p := v.params.made[c.Format]
	if p == nil {
		p = v.translate(c)
		if v.params.made == nil {
			v.params.made = map[wire.Format]*parameters{}
		}
		v.params.made[c.Format] = p
	}
	return p
}

// openMinded are models that take every parameter their API has words for. Which model answers
// is not known yet.
var openMinded = map[wire.Format]string{wire.AnthropicMessages: "claude-sonnet-4-0"}

func (v *Version) translate(c *wire.Codec) *parameters {
	var o rawjson.Object
	if len(v.Parameters) == 0 || o.Parse(v.Parameters, openai.MaxDepth) != nil {
		return &parameters{}
	}
	if c.Format == wire.OpenAIChat {
		return &parameters{members: membersOf(&o)}
	}
	r, err := openai.Chat().Chat.DecodeRequest(asChat(&o))
	if err != nil {
		return &parameters{} // it was read when the version was compiled
	}
	body, lost, err := c.Chat.EncodeRequest(r, chat.Options{Model: openMinded[c.Format]})
	if err != nil {
		return &parameters{lost: names(&o)}
	}
	p := &parameters{}
	for _, l := range append(slices.Clip(r.Rest), lost...) {
		p.lost = append(p.lost, l.Field)
	}
	var in rawjson.Object
	if in.Parse(body, openai.MaxDepth) != nil {
		return p
	}
	p.members = slices.DeleteFunc(membersOf(&in), func(m member) bool { return isFrame(m.name, r) })
	return p
}

// isFrame reports whether a member of a translated request is there without any parameter.
func isFrame(name string, r *chat.Request) bool {
	switch name {
	case "model", "messages", "input", "contents", "stream", "store", "include":
		return true
	case "max_tokens": // Anthropic's API wants one
		return r.MaxTokens == nil
	default:
		return false
	}
}

func membersOf(o *rawjson.Object) []member {
	all := make([]member, o.Len())
	for i := range all {
		all[i] = member{string(o.Name(i)), o.Kind(i), o.Value(i)}
	}
	return all
}

func names(o *rawjson.Object) []string {
	all := make([]string, o.Len())
	for i := range all {
		all[i] = string(o.Name(i))
	}
	return all
}

// fill adds the parameters that a client's body says nothing of. Who says null wants none.
func (p *parameters) fill(to *rawjson.Patch, o *rawjson.Object, only []string) {
	for _, m := range p.members {
		if only != nil && !slices.Contains(only, m.name) {
			continue
		}
		switch i := said(o, m.name); {
		case i < 0:
			to.Add(m.name, m.value)
		case o.Kind(i) == rawjson.Null:
			to.Remove(i)
		case m.name == "generationConfig" && o.Kind(i) == rawjson.ObjectKind:
			to.Replace(i, merged(o.Value(i), m.value))
		}
	}
}

// said returns the position of the member by which a client says what the one called name would,
// or -1.
func said(o *rawjson.Object, name string) int {
	for i := range o.Len() {
		n := o.Name(i)
		if sameName(string(n), name) || speaksFor(string(n), name) && o.Kind(i) != rawjson.Null {
			return i
		}
	}
	return -1
}

// sameName reports whether two names are one but for the way they are written: Google takes
// generationConfig and generation_config.
func sameName(a, b string) bool {
	return a == b || strings.EqualFold(strings.ReplaceAll(a, "_", ""), strings.ReplaceAll(b, "_", ""))
}

// speaksFor reports whether a client that says one field has decided about the other.
func speaksFor(given, name string) bool {
	switch name {
	case "max_tokens":
		return given == "max_completion_tokens"
	case "max_completion_tokens":
		return given == "max_tokens"
	case "tool_choice", "parallel_tool_calls", "toolConfig":
		return given == "tools" // of its own
	default:
		return false
	}
}

// merged returns a client's object with the members of another that it does not have.
func merged(client, more []byte) []byte {
	var o, from rawjson.Object
	if o.Parse(client, wire.MaxDepth) != nil || from.Parse(more, wire.MaxDepth) != nil {
		return client
	}
	var p rawjson.Patch
	(&parameters{members: membersOf(&from)}).fill(&p, &o, nil)
	return p.Append(nil, &o)
}
