package lvdash

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

const (
	maxDepth = 100      // nesting of a file; real ones need about 15
	maxFile  = 10 << 20 // bytes of a file
)

type kind int

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

func (k kind) String() string {
	return [...]string{"null", "true or false", "a number", "a string", "a list", "an object"}[k]
}

// value is a JSON value that knows where it stood.
type value struct {
	kind   kind
	text   string // the string, or the number as written
	truth  bool
	items  []*value
	fields map[string]*value
	line   int
}

// decode reads raw as one JSON value.
func decode(raw []byte) (*value, error) {
	if len(raw) > maxFile {
		return nil, Faults{{Message: fmt.Sprintf("the file has %d bytes; the most is %d", len(raw), maxFile)}}
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(raw) {
		return nil, Faults{{Message: "the file is not UTF-8 text"}}
	}
	d := &decoder{raw: raw, dec: json.NewDecoder(bytes.NewReader(raw)), line: 1}
	d.dec.UseNumber()
	v, err := d.value(0)
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, Faults{d.fault(err)}
	}
	return v, nil
}

type decoder struct {
	raw  []byte
	dec  *json.Decoder
	seen int // bytes up to which line was counted
	line int
}

// here returns the line of the token just read.
func (d *decoder) here() int {
	off := int(d.dec.InputOffset())
	d.line += bytes.Count(d.raw[d.seen:off], []byte("\n"))
	d.seen = off
	return d.line
}

func (d *decoder) value(depth int) (*value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d levels deep", maxDepth)
	}
	t, err := d.dec.Token()
	if err != nil {
		return nil, err
	}
	v := &value{line: d.here()}
	switch t := t.(type) {
	case nil:
	case bool:
		v.kind, v.truth = boolean, t
	case json.Number:
		v.kind, v.text = number, t.String()
	case string:
		v.kind, v.text = text, t
	case json.Delim:
		if t == '[' {
			return v, d.list(v, depth)
		}
		return v, d.object(v, depth)
	}
	return v, nil
}

func (d *decoder) list(v *value, depth int) error {
	v.kind = list
	for d.dec.More() {
		x, err := d.value(depth + 1)
		if err != nil {
			return err
		}
		v.items = append(v.items, x)
	}
	_, err := d.dec.Token()
	return err
}

func (d *decoder) object(v *value, depth int) error {
	v.kind, v.fields = object, map[string]*value{}
	for d.dec.More() {
		key, err := d.dec.Token()
		if err != nil {
			return err
		}
		x, err := d.value(depth + 1)
		if err != nil {
			return err
		}
		v.fields[key.(string)] = x // encoding/json lets only strings be keys
	}
	_, err := d.dec.Token()
	return err
}

// end makes sure that nothing follows the value.
func (d *decoder) end() error {
	if _, err := d.dec.Token(); err == nil {
		return errors.New("there is more text after the end of the dashboard")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func (d *decoder) fault(err error) Fault {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Fault{Line: 1 + bytes.Count(d.raw, []byte("\n")), Message: "not JSON: the text ends in the middle"}
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		off := min(int(syntax.Offset), len(d.raw))
		line := 1 + bytes.Count(d.raw[:off], []byte("\n"))
		column := off - bytes.LastIndexByte(d.raw[:off], '\n') - 1
		return Fault{Line: line, Message: fmt.Sprintf("not JSON: %s (column %d)", syntax.Error(), column)}
	}
	return Fault{Line: d.here(), Message: err.Error()}
}
