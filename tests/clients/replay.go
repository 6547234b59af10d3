package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// replay is a provider of every kind: it gives the recorded answers of the wire formats' own test
// cases. The model that is asked for is the case. It refuses what does not have the provider's key
// where that provider wants it.
type replay struct {
	wire string // folder of the formats
	mu   sync.Mutex
	seen map[string]int // calls of flaky models
}

// kinds are the providers: the format they answer in, and how they want their key.
var kinds = map[string]struct{ folder, header, value string }{
	"openai":    {"openai", "Authorization", "Bearer " + providerKey},
	"responses": {"responses", "Authorization", "Bearer " + providerKey},
	"anthropic": {"anthropic", "X-Api-Key", providerKey},
	"gemini":    {"gemini", "X-Goog-Api-Key", providerKey},
	"cohere":    {"cohere", "Authorization", "Bearer " + providerKey},
	"bedrock":   {"bedrock", "Authorization", "AWS4-HMAC-SHA256 Credential=AKIATEST/"},
}

func newReplay(wire string) *replay { return &replay{wire: wire, seen: map[string]int{}} }

// ServeHTTP answers at /<kind>/<path of the provider's API>.
func (p *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	kind, ok := kinds[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if !strings.HasPrefix(r.Header.Get(kind.header), kind.value) {
		fail(w, name, http.StatusUnauthorized, "the key is not mine: "+kind.header)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	q := question{kind: name, folder: kind.folder, path: rest, body: body, form: strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/")}
	if strings.HasPrefix(rest, "v1/responses") {
		q.folder = "responses" // OpenAI speaks both
	}
	q.model, q.stream = modelOf(&q)
	p.answer(w, &q)
}

// question is one request.
type question struct {
	kind, folder, path, model string
	body                      []byte
	stream, form              bool
}

// modelOf finds the model and whether the answer is streamed: in the body, or in the path.
func modelOf(q *question) (model string, stream bool) {
	if q.form {
		return "transcription", false
	}
	var b struct {
		Model  string
		Stream bool
	}
	_ = json.Unmarshal(q.body, &b) // what has no model there has it in the path
	model, stream = b.Model, b.Stream
	if q.path == "own" {
		return "own", false
	}
	if rest, ok := strings.CutPrefix(q.path, "v1beta/models/"); ok {
		var method string
		model, method, _ = strings.Cut(rest, ":")
		stream = method == "streamGenerateContent"
	}
	if rest, ok := strings.CutPrefix(q.path, "model/"); ok {
		var method string
		model, method, _ = strings.Cut(rest, "/")
		stream = method == "converse-stream"
	}
	return model, stream
}

func (p *replay) answer(w http.ResponseWriter, q *question) {
	switch {
	case q.model == "limited":
		w.Header().Set("Retry-After", "1")
		fail(w, q.kind, http.StatusTooManyRequests, "slow down")
	case q.model == "flaky" && p.first(q.kind):
		fail(w, q.kind, http.StatusServiceUnavailable, "try again")
	case fixed[q.model] != "":
		p.small(w, q)
	case strings.HasPrefix(q.path, "v1/responses/"):
		p.send(w, q, "text.json")
	case strings.HasSuffix(q.path, "count_tokens"):
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"input_tokens":14}`)
	case q.stream:
		p.play(w, q)
	default:
		p.send(w, q, scenario(q.model)+".json")
	}
}

// first reports whether it is the first call, of every two, to a kind of provider.
func (p *replay) first(kind string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[kind]++
	return p.seen[kind]%2 == 1
}

// scenario is the recorded case of a model; several behave as the plain one.
func scenario(model string) string {
	switch model {
	case "slow", "flaky", "broken":
		return "text"
	}
	return model
}

func (p *replay) send(w http.ResponseWriter, q *question, file string) {
	b, err := os.ReadFile(p.file(q, file))
	if err != nil {
		fail(w, q.kind, http.StatusNotFound, "no such model: "+q.model)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

func (p *replay) file(q *question, name string) string {
	return filepath.Join(p.wire, q.folder, "testdata", "provider", filepath.Base(name))
}

// play streams a recorded answer, event by event: slowly for a slow model, half of it for a broken one.
func (p *replay) play(w http.ResponseWriter, q *question) {
	events, err := p.events(q)
	if err != nil {
		fail(w, q.kind, http.StatusNotFound, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if q.kind == "bedrock" {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	}
	if q.model == "broken" {
		events = events[:(len(events)+1)/2]
	}
	for _, e := range events {
		if _, err := w.Write(e); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush() // a client that left is noticed at the next event
		if q.model == "slow" {
			time.Sleep(30 * time.Millisecond)
		}
	}
	if q.model == "broken" {
		panic(http.ErrAbortHandler)
	}
}

// events are the framed events of a recorded stream.
func (p *replay) events(q *question) ([][]byte, error) {
	base := scenario(q.model)
	if b, err := os.ReadFile(p.file(q, base+".sse")); err == nil {
		end := "\n\n"
		if bytes.Contains(b, []byte("\r\n\r\n")) {
			end = "\r\n\r\n" // Google's
		}
		events := bytes.SplitAfter(b, []byte(end))
		if n := len(events); len(events[n-1]) == 0 {
			events = events[:n-1]
		}
		return events, nil
	}
	b, err := os.ReadFile(p.file(q, base+".jsonl"))
	if err != nil {
		return nil, fmt.Errorf("no such model: %s", q.model)
	}
	var out [][]byte
	for line := range bytes.Lines(b) {
		var e struct {
			Event string
			Data  json.RawMessage
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, err
		}
		var framed bytes.Buffer
		m := eventstream.Message{Payload: e.Data}
		m.Headers.Set(":event-type", eventstream.StringValue(e.Event))
		m.Headers.Set(":content-type", eventstream.StringValue("application/json"))
		m.Headers.Set(":message-type", eventstream.StringValue("event"))
		if err := eventstream.NewEncoder().Encode(&framed, m); err != nil {
			return nil, err
		}
		out = append(out, framed.Bytes())
	}
	if len(out) == 0 {
		return nil, errors.New("the recording is empty")
	}
	return out, nil
}

// fail answers with an error as the provider words them.
func fail(w http.ResponseWriter, kind string, status int, text string) {
	words := map[int]string{401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 503: "overloaded_error"}
	google := map[int]string{401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
	var v any
	switch kind {
	case "anthropic":
		v = map[string]any{"type": "error", "error": map[string]any{"type": words[status], "message": text}}
	case "gemini":
		v = map[string]any{"error": map[string]any{"code": status, "message": text, "status": google[status]}}
	case "cohere", "bedrock":
		v = map[string]any{"message": text}
	default:
		v = map[string]any{"error": map[string]any{"message": text, "type": words[status], "code": nil, "param": nil}}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
