package openai

import (
	"bytes"
	"unicode/utf8"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// parseInputUsage reads the usage of calls that have neither an output nor a prompt cache, whatever
// compatible servers write of them: a total is all input.
func parseInputUsage(object []byte) (inference.Usage, bool) {
	u, ok := ParseUsage(object)
	if !ok {
		return u, false
	}
	if u.Input == nil && u.Output == nil {
		u.Input = u.Total
	}
	if u.Input != nil {
		u.Total = u.Input
	}
	u.Output = new(int64)
	u.CachedInput, u.CacheWrite, u.CachedAudio, u.CachedImage = nil, nil, nil, nil
	u.Reasoning, u.OutputAudio, u.OutputImage = nil, nil, nil
	return u, true
}

// parseImageUsage reads the usage of images. Without details all of the output is image, as it is
// with the models that send none.
func parseImageUsage(object []byte) (inference.Usage, bool) {
	u, ok := ParseUsage(object)
	if ok && u.OutputImage == nil && get(object, "output_tokens_details") == nil {
		u.OutputImage = u.Output
	}
	return u, ok
}

// parseSoundUsage reads the usage of transcriptions: tokens, or a duration, which is kept as it
// came and counts no tokens.
func parseSoundUsage(object []byte) (inference.Usage, bool) {
	u, ok := ParseUsage(object)
	if !ok && len(get(object, "seconds")) > 0 {
		return inference.Usage{Source: inference.UsageProvider, Raw: bytes.Clone(object)}, true
	}
	return u, ok
}

// parseRerankUsage reads meta of Cohere's answers: billed_units.search_units are what is paid for.
func parseRerankUsage(meta []byte) (inference.Usage, bool) {
	units := get(meta, "billed_units")
	if len(units) == 0 {
		return inference.Usage{}, false
	}
	u := inference.Usage{Source: inference.UsageProvider, Raw: bytes.Clone(meta)}
	count(&u.Searches, get(units, "search_units"))
	count(&u.Input, get(units, "input_tokens"))
	return u, u.Searches != nil || u.Input != nil
}

// parseRerank reads answers of Cohere (meta) and of Jina, Voyage and others (usage).
func parseRerank(b []byte) (wire.Answer, error) {
	return parseAnswer(b, parseInputUsage, func(a *wire.Answer, name string, v []byte) {
		if u, ok := parseRerankUsage(v); ok && name == "meta" {
			a.Usage, a.HasUsage = u, true
		}
	})
}

// parseTranscript reads a transcription: JSON, or plain text when that was asked for.
func parseTranscript(b []byte) (wire.Answer, error) {
	if !isObject(b) {
		n := int64(utf8.RuneCount(b)) // text, srt or vtt
		return wire.Answer{OutputChars: &n}, nil
	}
	return parseAnswer(b, parseSoundUsage, func(a *wire.Answer, name string, v []byte) {
		if name == "text" && v[0] == '"' {
			n := rawjson.Chars(v)
			a.OutputChars = &n
		}
	})
}

// parseSpeech reads what a call for speech gives: sound, of which nothing is known.
func parseSpeech(b []byte) (wire.Answer, error) {
	if a, err := ParseAnswer(b); err == nil {
		return a, nil
	}
	return wire.Answer{}, nil
}

func isObject(b []byte) bool {
	c := rawjson.Walk(bytes.TrimLeft(b, " \t\r\n"))
	return c.Kind() == rawjson.ObjectKind
}
