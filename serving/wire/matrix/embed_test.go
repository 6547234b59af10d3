package matrix

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

var embedClients = []side{
	{"OpenAI embeddings", wire.OpenAIEmbeddings, "", ""},
	{"Gemini embeddings", wire.GeminiEmbeddings, "", ""},
	{"Cohere embeddings", wire.CohereEmbed, "", ""},
}

var embedProviders = []side{
	{"OpenAI", wire.OpenAIEmbeddings, "", "text-embedding-3-small"},
	{"Gemini", wire.GeminiEmbeddings, "", "gemini-embedding-001"},
	{"Vertex", wire.VertexEmbeddings, "", "text-embedding-005"},
	{"Cohere", wire.CohereEmbed, "", "embed-v4.0"},
	{"Bedrock's Cohere", wire.BedrockCohereEmbed, "", "cohere.embed-v4:0"},
	{"Bedrock's Titan", wire.BedrockTitanEmbed, "", "amazon.titan-embed-text-v2:0"},
}

var embedCases = []string{"text", "texts", "tokens", "dimensions", "purpose", "base64", "user"}

// embedRequests are the cases as each client sends them; what is not there it can't say.
var embedRequests = map[wire.Format]map[string]string{
	wire.OpenAIEmbeddings: {
		"text":       `{"model":"embed","input":"Paris"}`,
		"texts":      `{"model":"embed","input":["Paris","Rome"]}`,
		"tokens":     `{"model":"embed","input":[[3923,374],[279]]}`,
		"dimensions": `{"model":"embed","input":"Paris","dimensions":256}`,
		"purpose":    `{"model":"embed","input":"Paris","input_type":"query"}`,
		"base64":     `{"model":"embed","input":"Paris","encoding_format":"base64"}`,
		"user":       `{"model":"embed","input":"Paris","user":"u-1"}`,
	},
	wire.GeminiEmbeddings: {
		"text":       `{"content":{"parts":[{"text":"Paris"}]}}`,
		"texts":      `{"requests":[{"model":"models/embed","content":{"parts":[{"text":"Paris"}]}},{"model":"models/embed","content":{"parts":[{"text":"Rome"}]}}]}`,
		"dimensions": `{"content":{"parts":[{"text":"Paris"}]},"outputDimensionality":256}`,
		"purpose":    `{"content":{"parts":[{"text":"Paris"}]},"taskType":"RETRIEVAL_QUERY"}`,
	},
	wire.CohereEmbed: {
		"text":       `{"model":"embed","texts":["Paris"],"input_type":"search_document","embedding_types":["float"]}`,
		"texts":      `{"model":"embed","texts":["Paris","Rome"],"input_type":"search_document","embedding_types":["float"]}`,
		"dimensions": `{"model":"embed","texts":["Paris"],"input_type":"search_document","output_dimension":256}`,
		"purpose":    `{"model":"embed","texts":["Paris"],"input_type":"search_query"}`,
	},
}

// embedAnswer is what a provider answers to so many texts, each with the same vector.
func embedAnswer(f wire.Format, texts int) string {
	repeat := func(s string) string { return strings.Join(slices.Repeat([]string{s}, texts), ",") }
	switch f {
	case wire.OpenAIEmbeddings:
		var data []string
		for i := range texts {
			data = append(data, fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":[0.5,-1,0.25]}`, i))
		}
		return `{"object":"list","data":[` + strings.Join(data, ",") + `],"model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}`
	case wire.GeminiEmbeddings:
		return `{"embeddings":[` + repeat(`{"values":[0.5,-1,0.25]}`) + `]}`
	case wire.VertexEmbeddings:
		return `{"predictions":[` + repeat(`{"embeddings":{"values":[0.5,-1,0.25],"statistics":{"token_count":5,"truncated":false}}}`) + `]}`
	case wire.BedrockTitanEmbed:
		return `{"embedding":[0.5,-1,0.25],"embeddingsByType":{"float":[0.5,-1,0.25]},"inputTextTokenCount":5}`
	default:
		return `{"id":"e-1","embeddings":{"float":[` + repeat(`[0.5,-1,0.25]`) + `]},"texts":[],"response_type":"embeddings_by_type","meta":{"billed_units":{"input_tokens":5}}}`
	}
}

func (s side) embed(t *testing.T) *chat.EmbedCodec {
	t.Helper()
	c := formats.Table[s.format]
	if c == nil || c.Embed == nil {
		t.Fatalf("embeddings of the format %s can't be translated", s.format)
	}
	return c.Embed
}

// TestEmbeddings translates every case of every pair there and back.
func TestEmbeddings(t *testing.T) {
	var page strings.Builder
	for _, c := range embedClients {
		fmt.Fprintf(&page, "\n### %s clients\n\n| case |", c.name)
		line := "| --- |"
		for _, p := range embedProviders {
			if p.format != c.format {
				page.WriteString(" to " + p.name + " |")
				line += " --- |"
			}
		}
		page.WriteString("\n" + line + "\n")
		for _, name := range embedCases {
			if embedRequests[c.format][name] == "" {
				continue
			}
			fmt.Fprintf(&page, "| `%s` |", name)
			for _, p := range embedProviders {
				if p.format != c.format {
					page.WriteString(" " + embedPair(t, c, p, name) + " |")
				}
			}
			page.WriteString("\n")
		}
	}
	writeRegion(t, "<!-- begin embeddings -->\n", "<!-- end embeddings -->", page.String())
}

// embedPair translates a case, and returns its cell.
func embedPair(t *testing.T, c, p side, name string) string {
	t.Helper()
	r, apiErr := c.embed(t).DecodeRequest([]byte(embedRequests[c.format][name]))
	if apiErr != nil {
		t.Fatalf("%s: the client's %s: %v", c.name, name, apiErr)
	}
	var golden strings.Builder
	cell := "yes"
	body, lost, apiErr := p.embed(t).EncodeRequest(r, chat.Options{Model: p.model})
	lost = append(lost, r.Rest...)
	switch {
	case apiErr != nil:
		fmt.Fprintf(&golden, "== refused\n%s\n", apiErr.Message)
		cell = "refused: `" + apiErr.Param + "`"
	case len(lost) == 1 && lost[0].Field == "user": // the gateway takes it for a hint
		cell = "without `user`"
	case len(lost) > 0:
		cell = "refused: `" + lost[0].Field + "`"
	}
	if apiErr == nil {
		fmt.Fprintf(&golden, "== request\n%s\n", indented(body))
		if len(lost) > 0 {
			fmt.Fprintf(&golden, "== lost\n%s", lossLines(lost))
		}
		embedBack(t, c, p, r, &golden)
	}
	compareGolden(t, filepath.Join("testdata", string(c.format)+"-to-"+string(p.format), name+".golden"), golden.String())
	return cell
}

// embedBack translates the answer, and reads it as the client would.
func embedBack(t *testing.T, c, p side, r *chat.EmbedRequest, golden *strings.Builder) {
	t.Helper()
	a, err := p.embed(t).DecodeAnswer([]byte(embedAnswer(p.format, max(len(r.Texts), len(r.Tokens)))))
	if err != nil {
		t.Fatalf("%s: the provider's answer: %v", p.name, err)
	}
	out := c.embed(t).EncodeAnswer(a, r)
	fmt.Fprintf(golden, "== answer\n%s\n", indented(out))
	back, err := c.embed(t).DecodeAnswer(out)
	if err != nil {
		t.Fatalf("%s to %s: the client's own reader refuses the answer: %v\n%s", c.name, p.name, err, out)
	}
	if d := cmp.Diff(numbersOf(t, a), numbersOf(t, back)); d != "" {
		t.Errorf("%s to %s: read back, the vectors differ:\n%s", c.name, p.name, d)
	}
}

func numbersOf(t *testing.T, a *chat.EmbedAnswer) (all [][]float64) {
	t.Helper()
	for _, v := range a.Vectors {
		var one []float64
		if err := json.Unmarshal(v, &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}
