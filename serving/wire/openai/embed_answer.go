package openai

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decodeEmbedAnswer reads a provider's vectors, in the order of their texts.
func decodeEmbedAnswer(body []byte) (*chat.EmbedAnswer, error) {
	var o rawjson.Object
	if err := o.Parse(body, MaxDepth); err != nil {
		return nil, err
	}
	a := &chat.EmbedAnswer{}
	data := o.Find("data")
	if data < 0 || o.Kind(data) != rawjson.Array {
		return nil, fmt.Errorf("the answer has no data")
	}
	c := rawjson.Walk(o.Value(data))
	for ok := c.Enter(); ok; ok = c.Next() {
		if err := addVector(a, c.Take()); err != nil {
			return nil, err
		}
	}
	for i, v := range a.Vectors {
		if v == nil {
			return nil, fmt.Errorf("the answer has no vector %d", i)
		}
	}
	if i := o.Find("model"); i >= 0 && o.Kind(i) == rawjson.String {
		a.Model = rawjson.Unquote(o.Value(i))
	}
	if i := o.Find("id"); i >= 0 && o.Kind(i) == rawjson.String {
		a.ID = rawjson.Unquote(o.Value(i))
	}
	if i := o.Find("usage"); i >= 0 {
		a.Usage, a.HasUsage = parseInputUsage(o.Value(i))
	}
	return a, nil
}

// maxVectors bounds what an index in an answer can make grow.
const maxVectors = 1 << 20

func addVector(a *chat.EmbedAnswer, element []byte) error {
	index := int64(len(a.Vectors))
	var vector []byte
	var err error
	rawjson.Members(element, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "index":
			if n, ok := rawjson.Int(v); ok {
				index = n
			}
		case "embedding":
			switch k {
			case rawjson.Array:
				vector = v
			case rawjson.String:
				vector, err = numbers(rawjson.Unquote(v))
			}
		}
		return true
	})
	switch {
	case err != nil:
		return err
	case vector == nil:
		return fmt.Errorf("vector %d has no numbers", index)
	case index < 0 || index > maxVectors:
		return fmt.Errorf("a vector has the index %d", index)
	}
	for int64(len(a.Vectors)) <= index {
		a.Vectors = append(a.Vectors, nil)
	}
	a.Vectors[index] = vector
	return nil
}

// numbers writes base64 of little-endian 32-bit floats as a JSON array, each in the fewest digits
// that give it back.
func numbers(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("a vector in base64: %w", err)
	}
	if len(b)%4 != 0 {
		return nil, fmt.Errorf("a vector in base64 has %d bytes, which is no number of 32-bit floats", len(b))
	}
	dst := make([]byte, 0, 3*len(b)+2)
	dst = append(dst, '[')
	for i := 0; i < len(b); i += 4 {
		if i > 0 {
			dst = append(dst, ',')
		}
		f := math.Float32frombits(binary.LittleEndian.Uint32(b[i:]))
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			return nil, fmt.Errorf("a vector in base64 has a value that is no number")
		}
		dst = strconv.AppendFloat(dst, float64(f), 'g', -1, 32)
	}
	return append(dst, ']'), nil
}

// appendBase64 writes a JSON array of numbers as base64 of little-endian 32-bit floats, which is
// how OpenAI's SDKs ask for vectors.
func appendBase64(dst, vector []byte) []byte {
	b := make([]byte, 0, len(vector)/2)
	c := rawjson.Walk(vector)
	for ok := c.Enter(); ok; ok = c.Next() {
		f, err := strconv.ParseFloat(string(c.Take()), 32)
		if err != nil && math.IsNaN(f) {
			f = 0
		}
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

func encodeEmbedAnswer(a *chat.EmbedAnswer, r *chat.EmbedRequest) []byte {
	dst := []byte(`{"object":"list","data":[`)
	for i, v := range a.Vectors {
		dst = appendInt(append(comma(dst), `{"object":"embedding","index":`...), int64(i))
		dst = appendName(dst, "embedding")
		if r.Base64 {
			dst = appendBase64(dst, v)
		} else {
			dst = appendLine(dst, v)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	dst = appendText(dst, "model", a.Model)
	if a.HasUsage {
		dst = append(appendName(dst, "usage"), `{"prompt_tokens":`...)
		dst = appendOrNull(dst, a.Usage.Input)
		dst = append(dst, `,"total_tokens":`...)
		dst = append(appendOrNull(dst, total(&a.Usage)), '}')
	}
	return append(dst, '}')
}
