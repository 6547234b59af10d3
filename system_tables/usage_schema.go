package systemtables

import ts "github.com/lakegate/lakegate/internal/tableschema"

// EndpointUsage is system.serving.endpoint_usage: one row per request, whatever became of it.
func EndpointUsage() *ts.Table { return endpointUsage }

var (
	text    = ts.Type{Kind: ts.String}
	number  = ts.Type{Kind: ts.Long}
	small   = ts.Type{Kind: ts.Int}
	boolean = ts.Type{Kind: ts.Boolean}
	moment  = ts.Type{Kind: ts.Timestamp}
)

// attempt is an element of endpoint_usage.attempts.
var attempt = ts.StructOf(
	ts.Column{Name: "action", Type: text, Comment: "CALL for the first try, RETRY for the same served entity again, FALLBACK for another one, RACE for one that was asked beside others."},
	ts.Column{Name: "served_entity", Type: text, Comment: "Name of the served entity that was tried."},
	ts.Column{Name: "provider", Type: text, Comment: "Its provider."},
	ts.Column{Name: "model", Type: text, Comment: "The provider's name of the model."},
	ts.Column{Name: "status_code", Type: small, Comment: "HTTP status of the provider's answer; NULL when there was none."},
	ts.Column{Name: "latency_ms", Type: number, Comment: "How long the try took, in milliseconds."},
	ts.Column{Name: "error", Type: text, Comment: "Why it failed; NULL when it did not."},
	ts.Column{Name: "why", Type: text, Comment: "Why this served entity was tried, and others were not; NULL where the traffic split alone decided."},
	ts.Column{Name: "input_token_count", Type: number, Comment: "Tokens of its input; NULL when they are not known."},
	ts.Column{Name: "output_token_count", Type: number, Comment: "Tokens of its output; NULL when they are not known."},
	ts.Column{Name: "cost_nanos", Type: number, Comment: "What it costs by the price list, in nano-dollars; NULL when that is not known."},
	ts.Column{Name: "usage_source", Type: text, Comment: "Where its counts come from: provider, partial, or estimated for one that was cut off because another was faster; NULL when there are none."},
)

var endpointUsage = mustTable(&ts.Table{
	Name:        ts.Name{Catalog: "system", Schema: "serving", Table: "endpoint_usage"},
	Comment:     "One row per request to a serving endpoint, whatever became of it.",
	PartitionBy: "request_date",
	SortBy:      []string{"request_time"},
	Columns: []ts.Column{
		{Name: "account_id", Type: text, Comment: "The installation's account."},
		{Name: "workspace_id", Type: text, Comment: "The installation's workspace."},
		{Name: "client_request_id", Type: text, Comment: "The caller's own id of the request.", NoStats: true},
		{Name: "databricks_request_id", Type: text, Comment: "Id of the request (UUIDv7), unique; also in the response header x-databricks-request-id."},
		{Name: "requester", Type: text, Comment: "Who called: e-mail of a user or application id of a service principal; NULL without a valid key.", NoStats: true},
		{Name: "status_code", Type: small, Comment: "HTTP status the client got; NULL when it got none."},
		{Name: "request_time", Type: moment, Comment: "When the request was received, UTC, to the microsecond."},
		{Name: "input_token_count", Type: number, Comment: "Tokens of the input as the provider counted them, cached and cache-written ones included; NULL when the provider gave no count."},
		{Name: "output_token_count", Type: number, Comment: "Tokens of the output as the provider counted them, reasoning included; NULL when the provider gave no count."},
		{Name: "input_character_count", Type: number, Comment: "Characters of text sent; NULL when not counted."},
		{Name: "output_character_count", Type: number, Comment: "Characters of text received; NULL when not counted."},
		{Name: "usage_context", Type: ts.StringMap(), Comment: "What the caller says the request is for: tags from the body, the metadata and the header. Attribution, not proof.", NoStats: true},
		{Name: "request_streaming", Type: boolean, Comment: "Whether the answer was asked for as a stream."},
		{Name: "served_entity_id", Type: text, Comment: "Id of the served entity that answered; joins served_entities."},

		{Name: "request_date", Type: ts.Type{Kind: ts.Date}, Comment: "UTC day of request_time; the table's partitions."},
		{Name: "endpoint_name", Type: text, Comment: "The endpoint; for an unknown endpoint the name that was asked for.", NoStats: true},
		{Name: "endpoint_id", Type: text, Comment: "Id of the endpoint; NULL for an unknown one."},
		{Name: "served_entity_name", Type: text, Comment: "Name of the served entity that answered."},
		{Name: "provider", Type: text, Comment: "Provider of the served entity: openai, custom, ..."},
		{Name: "requested_model", Type: text, Comment: "The model field of the request.", NoStats: true},
		{Name: "model", Type: text, Comment: "The model that answered, as the provider names it; else as configured."},
		{Name: "api_type", Type: text, Comment: "The API that was called, such as openai/v1/chat/completions, mlflow/v1/invocations or sql/ai_query."},
		{Name: "task", Type: text, Comment: "llm/v1/chat, llm/v1/completions or llm/v1/embeddings."},
		{Name: "outcome", Type: text, Comment: "How the request ended: ok, refused, upstream_error, upstream_broken, timeout, client_gone, crashed or internal_failure. Never NULL."},
		{Name: "error_code", Type: text, Comment: "Why it failed, in a word, such as ENDPOINT_NOT_FOUND."},
		{Name: "error_message", Type: text, Comment: "Why it failed, as the client was told.", NoStats: true},
		{Name: "latency_ms", Type: number, Comment: "From the receipt of the request to the last byte of the answer, in milliseconds; NULL after a crash."},
		{Name: "time_to_first_token_ms", Type: number, Comment: "From the receipt of the request to the first token of a streamed answer, in milliseconds."},
		{Name: "upstream_latency_ms", Type: number, Comment: "Time spent waiting for providers, in milliseconds; NULL when none was asked."},
		{Name: "total_token_count", Type: number, Comment: "Tokens of input and output together."},
		{Name: "cached_input_token_count", Type: number, Comment: "Input tokens read from the provider's prompt cache; part of input_token_count."},
		{Name: "cache_write_token_count", Type: number, Comment: "Input tokens written to the provider's prompt cache; part of input_token_count."},
		{Name: "reasoning_token_count", Type: number, Comment: "Output tokens spent on reasoning; part of output_token_count."},
		{Name: "usage_source", Type: text, Comment: "Where the counts come from: provider (final), partial (the answer broke off) or none (no count was sent, or no provider was asked)."},
		{Name: "cost", Type: ts.DecimalOf(18, 9), Comment: "What the request costs in US dollars by the price list, exactly cost_nanos / 1e9; NULL when no price or no usage is known."},
		{Name: "cost_nanos", Type: number, Comment: "What the request costs by the price list, its own prices and discounts included, in nano-dollars (1e-9 US dollars), extra_cost_nanos among it; NULL when no price or no usage is known."},
		{Name: "price_version", Type: text, Comment: "Version of the price list that cost was computed from."},
		{Name: "attempts", Type: ts.ListOf(attempt), Comment: "Every try of a served entity, in order; NULL when none was tried."},
		{Name: "requester_type", Type: text, Comment: "USER or SERVICE_PRINCIPAL."},
		{Name: "key_id", Type: text, Comment: "Name of the API key, never the key.", NoStats: true},
		{Name: "key_tags", Type: ts.StringMap(), Comment: "What the server knows of the key: tags the caller cannot set.", NoStats: true},
		{Name: "user_agent", Type: text, Comment: "The client's User-Agent.", NoStats: true},
		{Name: "ip_address", Type: text, Comment: "The client's address.", NoStats: true},
		{Name: "url", Type: text, Comment: "Path of the request, without query.", NoStats: true},
		{Name: "generated", Type: boolean, Comment: "Whether the row is made-up history of the demo."},

		{Name: "uncached_input_token_count", Type: number, Comment: "Input tokens neither read from nor written to the provider's prompt cache: input_token_count without cached_input_token_count and cache_write_token_count."},
		{Name: "cache_write_1h_token_count", Type: number, Comment: "The part of cache_write_token_count that is kept for an hour."},
		{Name: "input_audio_token_count", Type: number, Comment: "Input tokens that are audio, cached ones included; part of input_token_count."},
		{Name: "input_image_token_count", Type: number, Comment: "Input tokens that are images, cached ones included; part of input_token_count."},
		{Name: "cached_input_audio_token_count", Type: number, Comment: "Input tokens that are audio and were read from the provider's prompt cache; part of cached_input_token_count."},
		{Name: "cached_input_image_token_count", Type: number, Comment: "Input tokens that are images and were read from the provider's prompt cache; part of cached_input_token_count."},
		{Name: "output_audio_token_count", Type: number, Comment: "Output tokens that are audio; part of output_token_count."},
		{Name: "output_image_token_count", Type: number, Comment: "Output tokens that are images; part of output_token_count."},
		{Name: "input_video_token_count", Type: number, Comment: "Input tokens that are video; part of input_token_count."},
		{Name: "output_video_token_count", Type: number, Comment: "Output tokens that are video; part of output_token_count."},
		{Name: "search_count", Type: number, Comment: "Searches the provider made and bills by the piece; NULL when it reports none."},
		{Name: "tool_prompt_token_count", Type: number, Comment: "Input tokens that built-in tools of the provider added; part of input_token_count."},
		{Name: "service_tier", Type: text, Comment: "The provider's word for the tier that answered: default, priority, flex, batch, ..."},
		{Name: "usage_json", Type: text, Comment: "The provider's usage as it was sent, a JSON object.", NoStats: true},
		{Name: "upstream_api_type", Type: text, Comment: "The wire format the provider was asked in, such as openai-chat or anthropic-messages; NULL when none was asked."},
		{Name: "list_cost_nanos", Type: number, Comment: "What the request costs at the provider's list price, before prices and discounts of the installation, in nano-dollars, with extra_cost_nanos added as it is; NULL when no list price or no usage is known."},
		{Name: "cache_hit", Type: boolean, Comment: "Whether the answer came from lakegate's response cache: then no provider was asked, tokens are NULL and the cost is 0, and served_entity_name, provider and model are those of the answer when it was made. NULL when the cache was not asked."},
		{Name: "saved_cost_nanos", Type: number, Comment: "What an answer from the response cache cost when it was made, in nano-dollars; NULL for all other calls, and when no price was known."},
		{Name: "saved_input_token_count", Type: number, Comment: "Input tokens an answer from the response cache took when it was made; NULL for all other calls."},
		{Name: "saved_output_token_count", Type: number, Comment: "Output tokens an answer from the response cache took when it was made; NULL for all other calls."},
		{Name: "extra_cost_nanos", Type: number, Comment: "What tries cost whose answer the client did not get, such as those that lost a race, in nano-dollars; part of cost_nanos. Estimated where attempts.usage_source says so. NULL when there were none, or nothing of it is known."},
		{Name: "purpose", Type: text, Comment: "NULL for a client's request. Else lakegate made it by itself, beside one: shadow (its answer is only recorded), compare (its answer is held beside the client's) or judge (which of two answers is better). Filter by purpose IS NULL to count requests; leave it out to add up tokens and money."},
		{Name: "parent_request_id", Type: text, Comment: "The request that it was made beside; NULL for a client's own.", NoStats: true},
		{Name: "prompt_version", Type: number, Comment: "Version of the endpoint's prompt template that the request was made with; NULL where the endpoint has none, and where the call was refused before one was chosen."},
	},
})

// Positions of endpoint_usage's columns, in order.
const (
	uAccountID = iota
	uWorkspaceID
	uClientRequestID
	uRequestID
	uRequester
	uStatusCode
	uRequestTime
	uInputTokens
	uOutputTokens
	uInputChars
	uOutputChars
	uUsageContext
	uStreaming
	uServedEntityID
	uRequestDate
	uEndpointName
	uEndpointID
	uServedEntityName
	uProvider
	uRequestedModel
	uModel
	uAPIType
	uTask
	uOutcome
	uErrorCode
	uErrorMessage
	uLatency
	uFirstToken
	uUpstreamLatency
	uTotalTokens
	uCachedTokens
	uCacheWriteTokens
	uReasoningTokens
	uUsageSource
	uCost
	uCostNanos
	uPriceVersion
	uAttempts
	uRequesterType
	uKeyID
	uKeyTags
	uUserAgent
	uIPAddress
	uURL
	uGenerated
	uUncachedTokens
	uCacheWrite1hTokens
	uInputAudioTokens
	uInputImageTokens
	uCachedAudioTokens
	uCachedImageTokens
	uOutputAudioTokens
	uOutputImageTokens
	uInputVideoTokens
	uOutputVideoTokens
	uSearches
	uToolPromptTokens
	uServiceTier
	uUsageJSON
	uUpstreamAPI
	uListNanos
	uCacheHit
	uSavedNanos
	uSavedInput
	uSavedOutput
	uExtraNanos
	uPurpose
	uParentID
	uPromptVersion
	usageColumns
)

// mustTable returns the table or panics when its declaration is wrong, which every test finds.
func mustTable(t *ts.Table) *ts.Table {
	if err := t.Validate(); err != nil {
		panic(err)
	}
	return t
}
