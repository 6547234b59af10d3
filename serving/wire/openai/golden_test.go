package openai

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

func TestClientRequests(t *testing.T) {
	goldentest.Run(t, "testdata/client/*.json", func(t *testing.T, in []byte) string {
		r, err := decodeChat(in)
		if err != nil {
			return fmt.Sprintf("# refused: %s (at %s)\n", err.Message, err.Param)
		}
		body, lost, err := encodeChat(r, chat.Options{Model: "gpt-4o", Stream: r.Stream})
		if err != nil {
			t.Fatal(err)
		}
		out := "# decoded\n" + goldentest.Lean(r) + "# encoded for gpt-4o\n" + goldentest.Indented(t, body)
		if len(lost) > 0 {
			out += "# lost\n" + goldentest.Lean(lost)
		}
		return out
	})
}

func TestProviderAnswers(t *testing.T) {
	goldentest.Run(t, "testdata/provider/*.json", func(t *testing.T, in []byte) string {
		a, err := decodeChatAnswer(in)
		if err != nil {
			e, _ := wire.ParseError(in)
			return fmt.Sprintf("# no answer: %v\n%s", err, goldentest.Lean(e))
		}
		return "# decoded\n" + goldentest.Lean(a) + "# encoded\n" + goldentest.Indented(t, encodeChatAnswer(a, &chat.Request{}))
	})
}

// events reads the events of a stream.
func events(t *testing.T, in []byte) (names, data [][]byte) {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(in), 1<<20, nil)
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, data
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, bytes.Clone(ev.Name))
		data = append(data, bytes.Clone(ev.Data))
	}
}

// translate decodes a stream and encodes it again.
func translate(t *testing.T, in []byte, d chat.Decoder, e chat.Encoder) (deltas []string, out []byte) {
	t.Helper()
	ended := false
	take := func(ds []chat.Delta) {
		for i := range ds {
			deltas = append(deltas, goldentest.Line(leanDelta(ds[i])))
			if ended = ds[i].Kind == chat.DeltaEnd; !ended {
				out = e.Append(out, &ds[i])
			}
		}
	}
	names, data := events(t, in)
	for i := range data {
		ds, err := d.Decode(names[i], data[i])
		if err != nil {
			deltas = append(deltas, "unread: "+err.Error())
		}
		take(ds)
		clear(data[i])
	}
	take(d.Close())
	if !ended {
		t.Fatal("the last delta is no end")
	}
	return deltas, e.AppendEnd(out)
}

// leanDelta keeps Raw readable.
func leanDelta(d chat.Delta) any {
	return struct {
		chat.Delta
		Usage any
	}{d, usageOf(d)}
}

func usageOf(d chat.Delta) any {
	if d.Kind != chat.DeltaUsage {
		return nil
	}
	return d.Usage
}

func TestProviderStreams(t *testing.T) {
	goldentest.Run(t, "testdata/provider/*.sse", func(t *testing.T, in []byte) string {
		deltas, out := translate(t, in, newChatDecoder(), newChatEncoder(&chat.Request{WantsUsage: true}))
		return "# deltas\n" + strings.Join(deltas, "\n") + "\n# encoded\n" + string(out)
	})
}
