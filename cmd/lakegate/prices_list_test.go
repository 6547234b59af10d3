package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/pricing"
)

const foreignList = "../../internal/pricing/foreign/testdata/"

func TestPriceLists(t *testing.T) {
	dir := t.TempDir()
	for _, x := range []struct{ format, file string }{{"genai-prices", "genai.yaml"}, {"litellm", "lite.yaml"}} {
		in := foreignList + x.format + ".json"
		b, err := os.ReadFile(in)
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, x.file)
		_, words, err := run(t, "", "prices", "import", in, "--sha256", strings.ToUpper(sha256Of(b)), "-o", out, "--as-of", "2026-11-20")
		if err != nil {
			t.Fatal(err)
		}
		made, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(words, "price list 2026-11-20.") || !strings.Contains(words, "sha256: "+sha256Of(made)) {
			t.Errorf("import of %s says\n%s", x.format, words)
		}
		if !strings.Contains(string(made), "sha256 "+sha256Of(b)) {
			t.Error("the file does not say what it was made from")
		}
		if again, _, err := run(t, "", "prices", "import", in, "--sha256", sha256Of(b), "--as-of", "2026-11-20", "--format", x.format); err != nil || again != string(made) {
			t.Errorf("a second import gives another file: %v", err)
		}
	}
	t.Chdir(dir)
	for _, c := range []struct{ args, want string }{
		{"list --provider openai --model gpt-4o-2024-08-06", "openai gpt-4o always 2.5 10"},
		{"list --model claude-sonnet-4-5", "anthropic claude-sonnet-4-5 always 3 15"},
		{"list --provider xai --at 2026-11-01", "grok"},
		{"list --file lite.yaml --model qwen-x", "over 32000: input 0.25, output 2"},
		{"list --file lite.yaml --provider deepseek", "Fri 22:00-24:00: input 0.15, output 0.6"},
		{"list --file lite.yaml --provider openai", "batch over 272000: input 1.25"},
		{"list --file genai.yaml --provider my-acme --model acme-asked", "requests 12 per thousand"},
		{"list --file genai.yaml --provider acme", "acme-cited always - - - - not known"},
		{"list --file genai.yaml --provider acme --at 2026-02-28", "acme-large always 3 12"},
		{"diff genai.yaml genai.yaml", "0 models changed, 0 added, 0 removed"},
		{"diff genai.yaml lite.yaml --provider openai", "+ openai gpt-x"},
		{"diff lite.yaml genai.yaml --provider cohere", "- cohere rerank-x"},
		{"diff builtin builtin --at 2026-01-01", "0 models changed"},
	} {
		out, _, err := run(t, "", append([]string{"prices"}, strings.Fields(c.args)...)...)
		if err != nil || !strings.Contains(strings.Join(strings.Fields(out), " "), c.want) {
			t.Errorf("prices %s: %v, no %q in\n%s", c.args, err, c.want, out)
		}
	}
	out, _, err := run(t, "", "prices", "list", "--json", "--provider", "openai", "--model", "gpt-4o", "--at", "2026-11-20")
	var shown struct {
		Version string
		Models  []pricing.Entry
	}
	if err != nil || json.Unmarshal([]byte(out), &shown) != nil || shown.Version != pricing.Builtin().Version() || len(shown.Models) != 1 || shown.Models[0].Prices[0].Price.String() != "2.5" {
		t.Errorf("as JSON: %v\n%s", err, out)
	}
}

func TestNoPriceListButTheOneThatWasMeant(t *testing.T) {
	in := foreignList + "litellm.json"
	out := filepath.Join(t.TempDir(), "out.yaml")
	for _, c := range []struct{ args, want string }{
		{in, "say which file you mean"},
		{in + " --sha256 00ff", "it is not the file that was looked at"},
		{"http://127.0.0.1:1/prices.json --sha256 00ff", "want a file or an https URL"},
		{"nowhere.json --sha256 00ff", "no such file"},
	} {
		_, _, err := run(t, "", append([]string{"prices", "import", "-o", out}, strings.Fields(c.args)...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("import %s: %v, want %q", c.args, err, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("import %s wrote a file", c.args)
		}
	}
}

func TestThePriceListOfTheConfig(t *testing.T) {
	const list = "as_of: 2026-01-02\nproviders:\n  - name: openai\n    models:\n      - names: [gpt-4o]\n        prices: [{input: 7, output: 70}]\n"
	t.Chdir(t.TempDir())
	if err := os.WriteFile("list.yaml", []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	parse := func(sum string) *config.Config {
		t.Helper()
		cfg, err := config.Parse([]byte("price_list: {file: list.yaml, sha256: "+sum+"}\nprices: [{provider: openai, discount: 10}]\n"), os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	got, err := pricesOf(parse(sha256Of([]byte(list))))
	if err != nil {
		t.Fatal(err)
	}
	e, ok := got.Lookup("openai", "gpt-4o", time.Now())
	if !ok || e.Discount.String() != "10" || e.Prices[0].Price.String() != "7" || !strings.HasPrefix(got.Version(), "2026-01-02.") || !strings.Contains(got.Version(), "+") {
		t.Errorf("%+v, version %s", e, got.Version())
	}
	if _, err := pricesOf(parse(strings.Repeat("0", 64))); err == nil || !strings.Contains(err.Error(), "not the file that was looked at") {
		t.Errorf("another file's prices: %v", err)
	}
	if err := os.WriteFile("lakegate.yaml", []byte("price_list: {file: list.yaml, sha256: "+strings.Repeat("0", 64)+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, "", "config", "check", "lakegate.yaml"); err == nil || !strings.Contains(err.Error(), "price_list") {
		t.Errorf("config check: %v", err)
	}
}

// A list from the network is taken when it is the one that was named, and never else.
func TestImportFromTheNetwork(t *testing.T) {
	list, err := os.ReadFile(foreignList + "litellm.json")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prices.json" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(list)
	}))
	defer srv.Close()
	was := http.DefaultClient
	http.DefaultClient = srv.Client()
	defer func() { http.DefaultClient = was }()
	out := filepath.Join(t.TempDir(), "out.yaml")
	if _, _, err := run(t, "", "prices", "import", srv.URL+"/prices.json", "--sha256", sha256Of([]byte("another")), "-o", out); err == nil || !strings.Contains(err.Error(), "not the file") {
		t.Errorf("another list: %v", err)
	}
	if _, _, err := run(t, "", "prices", "import", srv.URL+"/gone.json", "--sha256", sha256Of(list), "-o", out); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("no list: %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Fatal("a file was written")
	}
	if _, _, err := run(t, "", "prices", "import", srv.URL+"/prices.json", "--sha256", sha256Of(list), "-o", out); err != nil {
		t.Error(err)
	}
}
