package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

const (
	admin  = "lakegate-gateways-0123456789abcdef0123456789abc"
	reader = "lakegate-reader-fedcba9876543210fedcba98765432"
)

const gatewayConfig = `listen: %s
data: %s
lake: %s
flush: {interval: 1s}
sql: {workers: 1}
secrets: {store: {in: lake}}
keys:
  - {name: admin, token: %q, principal: admin@example.com, endpoints: ["*"], admin: true}
  - {name: reader, token: %q, principal: reader@example.com, endpoints: ["*"]}
endpoints: []
`

// gateway is a process, its configuration, and where it listens.
type gateway struct {
	o          options
	name, file string
	addr       string
	env        []string
	process    *launch.Process
	log        *os.File
}

// stage is the provider, the store and the gateways.
type stage struct {
	o        options
	dir      string
	lake     string // as configurations say it
	provider *fakellm.Server
	seen     *seen
	env      []string // of every gateway
	server   *http.Server
	upstream string
	store    *s3test.Server
	all      []*gateway
	serial   atomic.Int64 // of markers
	acked    map[string]int64
}

func openStage(ctx context.Context, o options, dir string) (_ *stage, err error) {
	s := &stage{o: o, dir: dir, acked: map[string]int64{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.lake = fmt.Sprintf("{url: %q}", filepath.Join(dir, "lake"))
	if o.s3 {
		if s.store, err = s3test.Start(ctx, filepath.Join(dir, "s3")); err != nil {
			return nil, err
		}
		s.lake = fmt.Sprintf(`{url: %s, s3: {endpoint: %q, region: %q, path_style: true, access_key_id: %q, secret_access_key: %q}}`,
			s.store.URL("gateways"), s.store.Endpoint, s3test.Region, s3test.AccessKey, s3test.SecretKey)
	}
	if s.provider, err = fakellm.New(fakellm.DefaultConfig()); err != nil {
		return nil, err
	}
	s.seen = &seen{Handler: s.provider}
	key, err := exec.CommandContext(ctx, o.lakegate, "secrets", "keygen").Output()
	if err != nil {
		return nil, fmt.Errorf("%s secrets keygen: %w (make build makes it)", o.lakegate, err)
	}
	s.env = []string{"LAKEGATE_SECRETS_KEY=" + string(key)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.upstream = "http://" + l.Addr().String() + "/v1"
	s.server = &http.Server{Handler: s.seen, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends with close
	for _, name := range []string{"a", "b", "c"} {
		if err := s.add(ctx, name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add starts another gateway on the lake.
func (s *stage) add(ctx context.Context, name string) error {
	addr, err := launch.Addr()
	if err != nil {
		return err
	}
	g := &gateway{o: s.o, name: name, file: filepath.Join(s.dir, name+".yaml"), addr: addr, env: s.env}
	if err := os.WriteFile(g.file, fmt.Appendf(nil, gatewayConfig, addr, filepath.Join(s.dir, name), s.lake, admin, reader), 0o600); err != nil {
		return err
	}
	if g.log, err = os.Create(filepath.Join(s.dir, name+".log")); err != nil {
		return err
	}
	s.all = append(s.all, g)
	return g.start(ctx)
}

func (g *gateway) start(ctx context.Context) (err error) {
	if g.process, err = launch.Start(launch.Spec{Path: g.o.lakegate, Args: []string{"serve", "--config", g.file}, Env: g.env, Log: g.log}); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return g.process.Ready(ctx, "http://"+g.addr+"/readyz")
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// ask sends a request. Status 0 is one without an answer.
func (g *gateway) ask(ctx context.Context, key, method, path, body string) (status int, answer []byte) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+g.addr+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, []byte(err.Error())
	}
	r.Header.Set("Authorization", "Bearer "+key)
	resp, err := client.Do(r)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return resp.StatusCode, b
}

// must is ask as an administrator that has to be answered 200; out, if any, gets the answer.
func (g *gateway) must(ctx context.Context, method, path, body string, out any) error {
	status, answer := g.ask(ctx, admin, method, path, body)
	if status != http.StatusOK {
		return fmt.Errorf("gateway %s: %s %s: %d %s", g.name, method, path, status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// newest is the newest version of an endpoint that a gateway knows.
type newest struct {
	Version int64 `json:"version"`
	InForce bool  `json:"in_force"`
	Spec    struct {
		Tags []struct{ Key, Value string } `json:"tags"`
	} `json:"spec"`
}

// marker is the tag by which a version is known.
func (n newest) marker() string {
	for _, t := range n.Spec.Tags {
		if t.Key == "marker" {
			return t.Value
		}
	}
	return ""
}

func (g *gateway) newest(ctx context.Context, name string) (n newest, err error) {
	return n, g.must(ctx, http.MethodGet, "/api/2.0/lakegate/endpoints/"+name, "", &n)
}

// spec is an endpoint with a model.
func (s *stage) spec(name, model string) string {
	return fmt.Sprintf(`{"name":%q,"config":{"served_entities":[%s]}}`, name, s.entity(model))
}

func (s *stage) entity(model string) string {
	return fmt.Sprintf(`{"name":"e","external_model":{"name":%q,"provider":"openai","task":"llm/v1/chat","openai_config":{"openai_api_base":%q}}}`, model, s.upstream)
}

// mark is a change of an endpoint's tag; every one is another.
func (s *stage) mark() (marker, body string) {
	marker = fmt.Sprintf("m%d", s.serial.Add(1))
	return marker, fmt.Sprintf(`{"add_tags":[{"key":"marker","value":%q}]}`, marker)
}

// verify stops the gateways and has the ledger of each checked.
func (s *stage) verify(ctx context.Context) error {
	for _, g := range s.all {
		if err := g.process.Stop(time.Minute); err != nil {
			return err
		}
	}
	for _, g := range s.all {
		verify := exec.CommandContext(ctx, s.o.lakegate, "verify", "--config", g.file)
		verify.Env = append(os.Environ(), s.env...)
		if out, err := verify.CombinedOutput(); err != nil {
			return fmt.Errorf("gateway %s: lakegate verify: %w\n%s", g.name, err, out)
		}
	}
	return nil
}

func (s *stage) close() {
	for _, g := range s.all {
		if g.process != nil {
			g.process.Kill()
		}
		_ = g.log.Close()
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
}
