package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// TestUsageInTheHeader: Bedrock has the count of embedded tokens in the header of its answer. It is
// in the row, and in the answer that the client gets.
func TestUsageInTheHeader(t *testing.T) {
	up := with("X-Amzn-Bedrock-Input-Token-Count", "2", sends(200, "application/json", `{"embeddings":{"float":[[0.5,1]]},"id":"x","texts":["hi"]}`))
	model := ""
	l := newLab(t, []http.Handler{up}, func(l *lab, e *endpoint.Endpoint) {
		model = e.Entities[0].Model
		e.Task = endpoint.Embeddings
		e.Entities[0].Provider = "speaker"
		l.parts.Providers["speaker"] = provider.Provider{
			Formats: func(*endpoint.Entity, wire.Operation) []wire.Format { return []wire.Format{wire.BedrockCohereEmbed} },
			Build: func(a *provider.Ask) (provider.Upstream, error) {
				return provider.Upstream{URL: a.URL(""), Header: a.NewHeader(), Body: a.Body}, nil
			},
		}
	})
	if got, err := l.Ask(context.Background(), sqlUser, "chat", "hi", gateway.AskOptions{MayCall: anyone}); err != nil || got != "[0.5,1]" {
		t.Errorf("got %q, %v", got, err)
	}
	if got := summary(l.recorder.One()); got != "ok 200 usage=provider:2+0=2 cost=2 a:200" {
		t.Error(got)
	}
	c := l.do(`{"model":"chat","input":"hi"}`, func(c *gateway.Call) { c.Surface.Format = wire.OpenAIEmbeddings })
	if !strings.Contains(c.body, `"model":"`+model+`"`) {
		t.Errorf("the answer does not say that it is of %s: %s", model, c.body)
	}
}
