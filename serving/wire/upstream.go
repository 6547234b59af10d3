package wire

import (
	"encoding/json"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Change says how the body for a provider differs from the one the client sent.
type Change struct {
	Model    string // the provider's name of the model; "" leaves the field as it is
	AskUsage bool   // ask for usage at the end of the stream
}

// Upstream returns the body for a provider: without lakegate's own fields, with the provider's
// model, and asking for usage where that is wanted. The request itself does not change, so that
// another attempt starts clean. The result is the caller's.
func (r *Request) Upstream(c Change) []byte {
	if r.form.is {
		return r.upstreamForm(c.Model)
	}
	var p rawjson.Patch
	if r.usageContext >= 0 {
		p.Remove(r.usageContext)
	}
	if r.requestID >= 0 {
		p.Remove(r.requestID)
	}
	if c.Model != "" {
		set(&p, "model", r.model, rawjson.AppendQuoted(make([]byte, 0, len(c.Model)+2), c.Model))
	}
	if c.AskUsage && !r.WantsUsage {
		set(&p, "stream_options", r.options, r.withUsage())
	}
	if p.Empty() {
		return append(make([]byte, 0, len(r.body.Raw())), r.body.Raw()...)
	}
	return p.Append(make([]byte, 0, p.Size(&r.body)), &r.body)
}

func set(p *rawjson.Patch, name string, member int, value []byte) {
	if member < 0 {
		p.Add(name, value)
		return
	}
	p.Replace(member, value)
}

// withUsage returns stream_options with include_usage, keeping what else is in there.
func (r *Request) withUsage() []byte {
	const ask = `{"include_usage":true}`
	if r.options < 0 || r.body.Kind(r.options) != rawjson.ObjectKind {
		return []byte(ask)
	}
	var o rawjson.Object
	if o.Parse(r.body.Value(r.options), MaxDepth) != nil {
		return []byte(ask) // can't be: it was parsed with the body
	}
	var p rawjson.Patch
	at := -1
	for i := range o.Len() {
		if string(o.Name(i)) != "include_usage" {
			continue
		}
		if at >= 0 {
			p.Remove(at) // said twice: the last one counts
		}
		at = i
	}
	set(&p, "include_usage", at, []byte("true"))
	return p.Append(nil, &o)
}

// WithContext returns a body with client_request_id and usage_context set, where they are not
// empty.
func WithContext(body []byte, clientRequestID string, usageContext map[string]string) ([]byte, error) {
	if clientRequestID == "" && len(usageContext) == 0 {
		return body, nil
	}
	var o rawjson.Object
	if err := o.Parse(body, MaxDepth); err != nil {
		return nil, err
	}
	var p rawjson.Patch
	if clientRequestID != "" {
		set(&p, "client_request_id", o.Find("client_request_id"), rawjson.AppendQuoted(nil, clientRequestID))
	}
	if len(usageContext) > 0 {
		tags, err := json.Marshal(usageContext)
		if err != nil {
			return nil, err
		}
		set(&p, "usage_context", o.Find("usage_context"), tags)
	}
	return p.Append(nil, &o), nil
}
