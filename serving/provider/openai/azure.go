package openai

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// What Azure calls the versions of its newer API, which is OpenAI's in all but the address. Older
// ones are dates, and have the deployment in the path.
const (
	v1      = "v1"
	preview = "preview"
)

// firstResponses is the first dated version that has the Responses API.
const firstResponses = "2025-03-01"

func dated(e *endpoint.Entity) bool { return e.APIVersion != v1 && e.APIVersion != preview }

var chatOnly = []wire.Format{wire.OpenAIChat}

// azureFormats are what Azure speaks: what OpenAI does, but for moderations and reranking.
func azureFormats(e *endpoint.Entity, op wire.Operation) []wire.Format {
	switch {
	case op == wire.OpModerations || op == wire.OpRerank:
		return nil
	case op == wire.OpChat && dated(e) && e.APIVersion < firstResponses:
		return chatOnly
	default:
		return forTask(e, speaks[op])
	}
}

func azure(a *provider.Ask) (provider.Upstream, error) {
	e, path := a.Entity, Path(a.Format)
	if path == "" {
		return provider.Upstream{}, fmt.Errorf("the OpenAI API of Azure has no %q", a.Format)
	}
	body, err := a.WithModel(e.Deployment)
	if err != nil {
		return provider.Upstream{}, err
	}
	switch {
	case !dated(e):
		path = "/openai/v1" + path
	case a.Format == wire.OpenAIResponses: // the deployment is the model in the body
		path = "/openai" + path
	default:
		path = "/openai/deployments/" + e.Deployment + path
	}
	u := a.URL(path)
	if e.APIVersion != v1 {
		u.RawQuery = strings.TrimSuffix("api-version="+e.APIVersion+"&"+u.RawQuery, "&")
	}
	return provider.Upstream{Method: a.Method, URL: u, Header: header(a), Body: body}, nil
}
