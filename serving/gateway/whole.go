package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// whole takes an answer in one piece and passes it on, byte for byte unless it is translated.
func (w *work) whole(a *answer) *failure {
	body, err := w.readAll(a.line, a.resp, w.config.MaxAnswer)
	if err != nil {
		f := cutOff(context.Cause(a.line.ctx), err, true)
		if errors.Is(err, errTooLarge) {
			f = badGateway(err, inference.UpstreamError, fmt.Sprintf("the provider's answer is larger than %d bytes", w.config.MaxAnswer))
			f.another = false
		}
		f.raw, f.cut = body, true
		return f
	}
	if reshape := a.up.Reshape; reshape != nil {
		if body, err = reshape(body); err != nil {
			return badGateway(err, inference.UpstreamError, "the provider's answer is not of the shape it should have")
		}
	}
	parsed, err := a.codec.ParseAnswer(body)
	if err != nil {
		f := badGateway(err, inference.UpstreamError, "the provider's answer is not a JSON object")
		f.raw = body
		return f
	}
	if read := a.codec.HeaderUsage; read != nil && !parsed.HasUsage {
		parsed.Usage, parsed.HasUsage = read(a.resp.Header)
	}
	outcome := inference.OK
	if parsed.Failed && w.call.Stored == nil {
		f := w.failedAnswer(a, body)
		f.used = usedBy(parsed.Usage, parsed.HasUsage, true)
		if a.translate || a.codec.Format != wire.OpenAIResponses || w.racer != nil {
			return f
		}
		outcome = f.outcome // clients of that API read of a failure in the answer
		w.rec.ErrorCode, w.rec.ErrorMessage = f.code(), f.message()
	}
	media := a.resp.Header.Get("Content-Type")
	said, events := body, []byte(nil)
	if a.translate {
		given, err := w.answerFor(a.target, body, &parsed)
		if err != nil {
			f := badGateway(err, inference.UpstreamError, "the provider's answer is not of the shape it should have")
			f.raw = body
			return f
		}
		events = w.asStream(a.target, body)
		body, media = given, "application/json"
	}
	if !w.claim() {
		return outrun()
	}
	w.saw(said)
	w.calledBy(a.target, parsed.Model)
	w.remember(a.target, body, parsed.HasUsage)
	w.takeUsage(parsed.Usage, w.counts(parsed.HasUsage), true, parsed.OutputChars)
	w.keepResponse(body)
	w.note(a.entity, a.resp.StatusCode, a.start, "")
	if w.isGone() {
		w.answered = true
		w.clientGone(0)
		return nil
	}
	if err := w.finish(outcome, a.resp.StatusCode); w.mustNotAnswer(err) {
		w.answerError(unrecordedError())
		return nil
	}
	w.answered = true
	h := w.head(a.target)
	h.Status, h.ContentType = a.resp.StatusCode, media
	if events != nil {
		h.ContentType = eventStream
		if w.resp.Start(&h) == nil {
			_ = w.resp.Send(events)
		}
		return nil
	}
	_ = w.resp.Answer(&h, body) // the record is out: nobody listening changes nothing
	return nil
}

// asStream returns a whole answer as the events of a stream, for a translated client that asked for
// one; nil when it did not.
func (w *work) asStream(t *target, body []byte) []byte {
	if !w.streaming || w.chat == nil || w.codec.Chat.NewEncoder == nil {
		return nil
	}
	a, err := t.codec.Chat.DecodeAnswer(body)
	if err != nil {
		return nil // it was decoded before
	}
	w.complete(t, &a.ID, &a.Model, &a.Created)
	enc := w.codec.Chat.NewEncoder(w.chat)
	var events []byte
	deltas := chat.Deltas(a)
	for i := range deltas {
		events = enc.Append(events, &deltas[i])
	}
	events = enc.AppendEnd(events)
	if w.call.Surface.DataOnly {
		events = sse.DataOnly(events)
	}
	return events
}

// failedAnswer explains an answer that is an error, though its status is one of success.
func (w *work) failedAnswer(a *answer, body []byte) *failure {
	told, _ := wire.ParseError(body)
	f := &failure{
		err:     &apierr.Error{Status: http.StatusBadGateway, Code: apierr.ProviderError, Message: told.Message},
		outcome: inference.UpstreamError, reason: "provider answered with an error", word: told.Code, raw: body,
		passOn: !a.translate && told.Message != "" && told.In(w.call.Surface.Dialect), another: true, again: true,
	}
	if told.Message == "" {
		f.err.Message = "the provider answered with an error and no message"
	}
	return f
}

// head returns the beginning of a target's answer.
func (w *work) head(t *target) Head {
	return Head{ID: w.rec.ID, Status: http.StatusOK, ServedModel: t.entity.Name, Dropped: w.dropped, Prompt: w.rec.PromptVersion}
}
