package main

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"testing"
)

// grafanaDashboard is what of dashboards/grafana/lakegate.json the tests look at.
type grafanaDashboard struct {
	Panels []struct {
		ID         int
		Title      string
		Type       string
		Datasource struct{ UID string }
		GridPos    struct{ X, Y, W, H int }
		Targets    []struct {
			Expr       string
			Datasource struct{ UID string }
		}
	}
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
}

// alertRules is dashboards/grafana/alerts.yaml.
type alertRules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

// Every metric that the Grafana dashboard asks for is one that the gateway has, and what a panel asks
// is asked of the data source that is chosen at the top.
func TestGrafanaDashboard(t *testing.T) {
	var d grafanaDashboard
	if err := json.Unmarshal(readFile(t, "dashboards/grafana/lakegate.json"), &d); err != nil {
		t.Fatal(err)
	}
	have, used, ids := metricNames(t), map[string]bool{}, map[int]bool{}
	check := func(where, expr string) {
		for _, name := range metricsOf(expr) {
			if used[name] = true; !have[name] {
				t.Errorf("%s asks for %s, which there is not", where, name)
			}
		}
	}
	var rows []string
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: id %d is there twice", p.Title, p.ID)
		}
		if ids[p.ID] = true; p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		if p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s: datasource %q, %d targets, at %v", p.Title, p.Datasource.UID, len(p.Targets), p.GridPos)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" {
				t.Errorf("%s asks datasource %q", p.Title, q.Datasource.UID)
			}
			check(p.Title, q.Expr)
		}
	}
	for _, v := range d.Templating.List {
		if m := regexp.MustCompile(`^label_values\(([^,]+),`).FindStringSubmatch(v.Definition); m != nil {
			check(v.Name, m[1])
		}
	}
	if len(used) < 40 || len(rows) < 7 || d.Templating.List[0].Type != "datasource" {
		t.Errorf("%d metrics in rows %q; is the dashboard read right?", len(used), rows)
	}
}

// Every metric that an alert rule asks for is one that the gateway has, its series have the labels
// that the text names, and docs/operations.md says what to do.
func TestAlertRules(t *testing.T) {
	var rules alertRules
	readYAML(t, "dashboards/grafana/alerts.yaml", &rules)
	have, page, seen := metricNames(t), string(readFile(t, "docs/operations.md")), map[string]bool{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] {
				t.Errorf("%s is there twice", r.Alert)
			}
			seen[r.Alert] = true
			names := metricsOf(r.Expr)
			if len(names) == 0 {
				t.Errorf("%s asks for nothing", r.Alert)
			}
			for _, name := range names {
				if !have[name] {
					t.Errorf("%s asks for %s, which there is not", r.Alert, name)
				}
			}
			if s := r.Labels["severity"]; s != "page" && s != "ticket" || r.Annotations["summary"] == "" {
				t.Errorf("%s has severity %q and summary %q", r.Alert, s, r.Annotations["summary"])
			}
			if !strings.Contains(page, "\n| `"+r.Alert+"` | ") {
				t.Errorf("docs/operations.md has no row for %s", r.Alert)
			}
			checkSummary(t, r.Alert, r.Expr, r.Annotations["summary"])
		}
	}
	if len(seen) < 15 {
		t.Errorf("%d rules only; are they read right?", len(seen))
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(Lakegate[A-Za-z]+)` ").FindAllStringSubmatch(page, -1) {
		if !seen[m[1]] {
			t.Errorf("docs/operations.md has a row for %s, which is no rule", m[1])
		}
	}
}

// checkSummary wants each label that a text names to survive the rule's aggregation.
func checkSummary(t *testing.T, alert, expr, summary string) {
	by := regexp.MustCompile(`\bby \(([^)]*)\)`).FindStringSubmatch(expr)
	for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(summary, -1) {
		if by == nil && m[1] == "instance" { // of the series itself
			continue
		}
		if by == nil || !regexp.MustCompile(`\b`+m[1]+`\b`).MatchString(by[1]) {
			t.Errorf("%s: the summary names the label %s, which the expression does not keep", alert, m[1])
		}
	}
}

// What docker-compose.yml gives Grafana and Prometheus refers to files that it mounts.
func TestProvisioning(t *testing.T) {
	var sources struct {
		Datasources []struct{ UID, Type, URL string }
	}
	readYAML(t, "deploy/grafana/provisioning/datasources/prometheus.yaml", &sources)
	if len(sources.Datasources) != 1 || sources.Datasources[0].Type != "prometheus" {
		t.Errorf("sources %v", sources)
	}
	compose := string(readFile(t, "docker-compose.yml"))
	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	readYAML(t, "deploy/grafana/provisioning/dashboards/lakegate.yaml", &providers)
	if folder := providers.Providers[0].Options.Path; !strings.Contains(compose, "./dashboards/grafana:"+folder+":ro") || !strings.Contains(compose, folder+"/lakegate.json") {
		t.Errorf("the dashboard is not mounted at %s", folder)
	}
	var scrape struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			JobName string `yaml:"job_name"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, "deploy/prometheus.yaml", &scrape)
	if len(scrape.RuleFiles) != 1 || !strings.Contains(compose, ":"+path.Join("/etc/prometheus", scrape.RuleFiles[0])+":ro") {
		t.Errorf("rules %q are not mounted", scrape.RuleFiles)
	}
	if scrape.ScrapeConfigs[0].JobName != "lakegate" {
		t.Error("alert rules and panels of the process ask for the job lakegate")
	}
}

func TestMetricsOf(t *testing.T) {
	for expr, want := range map[string]string{
		`sum by (le, endpoint) (rate(a_total{x="b_total", y=~"c|d"}[5m])) / on (instance) group_left (model) e_info`: "a_total e_info",
		`f > 0.5 * g offset 5m and ignoring (h) increase(i[$__rate_interval:1m]) unless 1e3 == bool j`:               "f g i j",
		`histogram_quantile(0.5, sum without (x) (k_bucket{l="}"})) or absent(m{n="\"o"})`:                           "k_bucket m",
	} {
		if got := strings.Join(metricsOf(expr), " "); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

var (
	promStrings  = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	promAside    = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\boffset\s+\w+|@\s*\S+`)
	promNumber   = regexp.MustCompile(`\b\d[\w.]*`)
	promName     = regexp.MustCompile(`[A-Za-z_:][\w:]*(\s*\()?`)
	promOperator = regexp.MustCompile(`^(and|or|unless|bool|inf|nan|by|without)$`)
)

// metricsOf returns the names of the metrics in a PromQL expression: what is left of it without
// strings, matchers, ranges and lists of labels, functions and operators.
func metricsOf(expr string) []string {
	expr = promStrings.ReplaceAllString(expr, `""`)
	expr = promAside.ReplaceAllString(expr, " ")
	expr = promNumber.ReplaceAllString(expr, " ")
	var names []string
	for _, name := range promName.FindAllString(expr, -1) {
		if strings.HasSuffix(name, "(") || promOperator.MatchString(strings.ToLower(name)) {
			continue
		}
		names = append(names, name)
	}
	return names
}
