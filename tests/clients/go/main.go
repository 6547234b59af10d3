// Command lakegate-clients is OpenAI's Go SDK against a running lakegate, unmodified but for base
// URL and key, on providers of every format. Each case checks what the SDK returns and prints one
// JSON line: its name, what went wrong if anything did, the request's id, and what the gateway's row
// of it must say. The Go program of the folder above compares.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

type row map[string]any

type line struct {
	Case      string `json:"case"`
	Error     string `json:"error"`
	RequestID string `json:"request_id"`
	Row       row    `json:"row"`
	MoreRows  int    `json:"more_rows"`
}

const question = "What is the weather in Paris?"

var weather = map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}}

func client(key string, more ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL(os.Getenv("LAKEGATE_URL") + "/v1"), option.WithAPIKey(key), option.WithMaxRetries(0),
		option.WithHeader("Databricks-Ai-Gateway-Request-Tags", `{"team": "go", "case": "openai"}`),
	}, more...)...)
}

var sdk = client(os.Getenv("LAKEGATE_KEY"))

func answered(in, out int64, endpoint string, more row) row {
	r := row{
		"status_code": 200, "outcome": "ok", "usage_source": "provider", "request_streaming": false, "team": "go", "case": "openai",
		"input_token_count": in, "output_token_count": out, "endpoint_name": endpoint,
	}
	for k, v := range more {
		r[k] = v
	}
	return r
}

func params(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{
		openai.SystemMessage("You answer briefly."), openai.UserMessage(question),
	}}
}

func chat(p string) (string, row, error) {
	var r *http.Response
	a, err := sdk.Chat.Completions.New(context.Background(), params(p+"-text"), option.WithResponseInto(&r))
	if err != nil {
		return "", nil, err
	}
	if len(a.Choices) == 0 {
		return "", nil, errors.New("the answer has no choice")
	}
	if !strings.Contains(a.Choices[0].Message.Content, "Paris") || a.Choices[0].FinishReason != "stop" {
		return "", nil, fmt.Errorf("the answer is %q, %s", a.Choices[0].Message.Content, a.Choices[0].FinishReason)
	}
	return r.Header.Get("X-Request-Id"), answered(a.Usage.PromptTokens, a.Usage.CompletionTokens, p+"-text", row{"api_type": "openai/v1/chat/completions"}), nil
}

func stream(p string) (string, row, error) {
	q := params(p + "-tools")
	q.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	q.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "get_weather", Parameters: weather})}
	var r *http.Response
	events := sdk.Chat.Completions.NewStreaming(context.Background(), q, option.WithResponseInto(&r))
	defer events.Close()
	var all openai.ChatCompletionAccumulator
	for events.Next() {
		if !all.AddChunk(events.Current()) {
			return "", nil, errors.New("the SDK can't add up the chunks")
		}
	}
	if err := events.Err(); err != nil {
		return "", nil, err
	}
	if len(all.Choices) == 0 || len(all.Choices[0].Message.ToolCalls) == 0 {
		return "", nil, errors.New("the answer has no call")
	}
	call := all.Choices[0].Message.ToolCalls[0].Function
	var args struct{ City string }
	if err := json.Unmarshal([]byte(call.Arguments), &args); err != nil || call.Name != "get_weather" || args.City != "Paris" {
		return "", nil, fmt.Errorf("the call is %s(%s)", call.Name, call.Arguments)
	}
	return r.Header.Get("X-Request-Id"), answered(all.Usage.PromptTokens, all.Usage.CompletionTokens, p+"-tools", row{"request_streaming": true}), nil
}

func response(p string) (string, row, error) {
	var r *http.Response
	events := sdk.Responses.NewStreaming(context.Background(), responses.ResponseNewParams{
		Model: p + "-text", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(question)},
	}, option.WithResponseInto(&r))
	defer events.Close()
	text, in, out := "", int64(-1), int64(-1)
	for events.Next() {
		switch e := events.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text += e.Delta
		case responses.ResponseCompletedEvent:
			in, out = e.Response.Usage.InputTokens, e.Response.Usage.OutputTokens
		}
	}
	if err := events.Err(); err != nil {
		return "", nil, err
	}
	if !strings.Contains(text, "Paris") {
		return "", nil, fmt.Errorf("the answer is %q", text)
	}
	return r.Header.Get("X-Request-Id"), answered(in, out, p+"-text", row{"request_streaming": true, "api_type": "openai/v1/responses"}), nil
}

// refusal makes a call that must fail in the SDK's own way.
func refusal(c openai.Client, model string, status int, want row) (string, row, error) {
	_, err := c.Chat.Completions.New(context.Background(), params(model))
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != status || e.Message == "" {
		return "", nil, fmt.Errorf("the error is %v, want one of status %d with a message", err, status)
	}
	want["status_code"], want["input_token_count"] = status, nil
	return e.Response.Header.Get("X-Request-Id"), want, nil
}

func limited(p string) (string, row, error) {
	return refusal(sdk, p+"-limited", 429, row{"outcome": "upstream_error", "endpoint_name": p + "-limited"})
}

func play(name string, f func() (string, row, error)) {
	l := line{Case: "openai " + name}
	id, want, err := f()
	if err != nil {
		l.Error = err.Error()
	}
	l.RequestID, l.Row = id, want
	if strings.HasPrefix(name, "sdk tries again") {
		l.MoreRows = 1
	}
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	fmt.Println(string(b))
}

func main() {
	cases := []struct {
		name string
		run  func(p string) (string, row, error)
	}{{"chat", chat}, {"stream", stream}, {"responses", response}, {"limit of the provider", limited}}
	for _, p := range strings.Split(os.Getenv("LAKEGATE_PROVIDERS"), ",") {
		for _, c := range cases {
			play(c.name+" of "+p, func() (string, row, error) { return c.run(p) })
		}
	}
	play("wrong key", func() (string, row, error) {
		return refusal(client("lakegate-nobody-has-this-key"), "openai-text", 401, row{"outcome": "refused", "requester": nil})
	})
	play("sdk tries again", func() (string, row, error) {
		var r *http.Response
		c := client(os.Getenv("LAKEGATE_KEY"), option.WithMaxRetries(1))
		a, err := c.Chat.Completions.New(context.Background(), params("openai-flaky"), option.WithResponseInto(&r))
		if err != nil {
			return "", nil, err
		}
		return r.Header.Get("X-Request-Id"), answered(a.Usage.PromptTokens, a.Usage.CompletionTokens, "openai-flaky", nil), nil
	})
}
