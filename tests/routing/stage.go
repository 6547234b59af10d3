package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
)

const (
	token          = "lakegate-routing-0123456789abcdef0123456789abcdef"
	attemptTimeout = 2 * time.Second
	openFor        = time.Second
	minCalls       = 20
	inRow          = 10
)

const gatewayConfig = `listen: %s
data: %s
flush: {interval: 5s}
sql: {workers: 1}
keys:
  - {name: routing, token: %q, principal: routing@example.com, endpoints: ["*"], admin: true}
endpoints:
  - name: chat
    config:
      served_entities:
        - {name: first, external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, openai_config: {openai_api_base: "http://%s/v1"}}}
        - {name: second, external_model: {name: gpt-4o-mini, provider: openai, task: llm/v1/chat, openai_config: {openai_api_base: "http://%s/v1"}}}
      traffic_config:
        routes:
          - {served_entity_name: first, traffic_percentage: 100}
          - {served_entity_name: second, traffic_percentage: 0}
    ai_gateway:
      fallback_config: {enabled: true}
    lakegate:
      timeout: 30s
      attempt_timeout: %v
      circuit_breaker: {enabled: true, failure_share: 0.5, min_calls: %d, window: 4s, consecutive_failures: %d, open_for: %v}
`

// stage is two providers and a gateway, each a process.
type stage struct {
	o             options
	file          string
	addr          string // of the gateway
	firstAt       string
	secondAt      string
	first, second *launch.Process
	gateway       *launch.Process
	log           *os.File
}

func openStage(ctx context.Context, o options, dir string) (_ *stage, err error) {
	s := &stage{o: o, file: filepath.Join(dir, "lakegate.yaml")}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, at := range []*string{&s.addr, &s.firstAt, &s.secondAt} {
		if *at, err = launch.Addr(); err != nil {
			return nil, err
		}
	}
	text := fmt.Appendf(nil, gatewayConfig, s.addr, filepath.Join(dir, "data"), token, s.firstAt, s.secondAt, attemptTimeout, minCalls, inRow, openFor)
	if err := os.WriteFile(s.file, text, 0o600); err != nil {
		return nil, err
	}
	if s.log, err = os.Create(filepath.Join(dir, "gateway.log")); err != nil {
		return nil, err
	}
	if err := s.startFirst(ctx); err != nil {
		return nil, err
	}
	if s.second, err = s.provider(ctx, s.secondAt); err != nil {
		return nil, err
	}
	if s.gateway, err = launch.Start(launch.Spec{Path: o.lakegate, Args: []string{"serve", "--config", s.file}, Log: s.log}); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return s, s.gateway.Ready(ctx, s.url("/readyz"))
}

// provider starts one: 40 ms until it says anything, streams of 30 pieces, 10 ms apart.
func (s *stage) provider(ctx context.Context, addr string) (*launch.Process, error) {
	p, err := launch.Start(launch.Spec{Path: s.o.fakellm, Args: []string{
		"-listen", addr, "-latency", "40ms", "-tokens", "60", "-chunks", "30", "-chunk-delay", "10ms",
	}})
	if err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return p, p.Ready(ctx, "http://"+addr+"/v1/models")
}

func (s *stage) startFirst(ctx context.Context) (err error) {
	s.first, err = s.provider(ctx, s.firstAt)
	return err
}

func (s *stage) killFirst(context.Context) error { s.first.Kill(); return nil }
func (s *stage) freezeFirst(context.Context) error {
	return syscall.Kill(s.first.PID(), syscall.SIGSTOP)
}

func (s *stage) thawFirst(context.Context) error { return syscall.Kill(s.first.PID(), syscall.SIGCONT) }

func (s *stage) url(path string) string { return "http://" + s.addr + path }

// verify stops the gateway and has its ledger checked.
func (s *stage) verify(ctx context.Context) error {
	if err := s.gateway.Stop(time.Minute); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, s.o.lakegate, "verify", "--config", s.file, "--json")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("lakegate verify: %w: %s", err, out)
	}
	var r struct{ Accepted, Landed, Pending, Losses, Lost, Duplicates int64 }
	if err := json.Unmarshal(out, &r); err != nil {
		return fmt.Errorf("lakegate verify: %w", err)
	}
	if r.Landed != r.Accepted || r.Pending+r.Losses+r.Lost+r.Duplicates > 0 {
		return fmt.Errorf("lakegate verify: %+v", r)
	}
	return nil
}

func (s *stage) close() {
	for _, p := range []*launch.Process{s.gateway, s.first, s.second} {
		if p != nil {
			p.Kill()
		}
	}
	if s.log != nil {
		_ = s.log.Close()
	}
}

var errNever = errors.New("it never was")
