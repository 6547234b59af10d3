package gemini

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// EmbeddingsCodec returns the codec of embedContent and batchEmbedContents. A body with requests is
// of the second; providers are asked with that.
func EmbeddingsCodec() *wire.Codec {
	return &wire.Codec{
		Format: wire.GeminiEmbeddings, Operation: wire.OpEmbeddings, Dialect: apierr.Google,
		InputChars: embedChars, ParseAnswer: parseEmbed, AppendStreamError: appendStreamError,
		Embed: &chat.EmbedCodec{
			DecodeRequest: decodeEmbed, EncodeAnswer: encodeEmbedAnswer,
			EncodeRequest: encodeEmbed, DecodeAnswer: decodeEmbedAnswer,
		},
	}
}

// taskTypes are what vectors are for, in Google's words and the common form's.
var taskTypes = map[string]string{
	"RETRIEVAL_DOCUMENT": "search_document", "RETRIEVAL_QUERY": "search_query",
	"CLASSIFICATION": "classification", "CLUSTERING": "clustering",
}

func taskType(kind string) string {
	for google, common := range taskTypes {
		if common == kind {
			return google
		}
	}
	return ""
}

// embedding is a request for embeddings on its way into the common form.
type embedding struct {
	reader
	r     *chat.EmbedRequest
	first bool // the first request sets what the others must repeat
}

func decodeEmbed(body []byte) (*chat.EmbedRequest, *apierr.Error) {
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		return nil, apierr.New(apierr.BadRequest, "the body can't be read: %v", err)
	}
	d := &embedding{r: &chat.EmbedRequest{}}
	if o.Find("requests") < 0 {
		d.r.Single = true
		d.request("", bytes.TrimSpace(body))
	} else {
		d.fields("", bytes.TrimSpace(body), func(f field) {
			switch f.name {
			case "requests":
				d.elements(f, d.request)
			case "model":
			default:
				d.unknown(f)
			}
		})
	}
	if len(d.r.Texts) == 0 {
		d.fail("content", "is missing: there is nothing to make a vector of")
	}
	if d.err != nil {
		return nil, d.err
	}
	d.r.Rest = d.lost
	return d.r, nil
}

// request reads one EmbedContentRequest. All of a batch must ask for vectors of one kind and size,
// since other APIs take these once.
func (d *embedding) request(at string, raw []byte) {
	one := chat.EmbedRequest{}
	var text []string
	var read func(f field)
	read = func(f field) {
		switch f.name {
		case "content":
			d.fields(f.at, f.raw, func(f field) {
				switch f.name {
				case "parts":
					d.elements(f, func(at string, raw []byte) { text = append(text, d.textPart(at, raw)) })
				case "role":
				default:
					d.unknown(f)
				}
			})
		case "taskType":
			if t := d.text(f); t != "TASK_TYPE_UNSPECIFIED" {
				if one.Kind = taskTypes[t]; one.Kind == "" {
					d.unknown(f)
				}
			}
		case "outputDimensionality":
			one.Dimensions = d.integer(f)
		case "autoTruncate":
			one.Truncate = map[bool]string{true: "END", false: "NONE"}[d.flag(f)]
		case "embedContentConfig":
			d.fields(f.at, f.raw, read)
		case "model", "usageContext", "clientRequestId", "metadata":
		default:
			d.unknown(f)
		}
	}
	d.fields(at, raw, read)
	if len(text) != 1 {
		d.fail(at+dot(at)+"content", "must have one part with a text, not %d", len(text))
		return
	}
	r := d.r
	if !d.first {
		d.first, r.Kind, r.Dimensions, r.Truncate = true, one.Kind, one.Dimensions, one.Truncate
	} else if r.Kind != one.Kind || r.Truncate != one.Truncate || value(r.Dimensions) != value(one.Dimensions) {
		d.fail(at, "must have the taskType and outputDimensionality of the first request")
	}
	r.Texts = append(r.Texts, text[0])
}

func dot(at string) string {
	if at == "" {
		return ""
	}
	return "."
}

func (d *embedding) textPart(at string, raw []byte) (text string) {
	d.fields(at, raw, func(f field) {
		if f.name != "text" {
			d.fail(f.at, "is not a text, and other APIs make vectors of texts only")
			return
		}
		text = d.text(f)
	})
	return text
}

// The shapes that are written.
type (
	embedBatch struct {
		Requests []embedOne `json:"requests"`
	}
	embedOne struct {
		Model                string  `json:"model"`
		Content              content `json:"content"`
		TaskType             string  `json:"taskType,omitempty"`
		OutputDimensionality *int64  `json:"outputDimensionality,omitempty"`
	}
)

func encodeEmbed(r *chat.EmbedRequest, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	lost, err := embedLosses(r)
	if err != nil {
		return nil, nil, err
	}
	if r.Truncate != "" && r.Truncate != "END" {
		lost = append(lost, chat.Loss{Field: "truncate", Why: "the Gemini API cuts texts that are too long at their end"})
	}
	w := embedBatch{Requests: make([]embedOne, len(r.Texts))}
	for i := range r.Texts {
		w.Requests[i] = embedOne{
			Model: "models/" + o.Model, Content: content{Parts: []wirePart{{Text: &r.Texts[i]}}},
			TaskType: taskType(r.Kind), OutputDimensionality: r.Dimensions,
		}
	}
	body, fault := marshal(w)
	if fault != nil {
		panic(fault) // texts and numbers always marshal
	}
	return body, lost, nil
}

// embedLosses says what neither of Google's APIs can be told.
func embedLosses(r *chat.EmbedRequest) (lost []chat.Loss, err *apierr.Error) {
	if len(r.Tokens) > 0 {
		return nil, apierr.New(apierr.InvalidParameter, "input must be text: Google's API takes no tokens").At("input")
	}
	if r.Kind != "" && taskType(r.Kind) == "" {
		lost = append(lost, chat.Loss{Field: "input_type", Why: fmt.Sprintf("Google's API does not know the kind %q", r.Kind)})
	}
	if r.User != "" {
		lost = append(lost, chat.Loss{Field: "user", Why: "Google's API takes no id of an end user"})
	}
	return lost, nil
}

// parseEmbed reads an answer. The Gemini API gives no usage for some of its models.
func parseEmbed(b []byte) (wire.Answer, error) {
	a, _, err := readEmbed(b)
	return a, err
}

// readEmbed reads usage and vectors, which point into b.
func readEmbed(b []byte) (a wire.Answer, vectors [][]byte, err error) {
	var o rawjson.Object
	if err := o.Parse(b, wire.MaxDepth); err != nil {
		return a, nil, err
	}
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "usageMetadata":
			a.Usage, a.HasUsage = inputOnly(ParseUsage(v))
		case "embedding", "embeddings":
			each(v, func(e []byte) { vectors = append(vectors, memberOf(e, "values", rawjson.Array)) })
		case "error":
			a.Failed = kind == rawjson.ObjectKind
		}
	}
	return a, vectors, nil
}

// inputOnly completes the usage of a call that gives no tokens back.
func inputOnly(u inference.Usage, ok bool) (inference.Usage, bool) {
	if ok && u.Total == nil {
		u.Total = u.Input
	}
	return u, ok
}

// memberOf returns a member of an object if it is of that kind, else nil.
func memberOf(object []byte, name string, kind rawjson.Kind) (found []byte) {
	rawjson.Members(object, func(n []byte, k rawjson.Kind, v []byte) bool {
		if string(n) == name && k == kind {
			found = v
		}
		return found == nil
	})
	return found
}

func decodeEmbedAnswer(b []byte) (*chat.EmbedAnswer, error) {
	a, vectors, err := readEmbed(b)
	return embedAnswer(a, vectors, err)
}

func embedAnswer(a wire.Answer, vectors [][]byte, err error) (*chat.EmbedAnswer, error) {
	switch {
	case err != nil:
		return nil, err
	case len(vectors) == 0:
		return nil, errors.New("the answer has no embeddings")
	}
	for i, v := range vectors {
		if v == nil {
			return nil, fmt.Errorf("embedding %d of the answer has no values", i)
		}
	}
	return &chat.EmbedAnswer{Model: a.Model, Vectors: vectors, Usage: a.Usage, HasUsage: a.HasUsage}, nil
}

// encodeEmbedAnswer writes an answer to embedContent or batchEmbedContents, as it was asked.
func encodeEmbedAnswer(a *chat.EmbedAnswer, r *chat.EmbedRequest) []byte {
	var dst []byte
	if r.Single && len(a.Vectors) > 0 {
		dst = append(append(append(dst, `{"embedding":{"values":`...), a.Vectors[0]...), '}')
	} else {
		dst = append(dst, `{"embeddings":[`...)
		for _, v := range a.Vectors {
			dst = append(append(append(comma(dst), `{"values":`...), v...), '}')
		}
		dst = append(dst, ']')
	}
	if a.HasUsage && a.Usage.Input != nil {
		n, _ := json.Marshal(*a.Usage.Input)
		dst = append(append(append(dst, `,"usageMetadata":{"promptTokenCount":`...), n...), '}')
	}
	return append(dst, '}')
}

// embedChars counts the text of the contents of a request.
func embedChars(body []byte) *int64 {
	var o rawjson.Object
	if o.Parse(body, wire.MaxDepth) != nil {
		return nil
	}
	var n int64
	found := false
	add := func(request []byte) {
		rawjson.Members(request, func(name []byte, _ rawjson.Kind, v []byte) bool {
			if string(name) == "content" {
				found = true
				n += contentChars(v)
			}
			return true
		})
	}
	if i := o.Find("requests"); i >= 0 {
		each(o.Value(i), add)
	} else {
		add(bytes.TrimSpace(body))
	}
	if !found {
		return nil
	}
	return &n
}
