package openai

import (
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// chunkEncoder writes a client's stream of chunks.
type chunkEncoder struct {
	wantsUsage bool
	old        bool // the client speaks of functions

	head     []byte // of every chunk, up to its choices
	choices  []writtenChoice
	usage    inference.Usage
	hasUsage bool
}

type writtenChoice struct {
	index   int
	refused bool
	signed  int // thoughts that had a signature
}

func newChatEncoder(r *chat.Request) chat.Encoder {
	return &chunkEncoder{wantsUsage: r.WantsUsage, old: oldFunctions(r)}
}

// Append implements chat.Encoder.
func (e *chunkEncoder) Append(dst []byte, d *chat.Delta) []byte {
	switch d.Kind {
	case chat.DeltaStart:
		e.start(d)
	case chat.DeltaText:
		dst = e.text(dst, d, "content")
	case chat.DeltaThinking:
		dst = e.text(dst, d, "reasoning_content")
	case chat.DeltaRefusal:
		e.choice(d.Choice).refused = true
		dst = e.text(dst, d, "refusal")
	case chat.DeltaSignature:
		dst = e.signature(dst, d)
	case chat.DeltaCall:
		dst = e.call(dst, d)
	case chat.DeltaArguments:
		dst = e.arguments(dst, d)
	case chat.DeltaLogProbs:
		dst = e.open(dst, d.Choice)
		dst = append(dst, `},"logprobs":`...)
		dst = append(appendLine(dst, d.Raw), `,"finish_reason":null}]}`...)
		dst = append(dst, "\n\n"...)
	case chat.DeltaFinish:
		dst = append(e.open(dst, d.Choice), `},"finish_reason":`...)
		dst = appendFinish(dst, d.Stop, e.choice(d.Choice).refused, e.old)
		dst = append(dst, "}]}\n\n"...)
	case chat.DeltaUsage:
		e.usage, e.hasUsage = d.Usage, true
	case chat.DeltaError:
		dst = appendErrorEvent(dst, d.Text, d.Code)
	}
	return dst
}

// AppendEnd implements chat.Encoder.
func (e *chunkEncoder) AppendEnd(dst []byte) []byte {
	if e.wantsUsage && e.hasUsage {
		dst = append(e.appendHead(dst), `,"choices":[],"usage":`...)
		dst = append(appendUsage(dst, &e.usage), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

func (e *chunkEncoder) start(d *chat.Delta) {
	e.head = appendText(append(e.head[:0], "data: {"...), "id", d.ID)
	e.head = append(e.head, `,"object":"chat.completion.chunk","created":`...)
	e.head = appendInt(e.head, d.Created)
	e.head = appendText(e.head, "model", d.Model)
}

func (e *chunkEncoder) appendHead(dst []byte) []byte {
	if e.head == nil {
		e.start(&chat.Delta{})
	}
	return append(dst, e.head...)
}

func (e *chunkEncoder) choice(index int) *writtenChoice {
	for i := range e.choices {
		if e.choices[i].index == index {
			return &e.choices[i]
		}
	}
	e.choices = append(e.choices, writtenChoice{index: index})
	return &e.choices[len(e.choices)-1]
}

// open begins a chunk and its delta. The first of a choice says who speaks.
func (e *chunkEncoder) open(dst []byte, index int) []byte {
	before := len(e.choices)
	e.choice(index)
	dst = append(e.appendHead(dst), `,"choices":[{"index":`...)
	dst = append(appendInt(dst, int64(index)), `,"delta":{`...)
	if len(e.choices) > before {
		dst = append(dst, `"role":"assistant"`...)
	}
	return dst
}

const closed = `},"finish_reason":null}]}` + "\n\n"

func (e *chunkEncoder) text(dst []byte, d *chat.Delta, name string) []byte {
	return append(appendText(e.open(dst, d.Choice), name, d.Text), closed...)
}

func (e *chunkEncoder) signature(dst []byte, d *chat.Delta) []byte {
	dst = append(appendName(e.open(dst, d.Choice), "reasoning_details"), '[')
	c := e.choice(d.Choice)
	dst = appendDetail(dst, c.signed, &chat.Part{Signature: d.Signature, SignedBy: d.SignedBy, Redacted: d.Redacted})
	c.signed++
	return append(append(dst, ']'), closed...)
}

func (e *chunkEncoder) call(dst []byte, d *chat.Delta) []byte {
	if e.old && d.Tool > 0 {
		return dst // there is room for one function
	}
	dst = e.open(dst, d.Choice)
	if e.old {
		dst = append(appendName(dst, "function_call"), '{')
		return append(append(appendText(dst, "name", d.Name), `,"arguments":""}`...), closed...)
	}
	dst = append(appendName(dst, "tool_calls"), `[{"index":`...)
	dst = appendText(appendInt(dst, int64(d.Tool)), "id", d.CallID)
	dst = appendText(append(dst, `,"type":"function","function":{`...), "name", d.Name)
	dst = append(dst, `,"arguments":""}`...)
	dst = appendGoogle(dst, d.Signature, d.SignedBy)
	return append(append(dst, "}]"...), closed...)
}

func (e *chunkEncoder) arguments(dst []byte, d *chat.Delta) []byte {
	if e.old && d.Tool > 0 {
		return dst
	}
	dst = e.open(dst, d.Choice)
	if e.old {
		dst = append(appendName(dst, "function_call"), '{')
		return append(append(appendText(dst, "arguments", d.Text), '}'), closed...)
	}
	dst = append(appendName(dst, "tool_calls"), `[{"index":`...)
	dst = append(appendInt(dst, int64(d.Tool)), `,"function":{`...)
	return append(append(appendText(dst, "arguments", d.Text), "}}]"...), closed...)
}

// appendErrorEvent writes the event that tells a client in the middle of a stream what went wrong.
func appendErrorEvent(dst []byte, message, code string) []byte {
	if message == "" {
		message = "the provider reported an error in the middle of its answer"
	}
	dst = append(dst, `data: {"error":{`...)
	dst = appendText(dst, "message", message)
	dst = append(dst, `,"type":"server_error","param":null,"code":`...)
	if code == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, code)
	}
	return append(dst, "}}\n\n"...)
}
