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
func Completions() *wire.Codec {
	c := codec(wire.OpenAICompletions, wire.OpCompletions)
	c.Chat = completionsCodec()
	return c
}

// Embeddings is the codec of /embeddings.
func Embeddings() *wire.Codec {
	c := codec(wire.OpenAIEmbeddings, wire.OpEmbeddings)
	c.NewTracker, c.Embed = nil, embedCodec()
	c.ParseAnswer = func(b []byte) (wire.Answer, error) { return parseAnswer(b, parseInputUsage, nothing) }
	return c
}

// Images is the codec of /images, which passes through.
func Images() *wire.Codec {
	c := codec(wire.OpenAIImages, wire.OpImages)
	c.ParseAnswer = func(b []byte) (wire.Answer, error) { return parseAnswer(b, parseImageUsage, nothing) }
	c.NewTracker = func(keep bool) wire.Tracker {
		return &typedTracker{keep: keep, usage: parseImageUsage, join: joinImage}
	}
	return c
}

// Speech is the codec of /audio/speech, which passes through: sound, or events with sound.
func Speech() *wire.Codec {
	c := codec(wire.OpenAISpeech, wire.OpSpeech)
	c.ParseAnswer = parseSpeech
	c.NewTracker = func(keep bool) wire.Tracker {
		return &typedTracker{keep: keep, usage: parseSoundUsage, join: joinLast}
	}
	return c
}

// Transcripts is the codec of /audio/transcriptions and translations, which pass through.
func Transcripts() *wire.Codec {
	c := codec(wire.OpenAITranscripts, wire.OpTranscription)
	c.InputChars = nil
	c.ParseAnswer = parseTranscript
	c.NewTracker = func(keep bool) wire.Tracker {
		return &typedTracker{keep: keep, usage: parseSoundUsage, join: joinLast}
	}
	return c
}

// Moderations is the codec of /moderations, which passes through and has no usage.
func Moderations() *wire.Codec {
	c := codec(wire.OpenAIModerations, wire.OpModerations)
	c.NewTracker = nil
	return c
}

// Rerank is the codec of /rerank, which passes through.
func Rerank() *wire.Codec {
	c := codec(wire.Rerank, wire.OpRerank)
	c.InputChars, c.NewTracker, c.ParseAnswer = nil, nil, parseRerank
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
	if r.Usage.ServiceTier == "" {
		r.Usage.ServiceTier = t.j.Tier
	}
	if t.j.Chunks > 0 {
		n := t.j.OutputChars
		r.OutputChars = &n
	}
	return r
}
