package openai

import (
	"fmt"
	"strconv"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decodeChatAnswer reads a whole answer of a provider.
func decodeChatAnswer(body []byte) (*chat.Answer, error) {
	var o rawjson.Object
	if err := o.Parse(body, MaxDepth); err != nil {
		return nil, err
	}
	a := &chat.Answer{}
	tier := ""
	for i := range o.Len() {
		v, k := o.Value(i), o.Kind(i)
		switch name := string(o.Name(i)); {
		case name == "choices" && k == rawjson.Array:
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				a.Choices = append(a.Choices, decodeChoice(c.Take(), len(a.Choices)))
			}
		case name == "id" && k == rawjson.String:
			a.ID = rawjson.Unquote(v)
		case name == "model" && k == rawjson.String:
			a.Model = rawjson.Unquote(v)
		case name == "created":
			a.Created, _ = rawjson.Int(v)
		case name == "usage":
			a.Usage, a.HasUsage = ParseUsage(v)
		case name == "service_tier" && k == rawjson.String:
			tier = rawjson.Unquote(v)
		}
	}
	if a.HasUsage && a.Usage.ServiceTier == "" {
		a.Usage.ServiceTier = tier
	}
	if len(a.Choices) == 0 {
		return nil, fmt.Errorf("the answer has no choices")
	}
	return a, nil
}

func decodeChoice(v []byte, index int) chat.Choice {
	ch := chat.Choice{Index: index}
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "index":
			if n, ok := rawjson.Int(v); ok {
				ch.Index = int(n)
			}
		case "message":
			ch.Parts = decodeMessage(v)
		case "finish_reason":
			if k == rawjson.String {
				ch.Stop = stopOf(rawjson.Unquote(v))
			}
		case "stop_reason": // vLLM: the stop sequence that was hit
			if k == rawjson.String {
				ch.StopText = rawjson.Unquote(v)
			}
		case "logprobs":
			if k == rawjson.ObjectKind {
				ch.LogProbs = v
			}
		}
		return true
	})
	ch.Stop = settleStop(ch.Stop, ch.StopText, hasKind(ch.Parts, chat.Refusal))
	return ch
}

func hasKind(parts []chat.Part, k chat.PartKind) bool {
	for i := range parts {
		if parts[i].Kind == k {
			return true
		}
	}
	return false
}

// settleStop says what a reason to stop means beside what else is known.
func settleStop(s chat.Stop, stopText string, refused bool) chat.Stop {
	switch {
	case s == chat.StopEnd && stopText != "":
		return chat.StopSequence
	case s == chat.StopEnd && refused:
		return chat.StopRefusal
	}
	return s
}

func stopOf(word string) chat.Stop {
	switch word {
	case "stop", "eos", "end_turn":
		return chat.StopEnd
	case "length", "model_length", "max_tokens":
		return chat.StopLength
	case "tool_calls", "function_call":
		return chat.StopTool
	case "content_filter":
		return chat.StopFilter
	default:
		return chat.StopOther
	}
}

// decodeMessage reads what the assistant said, in the order in which it was made: thoughts, then
// text, then calls. Compatible servers call thoughts reasoning_content or reasoning, or make them
// parts of the content.
func decodeMessage(v []byte) (parts []chat.Part) {
	var thoughts, said, calls []chat.Part
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "content":
			t, s := decodeContent(k, v)
			thoughts, said = append(thoughts, t...), append(said, s...)
		case "reasoning_content", "reasoning":
			if k == rawjson.String && len(v) > 2 && len(thoughts) == 0 {
				thoughts = append(thoughts, chat.Part{Kind: chat.Thinking, Text: rawjson.Unquote(v)})
			}
		case "reasoning_details":
			if signed := readDetails(v, ""); len(signed) > 0 {
				thoughts = signed
			}
		case "refusal":
			if k == rawjson.String && len(v) > 2 {
				said = append(said, chat.Part{Kind: chat.Refusal, Text: rawjson.Unquote(v)})
			}
		case "tool_calls":
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				calls = append(calls, decodeCall(c.Take(), len(calls)))
			}
		case "function_call":
			if k == rawjson.ObjectKind {
				p := chat.Part{Kind: chat.Call, Call: &chat.ToolCall{ID: madeID(0)}}
				decodeFunction(p.Call, v)
				calls = append(calls, p)
			}
		}
		return true
	})
	return append(append(thoughts, said...), calls...)
}

func decodeContent(k rawjson.Kind, v []byte) (thoughts, said []chat.Part) {
	if k == rawjson.String {
		if len(v) > 2 {
			said = append(said, chat.Part{Kind: chat.Text, Text: rawjson.Unquote(v)})
		}
		return nil, said
	}
	c := rawjson.Walk(v)
	if c.Kind() != rawjson.Array {
		return nil, nil
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		thought, text, isThought := readContentPart(c.Take())
		switch {
		case isThought:
			thoughts = append(thoughts, thought...)
		case text != "":
			said = append(said, chat.Part{Kind: chat.Text, Text: text})
		}
	}
	return thoughts, said
}

// readContentPart reads a part of a content that is a list, in answers.
func readContentPart(v []byte) (thought []chat.Part, text string, isThought bool) {
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "text":
			if k == rawjson.String {
				text = rawjson.Unquote(v)
			}
		case "thinking", "summary":
			thought, isThought = readThoughts(v, ""), true
		}
		return true
	})
	return thought, text, isThought
}

// madeID returns the id of a call whose provider gave none.
func madeID(call int) string { return "call_" + strconv.Itoa(call) }

func decodeCall(v []byte, n int) chat.Part {
	p := chat.Part{Kind: chat.Call, Call: &chat.ToolCall{ID: madeID(n)}}
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "id":
			if k == rawjson.String && len(v) > 2 {
				p.Call.ID = rawjson.Unquote(v)
			}
		case "function":
			decodeFunction(p.Call, v)
		case "extra_content":
			if s := googleSignature(v); s != "" {
				p.Signature, p.SignedBy = s, "gemini"
			}
		}
		return true
	})
	return p
}

func decodeFunction(c *chat.ToolCall, v []byte) {
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch {
		case string(name) == "name" && k == rawjson.String:
			c.Name = rawjson.Unquote(v)
		case string(name) == "arguments" && k == rawjson.String:
			c.Arguments = rawjson.Unquote(v)
		case string(name) == "arguments" && k == rawjson.ObjectKind: // Ollama and others
			c.Arguments = string(v)
		}
		return true
	})
}
