package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/internal/config"
)

const repository = "../.."

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal(readFile(t, path), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// What docker-compose.yml mounts is there, what it depends on is a service, and the gateway's
// configuration is one that the gateway takes.
func TestCompose(t *testing.T) {
	var c struct {
		Services map[string]struct {
			Image, Build string
			Environment  map[string]string
			Volumes      []string
			DependsOn    yaml.Node `yaml:"depends_on"`
		}
		Volumes map[string]any
	}
	readYAML(t, "docker-compose.yml", &c)
	for name, s := range c.Services {
		if (s.Image == "") == (s.Build == "") || (s.Image != "" && !strings.Contains(s.Image, ":")) {
			t.Errorf("%s: image %q and build %q: want one, an image with its version", name, s.Image, s.Build)
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(from, ".") {
				readable(t, name, from)
			} else if _, ok := c.Volumes[from]; !ok {
				t.Errorf("%s: volume %s is not declared", name, from)
			}
		}
		for _, n := range s.DependsOn.Content {
			if _, ok := c.Services[n.Value]; n.Value != "" && !ok {
				t.Errorf("%s depends on %s, which is no service", name, n.Value)
			}
		}
	}
	env := c.Services["lakegate"].Environment
	cfg, err := config.Parse(readFile(t, "deploy/compose.yaml"), func(name string) (string, bool) {
		_, ok := env[name]
		return "0123456789abcdef0123456789", ok
	})
	if err != nil {
		t.Fatal(err)
	}
	if bucket, _, ok := cfg.Lake.Bucket(); !ok || !strings.Contains(string(readFile(t, "docker-compose.yml")), `"/objects/`+bucket+`"`) {
		t.Errorf("bucket %q is not made by docker-compose.yml", bucket)
	}
}

func readable(t *testing.T, service, path string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(repository, path)); err != nil {
		t.Errorf("%s mounts %v", service, err)
	}
}
