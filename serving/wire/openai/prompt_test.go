package openai

import (
	"testing"

	"github.com/lakegate/lakegate/serving/wire"
)

func TestInputChars(t *testing.T) {
	tests := []struct {
		in   string
		want any
	}{
		{`{"messages":[{"role":"system","content":"äb"},{"content":[{"type":"text","text":"😀c"},{"type":"image_url","image_url":{"url":"data:..."}}]},{"content":null}]}`, 4},
		{`{"prompt":"four"}`, 4},
		{`{"input":["a","bc"]}`, 3},
		{`{"input":[1,2,3]}`, nil},
		{`{"messages":[]}`, nil},
		{`{"inputs":"x"}`, nil},
	}
	for _, tt := range tests {
		var got any
		if n := InputChars([]byte(tt.in)); n != nil {
			got = int(*n)
		}
		if got != tt.want {
			t.Errorf("InputChars(%s) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestPrompt(t *testing.T) {
	tests := []struct {
		op              wire.Operation
		params, want    string
		answer, answer2 string
	}{
		{wire.OpChat, `{"temperature":0}`, `{"temperature":0,"messages":[{"role":"user","content":"hi \"you\""}]}`, `{"choices":[{"message":{"content":"h\u00e9"}}]}`, "hé"},
		{wire.OpChat, ``, `{"messages":[{"role":"user","content":"hi \"you\""}]}`, `{"choices":[{"message":{"content":[{"type":"reasoning"},{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]}`, "ab"},
		{wire.OpCompletions, `{}`, `{"prompt":"hi \"you\""}`, `{"choices":[{"text":"yes"}]}`, "yes"},
		{wire.OpEmbeddings, `{}`, `{"input":"hi \"you\""}`, `{"data":[{"embedding":[0.1, 2]}]}`, "[0.1, 2]"},
		{wire.OpOpaque, ``, `hi "you"`, `{"predictions":[1]}`, `{"predictions":[1]}`},
	}
	for _, tt := range tests {
		body, err := PromptBody(tt.op, `hi "you"`, []byte(tt.params))
		if err != nil || string(body) != tt.want {
			t.Errorf("PromptBody(%v) = %s, %v", tt.op, body, err)
		}
		if text, ok := AnswerText(tt.op, []byte(tt.answer)); !ok || text != tt.answer2 {
			t.Errorf("AnswerText(%s) = %q, %v", tt.answer, text, ok)
		}
	}
	for _, params := range []string{`[1]`, `{"model":"x"}`, `{"messages":[]}`, `{"stream":true}`, `{`} {
		if b, err := PromptBody(wire.OpChat, "hi", []byte(params)); err == nil {
			t.Errorf("PromptBody took %s: %s", params, b)
		}
	}
	for _, answer := range []string{`{}`, `{"choices":[]}`, `{"choices":[{"message":{"content":null}}]}`, ``} {
		if text, ok := AnswerText(wire.OpChat, []byte(answer)); ok {
			t.Errorf("AnswerText(%s) = %q", answer, text)
		}
	}
}
