package telemetry

import (
	"bytes"
	"slices"
)

// reasonKeys are the names that formats have for why an answer ended. A key in JSON is never part of a
// text: its quotes would be escaped there.
var reasonKeys = [][]byte{[]byte(`"finish_reason"`), []byte(`"stop_reason"`), []byte(`"finishReason"`), []byte(`"stopReason"`)}

// known are the words of providers. Nothing else is told: the key may be one of a tool's arguments, which
// are part of the answer.
var known = []string{
	"stop", "length", "tool_calls", "content_filter", "function_call", "error", // OpenAI
	"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded", // Anthropic
	"guardrail_intervened", "content_filtered", // Bedrock
	"STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", // Google
	"COMPLETE", "STOP_SEQUENCE", "TOOL_CALL", "ERROR", "TIMEOUT", // Cohere
}

// maxReasons bounds the list: a call may ask for many choices.
const maxReasons = 16

// finishReasons adds the reasons in an answer, or in an event of one, to those before.
func finishReasons(before []string, data []byte) []string {
	for _, key := range reasonKeys {
		for rest := data; len(before) < maxReasons; {
			_, after, found := bytes.Cut(rest, key)
			if !found {
				break
			}
			rest = after
			value, ok := bytes.CutPrefix(bytes.TrimLeft(after, " \t\r\n"), []byte(":"))
			if !ok {
				continue
			}
			if value, ok = bytes.CutPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte(`"`)); !ok {
				continue // null, until the end
			}
			word, _, _ := bytes.Cut(value[:min(len(value), 64)], []byte(`"`))
			if i := slices.Index(known, string(word)); i >= 0 {
				before = append(before, known[i])
			}
		}
	}
	return before
}
