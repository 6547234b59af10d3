package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// kind is a sort of request.
type kind struct {
	name   string
	share  int    // of every hundred
	script string // for the scripted provider; see internal/fakellm
	stream bool
	shape  func(p *plan) // changes what is sent; nil sends a chat
}

var kinds = []kind{
	{name: "chat", share: 25},
	{name: "stream", share: 26, stream: true},
	{name: "stream-with-usage", share: 8, stream: true, shape: func(p *plan) { p.body["stream_options"] = map[string]any{"include_usage": true} }},
	{name: "embeddings", share: 10, shape: embeddings},
	{name: "tools", share: 4, shape: tools},
	{name: "client-leaves-stream", share: 4, stream: true, script: "chunks=40 gap=5ms", shape: leave(3)},
	{name: "client-leaves-early", share: 2, script: "latency=400ms", shape: leave(0)},
	{name: "fallback", share: 3, script: "status=503 only=gpt-5", shape: func(p *plan) { p.team, p.endpoint = Teams()[1], "assistant" }},
	{name: "provider-429", share: 3, script: "status=429 retry-after=1"},
	{name: "provider-500", share: 3, script: "status=500"},
	{name: "provider-html", share: 1, script: "body=html status=502"},
	{name: "provider-half-json", share: 1, script: "body=half"},
	{name: "provider-breaks-off", share: 2, stream: true, script: "chunks=20 break=8"},
	{name: "bad-key", share: 2, shape: func(p *plan) { p.token = "not-a-key-of-this-gateway" }},
	{name: "unknown-endpoint", share: 2, shape: func(p *plan) { p.endpoint = "gpt-4" }},
	{name: "foreign-endpoint", share: 2, shape: func(p *plan) { p.endpoint = "code"; p.team = Teams()[0] }},
	{name: "bad-json", share: 2, shape: func(p *plan) { p.raw = []byte(`{"model": "chat", "messages": [`) }},
}

// plan is one request to send.
type plan struct {
	id       string
	kind     kind
	team     Team
	endpoint string
	project  string // "" sends no tags
	viaURL   bool   // POST /serving-endpoints/NAME/invocations, else an OpenAI path
	embed    bool
	tagPlace int // 0 usage_context, 1 metadata, 2 header
	token    string
	body     map[string]any
	raw      []byte // sent instead of body
	leaveAt  int    // leave after so many events of a stream, 0: before there is an answer
	leaves   bool
}

// leave makes the client leave after so many events.
func leave(events int) func(*plan) {
	return func(p *plan) { p.leaves, p.leaveAt = true, events }
}

func embeddings(p *plan) {
	p.embed, p.endpoint, p.team = true, "search-embeddings", Teams()[0]
	delete(p.body, "messages")
	p.body["input"] = []string{"red running shoes", "waterproof jacket", "trail map of the lakes"}
}

func tools(p *plan) {
	p.body["tools"] = []any{map[string]any{"type": "function", "function": map[string]any{
		"name": "find_ticket", "description": "Look a ticket up.",
		"parameters": map[string]any{"type": "object", "properties": map[string]any{"id": map[string]any{"type": "integer"}}},
	}}}
}

var questions = []string{
	"Summarise this ticket for the person on call, in two sentences.",
	"Which of our runbooks covers a full disk on the queue hosts?",
	"Translate the spring campaign's headline into Polish and Turkish.",
	"Rewrite the query \"cheap warm jackets kids\" so that the index understands it.",
	"Review this change and name the riskiest line.",
	"Draft a polite answer to a customer whose parcel was lost.",
	"List the open questions of the design document below.",
}

// newPlan decides one request. It does not depend on any other but through rng.
func newPlan(rng *rand.Rand, i int, k kind) plan {
	teams := Teams()
	p := plan{id: fmt.Sprintf("demo-%016x-%d", rng.Uint64(), i), kind: k, team: teams[rng.IntN(len(teams))], viaURL: rng.IntN(3) == 0, tagPlace: rng.IntN(3)}
	question := questions[rng.IntN(len(questions))]
	if k.script != "" {
		question += "\nx-fake: " + k.script
	}
	p.body = map[string]any{"messages": []any{
		map[string]any{"role": "system", "content": "You help the " + p.team.Name + " team."},
		map[string]any{"role": "user", "content": question},
	}}
	if k.stream {
		p.body["stream"] = true
	}
	p.endpoint = chatOf(p.team, rng)
	if k.shape != nil {
		k.shape(&p)
	}
	if rng.IntN(10) > 0 {
		p.project = p.team.Projects[rng.IntN(len(p.team.Projects))]
	}
	return p
}

// chatOf picks an endpoint of the team's that answers chats.
func chatOf(t Team, rng *rand.Rand) string {
	for {
		if e := t.Endpoints[rng.IntN(len(t.Endpoints))]; e != "search-embeddings" {
			return e
		}
	}
}

// path is where the request goes.
func (p *plan) path() string {
	switch {
	case p.viaURL:
		return "/serving-endpoints/" + p.endpoint + "/invocations"
	case p.embed:
		return "/v1/embeddings"
	}
	return "/v1/chat/completions"
}

// encode returns the body, and the header that carries tags when the body does not.
func (p *plan) encode() (body []byte, tagHeader string, err error) {
	if p.raw != nil {
		return p.raw, "", nil
	}
	if !p.viaURL {
		p.body["model"] = p.endpoint
	}
	p.body["client_request_id"] = p.id
	if p.project != "" {
		tags := map[string]string{"team": p.team.Name, "project": p.project, "env": "prod"}
		switch p.tagPlace {
		case 0:
			p.body["usage_context"] = tags
		case 1:
			p.body["metadata"] = tags
		default:
			b, err := json.Marshal(tags)
			if err != nil {
				return nil, "", err
			}
			tagHeader = string(b)
		}
	}
	body, err = json.Marshal(p.body)
	return body, tagHeader, err
}

// patience is how long a client that leaves early waits for an answer.
const patience = 60 * time.Millisecond
