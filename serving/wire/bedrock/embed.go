package bedrock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/cohere"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// TitanEmbed is the codec of InvokeModel with Amazon's embedding models, which take one text.
func TitanEmbed() *wire.Codec {
	return &wire.Codec{
		Format:      wire.BedrockTitanEmbed,
		Operation:   wire.OpEmbeddings,
		ParseAnswer: parseTitan,
		HeaderUsage: HeaderUsage,
		Embed:       &chat.EmbedCodec{EncodeRequest: encodeTitan, DecodeAnswer: decodeTitan},
	}
}

// CohereEmbed is the codec of InvokeModel with Cohere's embedding models: Cohere's own bodies
// without the model, and the usage in the header of the answer.
func CohereEmbed() *wire.Codec {
	c := cohere.Embed()
	return &wire.Codec{
		Format:      wire.BedrockCohereEmbed,
		Operation:   wire.OpEmbeddings,
		ParseAnswer: c.ParseAnswer,
		HeaderUsage: HeaderUsage,
		Embed:       &chat.EmbedCodec{EncodeRequest: encodeCohere, DecodeAnswer: c.Embed.DecodeAnswer},
	}
}

// HeaderUsage reads the counts that InvokeModel gives in the header of its answer, whatever the
// model. Raw has them as an object.
func HeaderUsage(h http.Header) (inference.Usage, bool) {
	var u inference.Usage
	in, out := h.Get("X-Amzn-Bedrock-Input-Token-Count"), h.Get("X-Amzn-Bedrock-Output-Token-Count")
	count(&u.Input, []byte(in))
	count(&u.Output, []byte(out))
	if u.Input == nil {
		return inference.Usage{}, false
	}
	if u.Output == nil {
		u.Output = new(int64)
	}
	u.Total = sum(u.Input, u.Output)
	u.Source = inference.UsageProvider
	u.Raw = fmt.Appendf(nil, `{"x-amzn-bedrock-input-token-count":%d,"x-amzn-bedrock-output-token-count":%d}`, *u.Input, *u.Output)
	return u, true
}

// encodeTitan writes a request for Titan: its first generation knows no dimensions, and the model
// that embeds pictures too has another word for them.
func encodeTitan(r *chat.EmbedRequest, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	if len(r.Tokens) > 0 {
		return nil, nil, apierr.New(apierr.InvalidParameter, "Amazon's Titan embeds text, not tokens; send a string").At("input")
	}
	if len(r.Texts) != 1 {
		return nil, nil, apierr.New(apierr.InvalidParameter, "Amazon's Titan embeds one text in a call, not %d; send them one by one", len(r.Texts)).At("input")
	}
	lost := titanLosses(r)
	body := object{"inputText": r.Texts[0]}
	switch {
	case r.Dimensions == nil:
	case strings.Contains(o.Model, "titan-embed-image"):
		body["embeddingConfig"] = object{"outputEmbeddingLength": *r.Dimensions}
	case strings.Contains(o.Model, "titan-embed-text-v1"), strings.Contains(o.Model, "titan-embed-g1"):
		lost = append(lost, chat.Loss{Field: "dimensions", Why: "the first Titan has vectors of one length only"})
	default:
		body["dimensions"] = *r.Dimensions
	}
	b, err := marshal(body)
	return b, lost, err
}

func titanLosses(r *chat.EmbedRequest) (lost []chat.Loss) {
	if r.User != "" {
		lost = append(lost, chat.Loss{Field: "user", Why: "Amazon's Titan takes no end user's id"})
	}
	if r.Kind != "" && r.Kind != "search_document" {
		lost = append(lost, chat.Loss{Field: "input_type", Why: "Amazon's Titan embeds all texts alike"})
	}
	if r.Truncate != "" && r.Truncate != "NONE" {
		lost = append(lost, chat.Loss{Field: "truncate", Why: "Amazon's Titan refuses texts that are too long"})
	}
	return lost
}

// parseTitan reads the count of tokens, which is all the usage that there is.
func parseTitan(body []byte) (wire.Answer, error) {
	var a wire.Answer
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return a, err
	}
	hasVector, isError := false, false
	for i := range o.Len() {
		v := o.Value(i)
		switch string(o.Name(i)) {
		case "inputTextTokenCount":
			count(&a.Usage.Input, v)
		case "embedding":
			hasVector = o.Kind(i) == rawjson.Array
		case "message":
			isError = o.Kind(i) == rawjson.String && len(v) > 2
		}
	}
	a.Failed = isError && !hasVector
	if a.Usage.Input == nil {
		return a, nil
	}
	a.HasUsage = true
	a.Usage.Source, a.Usage.Output, a.Usage.Total = inference.UsageProvider, new(int64), sum(a.Usage.Input)
	a.Usage.Raw = fmt.Appendf(nil, `{"inputTextTokenCount":%d}`, *a.Usage.Input)
	return a, nil
}

var errNoVector = errors.New("the answer has no embedding")

func decodeTitan(body []byte) (*chat.EmbedAnswer, error) {
	a, err := parseTitan(body)
	if err != nil {
		return nil, fmt.Errorf("answer of Titan: %w", err)
	}
	v := get(bytes.TrimSpace(body), "embedding")
	if len(v) == 0 || v[0] != '[' {
		return nil, errNoVector
	}
	return &chat.EmbedAnswer{Vectors: [][]byte{bytes.Clone(v)}, Usage: a.Usage, HasUsage: a.HasUsage}, nil
}

// encodeCohere writes Cohere's body without the model, with the words of its fourth generation on
// Bedrock for where texts are cut.
func encodeCohere(r *chat.EmbedRequest, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	asked := *r
	if strings.Contains(o.Model, "embed-v4") {
		switch r.Truncate {
		case "START":
			asked.Truncate = "LEFT"
		case "END":
			asked.Truncate = "RIGHT"
		}
	}
	body, lost, apiErr := cohere.Embed().Embed.EncodeRequest(&asked, o)
	if apiErr != nil {
		return nil, lost, apiErr
	}
	var b rawjson.Object
	if err := b.Parse(body, maxDepth); err != nil {
		return nil, lost, apierr.New(apierr.Internal, "the request for Cohere's model is unreadable").Because(err)
	}
	var p rawjson.Patch
	if i := b.Find("model"); i >= 0 {
		p.Remove(i)
	}
	return p.Append(nil, &b), lost, nil
}

// marshal writes JSON for a provider.
func marshal(v any) ([]byte, *apierr.Error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, apierr.New(apierr.InvalidParameter, "the request has JSON that can't be passed on: %v", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
