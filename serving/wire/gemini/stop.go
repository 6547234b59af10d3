package gemini

import "github.com/lakegate/lakegate/serving/wire/chat"

// stopOf turns a finishReason into the common form. Google says STOP when tools are to be called,
// and when a stop sequence was hit, without saying so.
func stopOf(reason string, called bool) chat.Stop {
	switch reason {
	case "STOP":
		if called {
			return chat.StopTool
		}
		return chat.StopEnd
	case "MAX_TOKENS":
		return chat.StopLength
	case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
		"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION":
		return chat.StopFilter
	default: // MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, TOO_MANY_TOOL_CALLS, NO_IMAGE, OTHER, ...
		return chat.StopOther
	}
}

// finishReason turns it back.
func finishReason(s chat.Stop) string {
	switch s {
	case chat.StopEnd, chat.StopSequence, chat.StopTool:
		return "STOP"
	case chat.StopLength:
		return "MAX_TOKENS"
	case chat.StopFilter, chat.StopRefusal:
		return "SAFETY"
	default:
		return "OTHER"
	}
}
