// Package cohere is the wire format of Cohere's API v2: chat, whole and streamed, and embeddings.
// Reranking is package openai's, which has the shape that Cohere gave it.
//
// Both sides are here: clients that speak it, such as Cohere's own SDKs, and Cohere as a provider.
// The tokens of an answer are those of usage.billed_units, which are what Cohere charges for; its
// other count, usage.tokens, has prompts of Cohere's own in it and stands in only where nothing was
// billed. Both are in the raw usage.
//
// What the model says before it calls tools, tool_plan, is text in the common form. Citations have
// no place there: they reach Cohere's clients from Cohere only. Everything is a pure function over
// bytes and safe for concurrent use, but for Trackers, Decoders and Encoders, which one goroutine
// uses.
package cohere

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// maxDepth bounds how deep the objects and arrays of a body may nest.
const maxDepth = 256

// Chat is the codec of /v2/chat.
func Chat() *wire.Codec {
	return &wire.Codec{
		Format:            wire.CohereChat,
		Operation:         wire.OpChat,
		Dialect:           apierr.Cohere,
		InputChars:        chatChars,
		ParseAnswer:       ParseAnswer,
		NewTracker:        func(keep bool) wire.Tracker { return &tracker{keep: keep} },
		AppendStreamError: appendStreamError,
		Chat: &chat.Codec{
			DecodeRequest: decodeRequest,
			EncodeAnswer:  encodeAnswer,
			NewEncoder:    func(r *chat.Request) chat.Encoder { return &encoder{} },
			EncodeRequest: encodeRequest,
			DecodeAnswer:  decodeAnswer,
			NewDecoder:    func() chat.Decoder { return &decoder{} },
		},
	}
}

// Embed is the codec of /v2/embed.
func Embed() *wire.Codec {
	return &wire.Codec{
		Format:      wire.CohereEmbed,
		Operation:   wire.OpEmbeddings,
		Dialect:     apierr.Cohere,
		InputChars:  embedChars,
		ParseAnswer: parseEmbedAnswer,
		Embed: &chat.EmbedCodec{
			DecodeRequest: decodeEmbedRequest,
			EncodeAnswer:  encodeEmbedAnswer,
			EncodeRequest: encodeEmbedRequest,
			DecodeAnswer:  decodeEmbedAnswer,
		},
	}
}

// get returns a member of an object, nil when that is none or has none of that name.
func get(object []byte, name string) (value []byte) {
	if len(object) == 0 {
		return nil
	}
	rawjson.Members(object, func(n []byte, _ rawjson.Kind, v []byte) bool {
		if string(n) == name {
			value = v
		}
		return true
	})
	return value
}

// text returns what a JSON string says, "" for anything else.
func text(v []byte) string {
	if len(v) == 0 || v[0] != '"' {
		return ""
	}
	return rawjson.Unquote(v)
}

// elements calls each for the elements of an array, nothing for what is none.
func elements(array []byte, each func(v []byte)) {
	c := rawjson.Walk(array)
	if c.Kind() != rawjson.Array {
		return
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		v := c.Take()
		if v == nil {
			return
		}
		each(v)
	}
}
