package openai

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// completionsCodec makes chats of prompts, and completions of their answers. No provider is asked
// for completions in place of a chat, so it has no other side.
func completionsCodec() *chat.Codec {
	return &chat.Codec{
		DecodeRequest: decodeCompletion,
		EncodeAnswer:  encodeCompletion,
		NewEncoder:    func(r *chat.Request) chat.Encoder { return &completionEncoder{wantsUsage: r.WantsUsage} },
	}
}

// decodeCompletion reads the body of a completion as a chat in which the user says the prompt.
// What only completes text can do (suffix, echo, best_of, log probabilities) is lost;
// several prompts, and tokens, are refused.
func decodeCompletion(body []byte) (*chat.Request, *apierr.Error) {
	d := decoder{req: &chat.Request{Names: map[chat.Feature]string{}}}
	if !d.Body(body, d.completionField) {
		return nil, d.Err
	}
	if d.req.Messages == nil {
		d.Refuse("prompt", "field \"prompt\" must be there: it is the text to go on from")
		return nil, d.Err
	}
	d.req.Rest = d.Rest
	return d.req, nil
}

func (d *decoder) completionField(name string, k rawjson.Kind, v []byte) {
	switch name {
	case "prompt":
		d.prompt(k, v)
	case "logprobs":
		d.Lose(name, "log probabilities of a completion have another shape than those of a chat")
	case "best_of":
		if d.Whole(name, k, v, 1) != 1 {
			d.Lose(name, "a chat has no best_of")
		}
	case "echo":
		if d.Flag(name, k) {
			d.Lose(name, "a chat does not repeat the prompt")
		}
	case "suffix":
		if d.Text(name, k, v) != "" {
			d.Lose(name, "a chat has no suffix")
		}
	case "messages", "tools", "functions", "response_format", "top_logprobs", "modalities": // not of completions
		d.Lose(name, "completions have no "+name)
	default:
		d.field(name, k, v)
	}
}

func (d *decoder) prompt(k rawjson.Kind, v []byte) {
	say := func(text string) {
		d.req.Messages = []chat.Message{{
			Role: chat.User, Path: "prompt", Parts: []chat.Part{{Kind: chat.Text, Text: text, Path: "prompt"}},
		}}
	}
	switch k {
	case rawjson.String:
		say(rawjson.Unquote(v))
	case rawjson.Array:
		var texts []string
		d.Each("prompt", v, func(_ int, k rawjson.Kind, v []byte) {
			if k == rawjson.String {
				texts = append(texts, rawjson.Unquote(v))
				return
			}
			texts = append(texts, "", "") // tokens
		})
		if len(texts) != 1 {
			d.Refuse("prompt", "field \"prompt\" must be one text: the model behind this endpoint chats, and takes neither several prompts nor tokens")
			return
		}
		say(texts[0])
	default:
		d.Wrong("prompt", "a string or an array", k)
	}
}

func encodeCompletion(a *chat.Answer, _ *chat.Request) []byte {
	dst := completionHead([]byte{'{'}, a.ID, a.Created, a.Model)
	dst = append(appendName(dst, "choices"), '[')
	for i := range a.Choices {
		c := &a.Choices[i]
		said := gather(c.Parts)
		dst = appendCompletionChoice(comma(dst), c.Index, said.text+said.refusal, c.Stop, said.refusal != "")
	}
	dst = append(dst, ']')
	if a.HasUsage {
		dst = appendUsage(appendName(dst, "usage"), &a.Usage)
	}
	return append(dst, '}')
}

func completionHead(dst []byte, id string, created int64, model string) []byte {
	dst = appendText(dst, "id", id)
	dst = append(dst, `,"object":"text_completion","created":`...)
	return appendText(appendInt(dst, created), "model", model)
}

func appendCompletionChoice(dst []byte, index int, text string, stop chat.Stop, refusal bool) []byte {
	dst = appendString(append(dst, `{"text":`...), text)
	dst = appendInt(append(dst, `,"index":`...), int64(index))
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	return append(appendFinish(dst, stop, refusal, false), '}')
}

// completionEncoder writes a client's stream of completions. Thoughts have no place in it.
type completionEncoder struct {
	wantsUsage bool
	head       []byte
	refused    bool
	usage      inference.Usage
	hasUsage   bool
}

// Append implements chat.Encoder.
func (e *completionEncoder) Append(dst []byte, d *chat.Delta) []byte {
	switch d.Kind {
	case chat.DeltaStart:
		e.head = completionHead(append(e.head[:0], "data: {"...), d.ID, d.Created, d.Model)
	case chat.DeltaText, chat.DeltaRefusal:
		e.refused = e.refused || d.Kind == chat.DeltaRefusal
		dst = e.choice(dst, d.Choice, d.Text, "")
	case chat.DeltaFinish:
		dst = e.choice(dst, d.Choice, "", d.Stop)
	case chat.DeltaUsage:
		e.usage, e.hasUsage = d.Usage, true
	case chat.DeltaError:
		dst = appendErrorEvent(dst, d.Text, d.Code)
	}
	return dst
}

func (e *completionEncoder) begin(dst []byte) []byte {
	if e.head == nil {
		e.head = completionHead([]byte("data: {"), "", 0, "")
	}
	return append(append(dst, e.head...), `,"choices":[`...)
}

func (e *completionEncoder) choice(dst []byte, index int, text string, stop chat.Stop) []byte {
	return append(appendCompletionChoice(e.begin(dst), index, text, stop, e.refused), "]}\n\n"...)
}

// AppendEnd implements chat.Encoder.
func (e *completionEncoder) AppendEnd(dst []byte) []byte {
	if e.wantsUsage && e.hasUsage {
		dst = append(e.begin(dst), `],"usage":`...)
		dst = append(appendUsage(dst, &e.usage), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}
