package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/tests/suite"
)

// terraformText declares an endpoint and who may call it, and one of which nothing but its key is said. The placeholders are the provider's address, its
// key, a tag's value, and the calls a minute that a user may make.
const terraformText = `terraform {
  required_providers {
    databricks = { source = "databricks/databricks" }
  }
}
resource "databricks_model_serving" "made" {
  name = "shared-terraform"
  config {
    served_entities {
      name = "model"
      external_model {
        name     = "gpt-4o-mini"
        provider = "openai"
        task     = "llm/v1/chat"
        openai_config {
          openai_api_key_plaintext = %[2]q
          openai_api_base          = "%[1]s/v1"
        }
      }
    }
  }
  ai_gateway {
    usage_tracking_config { enabled = true }
    rate_limits {
      calls          = %[4]d
      key            = "user"
      renewal_period = "minute"
    }
  }
  tags {
    key   = "team"
    value = %[3]q
  }
}
resource "databricks_model_serving" "bare" {
  name = "shared-bare"
  config {
    served_entities {
      external_model {
        name     = "claude-sonnet-4-5"
        provider = "anthropic"
        task     = "llm/v1/chat"
        anthropic_config { anthropic_api_key_plaintext = %[2]q }
      }
    }
  }
}
resource "databricks_permissions" "made" {
  serving_endpoint_id = databricks_model_serving.made.serving_endpoint_id
  access_control {
    group_name       = "narrow"
    permission_level = "CAN_QUERY"
  }
}
`

// terraform is the program with Databricks' provider, in a folder of its own.
type terraform struct {
	path, dir string
	env       []string
}

// findTerraform finds both. Neither is in a package registry: they are releases of their projects. The
// provider is used from where it is, without asking Terraform's registry for it.
func findTerraform(g *stage) (*terraform, error) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		return nil, fmt.Errorf("terraform: %w", suite.ErrNoTool)
	}
	provider, err := exec.LookPath("terraform-provider-databricks")
	if err != nil {
		return nil, fmt.Errorf("terraform-provider-databricks: %w", suite.ErrNoTool)
	}
	if provider, err = filepath.Abs(provider); err != nil {
		return nil, err
	}
	t := &terraform{path: path, dir: filepath.Join(g.dir, "terraform")}
	rc := filepath.Join(t.dir, "terraformrc")
	text := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  dev_overrides { \"databricks/databricks\" = %q }\n  direct {}\n}\n", filepath.Dir(provider))
	if err := errors.Join(os.MkdirAll(t.dir, 0o700), os.WriteFile(rc, []byte(text), 0o600)); err != nil {
		return nil, err
	}
	t.env = []string{
		"HOME=" + t.dir, "PATH=" + os.Getenv("PATH"), "TF_CLI_CONFIG_FILE=" + rc, "TF_IN_AUTOMATION=1", "NO_PROXY=127.0.0.1",
		"DATABRICKS_HOST=" + g.url, "DATABRICKS_TOKEN=" + key,
	}
	return t, nil
}

func (t *terraform) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.path, append(args, "-no-color", "-input=false")...)
	cmd.Dir, cmd.Env = t.dir, t.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("terraform %s: %w\n%s", args[0], err, out)
	}
	return string(out), err
}

// playTerraform declares an endpoint, changes the declaration, and takes it away; after each step a plan has
// nothing more to do, though the endpoint's key is a secret that never comes back.
func (g *stage) playTerraform(ctx context.Context, s *suite.Suite) error {
	t, err := findTerraform(g)
	if errors.Is(err, suite.ErrNoTool) {
		s.Absent("Terraform", err.Error()+"; put releases of terraform and of Databricks' provider into PATH to run this part")
		return nil
	}
	if err != nil {
		return err
	}
	step := func(what string, tag string, calls int, args ...string) {
		text := fmt.Sprintf(terraformText, g.scripted, providerKey, tag, calls)
		if err := os.WriteFile(filepath.Join(t.dir, "main.tf"), []byte(text), 0o600); err != nil {
			s.Check("terraform "+what, err)
			return
		}
		out, err := t.run(ctx, args...)
		if err == nil && strings.Contains(out, providerKey) {
			err = errors.New("it shows the provider's key")
		}
		if err == nil && args[0] == "apply" {
			_, err = t.run(ctx, "plan", "-detailed-exitcode") // 2 when something is left to do
		}
		s.Check("terraform "+what, err)
	}
	step("apply", "one", 100, "apply", "-auto-approve")
	call := launch.SQL{URL: g.url, Token: key}
	step("apply of a change", "two", 50, "apply", "-auto-approve")
	rows, err := call.Query(ctx, "SELECT count(*) FROM system.serving.served_entities WHERE endpoint_name = 'shared-terraform' AND endpoint_delete_time IS NULL")
	if err == nil && (len(rows) != 1 || rows[0].Text(0) == "0") {
		err = errors.New("system.serving.served_entities has no row of the endpoint")
	}
	s.Check("terraform: served entities", err)
	step("destroy", "two", 50, "destroy", "-auto-approve")
	return g.audited(ctx, s, "Terraform", "shared-terraform",
		"createServingEndpoint", "changeServingEndpointAcl", "patchServingEndpointTags", "putServingEndpointAiGateway", "changeServingEndpointAcl", "deleteServingEndpoint")
}
