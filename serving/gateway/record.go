package gateway

import (
	"bytes"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

// finish gives the call its outcome: price, settlement and record. It does its work once; the
// error says that the record could not be written.
func (w *work) finish(outcome inference.Outcome, status int) error {
	if w.setOver() {
		return nil
	}
	r := w.rec
	if outcome == inference.OK && w.carried() {
		outcome, status, w.othersOK = inference.ClientGone, w.statusSeen(status), status == http.StatusOK
		r.ErrorCode, r.ErrorMessage = string(apierr.ClientClosed), "the client left before the end of the answer"
	}
	r.Outcome, r.Status = outcome, status
	r.Latency = time.Since(w.call.Received)
	var upstream time.Duration
	for i := range r.Attempts {
		upstream += r.Attempts[i].Latency
	}
	if len(r.Attempts) > 0 {
		upstream -= w.overlap
		r.UpstreamLatency = &upstream
	}
	w.addUp()
	w.settle()
	var err error
	if w.admitted {
		w.admitted = false
		if err = w.Recorder.Finish(w.ticket, r, w.endpoint.Strict); err != nil {
			w.unrecorded("finish", err)
		}
	}
	w.measured()
	return err
}

// calledBy notes what the answer calls the model.
func (w *work) calledBy(t *target, model string) {
	if model != "" && !t.provider.BilledByID {
		w.rec.Target.Model = clip(model, maxName)
	}
}

// setOver notes that the record goes out, and returns whether it had gone before.
func (w *work) setOver() (before bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, w.over = w.over, true
	return before
}

func (w *work) isOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

// settle charges the limits with the tokens used. Where nobody knows them, though a provider has
// worked, the reservation stays.
func (w *work) settle() {
	u := &w.rec.Usage
	switch {
	case u.Total != nil:
		w.reservation.Settle(*u.Total)
	case w.rec.Outcome == inference.Refused: // nobody was asked
		w.reservation.Settle(0)
	case u.Source == inference.UsageNone && w.rec.Outcome != inference.UpstreamError && len(w.rec.Attempts) > 0:
		w.reservation.Keep()
	default:
		w.reservation.Settle(0)
	}
}

// mustNotAnswer reports whether a failed Finish forbids to send the answer: a strict endpoint
// has promised that its row is on disk by then.
func (w *work) mustNotAnswer(err error) bool { return err != nil && w.endpoint.Strict }

func unrecordedError() *apierr.Error {
	e := apierr.New(apierr.Unavailable, "the model has answered, but the call could not be recorded as this endpoint demands, so the answer is withheld")
	e.RetryAfter = 5 * time.Second
	return e
}

// keepResponse puts a provider's answer into the payload, where one is kept.
func (w *work) keepResponse(body []byte) {
	p := &w.rec.Payload
	if w.after != nil {
		w.kept = body
	}
	if p.Table == "" || len(body) == 0 {
		return
	}
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\ufffd"))
		p.ErrorCodes = append(p.ErrorCodes, "RESPONSE_NOT_UTF8")
	}
	p.Response = body
}

func (w *work) incomplete() {
	if w.rec.Payload.Table != "" {
		w.rec.Payload.ErrorCodes = append(w.rec.Payload.ErrorCodes, "RESPONSE_INCOMPLETE")
	}
}
