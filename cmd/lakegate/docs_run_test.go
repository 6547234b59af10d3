package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// setups is what pages need beyond a gateway with their own configuration.
var setups = map[string]struct {
	alone   bool     // no gateway: the page is about a stopped one
	bare    bool     // no endpoint: the page makes it
	history bool     // the gateway has a demo's rows
	files   []string // that the reader has, of those in readersFiles
}{
	"docs/chargeback.md":        {history: true},
	"docs/endpoints.md":         {bare: true},
	"docs/endpoints-as-code.md": {bare: true},
	"docs/lake.md":              {alone: true},
	"docs/prices.md":            {files: []string{"data.json", "genai-prices.yaml"}},
	"docs/secrets.md":           {files: []string{"key.txt"}},
}

// readersFiles are files that examples name.
func readersFiles(t *testing.T) map[string]string {
	list := string(readFile(t, "internal/pricing/foreign/testdata/genai-prices.golden.yaml"))
	return map[string]string{
		"key.txt": "sk-0123456789", "report.txt": "What is said.", "shorter.yaml": "messages: [{role: user, content: 'In a word: {{ text }}'}]", "key.json": "{}", "data.json": string(readFile(t, "internal/pricing/foreign/testdata/genai-prices.json")),
		"genai-prices.yaml": list, "prices.yaml": list, "old.yaml": list, "new.yaml": list,
	}
}

// importedSum is the SHA-256 of data.json.
const importedSum = "3ac407b0de90eccac40d2480b50e7980a91f2f44866392a737dc2f95e2b0ecd1"

var serves = regexp.MustCompile(`(?m)^[^#\n]*\blakegate serve\b`)

// The commands, requests, queries and programs of the pages do what they do there, against a running
// gateway. A page's blocks of one language are one session: in a folder of its own, in their order, with
// what earlier ones have left. A block of YAML that begins with a comment that is a path is that file.
func TestThePagesRun(t *testing.T) {
	world := startInternet(t)
	for _, page := range pages(t) {
		t.Run(page, func(t *testing.T) {
			var commands, programs []block
			all := ""
			for _, b := range blocksOf(t, page) {
				switch {
				case b.exempt() != "":
				case b.lang == "sh", b.lang == "sql", b.lang == "yaml" && writtenTo(b) != "":
					commands, all = append(commands, b), all+b.text
				case b.lang == "python":
					programs = append(programs, b)
				}
			}
			runCommands(t, page, world, commands, serves.MatchString(all))
			runPrograms(t, page, world, programs)
		})
	}
}

func runCommands(t *testing.T, page string, world internet, blocks []block, startsIt bool) {
	if len(blocks) == 0 {
		return
	}
	for _, tool := range []string{"bash", "curl", "python3"} {
		_, err := exec.LookPath(tool)
		switch {
		case err != nil && os.Getenv("CI") == "true":
			t.Fatalf("the pages' commands need %s: %v", tool, err)
		case err != nil:
			t.Skipf("SKIPPED, the pages' commands are not run: %v", err)
		}
	}
	s := opened(t, page, world, !startsIt)
	for _, b := range blocks {
		var out string
		var err error
		switch b.lang {
		case "sh":
			out, err = s.sh(b.text)
		case "sql":
			err = s.sql(t.Context(), b.text)
		default:
			s.write(writtenTo(b), b.text)
		}
		if err != nil {
			t.Errorf("%v: %v\n%s\n%s", b, err, b.text, out)
		}
	}
}

func opened(t *testing.T, page string, world internet, gateway bool) *session {
	t.Helper()
	s, up := newSession(t, page, world), setups[page]
	for _, name := range up.files {
		s.write(name, readersFiles(t)[name])
	}
	if up.history {
		if out, err := s.sh("lakegate demo --data gateway"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if gateway && !up.alone {
		s.gateway(up.bare)
	}
	return s
}

var filePath = regexp.MustCompile(`^# (\S+\.ya?ml)\n`)

// writtenTo is the file that a block is the text of, or "".
func writtenTo(b block) string {
	if m := filePath.FindStringSubmatch(b.text); m != nil {
		return m[1]
	}
	return ""
}

// runPrograms runs a page's Python where the SDKs are installed (tests/clients/run.sh does that), and
// elsewhere has it compiled.
func runPrograms(t *testing.T, page string, world internet, blocks []block) {
	if len(blocks) == 0 {
		return
	}
	python, err := filepath.Abs(filepath.Join(repository, "tests/clients/python/.venv/bin/python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("PAGES_MUST_RUN") == "true" {
			t.Fatalf("the pages' Python needs the SDKs that make test-clients installs: %v", err)
		}
		t.Logf("NOT RUN, only compiled: %d blocks of Python (make test-clients installs the SDKs they need)", len(blocks))
		for _, b := range blocks {
			cmd := exec.Command("python3", "-c", "import sys; compile(sys.stdin.read(), 'page', 'exec')")
			cmd.Stdin = strings.NewReader(b.text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", b, err, out)
			}
		}
		return
	}
	s := opened(t, page, world, true)
	for _, b := range blocks {
		if out, err := s.python(python, b.text); err != nil {
			t.Errorf("%v: %v\n%s\n%s", b, err, b.text, out)
		}
	}
}
