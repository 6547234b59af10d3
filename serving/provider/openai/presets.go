package openai

import (
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// preset is an API like OpenAI's: which of its formats it has, by its documentation.
type preset struct {
	formats map[wire.Operation][]wire.Format
	// messages is where it has Anthropic's Messages API too, below the base; "" for nowhere.
	messages string
	// strict: it refuses stream_options, and sends usage at the end of streams without being asked.
	strict bool
}

// Operations that all of a format's APIs have in one way.
var (
	chat         = map[wire.Operation][]wire.Format{wire.OpChat: {wire.OpenAIChat}}
	chatMessages = map[wire.Operation][]wire.Format{wire.OpChat: {wire.OpenAIChat, wire.AnthropicMessages}}
	chatAnd      = map[wire.Operation][]wire.Format{wire.OpChat: {wire.OpenAIChat, wire.OpenAIResponses}}
	chatAll      = map[wire.Operation][]wire.Format{wire.OpChat: {wire.OpenAIChat, wire.OpenAIResponses, wire.AnthropicMessages}}
)

// with adds operations that are OpenAI's own to those of a chat.
func with(chat map[wire.Operation][]wire.Format, more ...wire.Operation) map[wire.Operation][]wire.Format {
	all := map[wire.Operation][]wire.Format{wire.OpChat: chat[wire.OpChat]}
	for _, op := range more {
		all[op] = speaks[op]
	}
	return all
}

// presets are the APIs like OpenAI's by provider. Of servers of one's own only what even older
// ones have is in it: the rest is translated to chat.
var presets = map[string]preset{
	"cerebras":  {formats: with(chat, wire.OpCompletions)},
	"deepinfra": {formats: with(chat, wire.OpCompletions, wire.OpEmbeddings, wire.OpImages, wire.OpSpeech, wire.OpTranscription)},
	"deepseek":  {formats: with(chatMessages), messages: "/anthropic/v1/messages"},
	"fireworks": {formats: with(chatAll, wire.OpCompletions, wire.OpEmbeddings, wire.OpRerank), messages: "/messages"},
	"groq":      {formats: with(chatAnd, wire.OpSpeech, wire.OpTranscription)},
	"mistral":   {formats: with(chat, wire.OpEmbeddings, wire.OpModerations, wire.OpTranscription), strict: true},
	"ollama":    {formats: with(chat, wire.OpCompletions, wire.OpEmbeddings)},
	"openrouter": {
		formats:  with(chatAll, wire.OpCompletions, wire.OpEmbeddings, wire.OpSpeech, wire.OpRerank),
		messages: "/messages",
	},
	"perplexity": {formats: with(chat)},
	"together": {formats: with(chat, wire.OpCompletions, wire.OpEmbeddings, wire.OpImages, wire.OpSpeech, wire.OpTranscription,
		wire.OpRerank)},
	"vllm": {formats: with(chat, wire.OpCompletions, wire.OpEmbeddings, wire.OpTranscription, wire.OpRerank)},
	"xai":  {formats: with(chatAnd, wire.OpCompletions, wire.OpImages)},
}

// Presets returns the providers of the presets by name.
func Presets() map[string]provider.Provider {
	all := make(map[string]provider.Provider, len(presets))
	for name, p := range presets {
		all[name] = p.provider()
	}
	return all
}

func (p preset) provider() provider.Provider {
	return provider.Provider{
		Formats: func(e *endpoint.Entity, op wire.Operation) []wire.Format { return forTask(e, p.formats[op]) },
		Build: func(a *provider.Ask) (provider.Upstream, error) {
			if a.Format != wire.AnthropicMessages || p.messages == "" {
				return build(a)
			}
			h := a.NewHeader()
			a.PassOn(h, "Anthropic-Version", "Anthropic-Beta")
			return provider.Upstream{Method: a.Method, URL: a.URL(p.messages), Header: h, Body: a.Body}, nil
		},
		Capabilities: provider.Capabilities{UsageOption: !p.strict},
	}
}
