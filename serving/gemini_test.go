package serving_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
)

const geminiAsk = `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`

// TestGeminiClients: the model is in the path, and a stream is events or, without ?alt=sse, an array.
func TestGeminiClients(t *testing.T) {
	l := newLab(t, provide)
	for _, path := range []string{"/v1beta/models/chat:generateContent", "/gemini/v1beta/models/chat:generateContent", "/ai-gateway/gemini/v1beta/models/chat%3AgenerateContent"} {
		resp, body := l.do("POST", path, "", geminiAsk, "X-Goog-Api-Key", "lg-ann")
		if resp.StatusCode != 200 || !strings.Contains(body, `"text":"hello"`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	resp, events := l.do("POST", "/v1beta/models/chat:streamGenerateContent?alt=sse&key=lg-ann", "", geminiAsk)
	if resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" || !strings.HasPrefix(events, "data: {") {
		t.Errorf("%v %s", resp.Header, events)
	}
	resp, array := l.do("POST", "/v1beta/models/chat:streamGenerateContent?key=lg-ann", "", geminiAsk)
	var list []struct{ Candidates []any }
	if err := json.Unmarshal([]byte(array), &list); err != nil || len(list) == 0 || len(list[0].Candidates) != 1 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%v %v %s", err, resp.Header, array)
	}
	if n := strings.Count(events, "data: "); n != len(list) {
		t.Errorf("%d events, %d elements", n, len(list))
	}
	for _, r := range l.recorder.Records() {
		if r.RequestedModel != "chat" || strings.Contains(r.URL, "lg-ann") || r.Usage.Source != inference.UsageProvider || r.Target.UpstreamAPI != "openai-chat" {
			t.Errorf("row %s", gatewaytest.Text(r))
		}
	}
}

// TestKeyInTheQuery is for Google's paths alone.
func TestKeyInTheQuery(t *testing.T) {
	l := newLab(t, provide)
	if resp, body := l.do("POST", "/v1/chat/completions?key=lg-ann", "", `{"model":"chat","messages":[]}`); resp.StatusCode != 401 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := l.do("GET", "/v1beta/models?key=lg-ann", "", ""); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := l.do("POST", "/v1beta/models/chat:generateContent?key=lg-bob", "", geminiAsk); resp.StatusCode != 401 || !strings.Contains(body, `"status":"UNAUTHENTICATED"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestAnthropicClients: their key, their list of models at a path that OpenAI has too, and the id
// of the request where their SDKs look.
func TestAnthropicClients(t *testing.T) {
	l := newLab(t, provide)
	version := []string{"X-Api-Key", "lg-ann", "Anthropic-Version", "2023-06-01"}
	resp, body := l.do("POST", "/v1/messages", "", `{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, version...)
	if resp.StatusCode != 200 || !strings.Contains(body, `"type":"message"`) || !strings.Contains(body, `"text":"hello"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if id := resp.Header.Get("Request-Id"); id == "" || id != l.recorder.One().ID.String() {
		t.Errorf("request id %q", id)
	}
	if _, body := l.do("GET", "/v1/models", "", "", version...); !strings.Contains(body, `"has_more":false,"first_id":"chat","last_id":"voice"`) {
		t.Errorf("%s", body)
	}
	if _, body := l.do("GET", "/v1/models/chat", "", "", version...); !strings.Contains(body, `"type":"model"`) {
		t.Errorf("%s", body)
	}
}

// TestStoredAnswers: what is asked of them goes to the provider, without what is lakegate's own.
func TestStoredAnswers(t *testing.T) {
	var seen []string
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"resp_1","object":"response","output":[],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}`)
	})
	for _, tt := range []struct {
		method, path, apiType string
		header                []string
		status                int
	}{
		{"GET", "/v1/responses/resp_1?model=chat&include[]=x", "openai/v1/responses.retrieve", nil, 200},
		{"GET", "/v1/responses/resp_1/input_items?limit=2", "openai/v1/responses.input_items", []string{"X-Lakegate-Endpoint", "chat"}, 200},
		{"POST", "/v1/responses/resp_1/cancel?model=chat", "openai/v1/responses.cancel", nil, 200},
		{"DELETE", "/ai-gateway/openai/v1/responses/resp_1?model=chat", "openai/v1/responses.delete", nil, 200},
		{"GET", "/v1/responses/resp_1?model=private", "openai/v1/responses.retrieve", nil, 403},
		{"GET", "/v1/responses/" + url.PathEscape("../../x") + "?model=chat", "openai/v1/responses.retrieve", nil, 400},
	} {
		n := len(l.recorder.Records())
		resp, body := l.do(tt.method, tt.path, key, "", tt.header...)
		r := l.recorder.Records()[n]
		if resp.StatusCode != tt.status || r.APIType != tt.apiType || r.Usage.Source != inference.UsageNone {
			t.Errorf("%s %s: %d %s\nrow %s", tt.method, tt.path, resp.StatusCode, body, gatewaytest.Text(r))
		}
	}
	want := "GET /v1/responses/resp_1?include%5B%5D=x, GET /v1/responses/resp_1/input_items?limit=2, POST /v1/responses/resp_1/cancel, DELETE /v1/responses/resp_1"
	if got := strings.Join(seen, ", "); got != want {
		t.Errorf("asked %s\nwant %s", got, want)
	}
}

// TestSoundThatBreaksOff: a client that has half of an answer without events is cut off, as the
// provider's own would be.
func TestSoundThatBreaksOff(t *testing.T) {
	for _, whole := range []bool{true, false} {
		l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "audio/mpeg")
			_, _ = io.WriteString(w, strings.Repeat("sound", 1000))
			_ = http.NewResponseController(w).Flush()
			if !whole {
				panic(http.ErrAbortHandler)
			}
		})
		r, err := http.NewRequest("POST", l.url+"/v1/audio/speech", strings.NewReader(`{"model":"voice","input":"hi","voice":"alloy"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", key)
		resp, err := l.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if len(b) != 5000 || whole != (err == nil) || resp.Header.Get("Content-Type") != "audio/mpeg" {
			t.Errorf("whole %v: %d bytes of %s, %v", whole, len(b), resp.Header.Get("Content-Type"), err)
		}
		if got := l.recorder.One().Outcome; whole != (got == inference.OK) {
			t.Errorf("whole %v: %s", whole, got)
		}
	}
}
