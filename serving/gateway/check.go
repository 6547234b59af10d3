package gateway

import (
	"time"
	"unicode/utf8"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// check does all that comes before a call may cost anything, in order.
func (w *work) check() *apierr.Error {
	view := w.Live.Load()
	if err := w.authenticate(&view); err != nil {
		return err
	}
	if err := w.call.Surface.Refusal; err != nil {
		return err
	}
	name, err := w.named(&view)
	if err != nil {
		return err
	}
	if name != "" { // known before the body: no need to read what won't be taken
		if err := w.resolve(&view, name); err != nil {
			return err
		}
	}
	if err := w.read(); err != nil {
		return err
	}
	if w.endpoint == nil {
		name := w.req.Model
		if name == "" {
			name = w.promptID()
		}
		if name == "" {
			return apierr.New(apierr.InvalidParameter, "field \"model\" is missing: it names the endpoint to call").At("model")
		}
		if err := w.resolve(&view, name); err != nil {
			return err
		}
		w.keepRequest()
	}
	if err := w.shape(); err != nil {
		return err
	}
	if err := w.own(); err != nil {
		return err
	}
	tags, err := w.config.attribution(w.call.Tags, &w.req, w.codec.Dialect)
	if err != nil {
		return err
	}
	w.rec.UsageContext = tags
	if w.endpoint.Prompt != nil && w.call.Stored == nil {
		if err := w.fillPrompt(); err != nil {
			return err
		}
	}
	size := int64(len(w.req.Body()) / 4)
	if w.req.IsForm() {
		size = 0 // it is sound or pictures
	} else if w.codec.InputChars != nil && size > 0 {
		w.rec.Usage.InputChars = w.codec.InputChars(w.req.Body())
	}
	if err := w.stays(); err != nil {
		return err
	}
	if w.call.purpose != "" {
		return nil // nobody asked for it whose limits it could count towards
	}
	w.reservation, err = w.Limiter.Reserve(w.endpoint, &w.rec.Principal, size)
	return err
}

// named returns the name of the endpoint where it is known without the body, else "".
func (w *work) named(view *View) (string, *apierr.Error) {
	if w.call.Stored != nil {
		return w.findStored(view)
	}
	return w.call.Endpoint, nil
}

func (w *work) authenticate(view *View) *apierr.Error {
	if c := w.call.caller; c != nil {
		w.rec.Principal, w.mayCall, w.admin = c.principal, c.mayCall, c.admin
		return nil
	}
	if w.call.Token == "" {
		return apierr.New(apierr.Unauthenticated, "the request has no API key; send one as \"Authorization: Bearer <key>\"")
	}
	key, ok := view.Keys.Lookup(w.call.Token)
	if !ok {
		return apierr.New(apierr.Unauthenticated, "the API key is not valid")
	}
	w.rec.Principal, w.mayCall, w.admin = key.Principal, key.MayCall, key.Admin
	return nil
}

// resolve looks up the endpoint and asks whether the caller may call it.
func (w *work) resolve(view *View, name string) *apierr.Error {
	w.rec.Target.Endpoint = clip(name, maxName)
	e, ok := view.Catalog.Lookup(name)
	if !ok {
		return apierr.New(apierr.EndpointNotFound, "The given endpoint does not exist: %q. GET /v1/models lists those your key may call.", clip(name, maxName)).At("model")
	}
	w.rec.Target.EndpointID, w.rec.Target.Task = e.ID, e.Task
	if !w.mayCall(name) {
		return apierr.New(apierr.PermissionDenied, "your key may not call endpoint %q", name)
	}
	if !e.Allows(&w.rec.Principal, w.admin, endpoint.CanQuery) {
		return apierr.New(apierr.PermissionDenied, "you need CAN_QUERY on endpoint %q to call it", name)
	}
	w.endpoint = e
	w.deadline = w.call.Received.Add(e.Timeout)
	if p := e.Payload; p != nil { // which payloads of a sample are kept, the table decides
		w.rec.Payload.Table, w.rec.Payload.SamplingFraction = p.Table.String(), p.SamplingFraction
	}
	return nil
}

// read takes in the body and the fields of it that columns are made of.
func (w *work) read() *apierr.Error {
	if w.call.Stored != nil {
		return nil
	}
	body, err := w.call.Body(w.config.MaxBody)
	if err != nil {
		if err.Code == apierr.TooLarge {
			w.rec.Payload.ErrorCodes = append(w.rec.Payload.ErrorCodes, "MAX_REQUEST_SIZE_EXCEEDED")
		}
		return err
	}
	if w.call.Boundary != "" {
		err = w.req.ParseForm(body, w.call.Boundary)
	} else {
		err = w.req.Parse(body)
	}
	w.keepRequest()
	if err != nil {
		return err
	}
	if len(w.req.ClientRequestID) > maxRequestID {
		return apierr.New(apierr.InvalidParameter, "field \"client_request_id\" is longer than %d bytes", maxRequestID).At("client_request_id")
	}
	w.rec.ClientRequestID = w.req.ClientRequestID
	w.rec.RequestedModel = clip(w.req.Model, maxName)
	if w.req.Model == "" && !w.call.Surface.ByBody {
		w.rec.RequestedModel = clip(w.call.Endpoint, maxName) // in the path
	}
	return nil
}

// keepRequest puts the body into the payload, where one is kept.
func (w *work) keepRequest() {
	p := &w.rec.Payload
	body := w.req.Body()
	switch {
	case p.Table == "":
	case !utf8.Valid(body):
		p.ErrorCodes = append(p.ErrorCodes, "REQUEST_NOT_UTF8")
	default:
		p.Request = body
	}
}

func (w *work) remaining() time.Duration { return time.Until(w.deadline) }
