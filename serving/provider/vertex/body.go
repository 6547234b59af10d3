package vertex

import (
	"errors"
	"fmt"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// anthropicVersion is the only one there is.
const anthropicVersion = `"vertex-2023-10-16"`

// anthropicBody puts the version into a body and takes the model out, unless that is to stay.
func anthropicBody(body []byte, model bool) ([]byte, error) {
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		return nil, fmt.Errorf("the body for Anthropic's model: %w", err)
	}
	var p rawjson.Patch
	if i := o.Find("model"); i >= 0 && !model {
		p.Remove(i)
	}
	if i := o.Find("anthropic_version"); i >= 0 {
		p.Replace(i, []byte(anthropicVersion))
	} else {
		p.Add("anthropic_version", []byte(anthropicVersion))
	}
	return p.Append(make([]byte, 0, p.Size(&o)), &o), nil
}

// unwrapCount takes the request out of generateContentRequest, in which clients of the Gemini API
// may put it and Vertex AI does not look.
func unwrapCount(body []byte) []byte {
	var o rawjson.Object
	if o.Parse(body, wire.MaxDepth) != nil {
		return body
	}
	for i := range o.Len() {
		if n := string(o.Name(i)); n == "generateContentRequest" || n == "generate_content_request" {
			return o.Value(i)
		}
	}
	return body
}

// single turns a batch of one into the body that Vertex AI's :embedContent takes, which has all but
// the content in a member of its own. A body that is no batch goes out as it is.
func single(body []byte) ([]byte, error) {
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		return nil, fmt.Errorf("the body for embeddings: %w", err)
	}
	i := o.Find("requests")
	if i < 0 {
		return body, nil
	}
	c := rawjson.Walk(o.Value(i))
	var request []byte
	n := 0
	for ok := c.Enter(); ok; ok = c.Next() {
		request = c.Take()
		n++
	}
	if n != 1 {
		return nil, errors.New("this model of Vertex AI takes one text a call")
	}
	dst := []byte{'{'}
	var config []byte
	rawjson.Members(request, func(name []byte, _ rawjson.Kind, v []byte) bool {
		to := &config
		if string(name) == "content" {
			to = &dst
		}
		if len(*to) > 1 {
			*to = append(*to, ',')
		}
		*to = append(append(append(append(*to, '"'), name...), '"', ':'), v...)
		return true
	})
	if config != nil {
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, `"embedContentConfig":{`...), config...), '}')
	}
	return append(dst, '}'), nil
}
