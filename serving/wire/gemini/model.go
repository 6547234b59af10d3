package gemini

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// SetModel returns body with another model where it says one beside the path: at the top, in each
// of requests and in generateContentRequest. "" takes it out. The rest stays byte for byte; a body
// that says none, or is no object, is returned as it is.
func SetModel(body []byte, model string) []byte {
	var o rawjson.Object
	if o.Parse(body, wire.MaxDepth) != nil {
		return body
	}
	var p rawjson.Patch
	var quoted []byte
	if model != "" {
		quoted = rawjson.AppendQuoted(nil, model)
	}
	for i := range o.Len() {
		v := o.Value(i)
		switch string(o.Name(i)) {
		case "model":
			if quoted == nil {
				p.Remove(i)
			} else {
				p.Replace(i, quoted)
			}
		case "generateContentRequest", "generate_content_request":
			if changed := SetModel(v, model); !bytes.Equal(changed, v) {
				p.Replace(i, changed)
			}
		case "requests":
			if changed := setModels(v, model); !bytes.Equal(changed, v) {
				p.Replace(i, changed)
			}
		}
	}
	if p.Empty() {
		return body
	}
	return p.Append(make([]byte, 0, p.Size(&o)), &o)
}

func setModels(list []byte, model string) []byte {
	if kindOf(list) != rawjson.Array {
		return SetModel(list, model)
	}
	dst := []byte{'['}
	each(list, func(request []byte) { dst = append(comma(dst), SetModel(request, model)...) })
	return append(dst, ']')
}
