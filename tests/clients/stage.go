package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/tests/suite"
)

// The keys the SDKs are given. The narrow one may call endpoint chat, and those that are made and shared with it.
const (
	key       = "lakegate-clients-0123456789abcdef0123456789abcdef"
	narrowKey = "lakegate-narrow-fedcba9876543210fedcba9876543210"
)

// gatewayConfig has an endpoint for each task, one with a limit that is met at once, and one whose
// key the provider refuses.
const gatewayConfig = `listen: %[1]s
data: %[2]s
flush: {interval: 300ms}
sql: {workers: 1}
secrets: {provider: {key: %[7]s}}
keys:
  - {name: sdk, token: %[3]q, principal: sdk@example.com, endpoints: ["*"], admin: true, tags: {team: sdk}}
  - {name: narrow, token: %[4]q, principal: narrow@example.com, groups: [narrow], endpoints: [chat, "shared-*"]}
endpoints:
%[5]s%[6]s`

const endpointConfig = `  - name: %[1]s
    config:
      served_entities:
        - name: model
          external_model:
            name: %[2]s
            provider: openai
            task: llm/v1/%[3]s
            openai_config: {openai_api_key_plaintext: %[4]s, openai_api_base: "%[5]s/v1"}
    ai_gateway:
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: %[1]s}
%[6]s`

const limitConfig = `      rate_limits: [{calls: 1, key: endpoint, renewal_period: minute}]
`

// promptConfig is an endpoint that is a prompt: what its scripted provider answers depends on the variables, so an
// answer shows that they came through.
const promptConfig = `  - name: prompt
    config:
      served_entities:
        - name: model
          external_model:
            name: gpt-4o-mini
            provider: custom
            task: llm/v1/chat
            custom_provider_config: {custom_provider_url: "%[2]s/v1", bearer_token_auth: {token_plaintext: %[1]s}}
    lakegate:
      prompt:
        active: 2
        versions:
          - version: 1
            messages: [{role: user, content: "An older one. x-fake: tokens=5"}]
            variables: {words: {default: "0"}, text: {default: ""}}
          - version: 2
            messages:
              - {role: system, content: "You answer briefly."}
              - {role: user, content: "{{ text }} x-fake: tokens={{ words }}"}
            parameters: {temperature: 0, max_tokens: 500}
            variables: {words: {}, text: {default: "Hello!"}}
`

const providerKey = "sk-provider-0123456789"

// stage is a gateway and its provider.
type stage struct {
	dir      string
	lakegate string
	url      string
	recorded string // address of the recorded providers
	scripted string // address of the scripted one, which refuses every key but its own
	provider *fakellm.Server
	servers  []*http.Server
	gateway  *launch.Process
	rows     int  // that must be there in all
	unclear  bool // a case failed, so that rows is too low
}

// openStage starts both. On error nothing is left running.
func openStage(ctx context.Context, lakegate string) (_ *stage, err error) {
	if _, err := os.Stat(lakegate); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	g := &stage{lakegate: lakegate}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.dir, err = os.MkdirTemp("", "lakegate-clients-"); err != nil {
		return nil, err
	}
	cfg := fakellm.DefaultConfig()
	cfg.Key = providerKey // the provider refuses a client's own key
	if g.provider, err = fakellm.New(cfg); err != nil {
		return nil, err
	}
	scripted, err := g.serve(g.provider)
	if err != nil {
		return nil, err
	}
	recorded, err := g.serve(newReplay(filepath.Join("serving", "wire")))
	if err != nil {
		return nil, err
	}
	g.scripted, g.recorded = scripted, recorded
	addr, err := launch.Addr()
	if err != nil {
		return nil, err
	}
	g.url = "http://" + addr
	file := filepath.Join(g.dir, "lakegate.yaml")
	if err = os.WriteFile(file, configText(addr, g.data(), scripted, recorded), 0o600); err != nil {
		return nil, err
	}
	if g.gateway, err = launch.Start(launch.Spec{Path: lakegate, Args: []string{"serve", "--config", file}}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return g, g.gateway.Ready(ctx, g.url+"/readyz")
}

// serve starts a provider and returns its address.
func (g *stage) serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	g.servers = append(g.servers, s)
	go func() { _ = s.Serve(l) }() // ends with close
	return "http://" + l.Addr().String(), nil
}

func configText(addr, data, upstream, recorded string) []byte {
	var endpoints string
	for _, e := range []struct{ name, model, task, key, limits string }{
		{"chat", "gpt-4o-mini", "chat", providerKey, ""},
		{"text", "gpt-3.5-turbo-instruct", "completions", providerKey, ""},
		{"vectors", "text-embedding-3-small", "embeddings", providerKey, ""},
		{"limited", "gpt-4o-mini", "chat", providerKey, limitConfig},
		{"stranger", "gpt-4o-mini", "chat", "sk-wrong", ""},
	} {
		endpoints += fmt.Sprintf(endpointConfig, e.name, e.model, e.task, e.key, upstream, e.limits)
	}
	endpoints += fmt.Sprintf(promptConfig, providerKey, upstream)
	return fmt.Appendf(nil, gatewayConfig, addr, data, key, narrowKey, endpoints, recordedEndpoints(recorded), providerKey)
}

func (g *stage) data() string { return filepath.Join(g.dir, "data") }

func (g *stage) close() {
	if g.gateway != nil {
		g.gateway.Kill()
	}
	if g.provider != nil {
		_ = g.provider.Close()
	}
	for _, s := range g.servers {
		_ = s.Close()
	}
	_ = os.RemoveAll(g.dir)
}

// finish stops the gateway and verifies what it leaves.
func (g *stage) finish(ctx context.Context, s *suite.Suite) error {
	if err := g.gateway.Stop(time.Minute); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, g.lakegate, "verify", "--data", g.data()).CombinedOutput()
	if err != nil {
		err = errors.Join(err, errors.New(string(out)))
	}
	s.Check("lakegate verify", err)
	return nil
}
