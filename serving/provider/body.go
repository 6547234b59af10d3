package provider

import (
	"fmt"
	"mime"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// WithModel returns the body with another model in it, for providers that have a name of their own
// for it, in a form as in JSON. A body without a model is returned as it is.
func (a *Ask) WithModel(model string) ([]byte, error) {
	if model == a.Entity.Model {
		return a.Body, nil
	}
	if media, params, err := mime.ParseMediaType(a.ContentType); err == nil && media == "multipart/form-data" {
		var r wire.Request
		if err := r.ParseForm(a.Body, params["boundary"]); err != nil {
			return nil, fmt.Errorf("set the model of a form: %w", err)
		}
		return r.Upstream(wire.Change{Model: model}), nil
	}
	return a.editModel(func(p *rawjson.Patch, at int) {
		p.Replace(at, rawjson.AppendQuoted(make([]byte, 0, len(model)+2), model))
	})
}

// WithoutModel returns the body without a model, for providers that have it in the path.
func (a *Ask) WithoutModel() ([]byte, error) {
	return a.editModel(func(p *rawjson.Patch, at int) { p.Remove(at) })
}

func (a *Ask) editModel(edit func(*rawjson.Patch, int)) ([]byte, error) {
	if len(a.Body) == 0 || a.ContentType != "" {
		return a.Body, nil
	}
	var o rawjson.Object
	if err := o.Parse(a.Body, wire.MaxDepth); err != nil {
		return nil, fmt.Errorf("set the model: %w", err)
	}
	at := o.Find("model")
	if at < 0 {
		return a.Body, nil
	}
	var p rawjson.Patch
	edit(&p, at)
	return p.Append(make([]byte, 0, p.Size(&o)), &o), nil
}
