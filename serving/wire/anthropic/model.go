package anthropic

import (
	"fmt"
	"strings"
)

// version is the generation of a Claude model, times ten: 45 for claude-sonnet-4-5, 37 for
// claude-3-7-sonnet-20250219, 50 for claude-fable-5. What a model takes depends on it:
//
//	37  thinking
//	41  JSON output by schema, strict tools; temperature or top_p, not both
//	46  adaptive thinking and effort
//	47  no budget of thinking, no temperature, top_p or top_k; effort xhigh
//	48  instructions in the middle of a chat
//
// A model whose name tells no generation is taken for the newest.
type version int

const newest version = 990

// versionOf reads the name of a model, which may be one of Bedrock's or Vertex AI's.
func versionOf(model string) version {
	_, rest, found := strings.Cut(strings.ToLower(model), "claude-")
	if !found {
		return newest
	}
	major, minor := -1, 0
	for _, word := range strings.FieldsFunc(rest, func(c rune) bool { return c == '-' || c == '.' || c == '@' || c == ':' }) {
		n, ok := smallNumber(word)
		switch {
		case ok && major < 0:
			major = n
		case ok:
			minor = min(n, 9)
			return version(10*major + minor)
		case major >= 0: // 4 of opus-4-20250514 has no number behind it
			return version(10 * major)
		}
	}
	if major < 0 {
		return newest
	}
	return version(10*major + minor)
}

// smallNumber reads a number of one or two digits; longer ones are dates.
func smallNumber(word string) (n int, ok bool) {
	for _, c := range word {
		if c < '0' || c > '9' || len(word) > 2 {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, word != ""
}

func (v version) thinks() bool          { return v >= 37 }
func (v version) schemas() bool         { return v >= 41 }
func (v version) oneSampling() bool     { return v >= 41 }
func (v version) adaptive() bool        { return v >= 46 }
func (v version) budgets() bool         { return v < 47 }
func (v version) samples() bool         { return v < 47 }
func (v version) midInstructions() bool { return v >= 48 }

// longest is what every model of the generation can answer in tokens; 0 is not known.
func (v version) longest() int64 {
	switch {
	case v == newest:
		return 0
	case v >= 45 || v == 37:
		return 64000
	case v >= 40:
		return 32000
	case v >= 35:
		return 8192
	default:
		return 4096
	}
}

// String names the generation in an error for people.
func (v version) String() string {
	if v == newest {
		return "of the newest generation"
	}
	return fmt.Sprintf("%d.%d", v/10, v%10)
}

// Generation returns the generation of a Claude model, times ten, for others who host it: 45 for
// claude-sonnet-4-5. A name that tells none is taken for the newest, which is above all others.
func Generation(model string) int { return int(versionOf(model)) }
