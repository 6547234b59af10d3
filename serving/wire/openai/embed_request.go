package openai

import (
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// embedCodec translates embeddings, on both sides.
func embedCodec() *chat.EmbedCodec {
	return &chat.EmbedCodec{
		DecodeRequest: decodeEmbed,
		EncodeAnswer:  encodeEmbedAnswer,
		EncodeRequest: encodeEmbed,
		DecodeAnswer:  decodeEmbedAnswer,
	}
}

// embedDecoder reads a client's request for embeddings.
type embedDecoder struct {
	fields.Reader
	req *chat.EmbedRequest
}

// embedKinds are the words of compatible servers for what a text is for.
var embedKinds = map[string]string{
	"query": "search_query", "search_query": "search_query",
	"document": "search_document", "passage": "search_document", "search_document": "search_document",
	"classification": "classification", "clustering": "clustering",
}

func decodeEmbed(body []byte) (*chat.EmbedRequest, *apierr.Error) {
	d := embedDecoder{req: &chat.EmbedRequest{}}
	if !d.Body(body, d.field) {
		return nil, d.Err
	}
	if len(d.req.Texts) == 0 && len(d.req.Tokens) == 0 {
		return nil, apierr.New(apierr.InvalidParameter, "field \"input\" must have at least one text").At("input")
	}
	d.req.Rest = d.Rest
	return d.req, nil
}

func (d *embedDecoder) field(name string, k rawjson.Kind, v []byte) {
	switch r := d.req; name {
	case "model":
		r.Model = d.Text(name, k, v)
	case "input":
		d.input(k, v)
	case "dimensions":
		n := d.Whole(name, k, v, 1)
		r.Dimensions = &n
	case "encoding_format":
		switch word := d.Text(name, k, v); word {
		case "float", "base64":
			r.Base64 = word == "base64"
		default:
			d.Refuse(name, "field %q must be float or base64, not %q", name, word)
		}
	case "input_type":
		word := d.Text(name, k, v)
		if r.Kind = embedKinds[word]; r.Kind == "" {
			d.Lose(name, "only some providers know what "+word+" is")
		}
	case "user":
		r.User = d.Text(name, k, v)
	case "stream":
		if d.Flag(name, k) {
			d.Refuse(name, "embeddings can't be streamed")
		}
	case "usage_context", "client_request_id", "metadata", "stream_options":
	default:
		if !isNeutral(name, k, v) {
			d.Lose(name, notUnderstood)
		}
	}
}

// input reads one text or several, as text or as tokens.
func (d *embedDecoder) input(k rawjson.Kind, v []byte) {
	r := d.req
	if k == rawjson.String {
		r.Texts, r.Single = []string{rawjson.Unquote(v)}, true
		return
	}
	if k != rawjson.Array {
		d.Wrong("input", "a text, or a list of texts or tokens", k)
		return
	}
	var one []int64
	d.Each("input", v, func(i int, k rawjson.Kind, v []byte) {
		switch k {
		case rawjson.String:
			r.Texts = append(r.Texts, rawjson.Unquote(v))
		case rawjson.Number:
			one = append(one, d.Whole(fields.At("input", i), k, v, 0))
		case rawjson.Array:
			r.Tokens = append(r.Tokens, d.tokens(fields.At("input", i), v))
		default:
			d.Wrong(fields.At("input", i), "a text or a list of tokens", k)
		}
	})
	if one != nil {
		r.Tokens, r.Single = append(r.Tokens, one), r.Tokens == nil
	}
	if len(r.Texts) > 0 && len(r.Tokens) > 0 {
		d.Refuse("input", "field \"input\" must be texts or tokens, not both")
	}
}

func (d *embedDecoder) tokens(path string, v []byte) []int64 {
	list := []int64{}
	d.Each(path, v, func(i int, k rawjson.Kind, v []byte) {
		list = append(list, d.Whole(fields.At(path, i), k, v, 0))
	})
	return list
}

// encodeEmbed writes a request for embeddings. Numbers are asked for as numbers, whatever the
// client wants them as: its answer is written from those. What the texts are for is not said, and is
// no loss: OpenAI's models make the same vectors for every purpose.
func encodeEmbed(r *chat.EmbedRequest, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	dst := appendText([]byte{'{'}, "model", o.Model)
	dst = appendInput(appendName(dst, "input"), r)
	dst = append(dst, `,"encoding_format":"float"`...)
	dst = appendCount(dst, "dimensions", r.Dimensions)
	dst = appendSome(dst, "user", r.User)
	var lost []chat.Loss
	if r.Truncate != "" && !strings.EqualFold(r.Truncate, "none") {
		lost = append(lost, chat.Loss{Field: "truncate", Why: "OpenAI's API refuses texts that are too long"})
	}
	return append(dst, '}'), lost, nil
}

func appendInput(dst []byte, r *chat.EmbedRequest) []byte {
	if r.Single && len(r.Texts) == 1 {
		return appendString(dst, r.Texts[0])
	}
	if r.Single && len(r.Tokens) == 1 {
		return appendTokens(dst, r.Tokens[0])
	}
	dst = append(dst, '[')
	for _, text := range r.Texts {
		dst = appendString(comma(dst), text)
	}
	for i, list := range r.Tokens {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTokens(dst, list)
	}
	return append(dst, ']')
}

func appendTokens(dst []byte, list []int64) []byte {
	dst = append(dst, '[')
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendInt(dst, n)
	}
	return append(dst, ']')
}
