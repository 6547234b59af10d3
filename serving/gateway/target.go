package gateway

import (
	"fmt"
	"slices"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/usagepaths"
)

// target is an entity and how it is asked.
type target struct {
	entity   *endpoint.Entity
	provider *provider.Provider
	codec    *wire.Codec // of the format it is asked in
	// translate: that is another format than the client's.
	translate bool
	askUsage  bool // ask for usage at the end of the stream, though the client did not
}

// target decides how to ask an entity: in the client's own format where its provider speaks it,
// else in the first of its formats that can be translated to.
func (w *work) target(e *endpoint.Entity) (*target, *failure) {
	p, ok := w.Providers[e.Provider]
	if !ok {
		return nil, &failure{
			err:     apierr.New(apierr.Internal, "served entity %q has a provider this gateway does not know", e.Name),
			outcome: inference.InternalFailure, reason: "unknown provider",
		}
	}
	t := &target{entity: e, provider: &p, codec: w.codec}
	op := w.codec.Operation
	formats := p.Formats(e, op)
	if !slices.Contains(formats, w.codec.Format) {
		if op == wire.OpCompletions {
			formats = append(slices.Clip(formats), p.Formats(e, wire.OpChat)...)
		}
		if t.codec = w.translatable(formats); t.codec == nil {
			return nil, w.cantSpeak(e, formats)
		}
		t.translate = true
	}
	if e.Usage != nil {
		t.codec = usagepaths.Wrap(t.codec, *e.Usage)
	}
	_, lax := w.lax.Load(e.ID)
	hasOption := t.codec.Format == wire.OpenAIChat || t.codec.Format == wire.OpenAICompletions
	t.askUsage = p.UsageOption && !lax && hasOption && w.streaming && (t.translate || !w.req.WantsUsage)
	return t, nil
}

// translatable returns the codec of the first format that the client's can be translated to, nil
// for none.
func (w *work) translatable(formats []wire.Format) *wire.Codec {
	for _, f := range formats {
		c := w.Codecs[f]
		if c == nil || w.call.Suffix != "" {
			continue
		}
		if from, to := w.codec.Chat, c.Chat; from != nil && from.DecodeRequest != nil && to != nil && to.EncodeRequest != nil {
			return c
		}
		if from, to := w.codec.Embed, c.Embed; from != nil && from.DecodeRequest != nil && to != nil && to.EncodeRequest != nil {
			return c
		}
	}
	return nil
}

// cantSpeak says that an entity has no format for the call.
func (w *work) cantSpeak(e *endpoint.Entity, formats []wire.Format) *failure {
	text := fmt.Sprintf("served entity %q (%s) can't answer calls of %s", e.Name, e.Provider, w.call.Surface.APIType)
	if len(formats) > 0 {
		text += fmt.Sprintf("; it can be called in the format %s", formats[0])
	}
	return refused(apierr.New(apierr.InvalidParameter, "%s", text).At("model"), "it has no format for this")
}

// refused is an attempt that was not made, because the entity can't be told what the client wants.
func refused(err *apierr.Error, reason string) *failure {
	return &failure{err: err, outcome: inference.Refused, reason: reason, another: true}
}

// modelInBody reports whether requests of a format name the model in their body.
func modelInBody(f wire.Format) bool {
	switch f {
	case wire.Opaque, wire.GeminiGenerate, wire.GeminiCount, wire.GeminiEmbeddings,
		wire.BedrockConverse, wire.BedrockTitanEmbed, wire.BedrockCohereEmbed, wire.VertexEmbeddings:
		return false
	default:
		return true
	}
}
