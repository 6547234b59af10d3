package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

func TestCompletionRequests(t *testing.T) {
	goldentest.Run(t, "testdata/completions/client/*.json", func(t *testing.T, in []byte) string {
		r, err := decodeCompletion(in)
		if err != nil {
			return fmt.Sprintf("# refused: %s (at %s)\n", err.Message, err.Param)
		}
		return "# decoded\n" + goldentest.Lean(r)
	})
}

// TestCompletionAnswers writes answers of chats as completions.
func TestCompletionAnswers(t *testing.T) {
	for _, name := range []string{"text", "refusal", "filter", "stop_length", "choices", "reasoning"} {
		a, err := decodeChatAnswer(goldentest.Read(t, "testdata/provider/"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		whole := goldentest.Indented(t, encodeCompletion(a, &chat.Request{}))
		_, stream := translate(t, goldentest.Read(t, "testdata/provider/"+name+".sse"), newChatDecoder(), Completions().Chat.NewEncoder(&chat.Request{WantsUsage: true}))
		goldentest.Same(t, "testdata/completions/provider/"+name+".golden", whole+string(stream))
	}
}

func TestEmbedRequests(t *testing.T) {
	goldentest.Run(t, "testdata/embeddings/client/*.json", func(t *testing.T, in []byte) string {
		r, err := decodeEmbed(in)
		if err != nil {
			return fmt.Sprintf("# refused: %s (at %s)\n", err.Message, err.Param)
		}
		body, lost, err := encodeEmbed(r, chat.Options{Model: "text-embedding-3-small"})
		if err != nil {
			t.Fatal(err)
		}
		out := "# decoded\n" + goldentest.Lean(r) + "# encoded\n" + goldentest.Indented(t, body)
		if len(lost) > 0 {
			out += "# lost\n" + goldentest.Lean(lost)
		}
		return out
	})
}

func TestEmbedAnswers(t *testing.T) {
	goldentest.Run(t, "testdata/embeddings/provider/*.json", func(t *testing.T, in []byte) string {
		a, err := decodeEmbedAnswer(in)
		if err != nil {
			return fmt.Sprintf("# no answer: %v\n", err)
		}
		return "# as numbers\n" + goldentest.Indented(t, encodeEmbedAnswer(a, &chat.EmbedRequest{})) +
			"# as base64\n" + goldentest.Indented(t, encodeEmbedAnswer(a, &chat.EmbedRequest{Base64: true})) + "# usage " + classes(a.Usage) + "\n"
	})
}

// TestBase64KeepsEveryFloat: base64 to numbers and back gives the same bits.
func TestBase64KeepsEveryFloat(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	vector := []byte{'['}
	for i := range 2000 {
		if i > 0 {
			vector = append(vector, ',')
		}
		vector = strconv.AppendFloat(vector, (rnd.Float64()-0.5)*float64(uint64(1)<<rnd.IntN(40)), 'g', -1, 64)
	}
	once := appendBase64(nil, append(vector, ']'))
	back, err := numbers(string(once[1 : len(once)-1]))
	if err != nil {
		t.Fatal(err)
	}
	if twice := appendBase64(nil, back); !bytes.Equal(once, twice) || !json.Valid(back) {
		t.Errorf("seed %d: the bits changed", seed)
	}
}

// TestPassThrough reads the answers and streams of APIs that are not translated; files are named
// by the codec that reads them.
func TestPassThrough(t *testing.T) {
	codecs := map[string]*wire.Codec{
		"images": Images(), "speech": Speech(), "transcripts": Transcripts(), "moderations": Moderations(), "rerank": Rerank(),
	}
	codecOf := func(file string) *wire.Codec {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		return codecs[name]
	}
	for _, file := range goldentest.Files(t, "testdata/pass/*.json") {
		a, err := codecOf(file).ParseAnswer(goldentest.Read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		goldentest.Same(t, file+".golden", goldentest.Lean(a))
	}
	for _, file := range goldentest.Files(t, "testdata/pass/*.sse") {
		tr := codecOf(file).NewTracker(true)
		var out strings.Builder
		names, data := events(t, goldentest.Read(t, file))
		for i := range data {
			fmt.Fprintf(&out, "%+v\n", tr.Add(names[i], data[i]))
			clear(data[i])
		}
		r := tr.Result()
		fmt.Fprintf(&out, "complete %v, started %v, %d events, usage %s\n", r.Complete, r.Started, r.Events, classes(r.Usage))
		if r.OutputChars != nil {
			fmt.Fprintf(&out, "%d characters\n", *r.OutputChars)
		}
		goldentest.Same(t, file+".golden", out.String()+goldentest.Indented(t, r.Joined))
	}
}

func TestSoundAndTextPass(t *testing.T) {
	if a, err := Speech().ParseAnswer([]byte("ID3\x04\x00binary")); err != nil || a.HasUsage {
		t.Errorf("sound: %+v, %v", a, err)
	}
	if a, err := Transcripts().ParseAnswer([]byte("1\n00:00 --> 00:01\nä")); err != nil || *a.OutputChars != 19 {
		t.Errorf("text: %+v, %v", a, err)
	}
}

func TestAgentAnswer(t *testing.T) {
	a, err := ParseAnswer([]byte(`{"messages":[{"role":"assistant","content":"sunny","id":"1"},{"role":"tool","content":"18"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
	if err != nil || a.OutputChars == nil || *a.OutputChars != 7 || !a.HasUsage {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestInputCharsOfParts(t *testing.T) {
	for body, want := range map[string]int64{
		` {"input":[{"type":"text","text":"äb"},{"type":"image_url","image_url":{"url":"x"}}]}`:                   2,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"abc"}]},{"role":"system","content":"d"}]}`: 4,
		`{"prompt":"hello"}`: 5,
	} {
		if got := InputChars([]byte(body)); got == nil || *got != want {
			t.Errorf("%s: %v, want %d", body, got, want)
		}
	}
}
