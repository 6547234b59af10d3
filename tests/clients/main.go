// Command clients runs official SDKs of OpenAI, Anthropic, Google, Cohere, Databricks and MLflow, for
// Python, Node and Go, unmodified but for base URL and key, against a running gateway in front of
// scripted and recorded providers, and then holds the gateway's rows to what the SDKs saw. See
// tests/README.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lakegate/lakegate/tests/suite"
)

func main() {
	lakegate := flag.String("lakegate", "bin/lakegate", "the binary to test")
	home := flag.String("home", "tests/clients", "folder of the SDKs' programs")
	only := flag.String("only", "", "run the SDKs alone whose name has this in it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s := &suite.Suite{Name: "clients", MustRun: os.Getenv("CI") == "true", Out: os.Stdout}
	err := run(ctx, s, *lakegate, *home, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
	os.Exit(s.Finish())
}

// sdk is one SDK and the program that uses it.
type sdk struct {
	name    string
	dir     string
	program string
	find    func(dir string) (string, error)
}

func run(ctx context.Context, s *suite.Suite, lakegate, home, only string) error {
	g, err := openStage(ctx, lakegate)
	if err != nil {
		return err
	}
	defer g.close()
	for _, k := range []sdk{
		{"python", filepath.Join(home, "python"), "client.py", suite.Python},
		{"python openai", filepath.Join(home, "python"), "openai_client.py", suite.Python},
		{"python anthropic", filepath.Join(home, "python"), "anthropic_client.py", suite.Python},
		{"python google-genai", filepath.Join(home, "python"), "gemini_client.py", suite.Python},
		{"python cohere", filepath.Join(home, "python"), "cohere_client.py", suite.Python},
		{"python databricks, mlflow", filepath.Join(home, "python"), "databricks_client.py", suite.Python},
		{"python prompts", filepath.Join(home, "python"), "prompt_client.py", suite.Python},
		{"node", filepath.Join(home, "node"), "client.mjs", suite.Node},
		{"node anthropic", filepath.Join(home, "node"), "anthropic.mjs", suite.Node},
		{"go", filepath.Join(home, "go"), ".", goTool},
		{"go databricks", filepath.Join(home, "go-databricks"), ".", goTool},
	} {
		if !strings.Contains(k.name, only) {
			continue
		}
		interpreter, err := k.find(k.dir)
		if errors.Is(err, suite.ErrNoTool) {
			s.Skip(k.name, err.Error())
			continue
		}
		if err != nil {
			return err
		}
		if interpreter, err = absolute(interpreter); err != nil {
			return err
		}
		cases, err := g.play(ctx, k, interpreter)
		if err != nil {
			return err
		}
		if err := g.judge(ctx, s, k.name, cases); err != nil {
			return err
		}
	}
	for _, tool := range []struct {
		name string
		play func(context.Context, *suite.Suite) error
	}{{"databricks cli", g.playCLI}, {"terraform", g.playTerraform}} {
		if !strings.Contains(tool.name, only) {
			continue
		}
		if err := tool.play(ctx, s); err != nil {
			return err
		}
	}
	return g.finish(ctx, s)
}

// goTool finds the compiler that runs the SDK's program for Go, a module of its own.
func goTool(string) (string, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return "", suite.ErrNoTool
	}
	return path, nil
}

// absolute keeps a program found by a relative path good in another folder.
func absolute(path string) (string, error) {
	if filepath.Base(path) == path {
		return path, nil
	}
	return filepath.Abs(path)
}

// outcome is one case as an SDK's program reports it: what went wrong on its side, and what the
// gateway's row of its request must say.
type outcome struct {
	Case      string         `json:"case"`
	Error     string         `json:"error"`
	RequestID string         `json:"request_id"`        // x-request-id, as the SDK gives it
	ClientID  string         `json:"client_request_id"` // instead, where there was no answer
	Row       map[string]any `json:"row"`               // column: value; null is NULL
	NoRow     bool           `json:"no_row"`            // a request that is no model call
	MoreRows  int            `json:"more_rows"`         // of requests that the SDK made without telling, such as a first try
}

// play runs an SDK's program, which prints one outcome a line.
func (g *stage) play(ctx context.Context, k sdk, interpreter string) ([]outcome, error) {
	args := []string{k.program}
	if k.program == "." {
		args = []string{"run", k.program}
	}
	cmd := exec.CommandContext(ctx, interpreter, args...)
	cmd.Dir = k.dir
	cmd.Env = append(os.Environ(), "LAKEGATE_URL="+g.url, "LAKEGATE_KEY="+key, "LAKEGATE_NARROW_KEY="+narrowKey, "LAKEGATE_RECORDED="+g.recorded,
		"LAKEGATE_SCRIPTED="+g.scripted, "LAKEGATE_PROVIDER_KEY="+providerKey,
		"LAKEGATE_PROVIDERS="+strings.Join(providers, ","), "LAKEGATE_ENDPOINTS="+strings.Join(endpointNames(), ","), "GOWORK=off",
		"PYTHONDONTWRITEBYTECODE=1", "NO_PROXY=127.0.0.1")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s\n%s", k.program, err, out, problems.String())
	}
	var all []outcome
	in := bufio.NewScanner(bytes.NewReader(out))
	for in.Scan() {
		var o outcome
		if err := json.Unmarshal(in.Bytes(), &o); err != nil || o.Case == "" {
			return nil, fmt.Errorf("%s printed %q: %w", k.program, in.Text(), err)
		}
		all = append(all, o)
	}
	return all, in.Err()
}
