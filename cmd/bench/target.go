package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
)

// target is one way for a request to reach the provider.
type target struct {
	Name    string
	What    string // one line for the report
	url     string
	header  map[string]string
	process *launch.Process // nil for the provider itself
	tree    bool            // its work is done by children
	sql     *launch.SQL     // set for a gateway that keeps rows
	data    string

	idle    launch.Use
	samples map[string][]sample // by phase
	sent    atomic.Int64        // requests that must be rows
	rows    rows
	fresh   *freshness
}

// The targets' names.
const (
	direct  = "direct"
	proxy   = "reverse proxy"
	nginx   = "nginx"
	off     = "lakegate off"
	relaxed = "lakegate relaxed"
	strict  = "lakegate strict"
)

const (
	token    = "lakegate-bench-0123456789abcdef0123456789abcdef"
	endpoint = "bench"
	claude   = "bench-claude" // the same, at a provider of Anthropic's format
)

// lab is everything that runs.
type lab struct {
	o        options
	dir      string
	self     string
	provider *launch.Process
	upstream string
	targets  []*target
	notes    []string
	repeats  int // phases run again
}

// openLab starts the provider and all targets. On error nothing is left running.
func openLab(ctx context.Context, o options) (_ *lab, err error) {
	dir, err := os.MkdirTemp("", "lakegate-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{o: o, dir: dir}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if _, err = os.Stat(o.lakegate); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err = l.startProvider(ctx); err != nil {
		return nil, err
	}
	for _, start := range []func(context.Context) error{l.startProxy, l.startNginx, l.startGateways} {
		if err = start(ctx); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// close stops everything and removes the data.
func (l *lab) close() {
	for _, t := range l.targets {
		if t.process != nil {
			t.process.Kill()
		}
	}
	if l.provider != nil {
		l.provider.Kill()
	}
	_ = os.RemoveAll(l.dir)
}

// start runs a program and waits until it answers at the path.
func (l *lab) start(ctx context.Context, addr, ready string, path string, args ...string) (*launch.Process, error) {
	p, err := launch.Start(launch.Spec{Path: path, Args: args})
	if err != nil {
		return nil, err
	}
	if err := p.Ready(ctx, "http://"+addr+ready); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

func (l *lab) add(t *target) error {
	t.samples = map[string][]sample{}
	l.targets = append(l.targets, t)
	if t.process == nil {
		return nil
	}
	var err error
	t.idle, err = t.use()
	return err
}

// use is what the target has consumed.
func (t *target) use() (launch.Use, error) {
	if t.tree {
		return t.process.UseWithChildren()
	}
	return t.process.Use()
}

func (l *lab) startProvider(ctx context.Context) error {
	addr, err := launch.Addr()
	if err != nil {
		return err
	}
	l.upstream = "http://" + addr
	if l.provider, err = l.start(ctx, addr, "/v1/models", l.self, roleProvider, addr); err != nil {
		return err
	}
	return l.add(&target{Name: direct, What: "no gateway: the scripted provider itself", url: l.upstream + "/v1/chat/completions"})
}

func (l *lab) startProxy(ctx context.Context) error {
	addr, err := launch.Addr()
	if err != nil {
		return err
	}
	p, err := l.start(ctx, addr, "/v1/models", l.self, roleProxy, addr, l.upstream)
	if err != nil {
		return err
	}
	return l.add(&target{Name: proxy, What: "net/http/httputil.ReverseProxy, nothing else", url: "http://" + addr + "/v1/chat/completions", process: p})
}

const nginxConfig = `daemon off;
worker_processes auto;
pid %[1]s/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  client_body_buffer_size 64k;
  upstream provider { server %[2]s; keepalive 256; }
  server {
    listen %[3]s;
    keepalive_requests 100000000;
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`

func (l *lab) startNginx(ctx context.Context) error {
	path, err := exec.LookPath(l.o.nginx)
	if err != nil {
		l.note("SKIPPED nginx: it is not installed here")
		return nil
	}
	addr, err := launch.Addr()
	if err != nil {
		return err
	}
	file := filepath.Join(l.dir, "nginx.conf")
	conf := fmt.Sprintf(nginxConfig, l.dir, l.upstream[len("http://"):], addr)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	p, err := l.start(ctx, addr, "/v1/models", path, "-p", l.dir, "-c", file)
	if err != nil {
		return err
	}
	return l.add(&target{Name: nginx, What: "nginx as a proxy, one worker a core", url: "http://" + addr + "/v1/chat/completions", process: p, tree: true})
}

func (l *lab) note(text string) {
	l.notes = append(l.notes, text)
	fmt.Fprintln(os.Stderr, "bench:", text)
}

// lost is an error when a row is missing, double, or cannot be verified.
func (l *lab) lost() error {
	var all []error
	for _, t := range l.targets {
		sent := t.sent.Load()
		if t.sql != nil && (t.rows.Found != sent || t.rows.Distinct != sent || t.rows.Payloads != sent) {
			all = append(all, fmt.Errorf("%s: %d requests, but %d rows with %d ids and %d payload rows",
				t.Name, sent, t.rows.Found, t.rows.Distinct, t.rows.Payloads))
		}
		if t.rows.Verify != nil {
			all = append(all, fmt.Errorf("%s: verify: %w", t.Name, t.rows.Verify))
		}
	}
	return errors.Join(all...)
}
