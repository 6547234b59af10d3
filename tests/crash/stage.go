package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

const token = "lakegate-crash-0123456789abcdef0123456789abcdef"

// gatewayConfig has an endpoint for each mode. Rows land often, so that kills meet flushes and
// commits too, not only the log.
const gatewayConfig = `listen: %s
data: %s
flush: {interval: 150ms, bytes: 1MiB}
sql: {workers: 1}
%skeys:
  - {name: crash, token: %q, principal: crash@example.com, endpoints: ["*"], admin: true}
endpoints:
%s`

// lakeConfig is for the lake on an S3 server.
const lakeConfig = `lake:
  url: %s
  s3: {endpoint: %q, region: %q, path_style: true, access_key_id: %q, secret_access_key: %q, timeout: 4s}
`

const endpointConfig = `  - name: %[1]s
    config:
      served_entities:
        - name: gpt
          external_model:
            name: gpt-4o-mini
            provider: openai
            task: llm/v1/chat
            openai_config: {openai_api_key_plaintext: sk-provider, openai_api_base: "http://%[2]s/v1"}
    ai_gateway:
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: %[1]s}
    lakegate: {durability: %[1]s}
`

// The endpoints are named after their durability.
const (
	relaxed = "relaxed"
	strict  = "strict"
)

// stage is the provider, the gateway under test and what was sent so far.
type stage struct {
	o        options
	data     string
	file     string
	addr     string
	provider *fakellm.Server
	server   *http.Server
	gateway  *launch.Process
	s3       *s3test.Server // nil: the lake is in the data folder
	log      *os.File
	all      []*attempt // of all rounds
}

func openStage(ctx context.Context, o options, dir string) (*stage, error) {
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &stage{o: o, data: filepath.Join(dir, "data"), file: filepath.Join(dir, "lakegate.yaml"), provider: provider}
	s.server = &http.Server{Handler: provider, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends with close
	lake := ""
	if o.s3 {
		if s.s3, err = s3test.Start(ctx, filepath.Join(dir, "s3")); err == nil {
			lake = bucketText(s.s3)
		}
	}
	if err == nil {
		s.addr, err = launch.Addr()
	}
	if err == nil {
		err = os.WriteFile(s.file, configText(s.addr, s.data, lake, l.Addr().String()), 0o600)
	}
	if err == nil {
		s.log, err = os.Create(filepath.Join(dir, "gateway.log"))
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func bucketText(s *s3test.Server) string {
	return fmt.Sprintf(lakeConfig, s.URL("crash"), s.Endpoint, s3test.Region, s3test.AccessKey, s3test.SecretKey)
}

func configText(addr, data, lake, upstream string) []byte {
	return fmt.Appendf(nil, gatewayConfig, addr, data, lake, token,
		fmt.Sprintf(endpointConfig, relaxed, upstream)+fmt.Sprintf(endpointConfig, strict, upstream))
}

func (s *stage) close() {
	if s.gateway != nil {
		s.gateway.Kill()
	}
	if s.s3 != nil {
		s.s3.Kill()
	}
	_ = s.provider.Close()
	_ = s.server.Close()
	if s.log != nil {
		_ = s.log.Close()
	}
}

// launchGateway starts the gateway and does not wait for it.
func (s *stage) launchGateway() (err error) {
	s.gateway, err = launch.Start(launch.Spec{Path: s.o.lakegate, Args: []string{"serve", "--config", s.file}, Log: s.log})
	return err
}

// startGateway starts the gateway and waits until it is ready: recovery is over.
func (s *stage) startGateway(ctx context.Context) error {
	if err := s.launchGateway(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return s.gateway.Ready(ctx, "http://"+s.addr+"/readyz")
}

func (s *stage) sql() launch.SQL { return launch.SQL{URL: "http://" + s.addr, Token: token} }

// verify runs `lakegate verify` on the data of a gateway that isn't running.
func (s *stage) verify(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, s.o.lakegate, "verify", "--config", s.file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("lakegate verify: %w: %s", err, out)
	}
	return nil
}

// finish stops the gateway as an operator would, and verifies what it leaves.
func (s *stage) finish(ctx context.Context) error {
	if err := s.gateway.Stop(time.Minute); err != nil {
		return err
	}
	if err := s.verify(ctx); err != nil {
		return errors.Join(errors.New("after a graceful stop"), err)
	}
	fmt.Printf("crash: stopped and verified, %d requests in all\n", len(s.all))
	return nil
}
