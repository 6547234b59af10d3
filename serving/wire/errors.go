package wire

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ProviderError is an error body of a provider, as far as it can be told.
type ProviderError struct {
	Message string
	Code    string // the provider's own word for it, "" for none

	object bool // {"error": {"message": ...}}
	typed  bool // {"type": "error"} beside it
	status bool // "status" inside it
	plain  bool // {"message": ...}
}

// In reports whether the body has the shape of a dialect, so that it can be passed on to clients
// of that.
func (e *ProviderError) In(d apierr.Dialect) bool {
	switch d {
	case apierr.OpenAI:
		return e.object && !e.typed
	case apierr.Anthropic:
		return e.object && e.typed
	case apierr.Google:
		return e.object && e.status
	case apierr.Cohere:
		return e.plain
	default:
		return false
	}
}

// ParseError reads the JSON error body of a provider, whatever its API: an object error with a
// message, or a message, error, detail or error_message at the top; or a list that begins with
// one. It returns false when b is not a JSON object.
func ParseError(b []byte) (ProviderError, bool) {
	var o rawjson.Object
	var e ProviderError
	if o.Parse(inList(b), MaxDepth) != nil {
		return e, false
	}
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch name := string(o.Name(i)); name {
		case "error":
			if kind == rawjson.ObjectKind {
				e.readInner(v)
				continue
			}
			e.keepMessage(kind, v)
		case "message", "Message", "detail", "error_message", "error_msg":
			e.keepMessage(kind, v)
			e.plain = e.plain || name == "message" && kind == rawjson.String
		case "type":
			if string(v) == `"error"` {
				e.typed = true
				continue
			}
			e.keepCode(kind, v)
		case "error_code", "code", "__type":
			e.keepCode(kind, v)
		}
	}
	return e, true
}

// inList returns the first element of a JSON array, as Google's streams answer with errors, and
// anything else as it is.
func inList(b []byte) []byte {
	t := bytes.TrimSpace(b)
	if len(t) < 2 || t[0] != '[' {
		return b
	}
	t = bytes.TrimSpace(t[1:])
	c := rawjson.Walk(t)
	if c.Kind() != rawjson.ObjectKind {
		return b
	}
	return c.Take()
}

func (e *ProviderError) readInner(object []byte) {
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "message":
			if k == rawjson.String {
				e.Message, e.object = rawjson.Unquote(v), true
			}
		case "code":
			if k == rawjson.String {
				e.Code = "" // code says more than type, whichever comes first
			}
			e.keepCode(k, v)
		case "status":
			e.status = e.status || k == rawjson.String
			e.keepCode(k, v)
		case "type":
			e.keepCode(k, v)
		}
		return true
	})
}

func (e *ProviderError) keepMessage(k rawjson.Kind, v []byte) {
	if e.Message == "" && k == rawjson.String {
		e.Message = rawjson.Unquote(v)
	}
}

func (e *ProviderError) keepCode(k rawjson.Kind, v []byte) {
	if e.Code == "" && k == rawjson.String {
		e.Code = rawjson.Unquote(v)
	}
}
