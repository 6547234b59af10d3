package cohere

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// usualKind is what texts are embedded for, unless the client says it. Cohere wants to know.
const usualKind = "search_document"

// embedChars counts the characters of text in a request for embeddings.
func embedChars(body []byte) *int64 {
	body = bytes.TrimSpace(body)
	texts, inputs := get(body, "texts"), get(body, "inputs")
	if texts == nil && inputs == nil {
		return nil
	}
	var n int64
	elements(texts, func(v []byte) { n += rawjson.Chars(v) })
	elements(inputs, func(v []byte) { n += contentChars(get(v, "content")) })
	return &n
}

// embedRequest reads a client's request for embeddings.
type embedRequest struct {
	fields.Reader
	chat.EmbedRequest
}

func decodeEmbedRequest(body []byte) (*chat.EmbedRequest, *apierr.Error) {
	var r embedRequest
	if !r.Body(body, r.field) {
		return nil, r.Err
	}
	if len(r.EmbedRequest.Texts) == 0 {
		r.Refuse("texts", "field \"texts\" must have at least one text")
	}
	if r.Err != nil {
		return nil, r.Err
	}
	r.EmbedRequest.Rest = r.Reader.Rest
	return &r.EmbedRequest, nil
}

func (r *embedRequest) field(name string, k rawjson.Kind, v []byte) {
	switch name {
	case "model":
		r.Model = r.Text(name, k, v)
	case "texts":
		r.EmbedRequest.Texts = append(r.EmbedRequest.Texts, r.Reader.Texts(name, v)...)
	case "inputs":
		r.Elements(name, v, r.input)
	case "images":
		if string(v) != "[]" {
			r.Lose(name, "pictures can't be told to other APIs")
		}
	case "input_type":
		r.Kind = r.Text(name, k, v)
		if r.Kind == "image" {
			r.Lose(name, "pictures can't be told to other APIs")
		}
	case "output_dimension":
		n := r.Whole(name, k, v, 1)
		r.Dimensions = &n
	case "truncate":
		if r.Truncate = strings.ToUpper(r.Text(name, k, v)); r.Truncate == "END" {
			r.Truncate = "" // what goes without saying
		}
	case "embedding_types":
		r.types(r.Reader.Texts(name, v))
	case "metadata", "usage_context", "client_request_id": // lakegate's own, and what it does with metadata
	default:
		r.Lose(name, cohereOnly)
	}
}

func (r *embedRequest) types(types []string) {
	if len(types) == 0 {
		return
	}
	if len(types) > 1 || types[0] != "float" && types[0] != "base64" {
		r.Lose("embedding_types", "other APIs give floating-point numbers, one list for each text")
		return
	}
	r.Base64 = types[0] == "base64"
}

// input reads one of inputs, which may be made of text and pictures.
func (r *embedRequest) input(path string, k rawjson.Kind, v []byte) {
	r.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		if name != "content" {
			r.Lose(path+"."+name, cohereOnly)
			return
		}
		var whole []string
		r.Elements(path+".content", v, func(path string, _ rawjson.Kind, v []byte) {
			if text(get(v, "type")) != "text" {
				r.Lose(path, "pictures can't be told to other APIs")
				return
			}
			whole = append(whole, text(get(v, "text")))
		})
		r.EmbedRequest.Texts = append(r.EmbedRequest.Texts, strings.Join(whole, "\n"))
	})
}

// encodeEmbedRequest writes a request for Cohere, which gets floats whatever the client wants.
func encodeEmbedRequest(r *chat.EmbedRequest, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	var lost []chat.Loss
	if len(r.Tokens) > 0 {
		return nil, nil, apierr.New(apierr.InvalidParameter, "Cohere's API embeds texts, not tokens; send strings").At("input")
	}
	if r.User != "" {
		lost = append(lost, chat.Loss{Field: "user", Why: "Cohere's API takes no end user's id"})
	}
	out := struct {
		Model     string   `json:"model"`
		Texts     []string `json:"texts"`
		InputType string   `json:"input_type"`
		Types     []string `json:"embedding_types"`
		Dimension *int64   `json:"output_dimension,omitempty"`
		Truncate  string   `json:"truncate,omitempty"`
	}{o.Model, r.Texts, r.Kind, []string{"float"}, r.Dimensions, r.Truncate}
	if out.InputType == "" {
		out.InputType = usualKind
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, lost, apierr.New(apierr.InvalidParameter, "the texts can't be passed on: %v", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), lost, nil
}

// parseEmbedAnswer reads the embeddings' meta, which has what was billed.
func parseEmbedAnswer(body []byte) (wire.Answer, error) {
	var a wire.Answer
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return a, err
	}
	hasVectors, isError := false, false
	for i := range o.Len() {
		switch string(o.Name(i)) {
		case "meta":
			a.Usage, a.HasUsage = ParseUsage(o.Value(i))
		case "embeddings":
			hasVectors = true
		case "message":
			isError = true
		}
	}
	a.Failed = isError && !hasVectors
	if a.HasUsage && a.Usage.Output == nil {
		a.Usage.Output = new(int64) // embeddings put no tokens out
	}
	return a, nil
}

var errNoVectors = errors.New("the answer has no embeddings of floating-point numbers")

func decodeEmbedAnswer(body []byte) (*chat.EmbedAnswer, error) {
	parsed, err := parseEmbedAnswer(body)
	if err != nil {
		return nil, fmt.Errorf("answer with embeddings: %w", err)
	}
	body = bytes.TrimSpace(body)
	a := &chat.EmbedAnswer{ID: text(get(body, "id")), Usage: parsed.Usage, HasUsage: parsed.HasUsage}
	embeddings := get(body, "embeddings")
	if len(embeddings) > 0 && embeddings[0] == '{' {
		embeddings = get(embeddings, "float")
	}
	if len(embeddings) == 0 || embeddings[0] != '[' {
		return nil, errNoVectors
	}
	elements(embeddings, func(v []byte) {
		if v[0] != '[' {
			err = errNoVectors
		}
		a.Vectors = append(a.Vectors, bytes.Clone(v))
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// encodeEmbedAnswer writes embeddings for a client, as numbers or as base64 of 32-bit floats.
func encodeEmbedAnswer(a *chat.EmbedAnswer, r *chat.EmbedRequest) []byte {
	dst := quote([]byte(`{"id":`), a.ID)
	kind := "float"
	if r.Base64 {
		kind = "base64"
	}
	dst = append(append(append(dst, `,"embeddings":{"`...), kind...), `":[`...)
	for _, v := range a.Vectors {
		dst = comma(dst)
		if r.Base64 {
			dst = appendBase64(dst, v)
			continue
		}
		dst = append(dst, v...)
	}
	dst = append(dst, `]},"texts":[`...)
	for _, s := range r.Texts {
		dst = quote(comma(dst), s)
	}
	dst = append(dst, `],"meta":{"api_version":{"version":"2"}`...)
	if a.HasUsage && a.Usage.Input != nil {
		dst = fmt.Appendf(dst, `,"billed_units":{"input_tokens":%d}`, *a.Usage.Input)
	}
	return append(dst, `},"response_type":"embeddings_by_type"}`...)
}
