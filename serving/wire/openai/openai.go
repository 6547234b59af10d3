// Package openai reads and writes the bodies of OpenAI's API, and of the many that speak it.
//
// Chat completions are translated on both sides, embeddings too, and completions become chats of
// one message. Images, speech, transcriptions, moderations and rerank pass through, with their
// usage read. Where nothing is translated, unknown fields, tools, images and schemas stay as they
// came, byte for byte. Usage is the provider's own, whatever dialect of OpenAI's shape it speaks
// (ParseUsage says which); what it did not say is nil.
//
// What a client says and the common form can't goes to Request.Rest: nothing is left out silently.
// Beyond OpenAI's own fields it understands those by which OpenRouter, Databricks, DeepSeek,
// Mistral, vLLM and others give thoughts, their signatures and marks of what to cache. Nothing
// here does I/O or knows who is asking. A Joiner, Tracker, Decoder or Encoder is used by one
// goroutine at a time.
package openai

import "github.com/lakegate/lakegate/serving/wire"

// MaxDepth bounds how deep the objects and arrays of a body may nest.
const MaxDepth = wire.MaxDepth
