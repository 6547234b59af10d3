package anthropic

import "github.com/lakegate/lakegate/serving/wire/chat"

// stopOf reads a stop_reason. A context window that is full is no tokens left.
func stopOf(reason string) chat.Stop {
	switch reason {
	case "end_turn":
		return chat.StopEnd
	case "stop_sequence":
		return chat.StopSequence
	case "max_tokens", "model_context_window_exceeded":
		return chat.StopLength
	case "tool_use":
		return chat.StopTool
	case "refusal":
		return chat.StopRefusal
	case "pause_turn":
		return chat.StopPause
	default:
		return chat.StopOther
	}
}

// reasonOf writes a stop_reason. A filter's word is refusal, which says that policy cut in. calls
// says that there are calls of tools: some providers say no more then than that they are done.
func reasonOf(stop chat.Stop, calls bool) string {
	switch stop {
	case chat.StopSequence:
		return "stop_sequence"
	case chat.StopLength:
		return "max_tokens"
	case chat.StopTool:
		return "tool_use"
	case chat.StopRefusal, chat.StopFilter:
		return "refusal"
	case chat.StopPause:
		return "pause_turn"
	default:
		if calls {
			return "tool_use"
		}
		return "end_turn"
	}
}
