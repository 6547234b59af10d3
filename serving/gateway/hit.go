package gateway

import (
	"bytes"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/cache"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// hit is an answer found in the response cache, as this client is to get it.
type hit struct {
	entry *cache.Entry
	age   time.Duration
	body  []byte
	media string
}

// findHit looks for an answer: in the shape the client wants, byte for byte as it was given before,
// else in another that can be turned into that.
func (w *work) findHit(k cache.Key, l cache.Limits) *hit {
	want := k.Shape
	if e, age, ok := w.cached(k, l); ok {
		return &hit{e, age, e.Body, e.ContentType}
	}
	for _, shape := range [...]cache.Shape{cache.Whole, cache.StreamWithUsage, cache.Stream} {
		if shape == want {
			continue
		}
		k.Shape = shape
		e, age, ok := w.cached(k, l)
		if !ok {
			continue
		}
		if body, media := w.reshape(e, shape); body != nil {
			return &hit{e, age, body, media}
		}
	}
	return nil
}

// cached returns an answer that was kept, unless it is of an entity whose rollout was stopped: it gets no
// more calls, and its answers may be why.
func (w *work) cached(k cache.Key, l cache.Limits) (*cache.Entry, time.Duration, bool) {
	e, age, ok := w.Cache.Get(w.endpoint.ID, k, l)
	if ok && w.withdrawn(e.Target.ServedEntityID) {
		return nil, 0, false
	}
	return e, age, ok
}

// reshape turns a whole answer into a stream or the other way round, by the common form of the
// client's own format. nil: it has none, or the answer can't be read.
func (w *work) reshape(e *cache.Entry, from cache.Shape) ([]byte, string) {
	c := w.codec.Chat
	if c == nil || c.DecodeRequest == nil || c.DecodeAnswer == nil {
		return nil, ""
	}
	whole := e.Body
	if from != cache.Whole {
		whole = w.joinedStream(e.Body)
	}
	a, err := c.DecodeAnswer(whole)
	if whole == nil || err != nil {
		return nil, ""
	}
	if !a.HasUsage && e.Usage.Source == inference.UsageProvider {
		a.Usage, a.HasUsage = e.Usage, true // a stream says it only to those who ask
	} else if !w.streaming {
		return whole, "application/json"
	}
	r, failed := c.DecodeRequest(w.req.Body())
	if failed != nil {
		return nil, ""
	}
	r.Stream = w.streaming
	if !w.streaming {
		return c.EncodeAnswer(a, r), "application/json"
	}
	return appendStream(nil, c.NewEncoder(r), a), eventStream
}

func appendStream(dst []byte, to chat.Encoder, a *chat.Answer) []byte {
	deltas := chat.Deltas(a)
	for i := range deltas {
		dst = to.Append(dst, &deltas[i])
	}
	return to.AppendEnd(dst)
}

// joinedStream returns the whole answer that a stream in the client's format amounts to, nil for
// one that can't be read or is not complete.
func (w *work) joinedStream(events []byte) []byte {
	t := w.codec.NewTracker(true)
	r := sse.NewReader(bytes.NewReader(events), len(events)+1, nil)
	for {
		ev, err := r.Next()
		if err != nil {
			break
		}
		if len(ev.Data) > 0 && t.Add(ev.Name, ev.Data).Error {
			return nil
		}
	}
	return t.Result().Joined
}

// answerHit records a call that the response cache answers, then gives the answer. It is a call as
// any other, but for what it takes: no attempt, no tokens, no money.
func (w *work) answerHit(h *hit) {
	r, e := w.rec, h.entry
	name, id, task := r.Target.Endpoint, r.Target.EndpointID, r.Target.Task
	r.Target = e.Target
	r.Target.Endpoint, r.Target.EndpointID, r.Target.Task, r.Target.UpstreamAPI = name, id, task, ""
	r.Cache = &inference.CacheUse{Hit: true, SavedInput: e.Usage.Input, SavedOutput: e.Usage.Output}
	zero := int64(0)
	r.Cost = &inference.Cost{ListNanoUSD: &zero}
	if e.Cost != nil {
		r.Cost.PriceVersion = e.Cost.PriceVersion
		r.Cache.SavedNanoUSD = &e.Cost.NanoUSD
	}
	r.Usage.OutputChars = e.Usage.OutputChars
	r.Outcome, r.Status = inference.OK, 200
	r.Latency = time.Since(w.call.Received)
	if w.streaming {
		first := r.Latency
		r.TimeToFirstToken = &first
	}
	gone := w.isGone()
	if gone {
		r.Outcome, r.Status = inference.ClientGone, 0
		r.ErrorCode, r.ErrorMessage = string(apierr.ClientClosed), "the client left before the answer"
	}
	if r.Payload.Table != "" {
		w.keepResponse(w.wholeOf(h))
	}
	if err := w.recordHit(); err != nil {
		w.answerError(apierr.New(apierr.Unavailable, "the gateway can't record calls at the moment, so it takes none; try again"))
		return
	}
	w.answered = true
	if !gone {
		w.giveHit(h)
	}
}

// wholeOf is what the payload has of a hit.
func (w *work) wholeOf(h *hit) []byte {
	if w.streaming {
		return w.joinedStream(h.body)
	}
	return h.body
}

func (w *work) recordHit() error {
	w.setOver()
	w.reservation.Settle(0) // it is a call, and takes no tokens
	defer w.measured()
	if !w.recorded() {
		return nil
	}
	if w.admitted { // it has waited for another's answer
		w.admitted = false
		if err := w.Recorder.Finish(w.ticket, w.rec, w.endpoint.Strict); err != nil {
			w.unrecorded("finish", err)
			if w.mustNotAnswer(err) {
				return err
			}
		}
		return nil
	}
	err := w.Recorder.Record(w.rec, w.endpoint.Strict)
	if err != nil {
		w.unrecorded("record", err)
	}
	return err
}

// giveHit sends the answer. Nobody listening changes nothing: the record is out.
func (w *work) giveHit(h *hit) {
	head := Head{
		ID: w.rec.ID, Status: w.rec.Status, ContentType: h.media, ServedModel: w.rec.Target.ServedEntity,
		Dropped: h.entry.Dropped, Cache: CacheHit, Age: h.age, Prompt: w.rec.PromptVersion,
	}
	if !w.streaming {
		_ = w.resp.Answer(&head, h.body)
		return
	}
	body := h.body
	if w.call.Surface.DataOnly && w.codec.Format == wire.OpenAIResponses {
		body = sse.DataOnly(body)
	}
	if w.resp.Start(&head) == nil {
		_ = w.resp.Send(body)
	}
}
