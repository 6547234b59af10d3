package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// fixed are the answers of what is no chat, by model: what the providers' documentation shows, cut
// short.
var fixed = map[string]string{
	"vectors":       "per kind",
	"rerank":        `{"id":"r1","results":[{"index":0,"relevance_score":0.99},{"index":1,"relevance_score":0.1}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`,
	"images":        `{"created":1764180467,"data":[{"b64_json":"aGVsbG8="}],"usage":{"input_tokens":10,"output_tokens":196,"total_tokens":206,"input_tokens_details":{"text_tokens":10,"image_tokens":0}}}`,
	"speech":        "ID3\x04\x00",
	"transcription": `{"text":"Hello from Paris.","usage":{"type":"tokens","input_tokens":14,"output_tokens":5,"total_tokens":19,"input_token_details":{"text_tokens":0,"audio_tokens":14}}}`,
	"moderation":    `{"id":"modr-1","model":"omni-moderation-latest","results":[{"flagged":false,"categories":{},"category_scores":{},"category_applied_input_types":{}}]}`,
	"own":           `{"predictions":[3.5],"meta":{"tokens":{"in":7,"out":3}}}`,
}

// small answers with one of the fixed answers.
func (p *replay) small(w http.ResponseWriter, q *question) {
	answer := fixed[q.model]
	if q.model == "vectors" {
		answer = vectors(q)
	}
	if q.model == "transcription" && !bytes.Contains(q.body, []byte("\r\n\r\ntranscription\r\n")) {
		fail(w, q.kind, http.StatusBadRequest, "the form does not have the provider's model")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if q.model == "speech" {
		w.Header().Set("Content-Type", "audio/mpeg")
	}
	_, _ = io.WriteString(w, answer)
}

// vectors answers with two vectors in the shape of the provider.
func vectors(q *question) string {
	var b struct {
		EncodingFormat string `json:"encoding_format"`
	}
	_ = json.Unmarshal(q.body, &b) // only OpenAI's shape has it
	switch q.kind {
	case "gemini":
		return `{"embeddings":[{"values":[0.5,0.25]},{"values":[0.25,0.5]}]}`
	case "cohere":
		return `{"id":"e1","embeddings":{"float":[[0.5,0.25],[0.25,0.5]]},"texts":["one","two"],"meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":2}},"response_type":"embeddings_by_type"}`
	}
	one, two := "[0.5,0.25]", "[0.25,0.5]"
	if b.EncodingFormat == "base64" {
		one, two = `"AAAAPwAAgD4="`, `"AACAPgAAAD8="`
	}
	return strings.NewReplacer("$1", one, "$2", two).Replace(`{"object":"list","model":"text-embedding-3-small","data":[` +
		`{"object":"embedding","index":0,"embedding":$1},{"object":"embedding","index":1,"embedding":$2}],"usage":{"prompt_tokens":2,"total_tokens":2}}`)
}
