package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/internal/launch"
)

// stageVar is set where the test binary is run as lakegate by a page: the address of its session.
const stageVar = "LAKEGATE_PAGE_SESSION"

// sessionKey is the administrator's key that pages have in KEY and LAKEGATE_API_KEY.
const sessionKey = "lg-pages-0123456789abcdefghijklmnopqrstuvwxyz"

// session is a folder in which a page's commands are typed, with a gateway that has the page's
// configuration. What the page writes as 127.0.0.1:8080 is that gateway.
type session struct {
	t     *testing.T
	page  string
	net   internet
	dir   string // where commands are typed
	addr  string // of the gateway
	key   string
	vars  []string // NAME=value, what the page's commands see beyond the machine's
	procs []*launch.Process
	stage *httptest.Server
}

// newSession makes the folder and the programs; no gateway runs yet.
func newSession(t *testing.T, page string, world internet) *session {
	t.Helper()
	addr, err := launch.Addr()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, page: page, net: world, dir: filepath.Join(t.TempDir(), "work"), addr: addr, key: sessionKey}
	s.stage = httptest.NewServer(http.HandlerFunc(s.serveFor))
	t.Cleanup(func() {
		for _, p := range s.procs {
			p.Kill()
		}
		s.stage.Close()
	})
	bin := filepath.Join(s.dir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(bin, "lakegate"))
	}
	if err != nil {
		t.Fatal(err)
	}
	s.write("bin/make", makeScript)
	s.write("bin/curl", curlScript)
	s.vars = []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + s.dir,
		stageVar + "=" + s.stage.URL, "STATE=" + filepath.Join(t.TempDir(), "variables"), serverVar + "=http://" + s.addr, "LAKEGATE=http://" + s.addr,
	}
	return s
}

// make builds what is built already.
const makeScript = `#!/bin/sh
for target; do
  case $target in
  build) ;;
  demo) lakegate demo --data data/demo ;;
  test) ;; # this is a part of it
  *) echo "the pages' make has no $target" >&2; exit 2 ;;
  esac
done
`

// curl fails when the answer is an error.
const curlScript = `#!/bin/sh
PATH=${PATH#*:}
exec curl --fail-with-body --no-progress-meter --max-time 60 "$@"
`

// write writes a file of the session, in a folder that is made.
func (s *session) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// start is what a page's `lakegate serve` sends to the test, which starts the gateway in its place: the
// page's shell goes on, and the gateway ends with the test.
type start struct {
	Dir       string
	Args, Env []string
}

// programOfPages is the test binary run by a page as lakegate. Without a stage it is lakegate and no more.
func programOfPages(stage string) {
	args := os.Args[1:]
	switch {
	case stage == "":
	case len(args) > 0 && args[0] == "serve":
		dir, err := os.Getwd()
		if err != nil {
			panic(err)
		}
		body, err := json.Marshal(start{dir, args, os.Environ()})
		if err != nil {
			panic(err)
		}
		resp, err := http.Post(stage, "application/json", bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(os.Stderr, resp.Body)
		if resp.StatusCode != http.StatusOK {
			os.Exit(1)
		}
		return
	case len(args) > 0 && args[0] == "demo":
		os.Args = append(os.Args, "--once", "--history", "2000", "--requests", "40", "--listen", "127.0.0.1:0")
	case len(args) > 1 && args[0] == "report" && args[1] == "close":
		os.Args = append(os.Args, "--force") // on the first of a month it would wait
	}
	main()
}

// serveFor starts a gateway for a page's command and answers when it is ready.
func (s *session) serveFor(w http.ResponseWriter, r *http.Request) {
	var in start
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.serve(r.Context(), in); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// serve starts a gateway at the session's address.
func (s *session) serve(ctx context.Context, in start) error {
	env := append(in.Env, stageVar+"=", "HTTPS_PROXY="+s.net.proxy, "SSL_CERT_FILE="+s.net.authority)
	p, err := launch.Start(launch.Spec{
		Path: "/usr/bin/env", Env: env,
		Args: append([]string{"-C", in.Dir, filepath.Join(s.dir, "bin", "lakegate")}, append(in.Args, "--listen", s.addr)...),
	})
	if err != nil {
		return err
	}
	s.procs = append(s.procs, p)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return p.Ready(ctx, "http://"+s.addr+"/readyz")
}

// sh types a block into bash. Variables that a block sets are there in the next ones.
func (s *session) sh(text string) (string, error) {
	const before = "set -euo pipefail; set -a; if [ -f \"$STATE\" ]; then . \"$STATE\"; fi; trap 'export -p >\"$STATE\"' EXIT\n"
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", before+s.adapted(text))
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), append(append(s.environment(), s.vars...), "KEY="+s.key, keyVar+"="+s.key)...)
	cmd.WaitDelay, cmd.Stdin = time.Second, strings.NewReader("yes\n") // what people are asked
	out, err := cmd.CombinedOutput()
	if key := regexp.MustCompile(`lg-[0-9A-Za-z]{20,}`).FindString(string(out)); key != "" {
		s.key = key // the page's reader copies it
	}
	return string(out), err
}

var (
	ownKey   = regexp.MustCompile(`(?m)^export (KEY|` + keyVar + `)=\S*\.\.\..*$`)
	aVersion = regexp.MustCompile(`(VERSION AS OF |@v|chat_payload )\d+\b`)
	someTime = regexp.MustCompile(`TIMESTAMP AS OF ('[^']*'|current_timestamp\(\) - INTERVAL 1 DAY)`)
	aMonth   = regexp.MustCompile(`2026-1[12]\b`)
)

// adapted is what a reader would type where the page has an example: the gateway's address, a key, a
// month that is over, a log's name.
func (s *session) adapted(text string) string {
	now := time.Now().UTC()
	text = strings.ReplaceAll(text, "127.0.0.1:8080", s.addr)
	text = ownKey.ReplaceAllString(text, "export $1='"+s.key+"'")
	text = aMonth.ReplaceAllStringFunc(text, func(m string) string {
		if m == "2026-12" {
			return now.Format("2006-01")
		}
		return now.AddDate(0, 0, -now.Day()).Format("2006-01")
	})
	text = someTime.ReplaceAllString(text, "TIMESTAMP AS OF current_timestamp()")
	text = aVersion.ReplaceAllString(text, "${1}0")
	text = strings.NewReplacer("https://gateway.example.com", "http://"+s.addr, "HEX", importedSum, "3f1c...", importedSum).Replace(text)
	return strings.ReplaceAll(text, "LOG_ID", `$(lakegate tables gateways | grep -oE '^[0-9a-f-]{36}' | head -1)`)
}

// python runs a block with the page's names of address and key.
func (s *session) python(interpreter, text string) (string, error) {
	base := "http://" + s.addr
	names := fmt.Sprintf("LAKEGATE = %q; KEY = key = %q\n", base, s.key)
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, "-c", names+s.adapted(text))
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), s.vars...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sql asks the gateway each statement of a block.
func (s *session) sql(ctx context.Context, text string) error {
	for _, statement := range regexp.MustCompile(`;( *--.*)?\n`).Split(s.adapted(text), -1) {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := (launch.SQL{URL: "http://" + s.addr, Token: s.key}).Query(ctx, strings.TrimSpace(statement)); err != nil {
			return fmt.Errorf("%w\n%s", err, statement)
		}
	}
	return nil
}

// usual is the endpoint of a page that declares none.
const usual = `endpoints:
  - name: chat
    config:
      served_entities:
        - {name: gpt, external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, openai_config: {openai_api_key: sk-pages-0123456789}}}
    ai_gateway:
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: chat}
`

// gateway starts one with the configuration of the page: the endpoints of all its whole files, the rest
// of the first that has it, and what they refer to.
func (s *session) gateway(bare bool) {
	s.t.Helper()
	cfg, names := map[string]any{}, map[string]bool{}
	var endpoints []any
	for _, b := range append(blocksOf(s.t, s.page), block{lang: "yaml", text: usual}) {
		var file map[string]any
		if b.lang != "yaml" || b.exempt() != "" || yaml.Unmarshal([]byte(b.text), &file) != nil || file["endpoints"] == nil {
			continue
		}
		if b.page == "" && (bare || len(endpoints) > 0) {
			continue
		}
		list, _ := file["endpoints"].([]any)
		for _, e := range list {
			e := e.(map[string]any)
			if name := fmt.Sprint(e["name"]); !names[name] {
				names[name], endpoints = true, append(endpoints, s.kept(name, e))
			}
		}
		delete(file, "endpoints")
		for k, v := range file {
			cfg[k] = cmp.Or(cfg[k], v)
		}
	}
	cfg["listen"], cfg["data"], cfg["flush"] = s.addr, "gateway", map[string]any{"interval": "1h"}
	cfg["endpoints"], cfg["secrets"] = endpoints, s.referred(cfg["secrets"])
	keys, _ := cfg["keys"].([]any)
	cfg["keys"] = append(keys, map[string]any{"name": "me", "token": sessionKey, "principal": "me@example.com", "admin": true, "endpoints": []string{"*"}})
	text, err := yaml.Marshal(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("lakegate.yaml", string(text))
	env := append(os.Environ(), append(s.vars, s.environment()...)...)
	if err := s.serve(s.t.Context(), start{s.dir, []string{"serve", "--config", "lakegate.yaml"}, env}); err != nil {
		s.t.Fatalf("%s: %v\n%s", s.page, err, text)
	}
}

// kept gives an endpoint the payload table that queries of the page read, which the reader has then.
func (s *session) kept(name string, e map[string]any) any {
	if !strings.Contains(string(readFile(s.t, s.page)), "main.ai."+name+"_payload") {
		return e
	}
	gateway, _ := e["ai_gateway"].(map[string]any)
	if gateway == nil {
		gateway = map[string]any{}
	}
	gateway["inference_table_config"] = map[string]any{"enabled": true, "catalog_name": "main", "schema_name": "ai", "table_name_prefix": name}
	e["ai_gateway"] = gateway
	return e
}

var (
	reference = regexp.MustCompile(`\{\{secrets/([^/}]+)/([^}]+)\}\}`)
	variable  = regexp.MustCompile(`\$\{(\w+)\}`)
)

// referred adds to what a page has as `secrets` a value for each reference of the page that it leaves open.
func (s *session) referred(has any) map[string]any {
	secrets, _ := has.(map[string]any)
	all := maps.Clone(secrets)
	if all == nil {
		all = map[string]any{}
	}
	scopes, _ := all["scopes"].(map[string]any)
	for _, m := range reference.FindAllStringSubmatch(string(readFile(s.t, s.page)), -1) {
		if secrets[m[1]] != nil || scopes[m[1]] != nil {
			continue
		}
		scope, _ := all[m[1]].(map[string]any)
		if scope == nil {
			scope = map[string]any{}
			all[m[1]] = scope
		}
		scope[m[2]] = "value-of-" + m[1] + "-" + m[2]
	}
	return all
}

// environment has a value for each ${NAME} of the page.
func (s *session) environment() []string {
	var all []string
	for _, m := range variable.FindAllStringSubmatch(string(readFile(s.t, s.page)), -1) {
		all = append(all, m[1]+"=value-of-"+m[1])
	}
	return all
}
