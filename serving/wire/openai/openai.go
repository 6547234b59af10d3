// Package openai reads and edits the bodies of OpenAI's API: chat completions, completions and
// embeddings, whole or streamed.
//
// It looks for the few fields lakegate needs and leaves everything else as it came: unknown
// fields, tools, images and schemas pass through byte for byte. Usage is the provider's own,
// whatever dialect of OpenAI's shape it speaks; what it did not say is nil. Nothing here does
// I/O or knows who is asking. A Request, Answer or Joiner is used by one goroutine at a time.
package openai

// Operation is what is asked of a model.
type Operation int

// The operations. Opaque is JSON in and JSON out, of a shape lakegate does not know.
const (
	Opaque Operation = iota
	Chat
	Completions
	Embeddings
)

var operations = [...]struct{ task, path string }{
	Opaque:      {"", ""},
	Chat:        {"llm/v1/chat", "chat/completions"},
	Completions: {"llm/v1/completions", "completions"},
	Embeddings:  {"llm/v1/embeddings", "embeddings"},
}

// OperationOf returns the operation of a task in Databricks' words, Opaque for any other.
func OperationOf(task string) Operation {
	for op, o := range operations {
		if o.task == task {
			return Operation(op)
		}
	}
	return Opaque
}

// Task returns the operation's name in Databricks' words.
func (op Operation) Task() string { return operations[op].task }

// Path returns where the operation is below the API's base, "" for Opaque.
func (op Operation) Path() string { return operations[op].path }

// Streams reports whether answers can be streamed with usage in a chunk of its own.
func (op Operation) Streams() bool { return op == Chat || op == Completions }
