package fakellm

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// Kind is what is asked for.
type Kind string

// The kinds of call.
const (
	Chat        Kind = "chat"
	Completions Kind = "completions"
	Embeddings  Kind = "embeddings"
	Messages    Kind = "messages" // Anthropic's
)

var kinds = map[string]Kind{"/chat/completions": Chat, "/completions": Completions, "/embeddings": Embeddings, "/messages": Messages}

// request is what of a body decides the answer.
type request struct {
	model        string
	stream       bool
	includeUsage bool
	choices      int
	maxTokens    int // unset when not given
	prompt       int // tokens
	text         string
	last         string // role of the last message
	tools        gjson.Result
	toolChoice   gjson.Result
	format       gjson.Result
	inputs       []string // embeddings: one a vector
	dimensions   int
	base64       bool
}

// Tokens is how this provider counts text: one token for every four bytes begun.
func Tokens(text string) int64 { return int64(len(text)+3) / 4 }

func readRequest(kind Kind, body []byte) (*request, error) {
	if !gjson.ValidBytes(body) {
		return nil, fmt.Errorf("we could not parse the JSON body of your request")
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return nil, fmt.Errorf("the body is not a JSON object")
	}
	q := &request{choices: 1, maxTokens: unset}
	root.ForEach(func(k, v gjson.Result) bool {
		q.field(kind, k.Str, v)
		return true
	})
	switch {
	case q.model == "":
		return nil, fmt.Errorf("you must provide a model parameter")
	case q.choices < 1 || q.choices > 16:
		return nil, fmt.Errorf("n must be from 1 to 16")
	case (kind == Chat || kind == Messages) && q.last == "":
		return nil, fmt.Errorf("missing required parameter: 'messages'")
	case kind == Messages:
		return q, q.messageFaults()
	case kind == Embeddings && len(q.inputs) == 0:
		return nil, fmt.Errorf("missing required parameter: 'input'")
	}
	return q, nil
}

func (q *request) field(kind Kind, name string, v gjson.Result) {
	switch name {
	case "model":
		q.model = v.String()
	case "stream":
		q.stream = v.Bool()
	case "stream_options":
		q.includeUsage = v.Get("include_usage").Bool()
	case "n":
		q.choices = int(v.Int())
	case "max_tokens", "max_completion_tokens":
		if v.Type == gjson.Number {
			q.maxTokens = int(v.Int())
		}
	case "messages":
		q.messages(v)
	case "system":
		if kind == Messages {
			q.prompt += int(Tokens(v.String()))
		}
	case "tools":
		q.tools = v
		q.prompt += int(Tokens(v.Raw))
	case "tool_choice":
		q.toolChoice = v
	case "response_format":
		q.format = v
	case "prompt", "input":
		if (name == "prompt") == (kind == Completions) {
			q.input(v)
		}
	case "dimensions":
		q.dimensions = int(v.Int())
	case "encoding_format":
		q.base64 = v.Str == "base64"
	}
}

// messages counts a conversation: 3 tokens, 4 a message, its text, and 85 an image.
func (q *request) messages(v gjson.Result) {
	q.prompt += 3
	v.ForEach(func(_, m gjson.Result) bool {
		q.prompt += 4
		q.last = m.Get("role").String()
		content := m.Get("content")
		if content.IsArray() {
			content.ForEach(func(_, part gjson.Result) bool {
				q.part(part)
				return true
			})
			return true
		}
		q.say(content.String())
		return true
	})
}

func (q *request) part(part gjson.Result) {
	if part.Get("type").Str == "image_url" {
		q.prompt += 85
		return
	}
	q.say(part.Get("text").String())
}

// say counts a text, and keeps it when a user said it.
func (q *request) say(text string) {
	q.prompt += int(Tokens(text))
	if q.last == "user" {
		q.text = text
	}
}

// input reads a prompt or input: a text, texts, token numbers, or lists of them.
func (q *request) input(v gjson.Result) {
	if v.Type == gjson.String {
		q.addInput(v.Str, int(Tokens(v.Str)))
		return
	}
	items := v.Array()
	if len(items) > 0 && items[0].Type == gjson.Number {
		q.addInput(v.Raw, len(items))
		return
	}
	for _, item := range items {
		if item.IsArray() {
			q.addInput(item.Raw, len(item.Array()))
			continue
		}
		q.addInput(item.Str, int(Tokens(item.Str)))
	}
}

func (q *request) addInput(text string, tokens int) {
	q.inputs = append(q.inputs, text)
	q.text, q.last = text, "user"
	q.prompt += tokens
}

var directive = []byte("x-fake:")

// script collects the request's directives, and takes them off the model name.
func (q *request) script(body []byte, header string) (Script, error) {
	s := newScript()
	model, inName, _ := strings.Cut(q.model, "!")
	q.model = model
	if err := s.parse(inName); err != nil {
		return s, err
	}
	if bytes.Contains(body, directive) {
		if i := strings.LastIndex(q.text, string(directive)); i >= 0 {
			line, _, _ := strings.Cut(q.text[i+len(directive):], "\n")
			if err := s.parse(line); err != nil {
				return s, err
			}
		}
	}
	return s, s.parse(header)
}
