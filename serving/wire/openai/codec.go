package openai

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
)

// Chat is the codec of /chat/completions.
func Chat() *wire.Codec {
	c := codec(wire.OpenAIChat, wire.OpChat)
	c.Chat = ChatCodec()
	return c
}

// Completions is the codec of /completions.
func Completions() *wire.Codec { return codec(wire.OpenAICompletions, wire.OpCompletions) }

// Embeddings is the codec of /embeddings.
func Embeddings() *wire.Codec {
	c := codec(wire.OpenAIEmbeddings, wire.OpEmbeddings)
	c.NewTracker = nil
	return c
}

// Opaque is the codec of bodies of any shape, in which usage is looked for where OpenAI has it.
func Opaque() *wire.Codec { return codec(wire.Opaque, wire.OpOpaque) }

func codec(f wire.Format, op wire.Operation) *wire.Codec {
	return &wire.Codec{
		Format: f, Operation: op, Dialect: apierr.OpenAI,
		InputChars: InputChars, ParseAnswer: ParseAnswer, NewTracker: NewTracker, AppendStreamError: AppendStreamError,
	}
}

// AppendStreamError appends an event with an error, as OpenAI's API reports one in a stream.
func AppendStreamError(dst []byte, e *apierr.Error) []byte {
	return sse.AppendEvent(dst, e.Body(apierr.OpenAI))
}

var done = []byte("[DONE]")

// tracker is a Joiner that knows the end.
type tracker struct {
	j     Joiner
	ended bool
}

// NewTracker follows a stream of chunks.
func NewTracker(keep bool) wire.Tracker { return &tracker{j: Joiner{Keep: keep}} }

// Add implements wire.Tracker.
func (t *tracker) Add(_, data []byte) wire.Chunk {
	if bytes.Equal(data, done) {
		t.ended = true
		return wire.Chunk{End: true}
	}
	c := t.j.Add(data)
	c.Started = t.j.Started
	return c
}

// Result implements wire.Tracker.
func (t *tracker) Result() wire.Result {
	r := wire.Result{
		Answer:  wire.Answer{Model: t.j.Model, Usage: t.j.Usage, HasUsage: t.j.HasUsage},
		Started: t.j.Started, Complete: t.ended || t.j.Finished(), Events: t.j.Chunks, Joined: t.j.Bytes(),
	}
	if t.j.Chunks > 0 {
		n := t.j.OutputChars
		r.OutputChars = &n
	}
	return r
}
