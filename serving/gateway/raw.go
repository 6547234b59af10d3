package gateway

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
)

// isRaw reports whether a content type is an answer of a format though it is no JSON: sound, or
// the text of sound.
func isRaw(f wire.Format, media string) bool {
	switch f {
	case wire.OpenAISpeech:
		return strings.HasPrefix(media, "audio/") || media == "application/octet-stream"
	case wire.OpenAITranscripts:
		return media == "text/plain" || media == "text/vtt" || media == "text/srt" || media == "application/x-subrip"
	default:
		return false
	}
}

// raw passes an answer on as it comes, which is neither JSON nor events. It has no usage. What is
// held back until the call is recorded is the end of the answer.
func (w *work) raw(a *answer) *failure {
	in := buffers.Get().(*buffer)
	defer in.free()
	b := in.b[:cap(in.b)]
	h := w.head(a.target)
	h.Status, h.ContentType = a.resp.StatusCode, a.resp.Header.Get("Content-Type")
	var size int64
	var failed error
	for failed == nil {
		a.line.expect(w.silence())
		n, err := a.resp.Body.Read(b)
		size += int64(n)
		switch {
		case err != nil && !errors.Is(err, io.EOF) && !w.started:
			return cutOff(context.Cause(a.line.ctx), err, true)
		case size > w.config.MaxAnswer:
			failed = errTooLarge
		case err != nil:
			failed = err
		}
		w.sendRaw(&h, b[:n])
		if size > 0 {
			a.line.shown()
		}
		if w.isGone() {
			break // there is no usage to wait for
		}
	}
	w.note(a.entity, a.resp.StatusCode, a.start, "")
	w.endRaw(a, &h, failed)
	return nil
}

func (w *work) sendRaw(h *Head, b []byte) {
	if w.isGone() {
		return
	}
	if !w.started {
		w.started = true
		w.rec.Status = h.Status
		if w.resp.Start(h) != nil {
			w.clientLeft()
			return
		}
	}
	if len(b) > 0 && w.resp.Send(b) != nil {
		w.clientLeft()
	}
}

// endRaw records how an answer that passed on as it came has ended. A client that has half of it
// is cut off: nothing else tells it.
func (w *work) endRaw(a *answer, h *Head, err error) {
	if w.rec.Payload.Table != "" {
		w.rec.Payload.ErrorCodes = append(w.rec.Payload.ErrorCodes, "RESPONSE_NOT_TEXT")
	}
	w.answered = true
	outcome := inference.OK
	if err != nil && !errors.Is(err, io.EOF) {
		f := cutOff(context.Cause(a.line.ctx), err, true)
		if errors.Is(err, errTooLarge) {
			f = badGateway(err, inference.UpstreamBroken, "the provider's answer is larger than this gateway allows")
		}
		outcome, w.midway = f.outcome, f
		w.rec.ErrorCode, w.rec.ErrorMessage = f.code(), f.message()
		w.rec.Attempts[w.winner-1].Error = f.reason
	}
	if w.isGone() {
		status := 0
		if w.started {
			status = h.Status
		}
		w.clientGone(status)
		return
	}
	unrecorded := w.finish(outcome, h.Status)
	if outcome != inference.OK || w.mustNotAnswer(unrecorded) {
		w.resp.Abort()
	}
}
