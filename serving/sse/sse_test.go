package sse

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// read returns the events of a stream as text, and the error at its end when it isn't EOF.
func read(t *testing.T, src io.Reader, maxEvent int) (string, error) {
	t.Helper()
	var s strings.Builder
	r := NewReader(src, maxEvent, nil)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return s.String(), nil
		}
		if err != nil {
			return s.String(), err
		}
		if len(e.Data) == 0 {
			continue
		}
		s.WriteString("[")
		if e.Name != nil {
			s.WriteString(string(e.Name) + "|")
		}
		s.Write(e.Data)
		if e.Cut {
			s.WriteString("|cut")
		}
		s.WriteString("]")
	}
}

var streams = []struct{ name, in, want string }{
	{"plain", "data: a\n\ndata: b\n\n", "[a][b]"},
	{"no space", "data:a\n\ndata:  b\n\n", "[a][ b]"},
	{"crlf", "data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]"},
	{"cr", "data: a\r\rdata: b\r\r", "[a][b]"},
	{"mixed ends", "data: a\r\n\ndata: b\r\r\ndata: c\n\r\n", "[a][b][c]"},
	{"byte order mark", "\ufeffdata: a\n\n", "[a]"},
	{"comments", ": ping\n\ndata: a\n: in between\ndata: b\n\n:\n\n", "[a\nb]"},
	{"many lines", "data: {\ndata: \"a\":1\ndata:\ndata: }\n\n", "[{\n\"a\":1\n\n}]"},
	{"other fields", "event: delta\nid: 7\nretry: 10\ndata: a\nunknown\n\n", "[delta|a]"},
	{"name without data", "event: ping\n\ndata: a\n\n", "[a]"},
	{"empty data", "data:\n\ndata\n\ndata: a\n\n", "[a]"},
	{"no blank line at the end", "data: a\n\ndata: [DONE]\n", "[a][[DONE]|cut]"},
	{"no end of line at the end", "data: a\n\ndata: [DONE]", "[a][[DONE]|cut]"},
	{"ends in the middle", "data: a\n\ndata: {\"x\":", "[a][{\"x\":|cut]"},
	{"blank lines", "\n\n\ndata: a\n\n\n\n", "[a]"},
	{"unicode", "data: grüße 😀\n\n", "[grüße 😀]"},
	{"nothing", "", ""},
}

func TestReader(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			for cut, wrap := range map[string]func(io.Reader) io.Reader{
				"whole":           func(r io.Reader) io.Reader { return r },
				"byte by byte":    iotest.OneByteReader,
				"halves":          iotest.HalfReader,
				"end with data":   iotest.DataErrReader,
				"empty reads too": func(r io.Reader) io.Reader { return &stutter{r: r} },
			} {
				got, err := read(t, wrap(strings.NewReader(tt.in)), 1<<10)
				if err != nil || got != tt.want {
					t.Errorf("%s: got %q, %v, want %q", cut, got, err, tt.want)
				}
			}
		})
	}
}

// stutter gives every second read nothing, as a reader may.
type stutter struct {
	r  io.Reader
	on bool
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.on = !s.on; s.on {
		return 0, nil
	}
	return s.r.Read(p[:min(3, len(p))])
}

func TestErrorComesAfterTheEventsBeforeIt(t *testing.T) {
	boom := errors.New("connection reset")
	src := io.MultiReader(strings.NewReader("data: a\n\ndata: b\n\ndata: half"), iotest.ErrReader(boom))
	got, err := read(t, src, 1<<10)
	if got != "[a][b]" || !errors.Is(err, boom) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBounds(t *testing.T) {
	for name, in := range map[string]string{
		"one line":   "data: " + strings.Repeat("x", 2000) + "\n\n",
		"endless":    "data: " + strings.Repeat("x", 1<<20),
		"many lines": strings.Repeat("data: xxxxxxxxxxxxxxxxxxxxxxxx\n", 100) + "\n",
	} {
		if got, err := read(t, strings.NewReader("data: a\n\n"+in), 1000); !errors.Is(err, ErrTooLong) || got != "[a]" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	big := strings.Repeat("x", 1<<20)
	got, err := read(t, iotest.HalfReader(strings.NewReader("data: "+big+"\n\n")), 2<<20)
	if err != nil || got != "["+big+"]" {
		t.Errorf("a big event within the bound: %d bytes, %v", len(got), err)
	}
}

// TestReadsNoMoreThanItMust: events that are there are given before the source is read again.
func TestReadsNoMoreThanItMust(t *testing.T) {
	for in, want := range map[string]int{"data: a\n\ndata: b\n\n": 1, "data: a\r\n\r\n: c\r\n\r\n": 1} {
		reads := 0
		r := NewReader(readerFunc(func(p []byte) (int, error) {
			reads++
			return copy(p, in), nil
		}), 100, nil)
		for range 2 {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		if reads != want {
			t.Errorf("%d reads for two events that came together, want %d", reads, want)
		}
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestRawAddsUp: the bytes of all events are the stream, however it is cut, and the end of a CRLF
// belongs to the event it ends.
func TestRawAddsUp(t *testing.T) {
	for _, tt := range streams {
		for cut, src := range map[string]io.Reader{"whole": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in))} {
			if got := raw(t, src, 1<<10); got != tt.in {
				t.Errorf("%s, %s: %q came out as %q", tt.name, cut, tt.in, got)
			}
		}
	}
	in := "event: x\r\ndata: a\r\n\r\n: ping\r\n\r\ndata: b\r\n\r\n"
	r := NewReader(iotest.OneByteReader(strings.NewReader(in)), 100, nil)
	for _, want := range []string{"event: x\r\ndata: a\r\n\r\n", ": ping\r\n\r\n", "data: b\r\n\r\n"} {
		if e, err := r.Next(); err != nil || string(e.Raw) != want {
			t.Errorf("got %q, %v, want %q", e.Raw, err, want)
		}
	}
}

// raw returns the bytes of all events.
func raw(t *testing.T, src io.Reader, maxEvent int) string {
	t.Helper()
	var s strings.Builder
	r := NewReader(src, maxEvent, nil)
	for {
		e, err := r.Next()
		if err != nil {
			return s.String()
		}
		s.Write(e.Raw)
	}
}

func TestDataOnly(t *testing.T) {
	for in, want := range map[string]string{
		"event: a\ndata: 1\n\ndata: 2\n\n":                         "data: 1\n\ndata: 2\n\n",
		": c\n\nevent: a\nid: 7\ndata: 1\ndata: x\n\nevent: b\n\n": "data: 1\ndata: x\n\n",
		"": "",
	} {
		if got := string(DataOnly([]byte(in))); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestAppendEventRoundTrip(t *testing.T) {
	for _, data := range []string{"a", "two\nlines", "ends in\n", "\nstarts", "a\n\nb", "{}"} {
		got, err := read(t, bytes.NewReader(AppendEvent(nil, []byte(data))), 100)
		if err != nil || got != "["+data+"]" {
			t.Errorf("%q came back as %q, %v", data, got, err)
		}
	}
}

// TestCutsDoNotMatter cuts random streams at random places.
func TestCutsDoNotMatter(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 2))
	pieces := []string{"data: x\n", "data: {\"a\":1}\r\n", "\n", "\r\n", "\r", ": c\n", "event: e\n", "data:\n", "id: 1\r"}
	for range 500 {
		var in strings.Builder
		for range rnd.IntN(30) {
			in.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		want, err := read(t, strings.NewReader(in.String()), 1<<10)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(t, &randomCuts{b: []byte(in.String()), rnd: rnd}, 1<<10)
		if err != nil || got != want {
			t.Fatalf("seed %d: %q: got %q, %v, want %q", seed, in.String(), got, err, want)
		}
	}
}

type randomCuts struct {
	b   []byte
	rnd *rand.Rand
}

func (r *randomCuts) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+r.rnd.IntN(7))], r.b)
	r.b = r.b[n:]
	return n, nil
}

// FuzzReader: no panic, the same events whole and byte by byte, and no byte lost.
func FuzzReader(f *testing.F) {
	for _, tt := range streams {
		f.Add([]byte(tt.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err := read(t, bytes.NewReader(in), 64)
		bytewise, err2 := read(t, iotest.OneByteReader(bytes.NewReader(in)), 64)
		if (err == nil) != (err2 == nil) || err == nil && whole != bytewise {
			t.Fatalf("%q: whole %q (%v), byte by byte %q (%v)", in, whole, err, bytewise, err2)
		}
		if got := raw(t, bytes.NewReader(in), 64); err == nil && got != string(in) {
			t.Fatalf("%q came out as %q", in, got)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	chunk := `data: {"id":"chatcmpl-D8Z5oo6uDh67AD85p73ksdT1KxhE0","object":"chat.completion.chunk","created":1770933892,"model":"gpt-4.1-nano-2025-04-14","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"
	in := []byte(strings.Repeat(chunk, 50))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	buf := make([]byte, 0, firstRead)
	for b.Loop() {
		r := NewReader(bytes.NewReader(in), 1<<20, buf)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		buf = r.Buffer()
	}
}
