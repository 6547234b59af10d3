package fakellm

import "strings"

// Usage is what an answer says it consumed, in tokens.
type Usage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"` // includes Reasoning
	Total      int64 `json:"total_tokens"`
	Cached     int64 `json:"cached_tokens"`
	Reasoning  int64 `json:"reasoning_tokens"`
}

// Plan is the answer a request gets, but for ids and times.
type Plan struct {
	Kind         Kind
	Model        string // as the answer names it
	Stream       bool
	IncludeUsage bool
	Choices      int
	Content      string // text of each choice; arguments of the call when Tool is set
	Tool         string // function called, "" for none
	Finish       string // stop, length or tool_calls
	Usage        Usage
	Script       Script

	pieces     int
	inputs     []string
	dimensions int
	base64     bool
}

// Plan says how a body of the given kind will be answered. Only the error rate is left to chance.
func (c Config) Plan(kind Kind, body []byte) (*Plan, error) { return c.plan(kind, body, "") }

func (c Config) plan(kind Kind, body []byte, header string) (*Plan, error) {
	q, err := readRequest(kind, body)
	if err != nil {
		return nil, err
	}
	s, err := q.script(body, header)
	if err != nil {
		return nil, err
	}
	if s.Only != "" && s.Only != q.model {
		id := s.ID
		s = newScript()
		s.ID = id
	}
	c.fill(&s)
	p := &Plan{
		Kind: kind, Model: snapshot(q.model), Stream: q.stream && kind != Embeddings, IncludeUsage: q.includeUsage,
		Choices: q.choices, Finish: "stop", Script: s,
	}
	if s.Model != "" {
		p.Model = s.Model
	}
	p.Usage.Prompt = int64(q.prompt)
	if kind == Embeddings {
		p.inputs, p.dimensions, p.base64 = q.inputs, q.dimensions, q.base64
		p.Usage.Total = p.Usage.Prompt
		return p, nil
	}
	p.write(q)
	p.count(q)
	return p, nil
}

// snapshots are the dated names some models answer under, as OpenAI's do.
var snapshots = map[string]string{
	"gpt-5":       "gpt-5-2025-08-07",
	"gpt-5-mini":  "gpt-5-mini-2025-08-07",
	"gpt-4o":      "gpt-4o-2024-08-06",
	"gpt-4o-mini": "gpt-4o-mini-2024-07-18",
	"o4-mini":     "o4-mini-2025-04-16",
}

func snapshot(model string) string {
	if dated := snapshots[model]; dated != "" {
		return dated
	}
	return model
}

// fill puts the server's own settings where the script has none.
func (c Config) fill(s *Script) {
	for _, d := range []struct{ at, from *int }{{&s.Tokens, &c.Tokens}, {&s.Chunks, &c.Chunks}} {
		if *d.at == unset && *d.from > 0 {
			*d.at = *d.from
		}
	}
	if s.Latency == unset {
		s.Latency = c.Latency
	}
	if s.Gap == unset {
		s.Gap = c.ChunkDelay
	}
}

// write decides the answer's content.
func (p *Plan) write(q *request) {
	switch name, schema, call := toolToCall(q, p.Script.Tool); {
	case call:
		p.Tool, p.Finish = name, "tool_calls"
		p.Content = string(instance(nil, schema, 0))
	case q.format.Get("type").Str == "json_schema":
		p.Content = string(instance(nil, q.format.Get("json_schema.schema"), 0))
	case q.format.Get("type").Str == "json_object":
		p.Content = `{"answer":"yes"}`
	case p.Script.Echo:
		text, _, _ := strings.Cut(q.text, string(directive))
		p.Content = strings.TrimSpace(text)
	case p.Script.Size != unset:
		p.Content = textOf(p.Script.Size)
	default:
		p.Content = words(wordCount(q, p.Script))
	}
	p.pieces = p.Script.Chunks
	if p.pieces == unset {
		p.pieces = min(strings.Count(p.Content, " ")+1, 64)
	}
	p.pieces = max(1, min(p.pieces, len(p.Content)))
}

// count fills usage. An answer of words has a token a word, any other one by its length.
func (p *Plan) count(q *request) {
	out := Tokens(p.Content)
	if p.Tool == "" && !q.format.Exists() && !p.Script.Echo && p.Script.Size == unset {
		out = int64(wordCount(q, p.Script))
	}
	if q.maxTokens != unset && out >= int64(q.maxTokens) {
		out, p.Finish = int64(q.maxTokens), "length"
	}
	u := &p.Usage
	u.Reasoning = reasoning(p.Script, q.model, out)
	u.Completion = out*int64(p.Choices) + u.Reasoning
	u.Total = u.Prompt + u.Completion
	u.Cached = cached(p.Script, u.Prompt)
}

// wordCount is how many words answer a request.
func wordCount(q *request, s Script) int {
	n := 12 + q.prompt*7%53
	switch {
	case s.Tokens != unset:
		n = s.Tokens
	case s.Chunks != unset:
		n = s.Chunks
	}
	if q.maxTokens != unset {
		n = min(n, q.maxTokens)
	}
	return max(0, n)
}

// reasoning: models whose names start with "o" and a digit think two tokens for each they say.
func reasoning(s Script, model string, out int64) int64 {
	if s.Reasoning != unset {
		return int64(s.Reasoning)
	}
	if len(model) > 1 && model[0] == 'o' && model[1] >= '0' && model[1] <= '9' {
		return 2 * out
	}
	return 0
}

// cached: as at OpenAI, prompts of 1,024 tokens and more are cached in steps of 128.
func cached(s Script, prompt int64) int64 {
	switch {
	case s.Cached != unset:
		return min(int64(s.Cached), prompt)
	case prompt >= 1024:
		return prompt / 128 * 128
	}
	return 0
}
