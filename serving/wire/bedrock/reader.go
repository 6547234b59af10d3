package bedrock

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ErrDamaged is returned for a message whose sums or lengths are wrong. The reader can't go on:
// where the next message begins is not known.
var ErrDamaged = errors.New("damaged event stream")

// event is one event of a stream; without a name it is none.
type event struct {
	name []byte // event type, or the type of an exception
	data []byte // JSON
	raw  []byte // the bytes of the message; of an unwrapped event, what a server would send for it
}

// Reader reads the messages of an AWS event stream, however reads cut them. It reads its source only
// when it has handed out all that was received.
type Reader struct {
	// Unwrap makes of InvokeModel's chunks the server-sent events of Anthropic's Messages API,
	// which they carry: the inner event's type is the name, its JSON the data. Exceptions become
	// error events of that API.
	Unwrap bool

	src      io.Reader
	maxEvent int
	mem      []byte // what buf is a part of, from its start
	buf      []byte // received and not handed out yet
	err      error  // of the source, told after what came before it
	broken   error  // the stream can't be read any further

	decoder *eventstream.Decoder
	message bytes.Reader
	payload []byte
	inner   []byte // data of an unwrapped event
	framed  []byte // the same, framed
	name    []byte
}

const (
	firstRead  = 8 << 10
	preludeLen = 12 // lengths of message and headers, their sum
	minMessage = preludeLen + 4
)

// NewReader returns a reader of src that refuses messages of more than maxEvent bytes. buf is
// memory to start with and may be nil; Buffer gives it back, grown.
func NewReader(src io.Reader, maxEvent int, buf []byte) *Reader {
	return &Reader{src: src, maxEvent: maxEvent, mem: buf[:0], buf: buf[:0], decoder: eventstream.NewDecoder()}
}

// Buffer returns the reader's memory for another one. The reader must not be used any more.
func (r *Reader) Buffer() []byte { return r.mem }

// Next returns the next event: its type or that of an exception, its JSON, and the bytes it came in,
// or, unwrapped, those that a server of the model's own API would send. They are good until the next
// call. The error is io.EOF at the end of the source, io.ErrUnexpectedEOF when that is in the middle
// of a message, sse.ErrTooLong, ErrDamaged, or the source's; messages received whole before come first.
func (r *Reader) Next() (name, data, raw []byte, err error) {
	for r.broken == nil {
		size, err := r.size()
		if err != nil {
			r.broken = err
			break
		}
		if size == 0 || len(r.buf) < size {
			if err := r.fill(size); err != nil {
				return nil, nil, nil, err
			}
			continue
		}
		raw := r.buf[:size]
		r.buf = r.buf[size:]
		ev, err := r.decode(raw)
		if err != nil {
			r.broken = err
			break
		}
		if ev.name != nil {
			return ev.name, ev.data, ev.raw, nil
		}
	}
	return nil, nil, nil, r.broken
}

// size returns the length of the message at the start of buf, 0 while that is not known. The sum
// over the lengths is checked at once, so that nobody waits for the rest of a message that isn't one.
func (r *Reader) size() (int, error) {
	if len(r.buf) < preludeLen {
		return 0, nil
	}
	if crc32.ChecksumIEEE(r.buf[:8]) != binary.BigEndian.Uint32(r.buf[8:]) {
		return 0, fmt.Errorf("%w: the sum of a message's lengths is wrong", ErrDamaged)
	}
	n, headers := binary.BigEndian.Uint32(r.buf), binary.BigEndian.Uint32(r.buf[4:])
	if n < minMessage || headers > n-minMessage {
		return 0, fmt.Errorf("%w: a message of %d bytes with %d of headers", ErrDamaged, n, headers)
	}
	if int64(n) > int64(r.maxEvent) {
		return 0, sse.ErrTooLong
	}
	return int(n), nil
}

// fill reads more; size is what the message at the start of buf needs, 0 for not known.
func (r *Reader) fill(size int) error {
	if r.err != nil {
		return r.ended()
	}
	r.makeRoom(size)
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if err != nil {
		r.err = err // after what came with it
	}
	return nil
}

func (r *Reader) ended() error {
	if errors.Is(r.err, io.EOF) && len(r.buf) > 0 {
		return io.ErrUnexpectedEOF
	}
	return r.err
}

// makeRoom moves what is left to the start of the memory, or to a larger one.
func (r *Reader) makeRoom(size int) {
	need := max(size, len(r.buf)+firstRead/4)
	if cap(r.buf) >= need {
		return
	}
	if cap(r.mem) < need {
		r.mem = make([]byte, 0, max(need, 2*len(r.buf), firstRead))
	}
	r.buf = append(r.mem, r.buf...)
}

// decode checks a message and reads it. Messages that are no events, and chunks without anything
// in them, have no name.
func (r *Reader) decode(raw []byte) (event, error) {
	r.message.Reset(raw)
	m, err := r.decoder.Decode(&r.message, r.payload)
	if err != nil {
		return event{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if m.Payload != nil {
		r.payload = m.Payload
	}
	r.name = r.name[:0]
	failed := false
	var kind, eventType, exception, code, text string
	for _, h := range m.Headers {
		v, ok := h.Value.(eventstream.StringValue)
		if !ok {
			continue
		}
		switch h.Name {
		case ":message-type":
			kind = string(v)
		case ":event-type":
			eventType = string(v)
		case ":exception-type":
			exception = string(v)
		case ":error-code":
			code = string(v)
		case ":error-message":
			text = string(v)
		}
	}
	data := m.Payload
	switch kind {
	case "error": // not of the model's API but of the stream itself; it has no payload
		failed = true
		r.name = append(r.name, code...)
		r.inner = append(rawjson.AppendQuoted(append(r.inner[:0], `{"message":`...), text), '}')
		data = r.inner
	case "exception":
		failed = true
		r.name = append(r.name, exception...)
	default:
		r.name = append(r.name, eventType...)
	}
	switch {
	case len(r.name) == 0 && failed:
		r.name = append(r.name, "exception"...)
	case len(r.name) == 0:
		return event{}, nil
	}
	if r.Unwrap {
		return r.unwrap(data, failed)
	}
	return event{name: r.name, data: data, raw: raw}, nil
}

// unwrap makes an event of Anthropic's API of one of InvokeModel.
func (r *Reader) unwrap(data []byte, failed bool) (event, error) {
	if failed {
		r.inner = appendAnthropicError(nil, string(r.name), data)
		r.name = append(r.name[:0], "error"...)
		return r.frame(), nil
	}
	if string(r.name) != "chunk" {
		return event{}, nil
	}
	var o rawjson.Object
	if err := o.Parse(data, maxDepth); err != nil {
		return event{}, fmt.Errorf("%w: a chunk that is not JSON: %w", ErrDamaged, err)
	}
	i := o.Find("bytes")
	if i < 0 || o.Kind(i) != rawjson.String {
		return event{}, nil
	}
	inner, err := base64.StdEncoding.AppendDecode(r.inner[:0], []byte(rawjson.Unquote(o.Value(i))))
	if err != nil {
		return event{}, fmt.Errorf("%w: a chunk that is not base64: %w", ErrDamaged, err)
	}
	if r.inner = inner; len(inner) == 0 {
		return event{}, nil
	}
	r.name = r.name[:0]
	if o.Parse(inner, maxDepth) == nil {
		if i := o.Find("type"); i >= 0 && o.Kind(i) == rawjson.String {
			r.name = append(r.name, rawjson.Unquote(o.Value(i))...)
		}
	}
	if len(r.name) == 0 {
		r.name = append(r.name, "chunk"...)
	}
	return r.frame(), nil
}

// frame puts the inner event into the framing of server-sent events. JSON has no line breaks but
// between its tokens, where they mean nothing.
func (r *Reader) frame() event {
	for i, c := range r.inner {
		if c == '\n' || c == '\r' {
			r.inner[i] = ' '
		}
	}
	f := append(append(r.framed[:0], "event: "...), r.name...)
	f = append(append(f, "\ndata: "...), r.inner...)
	r.framed = append(f, "\n\n"...)
	return event{name: r.name, data: r.inner, raw: r.framed}
}

// appendAnthropicError appends an error event's data of Anthropic's API for an exception.
func appendAnthropicError(dst []byte, exception string, data []byte) []byte {
	kind := "api_error"
	switch exception {
	case "throttlingException":
		kind = "rate_limit_error"
	case "validationException":
		kind = "invalid_request_error"
	case "serviceUnavailableException":
		kind = "overloaded_error"
	case "modelTimeoutException":
		kind = "timeout_error"
	}
	dst = append(append(append(dst, `{"type":"error","error":{"type":"`...), kind...), `","message":`...)
	return append(rawjson.AppendQuoted(dst, exceptionMessage(exception, data)), "}}"...)
}

// exceptionMessage returns what an exception says, or else its name.
func exceptionMessage(exception string, data []byte) string {
	var o rawjson.Object
	if o.Parse(data, maxDepth) == nil {
		for _, name := range [...]string{"message", "Message", "originalMessage"} {
			if i := o.Find(name); i >= 0 && o.Kind(i) == rawjson.String && len(o.Value(i)) > 2 {
				return rawjson.Unquote(o.Value(i))
			}
		}
	}
	return exception
}
