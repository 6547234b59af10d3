package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a number of bytes. In the file it is a whole number with a unit, such as 64MiB, or a
// plain count.
type Bytes int64

// The units.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
	TiB Bytes = 1 << 40
)

// byteUnits are what may stand behind the number; the first ones are how String writes.
var byteUnits = []struct {
	name string
	size Bytes
}{
	{"TiB", TiB},
	{"GiB", GiB},
	{"MiB", MiB},
	{"KiB", KiB},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
	{"KB", 1e3},
	{"B", 1},
}

// ParseBytes reads "64MiB", "10 MB" or "4096". It refuses what is negative, has a fraction, or
// does not fit.
func ParseBytes(s string) (Bytes, error) {
	number, unit := s, Bytes(1)
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = strings.TrimRight(rest, " "), u.size
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || n > uint64(math.MaxInt64)/uint64(unit) {
		return 0, fmt.Errorf("want a size such as 64MiB")
	}
	return Bytes(n) * unit, nil
}

// String writes the size with the largest unit that divides it, so that ParseBytes reads it back.
func (b Bytes) String() string {
	if b > 0 {
		for _, u := range byteUnits[:4] {
			if b%u.size == 0 {
				return strconv.FormatInt(int64(b/u.size), 10) + u.name
			}
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText writes String's text, in JSON and YAML alike.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }
