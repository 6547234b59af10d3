// Package s3test runs a real S3 server on the loopback interface, for tests and for the suites
// under tests/: versitygw, at a pinned version, over a folder.
//
// The server is a process of its own that can be killed and restarted at its address with its
// objects still there, as often as one likes. It does not sync to disk, so it stands for a store
// that goes down, not for one that loses power. Its folder must be on a file system with user
// extended attributes (ext4, xfs, btrfs, apfs). A Server is used by one goroutine, but for its
// exported fields, which never change; the server itself serves everybody.
package s3test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
)

// What every server has. The keys are no secret: it listens to this machine only.
const (
	Bucket    = "lake"
	Region    = "us-east-1"
	AccessKey = "lakegate-test"
	SecretKey = "lakegate-test-secret"
)

// Server is a running (or killed) S3 server with the one bucket Bucket.
type Server struct {
	Endpoint string // http://127.0.0.1:port
	Addr     string // 127.0.0.1:port
	Dir      string // its objects are files in Dir/Bucket
	Log      string // the file that has a line for each request

	path    string
	process *launch.Process
}

// Start starts a server that keeps its objects in dir, and waits until it answers. ErrUnavailable
// when the program isn't there and can't be built. The caller ends it with Stop or Kill; it also
// ends with this process. Its requests are lines of Server.Log, as AWS writes them to access logs.
func Start(ctx context.Context, dir string) (*Server, error) {
	path, err := find(ctx)
	if err != nil {
		return nil, err
	}
	addr, err := launch.Addr()
	if err != nil {
		return nil, fmt.Errorf("start S3 server: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("start S3 server: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, Bucket), 0o755); err != nil {
		return nil, fmt.Errorf("start S3 server: %w", err)
	}
	s := &Server{Endpoint: "http://" + addr, Addr: addr, Dir: dir, Log: dir + ".log", path: path}
	return s, s.Restart(ctx)
}

// New starts a server for a test and ends it with the test. Where the program can't be had the
// test is skipped, and under CI=true failed.
func New(tb testing.TB) *Server {
	tb.Helper()
	s, err := Start(tb.Context(), tb.TempDir())
	switch {
	case errors.Is(err, ErrUnavailable) && os.Getenv("CI") != "true":
		tb.Skipf("SKIPPED, not tested on a real S3 server: %v", err)
	case err != nil:
		tb.Fatal(err)
	}
	tb.Cleanup(s.Kill)
	return s
}

// Restart starts the server again after Kill or Stop, at the same address, and waits until it answers.
func (s *Server) Restart(ctx context.Context) error {
	if s.process != nil {
		return errors.New("restart S3 server: it is running")
	}
	p, err := launch.Start(launch.Spec{
		Path: s.path,
		// Without an address it would listen to the world, and without keep-alive every call would dial.
		Args: []string{"--port", s.Addr, "--quiet", "--keep-alive", "--health", "/health", "--access-log", s.Log, "posix", s.Dir},
		Env:  []string{"ROOT_ACCESS_KEY=" + AccessKey, "ROOT_SECRET_KEY=" + SecretKey},
	})
	if err != nil {
		return fmt.Errorf("start S3 server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := p.Ready(ctx, s.Endpoint+"/health"); err != nil {
		p.Kill()
		return fmt.Errorf("start S3 server: %w", err)
	}
	s.process = p
	return nil
}

// Kill ends the server at once, as a crash would. Killing a server that isn't running does nothing.
func (s *Server) Kill() {
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}

// Stop ends the server in good order. Stopping a server that isn't running does nothing.
func (s *Server) Stop() error {
	if s.process == nil {
		return nil
	}
	p := s.process
	s.process = nil
	return p.Stop(10 * time.Second)
}

// URL names the lake under prefix in the bucket, as a config file does.
func (s *Server) URL(prefix string) string { return "s3://" + Bucket + "/" + prefix }

// Env is what a child process needs in its environment to be let in.
func (s *Server) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey, "AWS_REGION=" + Region}
}
