package prompt

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Rendering is a request with a template in it.
type Rendering struct {
	Body []byte
	Lost []string // parameters of the template that the client's format has no words for
}

// perMessage is the most that a message takes beside its text, in any format.
const perMessage = 64

// Render puts the version's messages before those of a client's body, and its parameters where
// the body says nothing. The body is in a format of codecs, and of at most limit bytes when done.
func (v *Version) Render(codecs map[wire.Format]*wire.Codec, f wire.Format, o *rawjson.Object, a *Ask, limit int64) (*Rendering, *apierr.Error) {
	style, ok := styles[f]
	if !ok {
		return nil, apierr.New(apierr.InvalidParameter, "this endpoint is a prompt template: call it as a chat")
	}
	values, err := v.values(a)
	if err != nil {
		return nil, err
	}
	size := v.size(values)
	if size+int64(len(o.Raw())) > limit {
		return nil, apierr.New(apierr.TooLarge, "the prompt with its variables is larger than %d bytes", limit)
	}
	r := renderer{Version: v, values: values, object: o, memory: make([]byte, 0, size+int64(len(o.Raw())))}
	for _, i := range a.own {
		r.patch.Remove(i)
	}
	if err := style.insert(&r); err != nil {
		return nil, err
	}
	p := v.in(codecs[style.words])
	p.fill(&r.patch, o, style.only)
	return &Rendering{Body: r.patch.Append(make([]byte, 0, r.patch.Size(o)), o), Lost: p.lost}, nil
}

// Texts returns the messages of a version for these variables, as JSON: a list of role and content.
func (v *Version) Texts(a *Ask, limit int64) ([]byte, *apierr.Error) {
	values, err := v.values(a)
	if err != nil {
		return nil, err
	}
	size := v.size(values)
	if size > limit {
		return nil, apierr.New(apierr.TooLarge, "the prompt with its variables is larger than %d bytes", limit)
	}
	r := renderer{Version: v, values: values, memory: make([]byte, 0, size)}
	r.open()
	r.plain(v.system)
	r.plain(v.turns)
	return r.close(nil), nil
}

func (v *Version) size(values [][]byte) (n int64) {
	for _, list := range [...][]message{v.system, v.turns} {
		for i := range list {
			n += perMessage + list[i].text.size(values)
		}
	}
	return n
}

// style is where a format has its messages.
type style struct {
	insert func(*renderer) *apierr.Error
	places []string    // the members that insert changes
	words  wire.Format // whose parameters it has
	only   []string    // the only ones it has; nil for all
}

var styles = map[wire.Format]style{
	wire.OpenAIChat:        {insert: (*renderer).chat, places: []string{"messages"}, words: wire.OpenAIChat},
	wire.CohereChat:        {insert: (*renderer).chat, places: []string{"messages"}, words: wire.CohereChat},
	wire.OpenAIResponses:   {insert: (*renderer).responses, places: []string{"input"}, words: wire.OpenAIResponses},
	wire.AnthropicMessages: {insert: (*renderer).anthropic, places: []string{"messages", "system"}, words: wire.AnthropicMessages},
	wire.AnthropicCount: {
		insert: (*renderer).anthropic, places: []string{"messages", "system"}, words: wire.AnthropicMessages,
		only: []string{"tools", "tool_choice", "thinking"},
	},
	wire.GeminiGenerate: {insert: (*renderer).gemini, places: []string{"contents", "systemInstruction"}, words: wire.GeminiGenerate},
}

// renderer writes the messages of one call.
type renderer struct {
	*Version
	values [][]byte
	object *rawjson.Object
	patch  rawjson.Patch
	memory []byte // what the patch points to; large enough from the start
	list   int    // where the list under way begins
}

func (r *renderer) open() {
	r.list = len(r.memory)
	r.memory = append(r.memory, '[')
}

// comma goes before a further item of a list.
func (r *renderer) comma() {
	if len(r.memory) > r.list+1 {
		r.memory = append(r.memory, ',')
	}
}

// close ends a list with the items of the client's own, nil for none.
func (r *renderer) close(more []byte) []byte {
	if more = inner(more); len(more) > 0 {
		r.comma()
		r.memory = append(r.memory, more...)
	}
	r.memory = append(r.memory, ']')
	return r.memory[r.list:len(r.memory):len(r.memory)]
}

// inner returns the inside of an array.
func inner(array []byte) []byte {
	if len(array) < 2 {
		return nil
	}
	return bytes.TrimSpace(array[1 : len(array)-1])
}

// plain writes messages of role and content.
func (r *renderer) plain(list []message) {
	for i := range list {
		r.comma()
		r.memory = append(append(append(r.memory, `{"role":"`...), list[i].role...), `","content":`...)
		r.memory = append(list[i].text.append(r.memory, r.values), '}')
	}
}

// parts writes texts as objects of a text each.
func (r *renderer) parts(list []message, before string) {
	for i := range list {
		r.comma()
		r.memory = append(r.memory, before...)
		r.memory = append(list[i].text.append(r.memory, r.values), '}')
	}
}

// set gives the body a member, in place of one it has.
func (r *renderer) set(name string, i int, value []byte) {
	if i >= 0 {
		r.patch.Replace(i, value)
	} else {
		r.patch.Add(name, value)
	}
}

// find returns the first member of one of these names, -1 for none.
func (r *renderer) find(names ...string) (int, rawjson.Kind, []byte) {
	for _, n := range names {
		if i := r.object.Find(n); i >= 0 {
			return i, r.object.Kind(i), r.object.Value(i)
		}
	}
	return -1, rawjson.Invalid, nil
}

// array returns the items of a client's list, and refuses anything else.
func array(name string, k rawjson.Kind, v []byte) ([]byte, *apierr.Error) {
	switch k {
	case rawjson.Array:
		return v, nil
	case rawjson.Null, rawjson.Invalid:
		return nil, nil
	default:
		return nil, invalid(name, "field %q must be a list, not %s", name, k)
	}
}
