package responses

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// TestFailure: a stream that breaks off ends with its own response, and its numbers go on.
func TestFailure(t *testing.T) {
	e := newEncoder(&chat.Request{Model: "chat"})
	dst := e.Append(nil, &chat.Delta{Kind: chat.DeltaStart, ID: "chatcmpl-1", Model: "gpt-4o"})
	dst = e.Append(dst, &chat.Delta{Kind: chat.DeltaText, Text: "It is"})
	dst = e.Append(dst, &chat.Delta{Kind: chat.DeltaCall, CallID: "c", Name: "get_weather"})
	dst = e.Append(dst, &chat.Delta{Kind: chat.DeltaArguments, Text: `{"ci`})
	dst = e.(chat.Failing).AppendFailure(dst, apierr.New(apierr.BadGateway, "the provider's answer broke off"))
	if again := e.AppendEnd(nil); len(again) > 0 {
		t.Errorf("after the failure: %s", again)
	}
	var last struct {
		Type           string
		SequenceNumber int `json:"sequence_number"`
		Response       struct {
			ID, Model, Status string
			Error             struct{ Code, Message string }
			Output            []struct{ Type, Status string }
		}
	}
	n := 0
	for line := range bytes.Lines(dst) {
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		if err := json.Unmarshal(data, &last); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if last.SequenceNumber != n {
			t.Errorf("event %d has number %d", n, last.SequenceNumber)
		}
		if n++; last.Type == "response.output_item.done" && bytes.Contains(data, []byte("function_call")) {
			t.Errorf("half a call is done: %s", data)
		}
	}
	r := last.Response
	if last.Type != "response.failed" || r.Status != "failed" || r.ID != "resp_chatcmpl-1" || r.Model != "chat" && r.Model != "gpt-4o" ||
		r.Error.Code != "server_error" || r.Error.Message != "the provider's answer broke off" {
		t.Errorf("last event: %+v", last)
	}
	if len(r.Output) != 2 || r.Output[1].Type != "function_call" || r.Output[1].Status != "incomplete" {
		t.Errorf("output: %+v", r.Output)
	}
}
