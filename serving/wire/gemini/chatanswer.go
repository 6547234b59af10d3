package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decodeAnswer reads a whole GenerateContentResponse. A prompt that was blocked gives one choice
// without parts.
func decodeAnswer(body []byte) (*chat.Answer, error) {
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		return nil, err
	}
	var acc account
	h := head{}
	a := &chat.Answer{}
	blocked := false
	for i := range o.Len() {
		name, v, kind := o.Name(i), o.Value(i), o.Kind(i)
		h.note(name, kind, v)
		switch string(name) {
		case "modelVersion":
			acc.noteModel(kind, v)
		case "usageMetadata":
			acc.noteUsage(v)
		case "promptFeedback":
			blocked = hasString(v, "blockReason")
		case "error":
			text, code := errorOf(v)
			return nil, fmt.Errorf("the answer is an error: %s %s", code, text)
		}
	}
	if i := o.Find("candidates"); i >= 0 && o.Kind(i) == rawjson.Array {
		c := rawjson.Walk(o.Value(i))
		for ok := c.Enter(); ok; ok = c.Next() {
			a.Choices = append(a.Choices, decodeCandidate(c.Take(), &acc, h.id))
		}
	}
	if len(a.Choices) == 0 {
		if !blocked {
			return nil, errors.New("the answer has neither candidates nor the reason for which the prompt was blocked")
		}
		a.Choices = []chat.Choice{{Stop: chat.StopFilter}}
	}
	a.ID, a.Created, a.Model = h.id, h.created, acc.model
	a.Usage, a.HasUsage = acc.result()
	return a, nil
}

// head is what answers and chunks say of themselves.
type head struct {
	id      string
	created int64
}

func (h *head) note(name []byte, k rawjson.Kind, v []byte) {
	if k != rawjson.String {
		return
	}
	switch string(name) {
	case "responseId":
		if h.id == "" {
			h.id = rawjson.Unquote(v)
		}
	case "createTime":
		if t, err := time.Parse(time.RFC3339, rawjson.Unquote(v)); h.created == 0 && err == nil {
			h.created = t.Unix()
		}
	}
}

func decodeCandidate(candidate []byte, acc *account, id string) chat.Choice {
	c := chat.Choice{Index: int(indexOf(candidate))}
	reason, calls := "", 0
	rawjson.Members(candidate, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "content":
			eachPart(v, func(raw []byte) {
				if p, ok := partOf(readPart(raw), id, c.Index, calls); ok {
					c.Parts = append(c.Parts, p)
					if p.Kind == chat.Call {
						calls++
					}
				}
			})
		case "finishReason":
			if k == rawjson.String {
				reason = rawjson.Unquote(v)
			}
		case "groundingMetadata":
			acc.noteGrounding(v)
		case "logprobsResult":
			c.LogProbs = logProbsOf(v)
		}
		return true
	})
	c.Stop = stopOf(reason, calls > 0)
	return c
}

// partOf turns a part of an answer into the common form, which has nothing for code that Google
// ran. calls is how many calls came before it.
func partOf(p piece, id string, choice, calls int) (chat.Part, bool) {
	var out chat.Part
	if p.signature != nil {
		out.Signature, out.SignedBy = rawjson.Unquote(p.signature), signedByGemini
	}
	switch {
	case p.call != nil:
		f := readCall(p.call)
		out.Kind = chat.Call
		out.Call = &chat.ToolCall{ID: callID(f.id, id, choice, calls), Name: rawjson.Unquote(f.name), Arguments: string(compact(f.args))}
	case p.text != nil:
		if len(p.text) == 2 && p.signature == nil {
			return out, false
		}
		out.Kind, out.Text = chat.Text, rawjson.Unquote(p.text)
		if p.thought {
			out.Kind, out.SignedBy = chat.Thinking, signedByGemini
		}
	case p.media:
		out.Media = inlineData(p.raw)
		if out.Media == nil {
			return out, false
		}
		out.Kind = kindOfMedia(out.Media.MIME)
	default:
		return out, false
	}
	return out, true
}

// callID returns the id of a call: Google's, else one that is made from the answer's, so that calls
// of different turns are told apart.
func callID(quoted []byte, answer string, choice, calls int) string {
	if kindOf(quoted) == rawjson.String && len(quoted) > 2 {
		return rawjson.Unquote(quoted)
	}
	id := "call_"
	if answer != "" && len(answer) < 40 {
		id += answer + "_"
	}
	if choice > 0 {
		id += fmt.Sprintf("%d_", choice)
	}
	return fmt.Sprintf("%s%d", id, calls)
}

func inlineData(part []byte) *chat.Media {
	var m *chat.Media
	rawjson.Members(part, func(name []byte, k rawjson.Kind, v []byte) bool {
		if string(name) == "inlineData" {
			m = &chat.Media{}
			rawjson.Members(v, func(name []byte, _ rawjson.Kind, v []byte) bool {
				switch string(name) {
				case "mimeType":
					m.MIME = rawjson.Unquote(v)
				case "data":
					m.Data = standardBase64(rawjson.Unquote(v))
				}
				return true
			})
		}
		return true
	})
	return m
}

// errorOf reads Google's error object.
func errorOf(object []byte) (message, code string) {
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "message":
			message = rawjson.Unquote(v)
		case "status":
			code = rawjson.Unquote(v)
		case "code":
			if code == "" && k == rawjson.Number {
				code = string(v)
			}
		}
		return true
	})
	return message, code
}

// The shape of an answer that is written.
type (
	response struct {
		Candidates     []wireCandidate `json:"candidates,omitempty"`
		PromptFeedback *promptFeedback `json:"promptFeedback,omitempty"`
		UsageMetadata  json.RawMessage `json:"usageMetadata,omitempty"`
		ModelVersion   string          `json:"modelVersion,omitempty"`
		CreateTime     string          `json:"createTime,omitempty"`
		ResponseID     string          `json:"responseId,omitempty"`
	}
	wireCandidate struct {
		Content        content         `json:"content"`
		FinishReason   string          `json:"finishReason"`
		Index          int             `json:"index"`
		LogprobsResult json.RawMessage `json:"logprobsResult,omitempty"`
	}
	promptFeedback struct {
		BlockReason string `json:"blockReason"`
	}
)

// encodeAnswer writes an answer as Google's API would have. Thoughts are told to who asked for them.
func encodeAnswer(a *chat.Answer, r *chat.Request) []byte {
	w := response{ModelVersion: a.Model, ResponseID: a.ID}
	if a.Created > 0 {
		w.CreateTime = time.Unix(a.Created, 0).UTC().Format(time.RFC3339)
	}
	for i := range a.Choices {
		c := &a.Choices[i]
		w.Candidates = append(w.Candidates, wireCandidate{
			Content:      content{answerParts(c.Parts, showsThoughts(r)), "model"},
			FinishReason: finishReason(c.Stop), Index: c.Index, LogprobsResult: logprobsResultOf(c.LogProbs),
		})
	}
	if a.HasUsage {
		w.UsageMetadata = appendUsage(nil, &a.Usage)
	}
	b, err := marshal(w)
	if err != nil {
		panic(err) // all raw JSON in it was written here
	}
	return b
}

func showsThoughts(r *chat.Request) bool {
	return r != nil && r.Reasoning != nil && r.Reasoning.Show
}

func answerParts(parts []chat.Part, thoughts bool) []wirePart {
	all := []wirePart{}
	for i := range parts {
		p := &parts[i]
		var w wirePart
		switch p.Kind {
		case chat.Text, chat.Refusal:
			w.Text = &p.Text
		case chat.Thinking:
			if !thoughts {
				continue
			}
			w.Text, w.Thought = &p.Text, true
		case chat.Call:
			w.FunctionCall = &wireCall{p.Call.ID, p.Call.Name, argsOf(p.Call.Arguments)}
		case chat.Image, chat.Audio, chat.File:
			if p.Media.Data == "" {
				continue
			}
			w.InlineData = &blob{p.Media.MIME, p.Media.Data}
		default:
			continue
		}
		w.ThoughtSignature = thoughtSignature(p.Signature, p.SignedBy, p.Redacted)
		all = append(all, w)
	}
	return all
}

// argsOf returns the arguments of a call as the object Google's API has. What a model wrote that is
// none, as happens when it ran out of tokens, is its only member.
func argsOf(arguments string) json.RawMessage {
	if args, ok := asObject(arguments); ok {
		return args
	}
	if strings.TrimSpace(arguments) == "" {
		return json.RawMessage("{}")
	}
	raw, err := marshal(map[string]string{"arguments": arguments})
	if err != nil {
		panic(err) // strings always marshal
	}
	return raw
}
