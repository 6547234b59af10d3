package wire

import "strings"

// tasks are the operations in Databricks' words, or in words of their kind.
var tasks = [...]string{
	OpChat:          "llm/v1/chat",
	OpCompletions:   "llm/v1/completions",
	OpEmbeddings:    "llm/v1/embeddings",
	OpImages:        "llm/v1/images",
	OpSpeech:        "llm/v1/speech",
	OpTranscription: "llm/v1/transcription",
	OpModerations:   "llm/v1/moderations",
	OpRerank:        "llm/v1/rerank",
	OpCount:         "",
}

// OperationOf returns the operation of an endpoint's task, OpOpaque for any other.
// Agents are chats.
func OperationOf(task string) Operation {
	if strings.HasPrefix(task, "agent/") {
		return OpChat
	}
	for op, t := range tasks {
		if t == task && t != "" {
			return Operation(op)
		}
	}
	return OpOpaque
}

// String returns the operation's name for people, which is its task where it has one.
func (op Operation) String() string {
	switch {
	case op == OpCount:
		return "counting tokens"
	case op > 0 && int(op) < len(tasks):
		return tasks[op]
	default:
		return "a model of a shape of its own"
	}
}
