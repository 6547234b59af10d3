package gemini

import (
	"strconv"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// VertexEmbeddingsCodec returns the codec of Vertex AI's :predict of text embeddings, on the
// provider's side. How many texts a call may have is up to the model.
func VertexEmbeddingsCodec() *wire.Codec {
	return &wire.Codec{
		Format: wire.VertexEmbeddings, Operation: wire.OpEmbeddings, Dialect: apierr.Google,
		ParseAnswer: parsePredictions, AppendStreamError: appendStreamError,
		Embed: &chat.EmbedCodec{EncodeRequest: encodeInstances, DecodeAnswer: decodePredictions},
	}
}

type (
	predict struct {
		Instances  []instance  `json:"instances"`
		Parameters *parameters `json:"parameters,omitempty"`
	}
	instance struct {
		Content  string `json:"content"`
		TaskType string `json:"task_type,omitempty"`
	}
	parameters struct {
		OutputDimensionality *int64 `json:"outputDimensionality,omitempty"`
		AutoTruncate         *bool  `json:"autoTruncate,omitempty"`
	}
)

func encodeInstances(r *chat.EmbedRequest, _ chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	lost, err := embedLosses(r)
	if err != nil {
		return nil, nil, err
	}
	p := parameters{OutputDimensionality: r.Dimensions}
	switch r.Truncate {
	case "":
	case "NONE", "END":
		cut := r.Truncate == "END"
		p.AutoTruncate = &cut
	default:
		lost = append(lost, chat.Loss{Field: "truncate", Why: "Vertex AI cuts texts that are too long at their end, or refuses them"})
	}
	w := predict{Instances: make([]instance, len(r.Texts))}
	if p != (parameters{}) {
		w.Parameters = &p
	}
	for i, t := range r.Texts {
		w.Instances[i] = instance{Content: t, TaskType: taskType(r.Kind)}
	}
	body, fault := marshal(w)
	if fault != nil {
		panic(fault) // texts and numbers always marshal
	}
	return body, lost, nil
}

// parsePredictions reads an answer. Vertex AI tells the tokens of each text; their sum is Input, and
// Raw has it as token_count beside the metadata of the answer.
func parsePredictions(b []byte) (wire.Answer, error) {
	a, _, err := readPredictions(b)
	return a, err
}

func decodePredictions(b []byte) (*chat.EmbedAnswer, error) {
	a, vectors, err := readPredictions(b)
	return embedAnswer(a, vectors, err)
}

func readPredictions(b []byte) (a wire.Answer, vectors [][]byte, err error) {
	var o rawjson.Object
	if err := o.Parse(b, wire.MaxDepth); err != nil {
		return a, nil, err
	}
	var tokens *int64
	var metadata []byte
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "predictions":
			each(v, func(p []byte) {
				e := memberOf(p, "embeddings", rawjson.ObjectKind)
				vectors = append(vectors, memberOf(e, "values", rawjson.Array))
				var n *int64
				count(&n, memberOf(memberOf(e, "statistics", rawjson.ObjectKind), "token_count", rawjson.Number))
				if n != nil {
					tokens = sum(value(tokens), *n)
				}
			})
		case "metadata":
			if kind == rawjson.ObjectKind {
				metadata = v
			}
		case "error":
			a.Failed = kind == rawjson.ObjectKind
		}
	}
	if tokens != nil {
		raw := strconv.AppendInt([]byte(`{"token_count":`), *tokens, 10)
		if metadata != nil {
			raw = append(append(raw, `,"metadata":`...), metadata...)
		}
		a.HasUsage = true
		a.Usage = inference.Usage{Source: inference.UsageProvider, Input: tokens, Total: tokens, Raw: append(raw, '}')}
	}
	return a, vectors, nil
}
