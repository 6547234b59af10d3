package bedrock

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/lakegate/lakegate/serving/sse"
)

// message frames an event as Bedrock does.
func message(t testing.TB, headers map[string]string, payload string) []byte {
	t.Helper()
	m := eventstream.Message{Payload: []byte(payload)}
	for _, name := range []string{":message-type", ":event-type", ":exception-type", ":content-type", ":error-code", ":error-message"} {
		if v, ok := headers[name]; ok {
			m.Headers.Set(name, eventstream.StringValue(v))
		}
	}
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func eventMessage(t testing.TB, name, payload string) []byte {
	return message(t, map[string]string{":message-type": "event", ":event-type": name, ":content-type": "application/json"}, payload)
}

func exceptionMessageBytes(t testing.TB, name, payload string) []byte {
	return message(t, map[string]string{":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}, payload)
}

func chunk(t testing.TB, inner string) []byte {
	return eventMessage(t, "chunk", `{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(inner))+`","p":"abcd"}`)
}

// readAll writes what a reader gives, an event a line and the last error.
func readAll(r *Reader, raw bool) string {
	var s strings.Builder
	for range 1000 {
		name, data, framed, err := r.Next()
		if err != nil {
			fmt.Fprintf(&s, "error: %v", err)
			if _, _, _, again := r.Next(); !errors.Is(again, err) {
				fmt.Fprintf(&s, ", then %v", again)
			}
			return s.String()
		}
		fmt.Fprintf(&s, "%s %s", name, data)
		if raw {
			fmt.Fprintf(&s, " %q", framed)
		}
		s.WriteByte('\n')
	}
	return s.String() + "and so on"
}

func stream(t testing.TB) []byte {
	return bytes.Join([][]byte{
		eventMessage(t, "messageStart", `{"role":"assistant"}`),
		eventMessage(t, "contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"ä☀"}}`),
		message(t, map[string]string{":content-type": "application/json"}, `{"no":"event"}`),
		eventMessage(t, "empty", ""),
		exceptionMessageBytes(t, "throttlingException", `{"message":"slow down"}`),
		message(t, map[string]string{":message-type": "error", ":error-code": "InternalError", ":error-message": "it \"broke\""}, ""),
	}, nil)
}

const wantStream = `messageStart {"role":"assistant"}
contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"ä☀"}}
empty 
throttlingException {"message":"slow down"}
InternalError {"message":"it \"broke\""}
`

func TestReader(t *testing.T) {
	b := stream(t)
	for name, src := range map[string]io.Reader{
		"at once":       bytes.NewReader(b),
		"byte by byte":  iotest.OneByteReader(bytes.NewReader(b)),
		"halves":        iotest.HalfReader(bytes.NewReader(b)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(b)),
	} {
		if got := readAll(NewReader(src, 1<<20, nil), false); got != wantStream+"error: EOF" {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// TestReaderCutAnywhere splits a stream in two reads at every byte, and ends it at every byte.
func TestReaderCutAnywhere(t *testing.T) {
	b := stream(t)
	buf := make([]byte, 0, 64)
	for i := range b {
		src := io.MultiReader(bytes.NewReader(b[:i]), bytes.NewReader(b[i:]))
		r := NewReader(src, 1<<20, buf)
		if got := readAll(r, false); got != wantStream+"error: EOF" {
			t.Fatalf("split at %d:\n%s", i, got)
		}
		buf = r.Buffer()
		got := readAll(NewReader(bytes.NewReader(b[:i]), 1<<20, nil), false)
		whole, last := got[:strings.LastIndex(got, "error:")], got[strings.LastIndex(got, "error:"):]
		if !strings.HasPrefix(wantStream, whole) || last != "error: EOF" && last != "error: unexpected EOF" {
			t.Fatalf("ended at %d:\n%s", i, got)
		}
	}
}

// TestReaderDamage flips every bit of a stream: what comes is a part of the right events, then an
// error. No damage passes for an event.
func TestReaderDamage(t *testing.T) {
	b := stream(t)
	for i := range len(b) * 8 {
		damaged := bytes.Clone(b)
		damaged[i/8] ^= 1 << (i % 8)
		got := readAll(NewReader(bytes.NewReader(damaged), 1<<20, nil), false)
		whole := got[:strings.LastIndex(got, "error:")]
		if !strings.HasPrefix(wantStream, whole) || !strings.Contains(got, "error: damaged event stream") {
			t.Fatalf("bit %d flipped:\n%s", i, got)
		}
	}
}

func TestReaderBounds(t *testing.T) {
	long := eventMessage(t, "messageStart", strings.Repeat("x", 5000))
	r := NewReader(bytes.NewReader(long), 4096, nil)
	if _, _, _, err := r.Next(); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("got %v", err)
	}
	// A length that can't be is no reason to wait for what will not come.
	for _, bad := range [][]byte{[]byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"), []byte("data: {\"text\":\"an event of SSE\"}\n\n"), make([]byte, 64)} {
		if _, _, _, err := NewReader(bytes.NewReader(bad), 1<<20, nil).Next(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	broken := errors.New("connection reset")
	r = NewReader(io.MultiReader(bytes.NewReader(long[:100]), iotest.ErrReader(broken)), 1<<20, nil)
	if _, _, _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestReaderHandsOutBeforeItWaits: whoever reads must be able to send what is there before the
// source is read again.
func TestReaderHandsOutBeforeItWaits(t *testing.T) {
	first, second := eventMessage(t, "a", "{}"), eventMessage(t, "b", "{}")
	var log []string
	r := NewReader(readerFunc(func(p []byte) (int, error) {
		log = append(log, "read")
		switch len(log) {
		case 1:
			return copy(p, append(first, second...)), nil
		case 4:
			return copy(p, first), nil
		default:
			return 0, io.EOF
		}
	}), 1<<20, nil)
	for {
		name, _, _, err := r.Next()
		if err != nil {
			break
		}
		log = append(log, string(name))
	}
	if got := strings.Join(log, " "); got != "read a b read a read" {
		t.Errorf("got %s", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestUnwrap(t *testing.T) {
	b := bytes.Join([][]byte{
		chunk(t, `{"type":"message_start","message":{"model":"claude"}}`),
		chunk(t, "{\"type\":\n\"ping\"}"),
		chunk(t, ""),
		chunk(t, `not json`),
		eventMessage(t, "other", `{}`),
		exceptionMessageBytes(t, "throttlingException", `{"message":"slow \"down\""}`),
		exceptionMessageBytes(t, "modelStreamErrorException", `{"originalMessage":"bad","originalStatusCode":500}`),
		exceptionMessageBytes(t, "internalServerException", `<html>`),
	}, nil)
	r := NewReader(iotest.OneByteReader(bytes.NewReader(b)), 1<<20, nil)
	r.Unwrap = true
	const want = `message_start {"type":"message_start","message":{"model":"claude"}} "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude\"}}\n\n"
ping {"type": "ping"} "event: ping\ndata: {\"type\": \"ping\"}\n\n"
chunk not json "event: chunk\ndata: not json\n\n"
error {"type":"error","error":{"type":"rate_limit_error","message":"slow \"down\""}} "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow \\\"down\\\"\"}}\n\n"
error {"type":"error","error":{"type":"api_error","message":"bad"}} "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"bad\"}}\n\n"
error {"type":"error","error":{"type":"api_error","message":"internalServerException"}} "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"internalServerException\"}}\n\n"
error: EOF`
	if got := readAll(r, true); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, bad := range []string{`{"bytes":"*"}`, `{"bytes":`} {
		r := NewReader(bytes.NewReader(eventMessage(t, "chunk", bad)), 1<<20, nil)
		r.Unwrap = true
		if _, _, _, err := r.Next(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(stream(f), false)
	f.Add(chunk(f, `{"type":"ping"}`), true)
	f.Add([]byte("data: {}\n\n"), true)
	f.Fuzz(func(t *testing.T, b []byte, unwrap bool) {
		once := NewReader(bytes.NewReader(b), 1<<16, nil)
		bits := NewReader(iotest.OneByteReader(bytes.NewReader(b)), 1<<16, nil)
		once.Unwrap, bits.Unwrap = unwrap, unwrap
		if a, b := readAll(once, true), readAll(bits, true); a != b {
			t.Errorf("at once:\n%s\nbyte by byte:\n%s", a, b)
		}
	})
}
