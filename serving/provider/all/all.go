// Package all is the table of all providers: the only package that imports each of theirs.
package all

import (
	"maps"

	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/ai21"
	"github.com/lakegate/lakegate/serving/provider/anthropic"
	"github.com/lakegate/lakegate/serving/provider/bedrock"
	"github.com/lakegate/lakegate/serving/provider/cohere"
	"github.com/lakegate/lakegate/serving/provider/custom"
	"github.com/lakegate/lakegate/serving/provider/databricks"
	"github.com/lakegate/lakegate/serving/provider/gemini"
	"github.com/lakegate/lakegate/serving/provider/openai"
	"github.com/lakegate/lakegate/serving/provider/vertex"
)

// Table returns the providers by the names that the configuration has for them.
func Table() map[string]provider.Provider {
	all := openai.Presets()
	maps.Copy(all, map[string]provider.Provider{
		openai.Name:     openai.New(),
		custom.Name:     custom.New(),
		databricks.Name: databricks.New(),
		ai21.Name:       ai21.New(),
		gemini.Name:     gemini.New(),
		vertex.Name:     vertex.New(),
		bedrock.Name:    bedrock.New(),
		cohere.Name:     cohere.New(),
		anthropic.Name:  anthropic.New(),
	})
	return all
}
