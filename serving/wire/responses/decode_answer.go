package responses

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// answerBody is a response object, as far as the common form can say it.
type answerBody struct {
	ID         string       `json:"id"`
	Model      string       `json:"model"`
	Created    json.Number  `json:"created_at"`
	Status     string       `json:"status"`
	Error      *answerError `json:"error"`
	Incomplete *struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
	Output []json.RawMessage `json:"output"`
}

type answerError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type answerItem struct {
	Type      string       `json:"type"`
	Role      string       `json:"role"`
	Content   answerParts  `json:"content"`
	Summary   []answerPart `json:"summary"`
	Encrypted string       `json:"encrypted_content"`
	CallID    string       `json:"call_id"`
	Name      string       `json:"name"`
	Arguments string       `json:"arguments"`
	Result    string       `json:"result"`
}

// answerParts is a list of parts, or one text.
type answerParts []answerPart

type answerPart struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Refusal  string          `json:"refusal"`
	LogProbs json.RawMessage `json:"logprobs"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *answerParts) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil && len(b) > 0 && b[0] == '"' {
		*p = answerParts{{Type: "output_text", Text: text}}
		return nil
	}
	return json.Unmarshal(b, (*[]answerPart)(p))
}

// DecodeAnswer reads a provider's whole answer. One that says it failed is an error. Items of
// OpenAI's own tools, which a translated request can't ask for, are left out, and so are calls that
// an agent has made itself.
func DecodeAnswer(body []byte) (*chat.Answer, error) {
	var in answerBody
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("read a response object: %w", err)
	}
	if in.Status == "failed" || in.Error != nil && in.Output == nil {
		return nil, failureOf(in.Error)
	}
	read := readResponse(body)
	a := &chat.Answer{ID: in.ID, Model: in.Model, Usage: read.Usage, HasUsage: read.HasUsage}
	if f, err := in.Created.Float64(); err == nil {
		a.Created = int64(f)
	}
	items := make([]answerItem, len(in.Output))
	answered := map[string]bool{} // calls that an agent has made itself
	for i, raw := range in.Output {
		if err := json.Unmarshal(raw, &items[i]); err != nil {
			return nil, fmt.Errorf("read output[%d]: %w", i, err)
		}
		if items[i].Type == "function_call_output" {
			answered[items[i].CallID] = true
		}
	}
	var c chat.Choice
	for i := range items {
		if items[i].Type != "function_call" || !answered[items[i].CallID] {
			items[i].add(&c)
		}
	}
	reason := ""
	if in.Incomplete != nil {
		reason = in.Incomplete.Reason
	}
	c.Stop = stopOf(in.Status, reason, has(c.Parts, chat.Call), has(c.Parts, chat.Refusal))
	a.Choices = []chat.Choice{c}
	return a, nil
}

func failureOf(e *answerError) error {
	if e == nil {
		return fmt.Errorf("the provider says that it failed, and not why")
	}
	return fmt.Errorf("the provider says that it failed: %s: %s", e.Code, e.Message)
}

func (it *answerItem) add(c *chat.Choice) {
	switch it.Type {
	case "message":
		for _, p := range it.Content {
			p.add(c)
		}
	case "reasoning":
		p := chat.Part{Kind: chat.Thinking, Text: it.thoughts()}
		unpackPart(&p, it.Encrypted)
		if p.Text != "" || p.Signature != "" {
			c.Parts = append(c.Parts, p)
		}
	case "function_call":
		c.Parts = append(c.Parts, chat.Part{Kind: chat.Call, Call: &chat.ToolCall{ID: it.CallID, Name: it.Name, Arguments: it.Arguments}})
	case "image_generation_call":
		if it.Result != "" {
			c.Parts = append(c.Parts, chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: it.Result}})
		}
	}
}

// thoughts are the summary, or the thoughts themselves where open models give them.
func (it *answerItem) thoughts() string {
	parts := it.Summary
	if len(parts) == 0 {
		parts = it.Content
	}
	texts := make([]string, len(parts))
	for i := range parts {
		texts[i] = parts[i].Text
	}
	return strings.Join(texts, "\n\n")
}

func (p *answerPart) add(c *chat.Choice) {
	if p.Type == "refusal" {
		c.Parts = append(c.Parts, chat.Part{Kind: chat.Refusal, Text: p.Refusal})
		return
	}
	c.Parts = append(c.Parts, chat.Part{Kind: chat.Text, Text: p.Text})
	if len(p.LogProbs) > len("[]") && p.LogProbs[0] == '[' && c.LogProbs == nil {
		c.LogProbs = append(append([]byte(`{"content":`), p.LogProbs...), '}')
	}
}

func has(parts []chat.Part, kind chat.PartKind) bool {
	for i := range parts {
		if parts[i].Kind == kind {
			return true
		}
	}
	return false
}

// stopOf says why a response ended.
func stopOf(status, reason string, called, refused bool) chat.Stop {
	switch {
	case status == "incomplete" && reason == "content_filter":
		return chat.StopFilter
	case status == "incomplete" && (reason == "max_output_tokens" || reason == "max_tokens"):
		return chat.StopLength
	case status == "incomplete", status == "cancelled":
		return chat.StopOther
	case refused:
		return chat.StopRefusal
	case called:
		return chat.StopTool
	default:
		return chat.StopEnd
	}
}
