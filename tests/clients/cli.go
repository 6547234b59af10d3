package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/tests/suite"
)

// cli is Databricks' command line, in a home of its own.
type cli struct {
	path string
	env  []string
}

// findCLI finds the command line, which no package registry has: its binary is a release of its project.
func findCLI(g *stage, token string) (*cli, error) {
	path, err := exec.LookPath("databricks")
	if err != nil {
		return nil, fmt.Errorf("databricks: %w", suite.ErrNoTool)
	}
	home := filepath.Join(g.dir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	c := &cli{path, []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "DATABRICKS_HOST=" + g.url, "DATABRICKS_TOKEN=" + token, "NO_PROXY=127.0.0.1",
	}}
	out, err := c.run(context.Background(), "version")
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(out, "Databricks CLI v1.") {
		return nil, fmt.Errorf("databricks is %q, and the suite is for Databricks CLI v1: %w", strings.TrimSpace(out), suite.ErrNoTool)
	}
	return c, nil
}

// run returns what a command prints. Its error is what it says of itself.
func (c *cli) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Env = c.env
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("databricks %s: %w: %s", strings.Join(args[:min(2, len(args))], " "), err, strings.TrimSpace(problems.String()))
	}
	return out.String(), nil
}

// playCLI makes, reads, changes, permits, calls and deletes an endpoint with the command line, its
// provider's key in the request.
func (g *stage) playCLI(ctx context.Context, s *suite.Suite) error {
	c, err := findCLI(g, key)
	if errors.Is(err, suite.ErrNoTool) {
		s.Absent("Databricks CLI", err.Error()+"; put a release of it into PATH to run this part")
		return nil
	}
	if err != nil {
		return err
	}
	const name = "shared-cli"
	spec := func(key string) string {
		return fmt.Sprintf(`{"served_entities":[{"name":"model","external_model":{"name":"gpt-4o-mini","provider":"openai","task":"llm/v1/chat","openai_config":{%s,"openai_api_base":"%s/v1"}}}]}`, key, g.scripted)
	}
	plain := `"openai_api_key_plaintext":"` + providerKey + `"`
	step := func(want string, args ...string) string {
		out, err := c.run(ctx, args...)
		switch {
		case err != nil:
		case !strings.Contains(out, want):
			err = fmt.Errorf("it prints %s, want %q in it", out, want)
		case strings.Contains(out, providerKey):
			err = errors.New("it shows the provider's key")
		}
		s.Check("databricks "+strings.Join(args[:2], " "), err)
		return out
	}
	step(`"userName": "sdk@example.com"`, "current-user", "me")
	made := step(`"ready": "READY"`, "serving-endpoints", "create", "--json", `{"name":"`+name+`","config":`+spec(plain)+`}`)
	var e struct{ ID string }
	if err := json.Unmarshal([]byte(made), &e); err != nil || e.ID == "" {
		return fmt.Errorf("databricks serving-endpoints create printed %q", made)
	}
	step(`"name": "`+name+`"`, "serving-endpoints", "list", "--output", "json")
	step(`"openai_api_base"`, "serving-endpoints", "get", name)
	step(`"config_version"`, "serving-endpoints", "update-config", name, "--json", spec(plain))
	step(`"calls": 100`, "serving-endpoints", "put-ai-gateway", name, "--json", `{"rate_limits":[{"calls":100,"key":"user","renewal_period":"minute"}]}`)
	step(`"key": "team"`, "serving-endpoints", "patch", name, "--json", `{"add_tags":[{"key":"team","value":"cli"}]}`)
	step(`"narrow"`, "serving-endpoints", "update-permissions", e.ID, "--json", `{"access_control_list":[{"group_name":"narrow","permission_level":"CAN_QUERY"}]}`)
	step(`"content"`, "serving-endpoints", "query", name, "--json", `{"messages":[{"role":"user","content":"hi"}],"client_request_id":"cli-1"}`)
	step("request_count_total", "serving-endpoints", "export-metrics", name)
	step("shared-cli.model.openai_api_key", "secrets", "list-secrets", "lakegate-endpoints")
	_, err = c.run(ctx, "serving-endpoints", "update-notifications", name, "--json", "{}")
	if err == nil || !strings.Contains(err.Error(), "lakegate sends no e-mail") {
		s.Check("databricks serving-endpoints update-notifications", fmt.Errorf("%w, want what to do instead", err))
	}
	step("", "serving-endpoints", "delete", name)
	if err := g.judge(ctx, s, "Databricks CLI", []outcome{{Case: "query", ClientID: "cli-1", Row: map[string]any{
		"status_code": 200, "outcome": "ok", "endpoint_name": name, "requester": "sdk@example.com", "usage_source": "provider",
	}}}); err != nil {
		return err
	}
	return g.audited(ctx, s, "Databricks CLI", name,
		"createServingEndpoint", "updateServingEndpointConfig", "putServingEndpointAiGateway", "patchServingEndpointTags", "changeServingEndpointAcl", "deleteServingEndpoint")
}

// audited holds the audit rows of an endpoint to the changes that were made, all by one user.
func (g *stage) audited(ctx context.Context, s *suite.Suite, who, name string, want ...string) error {
	rows, err := launch.SQL{URL: g.url, Token: key}.Query(ctx, `SELECT action_name, user_identity.email, response.status_code, to_json(request_params)
		FROM system.access.audit WHERE request_params['name'] = '`+name+`' ORDER BY event_time`)
	if err != nil {
		return err
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.Text(0))
		if r.Text(1) != "sdk@example.com" || r.Text(2) != "200" {
			err = fmt.Errorf("a row says %s by %s: %s", r.Text(0), r.Text(1), r.Text(2))
		}
		if strings.Contains(r.Text(3), providerKey) {
			err = errors.New("a row shows the provider's key")
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		err = fmt.Errorf("rows are of %v, want %v", got, want)
	}
	s.Check(who+": rows of system.access.audit", err)
	return nil
}
