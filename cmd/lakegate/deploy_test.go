package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/serving"
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

var metricName = regexp.MustCompile(`\b(lakegate|process|go)_[a-z_]+`)

// Every metric that the Grafana dashboard asks for is one that the gateway has.
func TestGrafanaDashboard(t *testing.T) {
	var sources struct{ Datasources []struct{ UID, URL string } }
	readYAML(t, "deploy/grafana/provisioning/datasources/prometheus.yaml", &sources)
	var scrape map[string]any
	readYAML(t, "deploy/prometheus.yaml", &scrape)
	var providers map[string]any
	readYAML(t, "deploy/grafana/provisioning/dashboards/lakegate.yaml", &providers)
	var d struct {
		Panels []struct {
			Title      string
			Datasource struct{ UID string }
			Targets    []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(readFile(t, "deploy/grafana/dashboards/lakegate.json"), &d); err != nil {
		t.Fatal(err)
	}
	have, used := gatewayMetrics(), map[string]bool{}
	for _, p := range d.Panels {
		if len(sources.Datasources) != 1 || p.Datasource.UID != sources.Datasources[0].UID {
			t.Errorf("%s asks datasource %q, which is not provisioned", p.Title, p.Datasource.UID)
		}
		for _, q := range p.Targets {
			for _, name := range metricName.FindAllString(q.Expr, -1) {
				used[name] = true
				if !have[name] && !have[strings.TrimSuffix(name, "_bucket")] {
					t.Errorf("%s asks for %s, which there is not", p.Title, name)
				}
			}
		}
	}
	if len(used) < 15 {
		t.Errorf("the dashboard uses %d metrics only; is it read right?", len(used))
	}
}

var described = regexp.MustCompile(`fqName: "([^"]+)"`)

// gatewayMetrics are the names of all metrics that can be scraped, seen or not.
func gatewayMetrics() map[string]bool {
	r := serving.NewMetrics().Registry()
	descs := make(chan *prometheus.Desc)
	go func() { // ends when all have been described
		r.Describe(descs)
		for _, c := range []prometheus.Collector{newLakeCollector(nil), newCacheCollector(nil), newKeeperCollector(nil), &survey{}} {
			c.Describe(descs)
		}
		close(descs)
	}()
	names := map[string]bool{}
	for d := range descs {
		for _, m := range described.FindAllStringSubmatch(d.String(), -1) {
			names[m[1]] = true
		}
	}
	return names
}
