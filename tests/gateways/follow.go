package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lakegate/lakegate/tests/suite"
)

// liveWithin is how soon a change has to be live on every gateway.
const liveWithin = 5 * time.Second

// change is a request to one gateway and how a call to any of them shows that it is live there.
type change struct {
	what         string
	method, path string
	body         string
	key          string // who calls
	status       int    // of the call, then
	has          string // in its answer, then
	call         string // path of the call; that of the endpoint when empty
	said         string // body of the call
}

// changes are the ones that are made of an endpoint, in order.
func (s *stage) changes(name, id string) []change {
	const api, ours = "/api/2.0/serving-endpoints", "/api/2.0/lakegate/"
	grant := "/api/2.0/permissions/serving-endpoints/" + id
	prompt := func(active int) string {
		return fmt.Sprintf(`{"active":%d}`, active)
	}
	vars := `{"variables":{"text":"x-fake: echo"}}`
	return []change{
		{what: "configuration", method: "PUT", path: api + "/" + name + "/config", body: `{"served_entities":[` + s.entity("gpt-4o-mini") + `]}`, key: admin, status: 200, has: `"model":"gpt-4o-mini-`},
		{what: "permission given", method: "PUT", path: grant, body: `{"access_control_list":[{"user_name":"reader@example.com","permission_level":"CAN_QUERY"}]}`, key: reader, status: 200},
		{what: "permission taken", method: "PUT", path: grant, body: `{"access_control_list":[]}`, key: reader, status: 403},
		{what: "rate limit of 0", method: "PUT", path: api + "/" + name + "/rate-limits", body: `{"rate_limits":[{"calls":0,"renewal_period":"minute"}]}`, key: admin, status: 403},
		{what: "rollback", method: "POST", path: ours + "endpoints/" + name + "/rollback", body: `{"to":1}`, key: admin, status: 200, has: `"model":"gpt-4o-2`},
		{what: "prompt activated", method: "PUT", path: ours + "prompts/" + name + "-prompt/active", body: prompt(2), key: admin, status: 200, has: `"content":"two`, call: "/serving-endpoints/" + name + "-prompt/invocations", said: vars},
		{what: "prompt rolled back", method: "PUT", path: ours + "prompts/" + name + "-prompt/active", body: prompt(1), key: admin, status: 200, has: `"content":"one`, call: "/serving-endpoints/" + name + "-prompt/invocations", said: vars},
		{what: "rollout aborted", method: "POST", path: ours + "rollouts/" + name + "-rollout/abort", key: admin, status: 200, has: `"model":"gpt-4o-2`, call: "/v1/chat/completions", said: asked(name + "-rollout")},
		{what: "rollout resumed", method: "POST", path: ours + "rollouts/" + name + "-rollout/resume", key: admin, status: 200, has: `"model":"gpt-4o-mini-`, call: "/v1/chat/completions", said: asked(name + "-rollout")},
		{what: "deletion", method: "DELETE", path: api + "/" + name, key: admin, status: 404},
	}
}

// promptSpec is an endpoint with a prompt in two versions, the first of which is active.
func (s *stage) promptSpec(name string) string {
	spec := s.spec(name+"-prompt", "gpt-4o")
	return spec[:len(spec)-1] + `,"lakegate":{"prompt":{"active":1,"versions":[
		{"version":1,"messages":[{"role":"user","content":"one {{ text }}"}]},{"version":2,"messages":[{"role":"user","content":"two {{ text }}"}]}]}}}`
}

// rolloutSpec is an endpoint whose calls all go to the entity that is rolled out, until that is aborted.
func (s *stage) rolloutSpec(name string) string {
	return fmt.Sprintf(`{"name":"%s-rollout","config":{"served_entities":[%s,%s],"traffic_config":{"routes":[
		{"served_entity_name":"e","traffic_percentage":100},{"served_entity_name":"new","traffic_percentage":0}]}},
		"lakegate":{"rollout":{"to":"new","stages":[{"traffic":100,"for":"1h"}]}}}`,
		name, s.entity("gpt-4o"), strings.Replace(s.entity("gpt-4o-mini"), `"e"`, `"new"`, 1))
}

func asked(endpoint string) string {
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"hello"}]}`, endpoint)
}

// follow makes every kind of change through each gateway in turn and measures how soon calls to each of
// them show it. The time counts from before the change is asked for.
func (s *stage) follow(ctx context.Context, out *suite.Suite) {
	times := map[string][]time.Duration{}
	var order []string
	note := func(what string, took time.Duration) {
		if times[what] == nil {
			order = append(order, what)
		}
		times[what] = append(times[what], took)
	}
	for i := range s.o.rounds {
		name, g := fmt.Sprintf("round-%d", i), s.all[i%len(s.all)]
		if err := s.round(ctx, g, name, note); err != nil {
			out.Check(fmt.Sprintf("round %d through gateway %s", i+1, g.name), err)
			return
		}
	}
	for _, what := range order {
		slices.Sort(times[what])
		all := times[what]
		most := all[len(all)-1]
		fmt.Printf("gateways: %-18s live on all three after %5.0f ms (median), %5.0f ms (longest of %d)\n",
			what, all[len(all)/2].Seconds()*1000, most.Seconds()*1000, len(all))
		var err error
		if most > liveWithin {
			err = fmt.Errorf("it took %v; the limit is %v", most, liveWithin)
		}
		out.Check(what+" is live on all", err)
	}
}

func (s *stage) round(ctx context.Context, g *gateway, name string, note func(string, time.Duration)) error {
	began := time.Now()
	var made struct {
		ID string `json:"id"`
	}
	if err := g.must(ctx, http.MethodPost, "/api/2.0/serving-endpoints", s.spec(name, "gpt-4o"), &made); err != nil {
		return err
	}
	if err := s.live(ctx, g, name, change{what: "creation", key: admin, status: 200}); err != nil {
		return err
	}
	note("creation", time.Since(began))
	for _, spec := range []string{s.promptSpec(name), s.rolloutSpec(name)} {
		if err := g.must(ctx, http.MethodPost, "/api/2.0/serving-endpoints", spec, nil); err != nil {
			return err
		}
	}
	for _, c := range s.changes(name, made.ID) {
		began := time.Now()
		if err := g.must(ctx, c.method, c.path, c.body, nil); err != nil {
			return err
		}
		if err := s.live(ctx, g, name, c); err != nil {
			return err
		}
		note(c.what, time.Since(began))
	}
	return nil
}

// live waits until a call to each gateway shows the change. The one that was asked shows it at once.
func (s *stage) live(ctx context.Context, through *gateway, name string, c change) error {
	if status, answer, ok := c.shown(ctx, through, name); !ok {
		return fmt.Errorf("%s: gateway %s, which was asked, answers a call %d %s", c.what, through.name, status, answer)
	}
	errs := make([]error, len(s.all))
	var wg sync.WaitGroup
	for i, g := range s.all {
		wg.Go(func() {
			for end := time.Now().Add(4 * liveWithin); ; time.Sleep(10 * time.Millisecond) { // between questions
				status, answer, ok := c.shown(ctx, g, name)
				if ok {
					return
				}
				if time.Now().After(end) || ctx.Err() != nil {
					errs[i] = fmt.Errorf("%s: gateway %s still answers %d %s", c.what, g.name, status, answer)
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c change) shown(ctx context.Context, g *gateway, name string) (status int, answer string, ok bool) {
	path, body := "/v1/chat/completions", asked(name)
	if c.call != "" {
		path, body = c.call, c.said
	}
	status, b := g.ask(ctx, c.key, http.MethodPost, path, body)
	return status, string(b), status == c.status && strings.Contains(string(b), c.has)
}
