package all_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider/all"
	"github.com/lakegate/lakegate/serving/wire"
)

// The table of docs/providers.md says what each provider speaks. -update writes it.
func TestFormatsAreDocumented(t *testing.T) {
	const begin, end = "<!-- formats: go test ./serving/provider/all -update -->\n", "<!-- end of formats -->"
	path := filepath.Join("..", "..", "..", "docs", "providers.md")
	b, err := os.ReadFile(path)
	must(t, err)
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, also := strings.Cut(rest, end)
	if !ok || !also {
		t.Fatalf("%s has no place for the table", path)
	}
	golden(t, path, before+begin+table(t)+end+after)
}

func table(t *testing.T) string {
	c, err := config.Load(filepath.Join("testdata", "providers.yaml"), func(string) (string, bool) { return serviceAccount(t), true })
	must(t, err)
	catalog, err := c.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(&http.Client{Transport: tokens{}}))
	must(t, err)
	var b strings.Builder
	b.WriteString("| provider | chat | embeddings | other operations |\n| --- | --- | --- | --- |\n")
	providers, seen := all.Table(), map[string]bool{}
	for _, e := range c.Endpoints {
		x, _ := catalog.Lookup(e.Name)
		entity := x.Entities[0]
		p, ok := providers[entity.Provider]
		label := entity.Provider
		switch { // who speaks differently by model
		case entity.Deployment != "":
			label = "openai, Azure"
		case e.Name == "bedrock-titan":
			label += ", Amazon's models"
		case e.Name == "bedrock-cohere":
			label += ", Cohere's models"
		case strings.HasPrefix(e.Name, "vertex-"), strings.HasPrefix(e.Name, "bedrock-"):
			label += ", Anthropic's models"
		}
		if !ok || seen[label] {
			continue
		}
		seen[label] = true
		own := func(ops ...wire.Operation) string {
			var formats []string
			for _, op := range ops {
				for _, f := range p.Formats(entity, op) {
					if name := strings.TrimPrefix(name(f), "openai-"); !slices.Contains(formats, name) {
						formats = append(formats, name)
					}
				}
			}
			return strings.Join(formats, ", ")
		}
		chat := make([]string, 0, 3)
		for _, f := range p.Formats(entity, wire.OpChat) {
			chat = append(chat, "`"+string(f)+"`")
		}
		embeddings := own(wire.OpEmbeddings)
		if embeddings != "" {
			embeddings = "`" + string(p.Formats(entity, wire.OpEmbeddings)[0]) + "`"
		}
		other := own(wire.OpCompletions, wire.OpImages, wire.OpSpeech, wire.OpTranscription, wire.OpModerations, wire.OpRerank, wire.OpCount, wire.OpOpaque)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", label, strings.Join(chat, ", "), embeddings, strings.ReplaceAll(other, "(any other)", "any JSON"))
	}
	return b.String()
}
