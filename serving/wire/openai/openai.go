// Package openai reads and edits the bodies of OpenAI's API: chat completions, completions and
// embeddings, whole or streamed.
//
// It looks for the few fields lakegate needs and leaves everything else as it came: unknown
// fields, tools, images and schemas pass through byte for byte. Usage is the provider's own,
// whatever dialect of OpenAI's shape it speaks; what it did not say is nil. Nothing here does
// I/O or knows who is asking. A Joiner is used by one goroutine at a time.
package openai

import "github.com/lakegate/lakegate/serving/wire"

// MaxDepth bounds how deep the objects and arrays of a body may nest.
const MaxDepth = wire.MaxDepth
