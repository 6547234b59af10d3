package gemini

import (
	"bytes"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// counts are the numbers of a usageMetadata.
type counts struct{ prompt, candidates, thoughts, tools, total, cached *int64 }

// ParseUsage reads a usageMetadata object, also that of the Live API, which says response for
// candidates. It returns false, and an empty Usage, when the object has no count: chunks of Vertex
// AI have a trafficType alone until the last.
//
// Whether candidates count the thoughts, and the prompt what tools added, is told by the total;
// where that does not tell, they do not, as Google documents it. Documents count as images, which
// is how Google reads and bills them. ServiceTier is serviceTier, or trafficType in the same words.
func ParseUsage(object []byte) (inference.Usage, bool) {
	var u inference.Usage
	var n counts
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "promptTokenCount":
			count(&n.prompt, v)
		case "candidatesTokenCount", "responseTokenCount":
			count(&n.candidates, v)
		case "thoughtsTokenCount":
			count(&n.thoughts, v)
		case "toolUsePromptTokenCount":
			count(&n.tools, v)
		case "totalTokenCount":
			count(&n.total, v)
		case "cachedContentTokenCount":
			count(&n.cached, v)
		case "promptTokensDetails", "toolUsePromptTokensDetails":
			addModalities(v, &u.InputAudio, &u.InputImage, &u.InputVideo)
		case "cacheTokensDetails":
			addModalities(v, &u.CachedAudio, &u.CachedImage, new(*int64))
		case "candidatesTokensDetails", "responseTokensDetails":
			addModalities(v, &u.OutputAudio, &u.OutputImage, &u.OutputVideo)
		case "serviceTier":
			if k == rawjson.String {
				u.ServiceTier = strings.ToLower(rawjson.Unquote(v))
			}
		case "trafficType":
			if k == rawjson.String && u.ServiceTier == "" {
				u.ServiceTier = tierOf(rawjson.Unquote(v))
			}
		}
		return true
	})
	if n == (counts{}) {
		return inference.Usage{}, false
	}
	u.Source, u.Raw = inference.UsageProvider, bytes.Clone(object)
	n.fill(&u)
	return u, true
}

// fill adds up Input and Output, and works out the one number that follows from two others.
func (n *counts) fill(u *inference.Usage) {
	u.CachedInput, u.Reasoning, u.ToolPrompt, u.Total = n.cached, n.thoughts, n.tools, n.total
	prompt, candidates, thoughts, tools := value(n.prompt), value(n.candidates), value(n.thoughts), value(n.tools)
	if n.total != nil {
		switch *n.total - prompt - candidates {
		case thoughts + tools:
		case thoughts:
			tools = 0 // the prompt counts them
		case tools:
			thoughts = 0 // the candidates count them
		}
	}
	if n.prompt != nil || n.tools != nil {
		u.Input = sum(prompt, tools)
	}
	if n.candidates != nil || n.thoughts != nil {
		u.Output = sum(candidates, thoughts)
	}
	switch {
	case u.Input != nil && u.Output != nil && u.Total == nil:
		u.Total = sum(*u.Input, *u.Output)
	case u.Input != nil && u.Output == nil && u.Total != nil && *u.Total >= *u.Input:
		u.Output = sum(*u.Total, -*u.Input)
	case u.Input == nil && u.Output != nil && u.Total != nil && *u.Total >= *u.Output:
		u.Input = sum(*u.Total, -*u.Output)
	}
}

// tierOf turns Vertex AI's trafficType into the words of serviceTier.
func tierOf(traffic string) string {
	switch traffic {
	case "ON_DEMAND":
		return "standard"
	case "ON_DEMAND_PRIORITY":
		return "priority"
	case "ON_DEMAND_FLEX":
		return "flex"
	default:
		return strings.ToLower(traffic)
	}
}

// addModalities adds the audio, image and video tokens of a list of {modality, tokenCount}.
func addModalities(list []byte, audio, image, video **int64) {
	c := rawjson.Walk(list)
	if c.Kind() != rawjson.Array {
		return
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		var modality string
		var n *int64
		rawjson.Members(c.Take(), func(name []byte, _ rawjson.Kind, v []byte) bool {
			switch string(name) {
			case "modality":
				modality = rawjson.Unquote(v)
			case "tokenCount":
				count(&n, v)
			}
			return true
		})
		if n == nil {
			continue
		}
		switch modality {
		case "AUDIO":
			*audio = sum(value(*audio), *n)
		case "IMAGE", "DOCUMENT":
			*image = sum(value(*image), *n)
		case "VIDEO":
			*video = sum(value(*video), *n)
		}
	}
}

// hasCounts reports whether a usageMetadata has any count of tokens.
func hasCounts(object []byte) bool {
	found := false
	rawjson.Members(object, func(name []byte, k rawjson.Kind, _ []byte) bool {
		found = k == rawjson.Number && bytes.HasSuffix(name, []byte("TokenCount"))
		return !found
	})
	return found
}

// maxCount is more than any count can be, and keeps sums from overflowing.
const maxCount = 1 << 53

// count sets n to a token count. What is no count, such as null or a negative number, is unknown.
func count(n **int64, v []byte) {
	if x, ok := rawjson.Int(v); ok && x >= 0 && x < maxCount {
		*n = &x
	}
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func sum(a, b int64) *int64 { n := a + b; return &n }
