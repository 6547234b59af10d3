package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
)

var (
	sqlUser = inference.Principal{Name: "ann@example.com", Kind: inference.User, KeyID: "ann-key"}
	anyone  = func(string) bool { return true }
)

func TestAsk(t *testing.T) {
	var body string
	l := newLab(t, []http.Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		sends(200, "application/json", answer)(w, r)
	})})
	got, err := l.Ask(context.Background(), sqlUser, "chat", "what's \"up\"?", gateway.AskOptions{
		Params: []byte(`{"temperature":0}`), MayCall: anyone, ClientRequestID: "q-1", UsageContext: map[string]string{"team": "bi"},
	})
	if err != nil || got != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	if want := `{"temperature":0,"messages":[{"role":"user","content":"what's \"up\"?"}],"model":"gpt-4o"}`; body != want {
		t.Errorf("asked %s, want %s", body, want)
	}
	r := l.recorder.One()
	if summary(r) != "ok 200 usage=provider:5+7=12 cost=12 a:200" || r.APIType != "sql/ai_query" || r.Principal.Name != "ann@example.com" || r.ClientRequestID != "q-1" || r.UsageContext["team"] != "bi" {
		t.Errorf("row: %s", asText(r))
	}
}

func TestAskErrors(t *testing.T) {
	tests := []struct {
		name, endpoint string
		opts           gateway.AskOptions
		code           apierr.Code
		text           string
	}{
		{"no endpoint", "nope", gateway.AskOptions{MayCall: anyone}, apierr.EndpointNotFound, "does not exist"},
		{"not allowed", "chat", gateway.AskOptions{MayCall: func(string) bool { return false }}, apierr.PermissionDenied, "may not call"},
		{"nobody said who may", "chat", gateway.AskOptions{}, apierr.PermissionDenied, "may not call"},
		{"bad parameters", "chat", gateway.AskOptions{MayCall: anyone, Params: []byte(`{"stream":true}`)}, apierr.InvalidParameter, "can't set \"stream\""},
		{"provider error", "chat", gateway.AskOptions{MayCall: anyone}, apierr.ProviderError, "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, []http.Handler{sends(400, "application/json", `{"error":{"message":"too long"}}`)})
			got, err := l.Ask(context.Background(), sqlUser, tt.endpoint, "hi", tt.opts)
			var e *apierr.Error
			if !errors.As(err, &e) || e.Code != tt.code || !strings.Contains(e.Message, tt.text) || got != "" {
				t.Errorf("got %q, %v", got, err)
			}
			l.recorder.One()
		})
	}
}

func TestAskEmbeddingsAndAnswersWithoutText(t *testing.T) {
	embeddings := func(_ *lab, e *endpoint.Endpoint) { e.Task = endpoint.Embeddings }
	l := newLab(t, []http.Handler{sends(200, "application/json", `{"data":[{"embedding":[0.5,1]}],"usage":{"prompt_tokens":2,"total_tokens":2}}`)}, embeddings)
	if got, err := l.Ask(context.Background(), sqlUser, "chat", "hi", gateway.AskOptions{MayCall: anyone}); err != nil || got != "[0.5,1]" {
		t.Errorf("got %q, %v", got, err)
	}
	if got := summary(l.recorder.One()); got != "ok 200 usage=provider:2+0=2 cost=2 a:200" {
		t.Error(got)
	}
	l = newLab(t, []http.Handler{sends(200, "application/json", `{"choices":[]}`)})
	if got, err := l.Ask(context.Background(), sqlUser, "chat", "hi", gateway.AskOptions{MayCall: anyone}); err == nil {
		t.Errorf("got %q", got)
	}
}

func TestAskThatIsCancelledIsStillRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLabOf(t, chatEndpoint(t, 1), func(l *lab, _ *endpoint.Endpoint) {
			l.parts.Transport = script{header: 3 * time.Second, kind: "application/json", steps: []any{answer}}
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := l.Ask(ctx, sqlUser, "chat", "hi", gateway.AskOptions{MayCall: anyone}); err == nil || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if got := summary(l.recorder.One()); got != "client_gone 0 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=12 a:200" {
			t.Error(got)
		}
	})
}
