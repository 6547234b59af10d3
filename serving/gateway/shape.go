package gateway

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// shape decides which format the call is in, and that the endpoint is for what it asks.
func (w *work) shape() *apierr.Error {
	own := wire.OperationOf(w.endpoint.Task)
	format := w.call.Surface.Format
	if w.call.Surface.ByBody {
		if w.req.IsForm() {
			return apierr.New(apierr.InvalidParameter, "invocations take a JSON object, not a form")
		}
		if w.endpoint.Prompt != nil {
			format = promptFormat(&w.req)
		} else if format = formatOf(own, &w.req); format == wire.OpenAIImages {
			w.call.Suffix = "/generations"
		}
	}
	w.codec = w.Codecs[format]
	if w.codec == nil {
		return apierr.New(apierr.NotImplemented, "this gateway can't read requests of the format %q", format)
	}
	if op := w.codec.Operation; !serves(own, op) {
		return apierr.New(apierr.InvalidParameter, "endpoint %q serves %s, not %s", w.endpoint.Name, own, op).At("model")
	}
	if w.req.IsForm() && format != wire.OpenAITranscripts && format != wire.OpenAIImages {
		return apierr.New(apierr.InvalidParameter, "%s takes a JSON object, not a form", w.codec.Operation)
	}
	w.streaming = w.req.Stream || w.call.Stream || format == wire.OpenAISpeech && w.wantsEvents()
	w.rec.Streaming = w.streaming
	if w.streaming && w.codec.NewTracker == nil {
		return apierr.New(apierr.InvalidParameter, "%s can't be streamed", w.codec.Operation).At("stream")
	}
	return nil
}

// wantsEvents reports whether a request for speech asks for events: it has a word of its own for
// that.
func (w *work) wantsEvents() bool {
	v, _ := w.req.Member("stream_format")
	return string(v) == `"sse"`
}

// serves reports whether an endpoint whose task is own takes calls for op. A chat endpoint counts
// tokens and completes prompts too, where its provider can, and any takes bodies of no known shape.
func serves(own, op wire.Operation) bool {
	switch op {
	case own, wire.OpOpaque:
		return true
	case wire.OpCount, wire.OpCompletions:
		return own == wire.OpChat || own == wire.OpOpaque
	default:
		return own == wire.OpOpaque
	}
}

// formatOf tells from a body which format it is in, at an endpoint whose task is own.
func formatOf(own wire.Operation, r *wire.Request) wire.Format {
	has := func(name string) bool {
		_, k := r.Member(name)
		return k != rawjson.Invalid
	}
	switch own {
	case wire.OpOpaque:
		return wire.Opaque
	case wire.OpEmbeddings:
		if has("input") {
			return wire.OpenAIEmbeddings
		}
	case wire.OpChat, wire.OpCompletions:
		switch {
		case has("messages"):
			return wire.OpenAIChat
		case has("prompt"):
			return wire.OpenAICompletions
		case has("input"), has("custom_inputs"), has("databricks_options"):
			return wire.OpenAIResponses
		}
	}
	if has("dataframe_split") || has("dataframe_records") || has("inputs") || has("instances") {
		return wire.Opaque
	}
	return formatFor[own]
}

// formatFor is the format of each task in OpenAI's API.
var formatFor = map[wire.Operation]wire.Format{
	wire.OpChat:          wire.OpenAIChat,
	wire.OpCompletions:   wire.OpenAICompletions,
	wire.OpEmbeddings:    wire.OpenAIEmbeddings,
	wire.OpImages:        wire.OpenAIImages,
	wire.OpSpeech:        wire.OpenAISpeech,
	wire.OpTranscription: wire.OpenAITranscripts,
	wire.OpModerations:   wire.OpenAIModerations,
	wire.OpRerank:        wire.Rerank,
}
