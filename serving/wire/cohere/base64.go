package cohere

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
)

// appendBase64 appends a vector as a string: its numbers as little-endian 32-bit floats, in base64.
func appendBase64(dst, vector []byte) []byte {
	var floats []byte
	elements(vector, func(v []byte) {
		f, err := strconv.ParseFloat(string(v), 32)
		if err != nil {
			f = math.NaN() // not a number in the answer either
		}
		floats = binary.LittleEndian.AppendUint32(floats, math.Float32bits(float32(f)))
	})
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, floats)
	return append(dst, '"')
}
