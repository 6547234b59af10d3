package gemini

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// CountCodec returns the codec of countTokens, which passes through. Counting uses no tokens, so
// its answers have no usage.
func CountCodec() *wire.Codec {
	return &wire.Codec{
		Format: wire.GeminiCount, Operation: wire.OpCount, Dialect: apierr.Google,
		InputChars: countChars, ParseAnswer: parseCount, AppendStreamError: appendStreamError,
	}
}

// countChars counts the text of contents, which may be inside a whole request.
func countChars(body []byte) *int64 {
	var o rawjson.Object
	if o.Parse(body, wire.MaxDepth) != nil {
		return nil
	}
	for i := range o.Len() {
		if name := o.Name(i); string(name) == "generateContentRequest" || string(name) == "generate_content_request" {
			return inputChars(o.Value(i))
		}
	}
	return inputChars(body)
}

func parseCount(b []byte) (wire.Answer, error) {
	var o rawjson.Object
	if err := o.Parse(b, wire.MaxDepth); err != nil {
		return wire.Answer{}, err
	}
	i := o.Find("error")
	return wire.Answer{Failed: i >= 0 && o.Kind(i) == rawjson.ObjectKind}, nil
}
