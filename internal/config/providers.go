package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// The providers that are more than a preset, as the file names them.
const (
	OpenAI     = "openai"
	Anthropic  = "anthropic"
	Cohere     = "cohere"
	AI21       = "ai21labs"
	Gemini     = "google-gemini"
	Bedrock    = "amazon-bedrock"
	Vertex     = "google-cloud-vertex-ai"
	Databricks = "databricks-model-serving"
	Custom     = "custom"

	palm = "palm" // Databricks knows it still; Google has switched it off
)

// OpenAIBase is where provider openai is called when no openai_api_base is given.
const OpenAIBase = "https://api.openai.com/v1"

// kind is what the file has to say about a provider.
type kind struct {
	block string // the key of its configuration
	base  string // where it is called when the file gives no address
	own   bool   // a server of one's own, which may want no key
	// beside are the tasks it has beside chat, as the last words of theirs; nil: it may have all.
	beside []string
}

// has reports whether a provider has models for a task. Completions are chats of one message where
// there is nothing better, and agents are chats.
func (k kind) has(task string) bool {
	switch task {
	case endpoint.Chat, endpoint.Completions, endpoint.AgentChat, endpoint.AgentResponses:
		return true
	default:
		return k.beside == nil || slices.Contains(k.beside, strings.TrimPrefix(task, "llm/v1/"))
	}
}

// tasks returns the tasks a provider has.
func (k kind) tasks() []string {
	return slices.DeleteFunc(endpoint.Tasks(), func(task string) bool { return !k.has(task) })
}

// providers are all providers by name. Those with a base are reached with a key and nothing else;
// their block is a KeyConfig.
var providers = map[string]kind{
	OpenAI:     {block: "openai_config"},
	Bedrock:    {block: "amazon_bedrock_config", beside: []string{"embeddings"}},
	Vertex:     {block: "google_cloud_vertex_ai_config", beside: []string{"embeddings"}},
	Databricks: {block: "databricks_model_serving_config", beside: []string{"embeddings"}},
	Custom:     {block: "custom_provider_config"},
	palm:       {block: "palm_config"},

	Anthropic: {block: "anthropic_config", base: "https://api.anthropic.com", beside: []string{}},
	Cohere:    {block: "cohere_config", base: "https://api.cohere.com", beside: []string{"embeddings", "rerank"}},
	AI21:      {block: "ai21labs_config", base: "https://api.ai21.com/studio/v1", beside: []string{}},
	Gemini:    {block: "gemini_config", base: "https://generativelanguage.googleapis.com", beside: []string{"embeddings"}},

	// Presets: APIs like OpenAI's.
	"cerebras":   {block: "cerebras_config", base: "https://api.cerebras.ai/v1", beside: []string{}},
	"deepinfra":  {block: "deepinfra_config", base: "https://api.deepinfra.com/v1/openai", beside: []string{"embeddings", "images", "speech", "transcription"}},
	"deepseek":   {block: "deepseek_config", base: "https://api.deepseek.com", beside: []string{}},
	"fireworks":  {block: "fireworks_config", base: "https://api.fireworks.ai/inference/v1", beside: []string{"embeddings", "rerank"}},
	"groq":       {block: "groq_config", base: "https://api.groq.com/openai/v1", beside: []string{"speech", "transcription"}},
	"mistral":    {block: "mistral_config", base: "https://api.mistral.ai/v1", beside: []string{"embeddings", "transcription", "moderations"}},
	"ollama":     {block: "ollama_config", base: "http://localhost:11434/v1", own: true, beside: []string{"embeddings"}},
	"openrouter": {block: "openrouter_config", base: "https://openrouter.ai/api/v1", beside: []string{"embeddings", "speech", "rerank"}},
	"perplexity": {block: "perplexity_config", base: "https://api.perplexity.ai", beside: []string{}},
	"together":   {block: "together_config", base: "https://api.together.xyz/v1", beside: []string{"embeddings", "images", "speech", "transcription", "rerank"}},
	"vllm":       {block: "vllm_config", base: "http://localhost:8000/v1", own: true, beside: []string{"embeddings", "transcription", "rerank"}},
	"xai":        {block: "xai_config", base: "https://api.x.ai/v1", beside: []string{"images"}},
}

// Providers returns the names of all providers a file may have, sorted.
func Providers() []string {
	names := slices.Sorted(maps.Keys(providers))
	return slices.DeleteFunc(names, func(name string) bool { return name == palm })
}

// ExternalModel is a model at a provider. Of the blocks only the provider's own is set.
type ExternalModel struct {
	Name       string            `yaml:"name"`
	Provider   string            `yaml:"provider"`
	Task       string            `yaml:"task"`
	OpenAI     *OpenAIConfig     `yaml:"openai_config,omitempty"`
	Anthropic  *KeyConfig        `yaml:"anthropic_config,omitempty"`
	Gemini     *KeyConfig        `yaml:"gemini_config,omitempty"`
	Vertex     *VertexConfig     `yaml:"google_cloud_vertex_ai_config,omitempty"`
	Bedrock    *BedrockConfig    `yaml:"amazon_bedrock_config,omitempty"`
	Databricks *DatabricksConfig `yaml:"databricks_model_serving_config,omitempty"`
	Cohere     *KeyConfig        `yaml:"cohere_config,omitempty"`
	AI21       *KeyConfig        `yaml:"ai21labs_config,omitempty"`
	Cerebras   *KeyConfig        `yaml:"cerebras_config,omitempty"`
	DeepInfra  *KeyConfig        `yaml:"deepinfra_config,omitempty"`
	DeepSeek   *KeyConfig        `yaml:"deepseek_config,omitempty"`
	Fireworks  *KeyConfig        `yaml:"fireworks_config,omitempty"`
	Groq       *KeyConfig        `yaml:"groq_config,omitempty"`
	Mistral    *KeyConfig        `yaml:"mistral_config,omitempty"`
	Ollama     *KeyConfig        `yaml:"ollama_config,omitempty"`
	OpenRouter *KeyConfig        `yaml:"openrouter_config,omitempty"`
	Perplexity *KeyConfig        `yaml:"perplexity_config,omitempty"`
	Together   *KeyConfig        `yaml:"together_config,omitempty"`
	VLLM       *KeyConfig        `yaml:"vllm_config,omitempty"`
	XAI        *KeyConfig        `yaml:"xai_config,omitempty"`
	Custom     *CustomConfig     `yaml:"custom_provider_config,omitempty"`
}

// keyConfig returns the block of a provider that has a KeyConfig, nil for others. With fill it
// makes one where there is none.
func (m *ExternalModel) keyConfig(fill bool) *KeyConfig {
	k := providers[m.Provider]
	if k.base == "" {
		return nil
	}
	f, _ := field(reflect.ValueOf(m).Elem(), k.block, "")
	if f.IsNil() && fill {
		f.Set(reflect.New(f.Type().Elem()))
	}
	return f.Interface().(*KeyConfig)
}

// KeyConfig says how a provider is reached that wants a key and nothing else. Its members are
// named after its block: mistral_config has mistral_api_key.
type KeyConfig struct {
	APIKey          secret.String   `yaml:"*_api_key"` // the key itself after Parse; empty for none
	APIKeyPlaintext secret.String   `yaml:"*_api_key_plaintext,omitempty"`
	APIKeys         []secret.String `yaml:"*_api_keys,omitempty"` // more keys; the keys themselves after Parse
	APIBase         string          `yaml:"*_api_base"`
}

// OpenAIConfig says how OpenAI, Azure's OpenAI or any server like them is reached.
type OpenAIConfig struct {
	APIKey          secret.String   `yaml:"openai_api_key"` // the key itself after Parse; empty for none
	APIKeyPlaintext secret.String   `yaml:"openai_api_key_plaintext"`
	APIKeys         []secret.String `yaml:"openai_api_keys,omitempty"` // more keys; the keys themselves after Parse
	APIBase         string          `yaml:"openai_api_base"`
	APIType         string          `yaml:"openai_api_type"` // openai, azure or azuread after Parse
	Organization    string          `yaml:"openai_organization"`

	// Of azure and azuread.
	APIVersion     string `yaml:"openai_api_version,omitempty"`
	DeploymentName string `yaml:"openai_deployment_name,omitempty"`

	// Of azuread.
	EntraTenant          string        `yaml:"microsoft_entra_tenant_id,omitempty"`
	EntraClient          string        `yaml:"microsoft_entra_client_id,omitempty"`
	EntraSecret          secret.String `yaml:"microsoft_entra_client_secret,omitempty"` // the secret itself after Parse
	EntraSecretPlaintext secret.String `yaml:"microsoft_entra_client_secret_plaintext,omitempty"`
	EntraAuthority       string        `yaml:"microsoft_entra_authority,omitempty"`
}

// VertexConfig says how Google's Vertex AI is reached.
type VertexConfig struct {
	Project             string        `yaml:"project_id"`
	Region              string        `yaml:"region"`
	PrivateKey          secret.String `yaml:"private_key"` // a service account's key, the whole JSON document
	PrivateKeyPlaintext secret.String `yaml:"private_key_plaintext"`
	APIBase             string        `yaml:"vertex_api_base"`
}

// BedrockConfig says how Amazon Bedrock is reached. Without keys the AWS SDK looks for them.
type BedrockConfig struct {
	Region             string        `yaml:"aws_region"`
	Provider           string        `yaml:"bedrock_provider"`  // whose model it is
	AccessKey          secret.String `yaml:"aws_access_key_id"` // both or neither
	AccessKeyPlaintext secret.String `yaml:"aws_access_key_id_plaintext"`
	SecretKey          secret.String `yaml:"aws_secret_access_key"`
	SecretKeyPlaintext secret.String `yaml:"aws_secret_access_key_plaintext"`
	APIBase            string        `yaml:"bedrock_api_base"`
}

// DatabricksConfig says how a serving endpoint of a Databricks workspace is reached.
type DatabricksConfig struct {
	WorkspaceURL   string        `yaml:"databricks_workspace_url"`
	Token          secret.String `yaml:"databricks_api_token"` // the token itself after Parse
	TokenPlaintext secret.String `yaml:"databricks_api_token_plaintext"`
}

// CustomConfig says how a server of one's own is reached. At most one of APIKey and Bearer is set.
type CustomConfig struct {
	URL    string      `yaml:"custom_provider_url"`
	APIKey *APIKeyAuth `yaml:"api_key_auth"`
	Bearer *BearerAuth `yaml:"bearer_token_auth"`
	Usage  *UsagePaths `yaml:"usage_paths,omitempty"`
}

// APIKeyAuth sends a key in a header of its own.
type APIKeyAuth struct {
	Key            string        `yaml:"key"`   // name of the header
	Value          secret.String `yaml:"value"` // the value itself after Parse
	ValuePlaintext secret.String `yaml:"value_plaintext"`
}

// BearerAuth sends a token as Authorization: Bearer.
type BearerAuth struct {
	Token          secret.String `yaml:"token"` // the token itself after Parse
	TokenPlaintext secret.String `yaml:"token_plaintext"`
}

// UsagePaths say where answers have their token counts: names of members joined by dots.
type UsagePaths struct {
	Input       string `yaml:"input"`
	Output      string `yaml:"output"`
	Total       string `yaml:"total"`
	CachedInput string `yaml:"cached_input"`
	Reasoning   string `yaml:"reasoning"`
	Model       string `yaml:"model"`
}

// given returns the paths that the file has, by key.
func (u *UsagePaths) given() map[string]string {
	all := map[string]string{
		"input": u.Input, "output": u.Output, "total": u.Total,
		"cached_input": u.CachedInput, "reasoning": u.Reasoning, "model": u.Model,
	}
	maps.DeleteFunc(all, func(_, path string) bool { return path == "" })
	return all
}
