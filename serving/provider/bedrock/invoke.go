package bedrock

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// version is that of Anthropic's API on Bedrock.
const version = `"bedrock-2023-05-31"`

// invokeBody returns a body of Anthropic's Messages API as InvokeModel takes it: without model and
// stream, which are in the URL, and with version and beta features, which are in the header
// elsewhere.
func invokeBody(a *provider.Ask) ([]byte, error) {
	var o rawjson.Object
	if err := o.Parse(a.Body, wire.MaxDepth); err != nil {
		return nil, fmt.Errorf("body for InvokeModel: %w", err)
	}
	var p rawjson.Patch
	hasVersion, beta := false, -1
	for i := range o.Len() {
		switch string(o.Name(i)) {
		case "model", "stream":
			p.Remove(i)
		case "anthropic_version":
			hasVersion = true
		case "anthropic_beta":
			beta = i
		}
	}
	if !hasVersion {
		p.Add("anthropic_version", []byte(version))
	}
	if features := betas(a.Header["Anthropic-Beta"], &o, beta); features != nil {
		if beta >= 0 {
			p.Replace(beta, features)
		} else {
			p.Add("anthropic_beta", features)
		}
	}
	return p.Append(make([]byte, 0, p.Size(&o)), &o), nil
}

// betas returns the list of beta features: those of the body at the given member, then those of the
// header. nil: the header has none to add.
func betas(header []string, o *rawjson.Object, member int) []byte {
	var list []string
	if member >= 0 && json.Unmarshal(o.Value(member), &list) != nil {
		return nil // not a list: Bedrock will say so
	}
	had := len(list)
	seen := map[string]bool{}
	for _, f := range list {
		seen[f] = true
	}
	for _, line := range header {
		for f := range strings.SplitSeq(line, ",") {
			if f = strings.TrimSpace(f); f != "" && !seen[f] {
				seen[f] = true
				list = append(list, f)
			}
		}
	}
	if len(list) == had {
		return nil
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings always marshal
	}
	return b
}
