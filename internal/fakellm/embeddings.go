package fakellm

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
)

const (
	defaultDimensions = 256
	maxDimensions     = 4096
)

func (a *answer) embeddings() bool {
	p := a.p
	n := p.dimensions
	if n <= 0 {
		n = defaultDimensions
	}
	n = min(n, maxDimensions)
	buf := getBuffer()
	defer putBuffer(buf)
	b := append(buf.b, `{"object":"list","data":[`...)
	for i, text := range p.inputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = appendVector(append(b, `,"embedding":`...), vector(text, n), p.base64)
		b = append(b, '}')
	}
	b = appendString(append(b, `],"model":`...), p.Model)
	if !p.Script.NoUsage {
		b = strconv.AppendInt(append(b, `,"usage":{"prompt_tokens":`...), p.Usage.Prompt, 10)
		b = strconv.AppendInt(append(b, `,"total_tokens":`...), p.Usage.Total, 10)
		b = append(b, '}')
	}
	buf.b = append(b, '}')
	return a.send(http.StatusOK, typeJSON, buf.b)
}

// vector is a unit vector that depends on the text alone.
func vector(text string, n int) []float32 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	v := make([]float32, n)
	var sum float64
	for i := range v {
		x := rng.NormFloat64()
		v[i], sum = float32(x), sum+x*x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

func appendVector(b []byte, v []float32, packed bool) []byte {
	if packed {
		raw := make([]byte, 0, 4*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		b = base64.StdEncoding.AppendEncode(append(b, '"'), raw)
		return append(b, '"')
	}
	b = append(b, '[')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(x), 'g', 8, 32)
	}
	return append(b, ']')
}
