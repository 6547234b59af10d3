package gemini

import (
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// appendUsage appends a usageMetadata, such that ParseUsage reads the same from it. Google has no
// name for tokens that were written to a cache; they are part of the prompt.
func appendUsage(dst []byte, u *inference.Usage) []byte {
	dst = append(dst, '{')
	number := func(name string, n *int64) {
		if n != nil {
			dst = strconv.AppendInt(append(append(append(comma(dst), '"'), name...), '"', ':'), *n, 10)
		}
	}
	less := func(n, part *int64) *int64 {
		if n == nil || part == nil || *part > *n {
			return n
		}
		return sum(*n, -*part)
	}
	number("promptTokenCount", less(u.Input, u.ToolPrompt))
	number("candidatesTokenCount", less(u.Output, u.Reasoning))
	number("totalTokenCount", total(u))
	number("cachedContentTokenCount", u.CachedInput)
	dst = appendModalities(dst, "promptTokensDetails", less(u.Input, u.ToolPrompt), u.InputAudio, u.InputImage)
	dst = appendModalities(dst, "cacheTokensDetails", u.CachedInput, u.CachedAudio, u.CachedImage)
	dst = appendModalities(dst, "candidatesTokensDetails", less(u.Output, u.Reasoning), u.OutputAudio, u.OutputImage)
	number("toolUsePromptTokenCount", u.ToolPrompt)
	number("thoughtsTokenCount", u.Reasoning)
	if tier := u.ServiceTier; tier != "" {
		if tier == "default" {
			tier = "standard"
		}
		dst = rawjson.AppendQuoted(append(comma(dst), `"serviceTier":`...), tier)
	}
	return append(dst, '}')
}

func total(u *inference.Usage) *int64 {
	if u.Total != nil || u.Input == nil || u.Output == nil {
		return u.Total
	}
	return sum(*u.Input, *u.Output)
}

// appendModalities appends a breakdown of all tokens; none when nothing but text is known of.
func appendModalities(dst []byte, name string, all, audio, image *int64) []byte {
	if value(audio) == 0 && value(image) == 0 {
		return dst
	}
	dst = append(append(append(comma(dst), '"'), name...), `":[`...)
	for _, m := range []struct {
		modality string
		n        int64
	}{{"TEXT", value(all) - value(audio) - value(image)}, {"AUDIO", value(audio)}, {"IMAGE", value(image)}} {
		if m.n > 0 {
			dst = append(append(append(comma(dst), `{"modality":"`...), m.modality...), `","tokenCount":`...)
			dst = append(strconv.AppendInt(dst, m.n, 10), '}')
		}
	}
	return append(dst, ']')
}

// known reports whether a usage has a count to tell.
func known(u *inference.Usage) bool {
	return u.Input != nil || u.Output != nil || u.Total != nil || strings.TrimSpace(u.ServiceTier) != ""
}
