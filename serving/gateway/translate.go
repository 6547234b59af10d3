package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// defaultMaxTokens bounds answers of providers that want a bound, when the client gave none and the
// model's own is not known. All models of such providers allow it.
const defaultMaxTokens = 4096

// body returns what a target is sent.
func (w *work) body(t *target) ([]byte, *failure) {
	w.dropped = w.untold
	if t.translate {
		return w.translated(t)
	}
	if w.req.Body() == nil {
		return nil, nil
	}
	c := wire.Change{AskUsage: t.askUsage}
	if modelInBody(t.codec.Format) {
		c.Model = t.entity.Model
	}
	return w.req.Upstream(c), nil
}

// translated returns the request in the target's format. What would be lost refuses it, or is
// dropped and named where the endpoint says so, or where an answer means the same without.
func (w *work) translated(t *target) ([]byte, *failure) {
	body, lost, err := w.encode(t)
	if err != nil {
		return nil, refused(err, "the request can't be put in its format")
	}
	if needed := w.drop(lost); len(needed) > 0 {
		return nil, refused(lossError(needed), "it can't be told "+needed[0].Field)
	}
	w.Meter.Translated(w.codec.Format, t.codec.Format, len(w.dropped))
	if !t.askUsage {
		return body, nil
	}
	var r wire.Request
	if err := r.Parse(body); err != nil {
		return nil, &failure{err: apierr.New(apierr.Internal, "the request was translated to something unreadable").Because(err), outcome: inference.InternalFailure, reason: "unreadable translation"}
	}
	return r.Upstream(wire.Change{AskUsage: true}), nil
}

// drop notes what is left out of the request, and returns what must not be.
func (w *work) drop(lost []chat.Loss) (needed []chat.Loss) {
	for _, l := range lost {
		hint := w.chat != nil && w.chat.Hint(l) || w.embed != nil && l.Field == "user"
		if hint || w.endpoint.DropUnsupported {
			w.dropped = append(slices.Clip(w.dropped), clip(l.Field, 100))
			continue
		}
		needed = append(needed, l)
	}
	return needed
}

func (w *work) encode(t *target) ([]byte, []chat.Loss, *apierr.Error) {
	o := chat.Options{Model: t.entity.Model, Stream: w.streaming, MaxTokens: defaultMaxTokens, Provider: t.entity.Provider, Vendor: t.entity.Vendor}
	if t.codec.Embed != nil && w.codec.Embed != nil {
		if w.embed == nil {
			r, err := w.codec.Embed.DecodeRequest(w.req.Body())
			if err != nil {
				return nil, nil, err
			}
			w.embed = r
		}
		body, lost, err := t.codec.Embed.EncodeRequest(w.embed, o)
		return body, join(w.embed.Rest, lost), err
	}
	if w.chat == nil {
		r, err := w.codec.Chat.DecodeRequest(w.req.Body())
		if err != nil {
			return nil, nil, err
		}
		r.Stream = w.streaming
		w.chat = r
	}
	r := *w.chat
	r.WantsUsage = false // that is for the client's stream; the provider is asked by askUsage
	body, lost, err := t.codec.Chat.EncodeRequest(&r, o)
	return body, join(w.chat.Rest, lost), err
}

// join puts two lists of losses together, in memory of its own.
func join(a, b []chat.Loss) []chat.Loss { return append(append([]chat.Loss(nil), a...), b...) }

// maxNamed bounds how many fields an error names: their names are the client's.
const maxNamed = 20

// lossError says which fields can't be passed on.
func lossError(lost []chat.Loss) *apierr.Error {
	var texts []string
	for _, l := range lost[:min(len(lost), maxNamed)] {
		text := fmt.Sprintf("%q", clip(l.Field, 100))
		if l.Why != "" {
			text += " (" + l.Why + ")"
		}
		texts = append(texts, text)
	}
	if more := len(lost) - maxNamed; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	what := "field "
	if len(lost) > 1 {
		what = "fields "
	}
	return apierr.New(apierr.InvalidParameter, "the model behind this endpoint can't be told %s%s; leave it out, or set drop_unsupported on the endpoint", what, strings.Join(texts, ", ")).At(clip(lost[0].Field, 100))
}

// answerFor turns a whole answer of a target's format into one of the client's. parsed is what was
// read of it already, and of its header.
func (w *work) answerFor(t *target, body []byte, parsed *wire.Answer) ([]byte, error) {
	if t.codec.Embed != nil && w.embed != nil {
		a, err := t.codec.Embed.DecodeAnswer(body)
		if err != nil {
			return nil, err
		}
		a.Usage, a.HasUsage = parsed.Usage, parsed.HasUsage
		w.complete(t, &a.ID, &a.Model, new(int64))
		return w.codec.Embed.EncodeAnswer(a, w.embed), nil
	}
	a, err := t.codec.Chat.DecodeAnswer(body)
	if err != nil {
		return nil, err
	}
	w.complete(t, &a.ID, &a.Model, &a.Created)
	return w.codec.Chat.EncodeAnswer(a, w.chat), nil
}

// complete fills in what a provider's answer does not say of itself and clients' formats do.
func (w *work) complete(t *target, id, model *string, created *int64) {
	if *id == "" {
		*id = w.rec.ID.String()
	}
	if *model == "" {
		*model = t.entity.Model
	}
	if *created == 0 {
		*created = w.rec.Time.Unix()
	}
}
