package gateway

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/prompt"
	"github.com/lakegate/lakegate/serving/route"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// fillPrompt makes the request the one of the endpoint's template: what is asked from here on, and
// what the response cache takes for the question. The payload keeps what the client sent.
func (w *work) fillPrompt() *apierr.Error {
	p := w.endpoint.Prompt
	if w.req.IsForm() {
		return apierr.New(apierr.InvalidParameter, "an endpoint with a prompt takes a JSON object, not a form")
	}
	ask, err := prompt.Read(w.req.Object(), w.codec.Format, w.call.Surface.ByBody)
	if err != nil {
		return err
	}
	if ask.ID != "" && ask.ID != w.endpoint.Name {
		return apierr.New(apierr.InvalidParameter, "field \"prompt.id\" must be the name of the endpoint, %q", w.endpoint.Name).At("prompt.id")
	}
	v := p.Lookup(ask.Version)
	switch {
	case v != nil:
	case ask.Version != 0:
		return apierr.New(apierr.InvalidParameter, "the prompt of endpoint %q has no version %d; %s", w.endpoint.Name, ask.Version, p.Numbers()).At("version")
	default:
		v = p.Pick(w.drawVersion())
	}
	w.rec.PromptVersion = v.Number
	r, err := v.Render(w.Codecs, w.codec.Format, w.req.Object(), ask, w.config.MaxBody)
	if err != nil {
		return err
	}
	w.untold = r.Lost
	return w.req.Parse(r.Body)
}

// drawVersion returns the number that the share of a version falls by. Where the endpoint is sticky
// it sticks too, and falls apart from the split of the traffic.
func (w *work) drawVersion() uint32 {
	if len(w.endpoint.Prompt.Active) == 1 {
		return 0
	}
	if key := w.stickyKey(); key != "" {
		return route.Sticky(w.endpoint.ID+"/prompt", key)
	}
	return w.Draw()
}

// promptFormat tells from an invocation's body which format it is in, at an endpoint with a prompt.
func promptFormat(r *wire.Request) wire.Format {
	if _, k := r.Member("messages"); k != rawjson.Invalid {
		return wire.OpenAIChat
	}
	if _, k := r.Member("input"); k != rawjson.Invalid {
		return wire.OpenAIResponses
	}
	if _, k := r.Member("prompt"); k == rawjson.ObjectKind {
		return wire.OpenAIResponses
	}
	return wire.OpenAIChat
}

// promptID returns the endpoint that a call of the Responses API names as its prompt alone.
func (w *work) promptID() string {
	if v, k := w.req.Member("prompt"); k == rawjson.ObjectKind && w.call.Surface.Format == wire.OpenAIResponses {
		return prompt.ID(v)
	}
	return ""
}
