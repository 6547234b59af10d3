package bedrock

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// foundation returns the id of the model behind an inference profile of a region, since CountTokens
// takes no profiles: "us.anthropic.claude-..." is "anthropic.claude-...".
func foundation(model string) string {
	if i := strings.Index(model, ".anthropic."); i > 0 && !strings.HasPrefix(model, "arn:") {
		return model[i+1:]
	}
	return model
}

// countBody wraps a body of InvokeModel for CountTokens. It needs a bound of the answer that will
// not be given, which clients that only count leave out.
func countBody(a *provider.Ask) ([]byte, error) {
	inner, err := invokeBody(a)
	if err != nil {
		return nil, err
	}
	var o rawjson.Object
	if err := o.Parse(inner, wire.MaxDepth); err != nil {
		return nil, err
	}
	if o.Find("max_tokens") < 0 {
		var p rawjson.Patch
		p.Add("max_tokens", []byte("1"))
		inner = p.Append(nil, &o)
	}
	dst := []byte(`{"input":{"invokeModel":{"body":"`)
	dst = base64.StdEncoding.AppendEncode(dst, inner)
	return append(dst, `"}}}`...), nil
}

var errNoCount = errors.New("CountTokens gave no inputTokens")

// countAnswer writes the count as Anthropic's API does.
func countAnswer(body []byte) ([]byte, error) {
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		return nil, err
	}
	i := o.Find("inputTokens")
	if i < 0 {
		return nil, errNoCount
	}
	n, ok := rawjson.Int(o.Value(i))
	if !ok {
		return nil, errNoCount
	}
	return append(strconv.AppendInt([]byte(`{"input_tokens":`), n, 10), '}'), nil
}
