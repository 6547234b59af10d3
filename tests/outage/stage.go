package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

const token = "lakegate-outage-0123456789abcdef0123456789abcdef"

const gatewayConfig = `listen: %s
data: %s
lake:
  url: %s
  s3: {endpoint: "http://%s", region: %q, path_style: true, access_key_id: %q, secret_access_key: %q}
flush: {interval: 2s}
sql: {workers: 1}
keys:
  - {name: outage, token: %q, principal: outage@example.com, endpoints: ["*"], admin: true}
endpoints:
  - name: chat
    config:
      served_entities:
        - name: gpt
          external_model:
            name: gpt-4o-mini
            provider: openai
            task: llm/v1/chat
            openai_config: {openai_api_key_plaintext: sk-provider, openai_api_base: "http://%s/v1"}
    ai_gateway:
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: chat}
`

// stage is the provider, the store behind its gate, the gateway, and how much was answered.
type stage struct {
	o        options
	data     string
	file     string
	addr     string
	upstream string // the provider's address
	provider *fakellm.Server
	server   *http.Server
	store    *s3test.Server
	gate     *s3test.Gate
	gateway  *launch.Process
	log      *os.File
	answered int64
	calm     atomic.Int64 // most bytes of the log that waited to land before the outage
}

func openStage(ctx context.Context, o options, dir string) (_ *stage, err error) {
	s := &stage{o: o, data: filepath.Join(dir, "data"), file: filepath.Join(dir, "lakegate.yaml")}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.store, err = s3test.Start(ctx, filepath.Join(dir, "s3")); err != nil {
		return nil, err
	}
	if s.gate, err = s3test.NewGate(s.store.Addr); err != nil {
		return nil, err
	}
	if s.upstream, err = s.startProvider(); err != nil {
		return nil, err
	}
	if s.addr, err = launch.Addr(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.file, configText(s), 0o600); err != nil {
		return nil, err
	}
	if s.log, err = os.Create(filepath.Join(dir, "gateway.log")); err != nil {
		return nil, err
	}
	if s.gateway, err = launch.Start(launch.Spec{Path: o.lakegate, Args: []string{"serve", "--config", s.file}, Log: s.log}); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return s, s.gateway.Ready(ctx, s.url("/readyz"))
}

func configText(s *stage) []byte {
	return fmt.Appendf(nil, gatewayConfig, s.addr, s.data, s.store.URL("outage"), s.gate.Addr(), s3test.Region, s3test.AccessKey, s3test.SecretKey, token, s.upstream)
}

func (s *stage) startProvider() (addr string, err error) {
	cfg := fakellm.DefaultConfig()
	cfg.Latency, cfg.Tokens = 20*time.Millisecond, 200
	if s.provider, err = fakellm.New(cfg); err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s.server = &http.Server{Handler: s.provider, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends with close
	return l.Addr().String(), nil
}

func (s *stage) url(path string) string { return "http://" + s.addr + path }

// body is a call; its id is not unique, which the gateway doesn't mind.
func (s *stage) body() []byte {
	fill := strings.Repeat("lorem ipsum ", s.o.bytes/12)
	return fmt.Appendf(nil, `{"model":"chat","usage_context":{"team":"outage"},"messages":[{"role":"user","content":%q}]}`, fill)
}

func (s *stage) close() {
	if s.gateway != nil {
		s.gateway.Kill()
	}
	if s.gate != nil {
		s.gate.Close()
	}
	if s.store != nil {
		s.store.Kill()
	}
	if s.provider != nil {
		_ = s.provider.Close()
	}
	if s.server != nil {
		_ = s.server.Close()
	}
	if s.log != nil {
		_ = s.log.Close()
	}
}

var errNotReady = errors.New("not ready")
