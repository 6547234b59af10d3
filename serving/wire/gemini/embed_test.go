package gemini

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

func TestEmbedRequests(t *testing.T) {
	goldentest.Run(t, "testdata/embed/client_*.json", func(t *testing.T, in []byte) string {
		r, err := decodeEmbed(in)
		if err != nil {
			return fmt.Sprintf("# refused: %s (at %s)\n", err.Message, err.Param)
		}
		out := "# decoded\n" + goldentest.Lean(r)
		if n := embedChars(in); n != nil {
			out += fmt.Sprintf("characters: %d\n", *n)
		}
		for _, side := range []struct {
			name  string
			codec *chat.EmbedCodec
		}{{"the Gemini API", EmbeddingsCodec().Embed}, {"Vertex AI", VertexEmbeddingsCodec().Embed}} {
			body, lost, err := side.codec.EncodeRequest(r, chat.Options{Model: "gemini-embedding-001"})
			if err != nil {
				t.Fatal(err)
			}
			out += "# encoded for " + side.name + "\n" + goldentest.Indented(t, body) + goldentest.Lean(lost)
		}
		return out
	})
}

func TestEmbedRequestLosses(t *testing.T) {
	r := &chat.EmbedRequest{Texts: []string{"a"}, User: "u", Kind: "image", Truncate: "START"}
	for _, c := range []*chat.EmbedCodec{EmbeddingsCodec().Embed, VertexEmbeddingsCodec().Embed} {
		_, lost, err := c.EncodeRequest(r, chat.Options{})
		if err != nil || len(lost) != 3 {
			t.Errorf("%v %v", lost, err)
		}
		if _, _, err := c.EncodeRequest(&chat.EmbedRequest{Tokens: [][]int64{{1}}}, chat.Options{}); err == nil || err.Param != "input" {
			t.Errorf("tokens: %v", err)
		}
	}
}

func TestEmbedAnswers(t *testing.T) {
	goldentest.Run(t, "testdata/embed/provider_*.json", func(t *testing.T, in []byte) string {
		codec := EmbeddingsCodec()
		if bytes.Contains(in, []byte(`"predictions"`)) {
			codec = VertexEmbeddingsCodec()
		}
		parsed, err := codec.ParseAnswer(in)
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprintf("# parsed\nusage %s, failed %v\n%s\n", show(parsed.Usage), parsed.Failed, parsed.Usage.Raw)
		a, err := codec.Embed.DecodeAnswer(in)
		if err != nil {
			return out + "# refused: " + err.Error() + "\n"
		}
		if show(a.Usage) != show(parsed.Usage) {
			t.Error("translated, the usage is another")
		}
		out += "# one\n" + string(encodeEmbedAnswer(a, &chat.EmbedRequest{Single: true})) + "\n"
		return out + "# many\n" + string(encodeEmbedAnswer(a, &chat.EmbedRequest{})) + "\n"
	})
}

func TestCount(t *testing.T) {
	for body, want := range map[string]int64{
		`{"contents":[{"parts":[{"text":"four"}]}]}`: 4,
		`{"generateContentRequest":{"model":"models/x","contents":[{"parts":[{"text":"four"}]}],"systemInstruction":{"parts":[{"text":"six 66"}]}}}`: 10,
	} {
		if n := CountCodec().InputChars([]byte(body)); n == nil || *n != want {
			t.Errorf("%s: %v characters, want %d", body, n, want)
		}
	}
	a, err := CountCodec().ParseAnswer([]byte(`{"totalTokens":31,"promptTokensDetails":[{"modality":"TEXT","tokenCount":31}]}`))
	if err != nil || a.HasUsage || a.Failed {
		t.Errorf("%+v %v", a, err)
	}
}

func FuzzEmbed(f *testing.F) {
	seed(f, "testdata/embed/*.json")
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeEmbed(b); err == nil {
			for _, c := range []*chat.EmbedCodec{EmbeddingsCodec().Embed, VertexEmbeddingsCodec().Embed} {
				if body, _, err := c.EncodeRequest(r, chat.Options{}); err == nil && !json.Valid(body) {
					t.Errorf("%s", body)
				}
			}
		}
		embedChars(b)
		for _, decode := range []func([]byte) (*chat.EmbedAnswer, error){decodeEmbedAnswer, decodePredictions} {
			if a, err := decode(b); err == nil {
				if out := encodeEmbedAnswer(a, &chat.EmbedRequest{}); !json.Valid(out) {
					t.Errorf("%s", out)
				}
			}
		}
	})
}
