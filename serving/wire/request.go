package wire

import (
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Request is a body of whatever format, read: the fields that matter to lakegate, and the body
// itself untouched. The zero Request is that of a call without a body. One goroutine at a time
// uses it.
type Request struct {
	Model           string // "" when the body has none
	Stream          bool
	WantsUsage      bool // the client asked for usage in the stream
	ClientRequestID string
	UsageContext    map[string]string // nil when the body has none
	Metadata        map[string]string // OpenAI's metadata, its string values

	raw  []byte
	body rawjson.Object
	// Positions of members in body, -1 for none.
	model, stream, options, usageContext, requestID int

	form form
}

// own are the fields lakegate acts on. One of them twice could mean one thing here and another
// at the provider, so it is refused. For the first three so is a field that differs in case
// alone, which a provider with a lax decoder would take for them: what is billed depends on them.
var own = [...]string{"model", "stream", "stream_options", "usage_context", "client_request_id", "metadata", "messages", "prompt", "input"}

const strictCase = 3

// Parse reads a body, which it keeps and which must not change while the request is in use. The
// error says what is wrong and where.
func (r *Request) Parse(body []byte) *apierr.Error {
	parsed := r.body
	*r = Request{raw: body, body: parsed}
	r.none()
	if len(body) == 0 {
		return apierr.New(apierr.BadRequest, "the request has no body; send a JSON object")
	}
	if err := r.body.Parse(body, MaxDepth); err != nil {
		return apierr.New(apierr.BadRequest, "the request body must be a JSON object in UTF-8, at most %d levels deep: %v", MaxDepth, err)
	}
	seen := 0
	for i := range r.body.Len() {
		name := r.body.Name(i)
		field := ownField(name)
		if field < 0 {
			continue
		}
		if field < strictCase && string(name) != own[field] {
			return apierr.New(apierr.BadRequest, "field %q must be written %q", name, own[field]).At(own[field])
		}
		if seen&(1<<field) != 0 {
			return apierr.New(apierr.BadRequest, "field %q is there twice", name).At(own[field])
		}
		seen |= 1 << field
		if err := r.take(own[field], i); err != nil {
			return err
		}
	}
	return nil
}

// none says that no member was found yet.
func (r *Request) none() {
	r.model, r.stream, r.options, r.usageContext, r.requestID = -1, -1, -1, -1, -1
}

// Body returns the body as it was given to Parse, whether that took it or not.
func (r *Request) Body() []byte { return r.raw }

// Object returns the members of the body. It is good until the next Parse.
func (r *Request) Object() *rawjson.Object { return &r.body }

// Member returns the value of a member of the body, and Invalid when it is not there.
func (r *Request) Member(name string) ([]byte, rawjson.Kind) {
	i := r.body.Find(name)
	if i < 0 {
		return nil, rawjson.Invalid
	}
	return r.body.Value(i), r.body.Kind(i)
}

func ownField(name []byte) int {
	for i, o := range own {
		if string(name) == o || i < strictCase && len(name) >= len(o) && strings.EqualFold(string(name), o) {
			return i
		}
	}
	return -1
}

// take reads the field called name, member i. null is as good as absent, as it is for OpenAI.
func (r *Request) take(name string, i int) *apierr.Error {
	kind := r.body.Kind(i)
	switch name {
	case "model":
		r.model = i
		return r.text(name, i, &r.Model)
	case "client_request_id":
		r.requestID = i
		return r.text(name, i, &r.ClientRequestID)
	case "stream":
		r.stream = i
		r.Stream = kind == rawjson.True
		return want(name, kind, kind == rawjson.True || kind == rawjson.False, "true or false")
	case "stream_options":
		r.options = i
		return r.streamOptions(kind, r.body.Value(i))
	case "usage_context":
		r.usageContext = i
		return r.context(kind, r.body.Value(i))
	case "metadata":
		if kind == rawjson.ObjectKind {
			r.Metadata = stringMembers(r.body.Value(i))
		}
	case "messages":
		return want(name, kind, kind == rawjson.Array, "an array of messages")
	}
	return nil // prompt, input: of any type, as custom models have it
}

func want(name string, kind rawjson.Kind, ok bool, expected string) *apierr.Error {
	if ok || kind == rawjson.Null {
		return nil
	}
	return apierr.New(apierr.InvalidParameter, "field %q must be %s, not %s", name, expected, kind).At(name)
}

func (r *Request) text(name string, i int, into *string) *apierr.Error {
	kind := r.body.Kind(i)
	if kind == rawjson.String {
		*into = rawjson.Unquote(r.body.Value(i))
	}
	return want(name, kind, kind == rawjson.String, "a string")
}

func (r *Request) streamOptions(kind rawjson.Kind, value []byte) (err *apierr.Error) {
	if kind != rawjson.ObjectKind {
		return want("stream_options", kind, false, "an object")
	}
	rawjson.Members(value, func(name []byte, k rawjson.Kind, _ []byte) bool {
		if string(name) == "include_usage" {
			r.WantsUsage = k == rawjson.True
			err = want("stream_options.include_usage", k, k == rawjson.True || k == rawjson.False, "true or false")
		}
		return err == nil
	})
	return err
}

func (r *Request) context(kind rawjson.Kind, value []byte) (err *apierr.Error) {
	if kind != rawjson.ObjectKind {
		return want("usage_context", kind, false, "an object of strings")
	}
	r.UsageContext = map[string]string{}
	rawjson.Members(value, func(name []byte, k rawjson.Kind, v []byte) bool {
		key := unquoteName(name)
		if k != rawjson.String {
			err = apierr.New(apierr.InvalidParameter, "usage_context: the value of %q must be a string, not %s", key, k).At("usage_context")
			return false
		}
		r.UsageContext[key] = rawjson.Unquote(v)
		return true
	})
	return err
}

// stringMembers returns the members of a JSON object whose values are strings.
func stringMembers(object []byte) map[string]string {
	m := map[string]string{}
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		if k == rawjson.String {
			m[unquoteName(name)] = rawjson.Unquote(v)
		}
		return true
	})
	return m
}

func unquoteName(name []byte) string {
	q := make([]byte, 0, len(name)+2)
	return rawjson.Unquote(append(append(append(q, '"'), name...), '"'))
}
