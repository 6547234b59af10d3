package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// away kills the S3 server, then one gateway, and stops another in good order. Both start again without
// the store, and all three answer calls by what they knew: an endpoint, a secret, a prompt and a rollout
// that was aborted. Nothing can be changed, until the store is back.
func (s *stage) away(ctx context.Context) error {
	const name = "away"
	for _, spec := range []string{s.spec(name, "gpt-4o"), s.promptSpec(name), s.rolloutSpec(name)} {
		if err := s.all[2].must(ctx, http.MethodPost, "/api/2.0/serving-endpoints", spec, nil); err != nil {
			return err
		}
	}
	if err := s.all[2].must(ctx, http.MethodPost, "/api/2.0/lakegate/rollouts/"+name+"-rollout/abort", "", nil); err != nil {
		return err
	}
	known := []change{
		{what: "an endpoint", key: admin, status: 200},
		{what: "a prompt", key: admin, status: 200, has: `"content":"one`, call: "/serving-endpoints/" + name + "-prompt/invocations", said: `{"variables":{"text":"x-fake: echo"}}`},
		{what: "a rollout that was aborted", key: admin, status: 200, has: `"model":"gpt-4o-2`, call: "/v1/chat/completions", said: asked(name + "-rollout")},
	}
	check := func(when string) error {
		for _, c := range known {
			if err := s.live(ctx, s.all[2], name, c); err != nil {
				return fmt.Errorf("%s: %w", when, err)
			}
		}
		for endpoint, key := range map[string]string{"referring": "-2", "plain": "-4"} {
			if _, err := s.uses(ctx, endpoint, hiddenMark+key); err != nil {
				return fmt.Errorf("%s: %w", when, err)
			}
		}
		return nil
	}
	if err := check("before"); err != nil {
		return err
	}
	s.store.Kill()
	began := time.Now()
	s.all[0].process.Kill()
	// It can't land its rows, and says so with its exit code.
	if err := s.all[1].process.Stop(time.Minute); err == nil || !strings.Contains(err.Error(), "rows stay in the log until the next start") {
		return fmt.Errorf("gateway %s was stopped without the store: %w", s.all[1].name, err)
	}
	stopped := time.Since(began)
	client.CloseIdleConnections()
	began = time.Now()
	var starts errgroup.Group
	for _, g := range s.all[:2] {
		starts.Go(func() error { return g.start(ctx) })
	}
	if err := starts.Wait(); err != nil {
		return err
	}
	fmt.Printf("gateways: without the store, one gateway stops within %.1f s, two start within %.1f s\n", stopped.Seconds(), time.Since(began).Seconds())
	if err := check("without the store"); err != nil {
		return err
	}
	if err := s.refused(ctx, name); err != nil {
		return err
	}
	if err := s.store.Restart(ctx); err != nil {
		return err
	}
	return s.backAgain(ctx, name)
}

// refused has every gateway asked for changes that can't be made.
func (s *stage) refused(ctx context.Context, name string) error {
	_, tag := s.mark()
	for _, x := range []struct{ method, path, body string }{
		{"PATCH", "/api/2.0/serving-endpoints/" + name + "/tags", tag},
		{"POST", "/api/2.0/secrets/put", `{"scope":"shared","key":"never","string_value":"x"}`},
		{"POST", "/api/2.0/serving-endpoints", s.withKey("never", "openai_api_key_plaintext", hiddenMark)},
		{"POST", "/api/2.0/lakegate/rollouts/" + name + "-rollout/resume", ""},
	} {
		errs := make(chan error, len(s.all))
		for _, g := range s.all {
			go func() { // answers once
				status, answer := g.ask(ctx, admin, x.method, x.path, x.body)
				if status != http.StatusServiceUnavailable {
					errs <- fmt.Errorf("gateway %s without the store: %s: %d %s, want 503", g.name, x.path, status, answer)
					return
				}
				errs <- nil
			}()
		}
		for range s.all {
			if err := <-errs; err != nil {
				return err
			}
		}
	}
	return nil
}

// backAgain waits until a change can be made through each gateway, and is on all.
func (s *stage) backAgain(ctx context.Context, name string) error {
	began := time.Now()
	for _, g := range s.all {
		for {
			_, tag := s.mark()
			status, answer := g.ask(ctx, admin, http.MethodPatch, "/api/2.0/serving-endpoints/"+name+"/tags", tag)
			if status == http.StatusOK {
				break
			}
			if time.Since(began) > 4*liveWithin {
				return fmt.Errorf("the store is back, and gateway %s answers a change %d %s", g.name, status, answer)
			}
			time.Sleep(20 * time.Millisecond) // between tries
		}
	}
	fmt.Printf("gateways: %.1f s after the store is back, changes through each are made\n", time.Since(began).Seconds())
	_, err := s.agreed(ctx, name)
	return err
}
