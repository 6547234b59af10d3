package gemini

import (
	"bytes"
	"encoding/json"
)

// The shapes of the API that are written, in requests and in answers.
type (
	content struct {
		Parts []wirePart `json:"parts"`
		Role  string     `json:"role,omitempty"`
	}
	wirePart struct {
		Text             *string           `json:"text,omitempty"`
		InlineData       *blob             `json:"inlineData,omitempty"`
		FileData         *fileData         `json:"fileData,omitempty"`
		FunctionCall     *wireCall         `json:"functionCall,omitempty"`
		FunctionResponse *functionResponse `json:"functionResponse,omitempty"`
		Thought          bool              `json:"thought,omitempty"`
		ThoughtSignature string            `json:"thoughtSignature,omitempty"`
	}
	blob struct {
		MIMEType string `json:"mimeType"`
		Data     string `json:"data"`
	}
	fileData struct {
		MIMEType string `json:"mimeType,omitempty"`
		FileURI  string `json:"fileUri"`
	}
	wireCall struct {
		ID   string          `json:"id,omitempty"`
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	}
	functionResponse struct {
		ID       string          `json:"id,omitempty"`
		Name     string          `json:"name"`
		Response json.RawMessage `json:"response"`
		Parts    []wirePart      `json:"parts,omitempty"`
	}
	request struct {
		Contents          []content   `json:"contents"`
		SystemInstruction *content    `json:"systemInstruction,omitempty"`
		Tools             []wireTools `json:"tools,omitempty"`
		ToolConfig        *toolConfig `json:"toolConfig,omitempty"`
		GenerationConfig  *config     `json:"generationConfig,omitempty"`
		ServiceTier       string      `json:"serviceTier,omitempty"`
	}
	wireTools struct {
		FunctionDeclarations []declaration `json:"functionDeclarations"`
	}
	declaration struct {
		Name                 string          `json:"name"`
		Description          string          `json:"description,omitempty"`
		ParametersJSONSchema json.RawMessage `json:"parametersJsonSchema,omitempty"`
	}
	toolConfig struct {
		FunctionCallingConfig callingConfig `json:"functionCallingConfig"`
	}
	callingConfig struct {
		Mode                 string   `json:"mode"`
		AllowedFunctionNames []string `json:"allowedFunctionNames,omitempty"`
	}
	config struct {
		Temperature        json.Number     `json:"temperature,omitempty"`
		TopP               json.Number     `json:"topP,omitempty"`
		TopK               json.Number     `json:"topK,omitempty"`
		MaxOutputTokens    *int64          `json:"maxOutputTokens,omitempty"`
		CandidateCount     int64           `json:"candidateCount,omitempty"`
		StopSequences      []string        `json:"stopSequences,omitempty"`
		PresencePenalty    json.Number     `json:"presencePenalty,omitempty"`
		FrequencyPenalty   json.Number     `json:"frequencyPenalty,omitempty"`
		Seed               *int64          `json:"seed,omitempty"`
		ResponseLogprobs   bool            `json:"responseLogprobs,omitempty"`
		Logprobs           int64           `json:"logprobs,omitempty"`
		ResponseMIMEType   string          `json:"responseMimeType,omitempty"`
		ResponseJSONSchema json.RawMessage `json:"responseJsonSchema,omitempty"`
		ThinkingConfig     *thinkingConfig `json:"thinkingConfig,omitempty"`
	}
	thinkingConfig struct {
		IncludeThoughts bool   `json:"includeThoughts,omitempty"`
		ThinkingBudget  *int64 `json:"thinkingBudget,omitempty"`
		ThinkingLevel   string `json:"thinkingLevel,omitempty"`
	}
)

// marshal writes JSON as Google does, without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// objectOr returns text as it is when it is a JSON object, and false otherwise.
func asObject(text string) (json.RawMessage, bool) {
	raw := bytes.TrimSpace([]byte(text))
	if len(raw) == 0 || raw[0] != '{' || !json.Valid(raw) {
		return nil, false
	}
	return raw, true
}
