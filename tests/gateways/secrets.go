package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// hiddenMark is in every secret, and may be in no file.
const hiddenMark = "sk-hidden-in-the-lake"

// seen is the provider, which notes the key that each model was last asked with.
type seen struct {
	http.Handler
	keys sync.Map // string by model
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var asked struct{ Model string }
	if json.Unmarshal(body, &asked) == nil {
		s.keys.Store(asked.Model, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.Handler.ServeHTTP(w, r)
}

// withKey is an endpoint whose model has the endpoint's name and whose key stands in a field.
func (s *stage) withKey(name, field, key string) string {
	return strings.Replace(s.spec(name, name), `"openai_config":{`, fmt.Sprintf(`"openai_config":{%q:%q,`, field, key), 1)
}

// uses waits until calls through each gateway have a key, and returns how long that took.
func (s *stage) uses(ctx context.Context, name, key string) (time.Duration, error) {
	began := time.Now()
	for _, g := range s.all {
		for {
			status, answer := g.ask(ctx, admin, http.MethodPost, "/v1/chat/completions", asked(name))
			if now, _ := s.seen.keys.Load(name); status == http.StatusOK && now == key {
				break
			}
			if time.Since(began) > 4*liveWithin || ctx.Err() != nil {
				return 0, fmt.Errorf("gateway %s calls %s with another key still, and answers %d %s", g.name, name, status, answer)
			}
			time.Sleep(10 * time.Millisecond) // between questions
		}
	}
	took := time.Since(began)
	if took > liveWithin {
		return took, fmt.Errorf("all gateways call %s with its key after %v; the limit is %v", name, took, liveWithin)
	}
	return took, nil
}

// secrets has secrets put in through one gateway, referred to through another, and used through all; then
// one that comes with the endpoint.
func (s *stage) secrets(ctx context.Context) error {
	a, b, c := s.all[0], s.all[1], s.all[2]
	const api = "/api/2.0/serving-endpoints"
	put := func(key string) string {
		return fmt.Sprintf(`{"scope":"shared","key":"provider","string_value":%q}`, key)
	}
	steps := []struct {
		what               string
		through            *gateway
		method, path, body string
		name, key          string // the endpoint that has to be called with it, then
	}{
		{"scope made", a, "POST", "/api/2.0/secrets/scopes/create", `{"scope":"shared"}`, "", ""},
		{"secret put in", a, "POST", "/api/2.0/secrets/put", put(hiddenMark + "-1"), "", ""},
		{"endpoint with a reference", b, "POST", api, s.withKey("referring", "openai_api_key", "{{secrets/shared/provider}}"), "referring", "-1"},
		{"secret changed", c, "POST", "/api/2.0/secrets/put", put(hiddenMark + "-2"), "referring", "-2"},
		{"endpoint with plaintext", b, "POST", api, s.withKey("plain", "openai_api_key_plaintext", hiddenMark+"-3"), "plain", "-3"},
		{"plaintext changed", c, "PUT", api + "/plain/config", configOf(s.withKey("plain", "openai_api_key_plaintext", hiddenMark+"-4")), "plain", "-4"},
	}
	for _, x := range steps {
		began := time.Now()
		if err := x.through.must(ctx, x.method, x.path, x.body, nil); err != nil {
			return fmt.Errorf("%s: %w", x.what, err)
		}
		if x.name == "" {
			continue
		}
		if _, err := s.uses(ctx, x.name, hiddenMark+x.key); err != nil {
			return fmt.Errorf("%s: %w", x.what, err)
		}
		fmt.Printf("gateways: %-26s used by all three after %5.0f ms\n", x.what, time.Since(began).Seconds()*1000)
	}
	return nil
}

// configOf is the config of an endpoint.
func configOf(spec string) string {
	var e struct{ Config json.RawMessage }
	if err := json.Unmarshal([]byte(spec), &e); err != nil {
		panic(err)
	}
	return string(e.Config)
}

// secretsAtOnce has writers at every gateway put in secrets of their own at the same time. They are one
// document in the lake; none that was acknowledged is lost.
func (s *stage) secretsAtOnce(ctx context.Context) error {
	var mu sync.Mutex
	acked, refused := map[string]bool{}, 0
	s.everywhere(2, func(g *gateway) {
		for range 4 {
			key := fmt.Sprintf("at-once-%d", s.serial.Add(1))
			status, _ := g.ask(ctx, admin, http.MethodPost, "/api/2.0/secrets/put", fmt.Sprintf(`{"scope":"shared","key":%q,"string_value":%q}`, key, hiddenMark+key))
			mu.Lock()
			if status == http.StatusOK {
				acked[key] = true
			} else {
				refused++
			}
			mu.Unlock()
		}
	})
	for _, g := range s.all {
		var list struct{ Secrets []struct{ Key string } }
		if err := g.must(ctx, http.MethodGet, "/api/2.0/secrets/list?scope=shared", "", &list); err != nil {
			return err
		}
		there := map[string]bool{}
		for _, x := range list.Secrets {
			there[x.Key] = true
		}
		for key := range acked {
			if !there[key] {
				return fmt.Errorf("gateway %s does not list %s, which was acknowledged", g.name, key)
			}
		}
	}
	fmt.Printf("gateways: of secrets put in through all at once %d were acknowledged, and are there, %d refused\n", len(acked), refused)
	if len(acked) == 0 {
		return fmt.Errorf("all %d were refused", refused)
	}
	return nil
}

// hidden searches all that gateways and store left for the secrets.
func (s *stage) hidden() error {
	files := 0
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(hiddenMark)) {
			err = fmt.Errorf("a secret is in %s", path)
		}
		files++
		return err
	})
	if err == nil && files < 100 {
		err = fmt.Errorf("only %d files were searched", files)
	}
	return err
}
