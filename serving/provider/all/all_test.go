package all_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/all"
	"github.com/lakegate/lakegate/serving/wire"
)

var update = flag.Bool("update", false, "rewrite the expected requests in testdata")

// The way of a call from the configuration file to the bytes for the provider: what each provider
// is sent, in each format it speaks. The clock of the bubble stands still, so that signatures do.
func TestRequestsOfEveryProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := config.Load(filepath.Join("testdata", "providers.yaml"), func(name string) (string, bool) {
			return serviceAccount(t), name == "SERVICE_ACCOUNT"
		})
		must(t, err)
		catalog, err := c.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(&http.Client{Transport: tokens{}}))
		must(t, err)
		var out strings.Builder
		for _, e := range c.Endpoints { // in the file's order
			x, _ := catalog.Lookup(e.Name)
			for _, entity := range x.Entities {
				fmt.Fprintf(&out, "## %s: %s at %s\n", e.Name, entity.Model, entity.Provider)
				requests(t, &out, entity)
			}
		}
		golden(t, filepath.Join("testdata", "requests.golden"), out.String())
	})
}

// requests writes down all requests that there are for an entity. What is alike in all of them is
// written once.
func requests(t *testing.T, out *strings.Builder, e *endpoint.Entity) {
	p, ok := all.Table()[e.Provider]
	if !ok {
		t.Errorf("there is no provider %s", e.Provider)
		return
	}
	fmt.Fprintf(out, "usage option %v\n", p.UsageOption)
	common := ""
	for op := wire.OpOpaque; op <= wire.OpCount; op++ {
		for _, f := range p.Formats(e, op) {
			r := request(t, p, &provider.Ask{Entity: e, Format: f, Body: body(e, f), Suffix: suffix(f)})
			h := header(r.Header)
			if common == "" {
				common = h
				out.WriteString(h)
			}
			fmt.Fprintf(out, "%-20s %s %s %s\n", name(f), r.Method, r.URL, read(t, r.Body))
			if h != common {
				out.WriteString(diff(common, h))
			}
			streamed := request(t, p, &provider.Ask{Entity: e, Format: f, Body: body(e, f), Suffix: suffix(f), Stream: true})
			if streamed != nil && streamed.URL.String() != r.URL.String() {
				fmt.Fprintf(out, "%-20s %s %s\n", "  streamed", streamed.Method, streamed.URL)
			}
			if f == wire.OpenAIResponses {
				r := request(t, p, &provider.Ask{Entity: e, Format: f, Method: http.MethodGet, Suffix: "/resp_1/input_items", Query: "limit=2"})
				if r != nil {
					fmt.Fprintf(out, "%-20s %s %s\n", "", r.Method, r.URL)
				}
			}
		}
	}
	out.WriteString("\n")
}

// A file is refused where, and only where, the provider has nothing for the task. Some can do less
// with some models.
func TestTasksOfProviders(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "providers.yaml"))
	must(t, err)
	account := serviceAccount(t)
	env := func(string) (string, bool) { return account, true }
	seen := map[string]bool{}
	for _, task := range endpoint.Tasks() {
		_, err := config.Parse(regexp.MustCompile(`task: [a-z0-9/]+`).ReplaceAll(text, []byte("task: "+task)), env)
		var faults config.Faults
		if err != nil && !errors.As(err, &faults) {
			t.Fatal(err)
		}
		refused := map[string]bool{}
		for _, f := range faults {
			provider, _, ok := strings.Cut(strings.TrimPrefix(f.Message, "provider "), " has no ")
			if !ok {
				t.Errorf("%s: %v", task, f)
			}
			refused[provider] = true
		}
		c, err := config.Parse(text, env)
		must(t, err)
		catalog, err := c.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
		must(t, err)
		for _, e := range catalog.All() {
			x := *e.Entities[0]
			x.Task = task
			op := wire.OperationOf(task)
			p := all.Table()[x.Provider]
			can := len(p.Formats(&x, op)) > 0 || op == wire.OpCompletions && len(p.Formats(&x, wire.OpChat)) > 0
			some := x.Provider == "amazon-bedrock" || x.Provider == "google-cloud-vertex-ai" || x.Provider == "openai"
			if can == refused[x.Provider] && (can || !some) {
				t.Errorf("%s, %s (%s): the file is refused is %v, and the provider can is %v", task, x.Provider, x.Model, refused[x.Provider], can)
			}
			seen[x.Provider] = true
		}
	}
	for _, name := range config.Providers() {
		if _, ok := all.Table()[name]; !ok || !seen[name] {
			t.Errorf("provider %s is not in the table, or not in this test", name)
		}
	}
	if n := len(config.Providers()); n != len(all.Table()) {
		t.Errorf("%d providers in the configuration, %d in the table", n, len(all.Table()))
	}
}

func name(f wire.Format) string {
	if f == wire.Opaque {
		return "(any other)"
	}
	return string(f)
}

// suffix is what paths that a format has several of end with.
func suffix(f wire.Format) string {
	switch f {
	case wire.OpenAIImages:
		return "/generations"
	case wire.OpenAITranscripts:
		return "/transcriptions"
	default:
		return ""
	}
}

func body(e *endpoint.Entity, f wire.Format) []byte {
	if f == wire.Opaque {
		return []byte(`{"inputs":[1]}`)
	}
	b, err := json.Marshal(e.Model)
	if err != nil {
		panic(err)
	}
	return fmt.Appendf(nil, `{"model":%s,"x":1}`, b)
}

// request makes the request as the gateway does. nil: the provider has no such thing.
func request(t *testing.T, p provider.Provider, a *provider.Ask) *http.Request {
	t.Helper()
	a.Header = http.Header{ // what may pass on of a client's
		"Anthropic-Beta": {"a-1"}, "Anthropic-Version": {"2023-06-01"}, "Openai-Beta": {"o-1"}, "Idempotency-Key": {"i-1"},
	}
	up, err := p.Build(a)
	if err != nil {
		if a.Method == "" && !a.Stream {
			t.Errorf("%s: %v", a.Format, err)
		}
		return nil
	}
	if up.Method == "" {
		up.Method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), up.Method, up.URL.String(), bytes.NewReader(up.Body))
	must(t, err)
	r.Header = up.Header
	if auth := a.Entity.Auth; auth != nil {
		must(t, auth.Apply(context.WithoutCancel(t.Context()), r, up.Body))
	}
	return r
}

func header(h http.Header) string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, "  "+name+": "+v+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// diff returns the lines of b that are not in a.
func diff(a, b string) string {
	var more []string
	for line := range strings.Lines(b) {
		if !strings.Contains(a, line) {
			more = append(more, line)
		}
	}
	return strings.Join(more, "")
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	must(t, err)
	return string(b)
}

// tokens is every token server there is.
type tokens struct{}

func (tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"access_token":"token-of-` + r.URL.Host + `","expires_in":3600}`)),
	}, nil
}

func serviceAccount(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	b, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "gw@acme-123.iam.gserviceaccount.com", "private_key_id": "key-1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	must(t, err)
	return string(b)
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		must(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
