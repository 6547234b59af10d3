package responses

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// echoed are the members of a request that its answer repeats, and what stands there when the
// request has none.
var echoed = []struct{ name, unsaid string }{
	{"instructions", "null"},
	{"max_output_tokens", "null"},
	{"max_tool_calls", "null"},
	{"parallel_tool_calls", "true"},
	{"prompt_cache_key", "null"},
	{"reasoning", `{"effort":null,"summary":null}`},
	{"safety_identifier", "null"},
	{"temperature", "null"},
	{"text", `{"format":{"type":"text"}}`},
	{"tool_choice", `"auto"`},
	{"tools", "[]"},
	{"top_logprobs", "0"},
	{"top_p", "null"},
	{"truncation", `"disabled"`},
	{"user", "null"},
	{"metadata", "{}"},
}

func isEchoed(name string) bool {
	for _, e := range echoed {
		if e.name == name {
			return true
		}
	}
	return false
}

// head is what a response object says whatever its state.
type head struct {
	id      string
	created int64
	model   string
	echo    []byte // members, with a comma before the first
	names   map[string]toolName
}

// nameOf returns the client's name of a function.
func (h *head) nameOf(flat string) toolName {
	if n, ok := h.names[flat]; ok {
		return n
	}
	return toolName{name: flat}
}

// newHead names the response after the provider's own id, so that the two can be found together.
func newHead(r *chat.Request, id, model string, created int64) head {
	if id == "" {
		u := uuid.New()
		id = hex.EncodeToString(u[:])
	}
	if created == 0 {
		created = time.Now().Unix()
	}
	if model == "" {
		model = r.Model
	}
	h := head{id: "resp_" + strings.TrimPrefix(id, "resp_"), created: created, model: model, names: namesOf(r.Echo["tools"])}
	for _, e := range echoed {
		h.echo = append(append(append(h.echo, `,"`...), e.name...), `":`...)
		if v := r.Echo[e.name]; len(v) > 0 {
			h.echo = append(h.echo, v...)
		} else {
			h.echo = append(h.echo, e.unsaid...)
		}
	}
	return h
}

// maxItemID is the longest id that all servers take back.
const maxItemID = 64

// itemID returns the id of item n.
func (h *head) itemID(prefix string, n int) string {
	own := strings.TrimPrefix(h.id, "resp_")
	end := "_" + string(appendInt(nil, int64(n)))
	if room := maxItemID - len(prefix) - len(end); len(own) > room {
		own = own[:room]
	}
	return prefix + own + end
}

// append writes the response. items is a JSON list.
func (h *head) append(dst []byte, end ending, items []byte, u *inference.Usage, hasUsage bool) []byte {
	dst = appendText(append(dst, '{'), "id", h.id)
	dst = appendInt(append(dst, `,"object":"response","created_at":`...), h.created)
	dst = appendText(dst, "status", end.status)
	dst = append(dst, `,"background":false,"error":`...)
	if end.status == "failed" {
		dst = appendError(dst, end.code, end.text)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"incomplete_details":`...)
	if end.reason != "" {
		dst = append(appendText(append(dst, '{'), "reason", end.reason), '}')
	} else {
		dst = append(dst, "null"...)
	}
	dst = appendText(dst, "model", h.model)
	dst = appendRaw(dst, "output", items)
	dst = append(dst, `,"previous_response_id":null,"store":false,"service_tier":`...)
	dst = append(appendTier(dst, u.ServiceTier), h.echo...)
	return append(appendUsage(append(dst, `,"usage":`...), u, hasUsage), '}')
}

// EncodeAnswer writes an answer for a client of the Responses API. Thoughts are reasoning items
// with their text as summary, whoever thought them; what of an answer the API has no item for,
// such as sound, is left out.
func EncodeAnswer(a *chat.Answer, r *chat.Request) []byte {
	h := newHead(r, a.ID, a.Model, a.Created)
	var items []outItem
	end := ending{status: "completed"}
	if len(a.Choices) > 0 {
		c := &a.Choices[0]
		items = h.items(c)
		end = endingOf(c.Stop, hasRefusal(c.Parts))
	}
	if n := len(items); n > 0 && end.status != "completed" {
		items[n-1].status = end.itemStatus()
	}
	return h.append(nil, end, appendItems(nil, items), &a.Usage, a.HasUsage)
}

func hasRefusal(parts []chat.Part) bool {
	for i := range parts {
		if parts[i].Kind == chat.Refusal {
			return true
		}
	}
	return false
}

// items makes items of an answer's parts. Texts next to each other are parts of one message.
func (h *head) items(c *chat.Choice) (items []outItem) {
	open := func(kind, prefix string) *outItem {
		items = append(items, outItem{kind: kind, id: h.itemID(prefix, len(items)), status: "completed"})
		return &items[len(items)-1]
	}
	logProbs := logProbsOf(c.LogProbs)
	for i := range c.Parts {
		p := &c.Parts[i]
		switch p.Kind {
		case chat.Text, chat.Refusal:
			if len(items) == 0 || items[len(items)-1].kind != "message" {
				open("message", "msg_")
			}
			last := &items[len(items)-1]
			last.parts = append(last.parts, outPart{refusal: p.Kind == chat.Refusal, text: []byte(p.Text), logProbs: logProbs})
			logProbs = nil
		case chat.Thinking:
			it := open("reasoning", "rs_")
			it.text, it.encrypted = []byte(p.Text), packPart(p)
		case chat.Call:
			if p.Signature != "" {
				open("reasoning", "rs_").encrypted = pack(p.SignedBy, carriesCall, p.Signature)
			}
			it := open("function_call", "fc_")
			it.text, it.callID, it.toolName = []byte(arguments(p.Call.Arguments)), p.Call.ID, h.nameOf(p.Call.Name)
		case chat.Image:
			if p.Media.Data != "" {
				open("image_generation_call", "ig_").text = []byte(p.Media.Data)
			}
		}
	}
	return items
}

// logProbsOf returns the elements of content in an OpenAI logprobs object.
func logProbsOf(object []byte) []byte {
	content := rawMember(object, "content")
	if len(content) < 2 || content[0] != '[' {
		return nil
	}
	return content[1 : len(content)-1]
}
