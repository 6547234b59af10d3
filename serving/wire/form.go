package wire

import (
	"bytes"
	"mime"

	"github.com/lakegate/lakegate/internal/apierr"
)

// form is where a form's model is in the body.
type form struct {
	is       bool
	model    int // start of its content, 0 for none
	modelEnd int
}

// IsForm reports whether the body is a form.
func (r *Request) IsForm() bool { return r.form.is }

// ParseForm reads a body of type multipart/form-data with the given boundary, as files are sent
// to be transcribed. It keeps body, as Parse does. Of its fields it reads model and stream.
func (r *Request) ParseForm(body []byte, boundary string) *apierr.Error {
	*r = Request{raw: body, form: form{is: true}}
	r.none()
	if boundary == "" {
		return apierr.New(apierr.BadRequest, "the form has no boundary: send Content-Type \"multipart/form-data; boundary=...\"")
	}
	delimiter := []byte("\r\n--" + boundary)
	rest := body
	if !bytes.HasPrefix(rest, delimiter[2:]) {
		i := bytes.Index(rest, delimiter)
		if i < 0 {
			return brokenForm()
		}
		rest = rest[i+2:]
	}
	rest = rest[len(delimiter)-2:]
	for !bytes.HasPrefix(rest, []byte("--")) {
		eol := bytes.Index(rest, []byte("\r\n"))
		end := bytes.Index(rest, delimiter)
		if eol < 0 || end < 0 || len(bytes.TrimSpace(rest[:eol])) > 0 {
			return brokenForm()
		}
		if err := r.part(rest[eol:end], len(body)-len(rest)+eol); err != nil {
			return err
		}
		rest = rest[end+len(delimiter):]
	}
	return nil
}

func brokenForm() *apierr.Error {
	return apierr.New(apierr.BadRequest, "the form is broken: it is not made of the parts that its boundary announces")
}

// part reads a part, from the end of the line before its header to the delimiter after it. at is
// where it is in the body.
func (r *Request) part(b []byte, at int) *apierr.Error {
	header, content, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return brokenForm()
	}
	start := at + len(b) - len(content)
	switch partName(header) {
	case "model":
		if r.form.model > 0 {
			return apierr.New(apierr.BadRequest, "field \"model\" is there twice").At("model")
		}
		r.Model, r.form.model, r.form.modelEnd = string(content), start, start+len(content)
	case "stream":
		r.Stream = string(content) == "true"
	}
	return nil
}

// partName returns the name of a form's field from the header of its part.
func partName(header []byte) string {
	for line := range bytes.SplitSeq(header, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !bytes.EqualFold(bytes.TrimSpace(name), []byte("Content-Disposition")) {
			continue
		}
		if _, params, err := mime.ParseMediaType(string(value)); err == nil {
			return params["name"]
		}
	}
	return ""
}

// upstreamForm returns the form with another model; all else is as it was.
func (r *Request) upstreamForm(model string) []byte {
	dst := make([]byte, 0, len(r.raw)+len(model))
	if model == "" || r.form.model == 0 {
		return append(dst, r.raw...)
	}
	dst = append(append(dst, r.raw[:r.form.model]...), model...)
	return append(dst, r.raw[r.form.modelEnd:]...)
}
