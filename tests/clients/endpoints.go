package main

import (
	"fmt"
	"slices"
	"strings"
)

// providers are the kinds of recorded providers that every SDK is tried on, in order.
var providers = []string{"openai", "anthropic", "gemini", "bedrock", "cohere", "responses"}

// chatCases are the recorded cases that have an endpoint of every provider: "<provider>-<case>".
var chatCases = []string{"text", "tools", "reasoning", "json_schema", "cache", "limited", "flaky", "slow", "broken"}

// recordedConfig is how each kind of provider is configured; %s is its address.
var recordedConfig = map[string]string{
	"openai":    `provider: openai, task: llm/v1/chat, openai_config: {openai_api_key_plaintext: ` + providerKey + `, openai_api_base: "%s/v1"}`,
	"responses": `provider: openai, task: agent/v1/responses, openai_config: {openai_api_key_plaintext: ` + providerKey + `, openai_api_base: "%s/v1"}`,
	"anthropic": `provider: anthropic, task: llm/v1/chat, anthropic_config: {anthropic_api_key_plaintext: ` + providerKey + `, anthropic_api_base: "%s"}`,
	"gemini":    `provider: google-gemini, task: llm/v1/chat, gemini_config: {gemini_api_key_plaintext: ` + providerKey + `, gemini_api_base: "%s"}`,
	"cohere":    `provider: cohere, task: llm/v1/chat, cohere_config: {cohere_api_key_plaintext: ` + providerKey + `, cohere_api_base: "%s"}`,
	"bedrock": `provider: amazon-bedrock, task: llm/v1/chat, amazon_bedrock_config: {aws_region: eu-central-1, bedrock_provider: amazon, ` +
		`aws_access_key_id_plaintext: AKIATEST, aws_secret_access_key_plaintext: ` + providerKey + `, bedrock_api_base: "%s"}`,
}

// others are endpoints for one thing each: of a provider, for a task.
var others = []struct{ name, kind, model, task, more string }{
	{"openai-vectors", "openai", "vectors", "llm/v1/embeddings", ""},
	{"gemini-vectors", "gemini", "vectors", "llm/v1/embeddings", ""},
	{"cohere-vectors", "cohere", "vectors", "llm/v1/embeddings", ""},
	{"cohere-rerank", "cohere", "rerank", "llm/v1/rerank", ""},
	{"images", "openai", "images", "llm/v1/images", ""},
	{"speech", "openai", "speech", "llm/v1/speech", ""},
	{"transcription", "openai", "transcription", "llm/v1/transcription", ""},
	{"moderation", "openai", "moderation", "llm/v1/moderations", ""},
	{"dropping", "anthropic", "text", "llm/v1/chat", "    lakegate: {drop_unsupported: true}\n"},
}

// recordedEndpoints is the configuration of all endpoints on recorded providers.
func recordedEndpoints(address string) string {
	var s strings.Builder
	add := func(name, kind, model, task, more string) {
		text := fmt.Sprintf(recordedConfig[kind], address+"/"+kind)
		if task != "" {
			text = strings.Replace(text, "task: llm/v1/chat", "task: "+task, 1)
		}
		fmt.Fprintf(&s, "  - name: %s\n    config: {served_entities: [{name: model, external_model: {name: %s, %s}}]}\n%s", name, model, text, more)
	}
	for _, kind := range providers {
		for _, c := range chatCases {
			add(kind+"-"+c, kind, c, "", "")
		}
	}
	for _, o := range others {
		add(o.name, o.kind, o.model, o.task, o.more)
	}
	fmt.Fprintf(&s, "  - name: own\n    config: {served_entities: [{name: model, external_model: {name: own, provider: custom, task: llm/v1/chat, "+
		"custom_provider_config: {custom_provider_url: %q, bearer_token_auth: {token_plaintext: %s}, usage_paths: {input: meta.tokens.in, output: meta.tokens.out}}}}]}\n",
		address+"/openai/own", providerKey)
	return s.String()
}

// endpointNames are the names of all endpoints, for clients that list them.
func endpointNames() []string {
	names := []string{"chat", "text", "vectors", "limited", "stranger", "own", "prompt"}
	for _, kind := range providers {
		for _, c := range chatCases {
			names = append(names, kind+"-"+c)
		}
	}
	for _, o := range others {
		names = append(names, o.name)
	}
	slices.Sort(names)
	return names
}
