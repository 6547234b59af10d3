package openai

import "github.com/lakegate/lakegate/serving/wire/rawjson"

// Change says how the body for a provider differs from the one the client sent.
type Change struct {
	Model    string // the provider's name of the model; "" leaves the field as it is
	AskUsage bool   // ask for usage at the end of the stream
}

// Upstream returns the body for a provider: without lakegate's own fields, with the provider's
// model, and asking for usage where that is wanted. The request itself does not change, so that
// another attempt starts clean. The result is the caller's.
func (r *Request) Upstream(c Change) []byte {
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

// HasInput reports whether the body is in OpenAI's shape: it has messages, prompt or input.
func (r *Request) HasInput() bool { return r.input >= 0 }

// InputChars counts the characters of the text sent: contents of messages, prompt or input. It
// returns nil when there is no such field, or tokens instead of text.
func (r *Request) InputChars() *int64 {
	if r.input < 0 {
		return nil
	}
	var n int64
	found := false
	c := rawjson.Walk(r.body.Value(r.input))
	switch c.Kind() {
	case rawjson.String:
		n, found = c.TakeChars(), true
	case rawjson.Array:
		for ok := c.Enter(); ok; ok = c.Next() {
			switch c.Kind() {
			case rawjson.String:
				n, found = n+c.TakeChars(), true
			case rawjson.ObjectKind:
				n, found = n+memberChars(&c, "content"), true
			default:
				c.Take()
			}
		}
	}
	if !found {
		return nil
	}
	return &n
}

// memberChars counts the text in one member of the object at the cursor, which moves past it: a
// string, or the text parts of a list.
func memberChars(c *rawjson.Cursor, member string) (n int64) {
	for ok := c.Enter(); ok; ok = c.Next() {
		if string(c.Name()) == member {
			n += textChars(c)
			continue
		}
		c.Take()
	}
	return n
}

func textChars(c *rawjson.Cursor) (n int64) {
	switch c.Kind() {
	case rawjson.String:
		n = c.TakeChars()
	case rawjson.Array:
		for ok := c.Enter(); ok; ok = c.Next() {
			n += memberChars(c, "text")
		}
	default:
		c.Take()
	}
	return n
}
