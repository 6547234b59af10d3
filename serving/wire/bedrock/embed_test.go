package bedrock

import (
	"net/http"
	"testing"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

func TestEmbedRequests(t *testing.T) {
	n := int64(256)
	for _, tt := range []struct {
		name  string
		codec *wire.Codec
		model string
		r     chat.EmbedRequest
		want  string // body, or error
		lost  string
	}{
		{"titan", TitanEmbed(), "amazon.titan-embed-text-v2:0", chat.EmbedRequest{Texts: []string{"a <b>"}, Dimensions: &n}, `{"dimensions":256,"inputText":"a <b>"}`, ""},
		{"titan's first", TitanEmbed(), "amazon.titan-embed-text-v1", chat.EmbedRequest{Texts: []string{"a"}, Dimensions: &n}, `{"inputText":"a"}`, "dimensions"},
		{"titan of pictures", TitanEmbed(), "amazon.titan-embed-image-v1", chat.EmbedRequest{Texts: []string{"a"}, Dimensions: &n}, `{"embeddingConfig":{"outputEmbeddingLength":256},"inputText":"a"}`, ""},
		{"titan, two texts", TitanEmbed(), "amazon.titan-embed-text-v2:0", chat.EmbedRequest{Texts: []string{"a", "b"}}, "Amazon's Titan embeds one text in a call, not 2; send them one by one", ""},
		{"titan, tokens", TitanEmbed(), "amazon.titan-embed-text-v2:0", chat.EmbedRequest{Tokens: [][]int64{{1}}}, "Amazon's Titan embeds text, not tokens; send a string", ""},
		{"titan, losses", TitanEmbed(), "amazon.titan-embed-text-v2:0", chat.EmbedRequest{Texts: []string{"a"}, User: "u", Kind: "clustering", Truncate: "END"}, `{"inputText":"a"}`, "user input_type truncate"},
		{"cohere", CohereEmbed(), "cohere.embed-english-v3", chat.EmbedRequest{Texts: []string{"a", "b"}, Truncate: "START"}, `{"texts":["a","b"],"input_type":"search_document","embedding_types":["float"],"truncate":"START"}`, ""},
		{"cohere's fourth", CohereEmbed(), "us.cohere.embed-v4:0", chat.EmbedRequest{Texts: []string{"a"}, Truncate: "START", Dimensions: &n, Kind: "search_query"}, `{"texts":["a"],"input_type":"search_query","embedding_types":["float"],"output_dimension":256,"truncate":"LEFT"}`, ""},
		{"cohere, tokens", CohereEmbed(), "cohere.embed-english-v3", chat.EmbedRequest{Tokens: [][]int64{{1}}}, "Cohere's API embeds texts, not tokens; send strings", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body, lost, err := tt.codec.Embed.EncodeRequest(&tt.r, chat.Options{Model: tt.model})
			got, at := string(body), ""
			if err != nil {
				got = err.Message
			}
			for i, l := range lost {
				if i > 0 {
					at += " "
				}
				at += l.Field
			}
			if got != tt.want || at != tt.lost {
				t.Errorf("got  %s, lost %q\nwant %s, lost %q", got, at, tt.want, tt.lost)
			}
		})
	}
}

func TestEmbedAnswers(t *testing.T) {
	const titan = `{"embedding":[0.5,-1e-05],"embeddingsByType":{"float":[0.5,-1e-05]},"inputTextTokenCount":7}`
	a, err := TitanEmbed().Embed.DecodeAnswer([]byte(titan))
	if err != nil || len(a.Vectors) != 1 || string(a.Vectors[0]) != "[0.5,-1e-05]" || usageText(a.Usage, a.HasUsage) != `in 7 out 0 total 7 cached - written - 1h - tier "" raw {"inputTextTokenCount":7}` {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = CohereEmbed().Embed.DecodeAnswer([]byte(`{"embeddings":{"float":[[1],[2]]},"id":"x","response_type":"embeddings_by_type","texts":["a","b"]}`))
	if err != nil || len(a.Vectors) != 2 || a.HasUsage {
		t.Errorf("%+v, %v", a, err)
	}
	p, err := TitanEmbed().ParseAnswer([]byte(`{"message":"Malformed input request"}`))
	if err != nil || !p.Failed || p.HasUsage {
		t.Errorf("%+v, %v", p, err)
	}
	for _, b := range append([]string{`{"embedding":7}`, `{"message":null}`, `{"embeddings":{}}`}, broken...) {
		for _, c := range []*wire.Codec{TitanEmbed(), CohereEmbed()} {
			_, _ = c.ParseAnswer([]byte(b))
			if a, err := c.Embed.DecodeAnswer([]byte(b)); err == nil && len(a.Vectors) == 0 {
				t.Errorf("%s %q: no vectors and no error", c.Format, b)
			}
		}
	}
}

func TestHeaderUsage(t *testing.T) {
	h := http.Header{}
	if u, ok := HeaderUsage(h); ok {
		t.Errorf("nothing gives %+v", u)
	}
	h.Set("x-amzn-bedrock-input-token-count", "12")
	u, ok := HeaderUsage(h)
	if got := usageText(u, ok); got != `in 12 out 0 total 12 cached - written - 1h - tier "" raw {"x-amzn-bedrock-input-token-count":12,"x-amzn-bedrock-output-token-count":0}` {
		t.Error(got)
	}
	h.Set("x-amzn-bedrock-input-token-count", "many")
	if u, ok := HeaderUsage(h); ok {
		t.Errorf("nonsense gives %+v", u)
	}
}
