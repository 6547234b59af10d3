package console

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

// TestDistIsWhatTheSourcesMake rebuilds web/ in memory, with the options of the go:generate line.
func TestDistIsWhatTheSourcesMake(t *testing.T) {
	r := api.Build(api.BuildOptions{
		EntryPoints: []string{"web/app.tsx", "web/app.css", "web/theme.ts", "web/index.html", "web/favicon.svg"},
		Bundle:      true,
		Format:      api.FormatESModule,
		Target:      api.ES2022,
		JSXFactory:  "h",
		JSXFragment: "Fragment",
		External:    []string{"../vendor/*"},
		Loader:      map[string]api.Loader{".html": api.LoaderCopy, ".svg": api.LoaderCopy},
		Charset:     api.CharsetUTF8,
		Outdir:      "dist",
	})
	for _, e := range r.Errors {
		t.Errorf("%+v", e)
	}
	made := map[string]bool{}
	for _, f := range r.OutputFiles {
		name := filepath.Base(f.Path)
		made[name] = true
		have, err := os.ReadFile(filepath.Join("dist", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(have, f.Contents) {
			t.Errorf("dist/%s is not what web/ makes: run go generate ./dashboards/console", name)
		}
	}
	entries, err := os.ReadDir("dist")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !made[e.Name()] {
			t.Errorf("dist/%s is made by nothing", e.Name())
		}
	}
}

func TestVendoredFilesAreUnchanged(t *testing.T) {
	b, err := os.ReadFile("vendor/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		sum, name, _ := strings.Cut(sc.Text(), "  ")
		sums[name] = sum
	}
	for _, pattern := range []string{"*.js", "*.woff2"} {
		names, err := filepath.Glob("vendor/" + pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %v", pattern, names, err)
		}
		for _, n := range names {
			b, err := os.ReadFile(n)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(b)
			if hex.EncodeToString(sum[:]) != sums[filepath.Base(n)] {
				t.Errorf("%s does not have the sum of SHA256SUMS", n)
			}
			delete(sums, filepath.Base(n))
		}
	}
	for n := range sums {
		t.Errorf("SHA256SUMS names %s, which is not there", n)
	}
}

// The page must load nothing from elsewhere, so no address of another host may be in our code.
func TestPagesNameNoOtherHost(t *testing.T) {
	for _, name := range []string{"dist/app.js", "dist/app.css", "dist/theme.js", "dist/index.html"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"http://", "https://", "eval(", "innerHTML", "dangerouslySetInnerHTML", "document.write", " style=\"", "onclick=\""} {
			if i := bytes.Index(b, []byte(bad)); i >= 0 {
				t.Errorf("%s contains %s: %s", name, bad, b[i:min(len(b), i+60)])
			}
		}
	}
}
