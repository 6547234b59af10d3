package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

// many is how many endpoints are applied.
const many = 100

// applied applies 100 endpoints from files. The S3 server is killed when some are stored, and stays away
// until the command has said what is done; it is killed again while the rest are applied, and is back at
// once. What was said to be done is done, applying again finishes, and then there is nothing to do.
func (s *stage) applied(ctx context.Context) error {
	files := filepath.Join(s.dir, "code")
	if err := os.Mkdir(files, 0o755); err != nil {
		return err
	}
	for i := range many {
		name := fmt.Sprintf("code-%03d", i)
		if err := os.WriteFile(filepath.Join(files, name+".yaml"), []byte(s.spec(name, "gpt-4o")), 0o600); err != nil { // JSON is YAML
			return err
		}
	}
	out, err := s.applyWhile(ctx, files, func(ended <-chan struct{}) error {
		s.killWhenStored(many/5, ended)
		<-ended
		return s.store.Restart(ctx)
	})
	if err == nil {
		return errors.New("the store was killed too late: everything was applied")
	}
	done := doneIn(out)
	if done == nil {
		return fmt.Errorf("apply does not say what is done: %s", out)
	}
	for _, name := range done {
		if n, err := s.all[1].newest(ctx, name); err != nil || n.Version != 1 {
			return fmt.Errorf("%s was said to be done, and is at version %d: %w", name, n.Version, err)
		}
	}
	out, again := s.applyWhile(ctx, files, func(ended <-chan struct{}) error {
		s.killWhenStored(many*3/5, ended)
		return s.store.Restart(ctx)
	})
	tries := 2
	for err = again; err != nil; tries++ {
		if tries == 6 {
			return fmt.Errorf("it is not applied after %d tries: %s", tries, out)
		}
		out, err = s.apply(ctx, files)
	}
	if out, err := s.apply(ctx, files, "--dry-run", "--detailed-exitcode"); err != nil {
		return fmt.Errorf("a plan has something to do: %w: %s", err, out)
	}
	fmt.Printf("gateways: 100 endpoints applied; the store killed at %d: %d said to be done, all are; killed again: %v; applied after %d times, then nothing to do\n",
		many/5, len(done), map[bool]string{true: "carried through", false: "told"}[again == nil], tries)
	return s.allOnce(ctx)
}

// allOnce waits until every gateway has the endpoints, each of which was made once.
func (s *stage) allOnce(ctx context.Context) error {
	end := time.Now().Add(liveWithin)
	for _, g := range s.all {
		for {
			var list struct {
				Endpoints []struct {
					Name    string `json:"name"`
					Version int64  `json:"version"`
					InForce bool   `json:"in_force"`
				} `json:"endpoints"`
			}
			if err := g.must(ctx, http.MethodGet, "/api/2.0/lakegate/endpoints", "", &list); err != nil {
				return err
			}
			n := 0
			for _, e := range list.Endpoints {
				if !strings.HasPrefix(e.Name, "code-") {
					continue
				}
				if e.Version != 1 {
					return fmt.Errorf("%s is at version %d, and was made once", e.Name, e.Version)
				}
				if e.InForce {
					n++
				}
			}
			if n == many {
				break
			}
			if time.Now().After(end) {
				return fmt.Errorf("gateway %s has %d of %d endpoints after %v", g.name, n, many, liveWithin)
			}
			time.Sleep(20 * time.Millisecond) // between questions
		}
	}
	return nil
}

// apply runs the command.
func (s *stage) apply(ctx context.Context, files string, flags ...string) (out string, err error) {
	args := append([]string{"endpoints", "apply", "--server", "http://" + s.all[0].addr, "--yes", "-f", files}, flags...)
	c := exec.CommandContext(ctx, s.o.lakegate, args...)
	c.Env = append(os.Environ(), "LAKEGATE_API_KEY="+admin)
	b, err := c.CombinedOutput()
	return string(b), err
}

// applyWhile runs the command while something happens, which knows when it has ended.
func (s *stage) applyWhile(ctx context.Context, files string, happens func(ended <-chan struct{}) error) (out string, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		out, err = s.apply(ctx, files)
	}()
	failed := happens(ended)
	<-ended
	if failed != nil {
		return out, failed
	}
	return out, err
}

// killWhenStored kills the S3 server when it has so many of the endpoints.
func (s *stage) killWhenStored(n int, ended <-chan struct{}) {
	defer s.store.Kill()
	for {
		stored, _ := filepath.Glob(filepath.Join(s.store.Dir, s3test.Bucket, "gateways/_lakegate/endpoint/code-*"))
		if len(stored) >= n {
			return
		}
		select {
		case <-ended:
			return
		case <-time.After(time.Millisecond): // between looks
		}
	}
}

var doneList = regexp.MustCompile(`Done: (.*)\. Not done: `)

// doneIn is what a failed apply says is done; nil: it says nothing of that.
func doneIn(out string) []string {
	m := doneList.FindStringSubmatch(out)
	switch {
	case m == nil:
		return nil
	case m[1] == "nothing":
		return []string{}
	}
	return strings.Split(m[1], ", ")
}
