package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
)

const (
	defaultRefresh = 5 * time.Minute
	secretsFolder  = "/run/secrets"
)

var (
	secretName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
	envPrefix  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	awsName    = regexp.MustCompile(`^[A-Za-z0-9/_+=.@:-]{1,512}$`)
	awsRegion  = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
)

// secrets checks where secrets are, not whether they are there.
func (c *checker) secrets(s *Secrets) {
	c.secretStore(&s.Store)
	for scope, from := range s.Scopes {
		p := join("secrets.scopes", scope)
		if !secretName.MatchString(scope) {
			c.fault(p, "a scope is 1 to 128 letters, digits, '_', '.' or '-'")
		}
		if at := join("secrets", scope); c.given(at) {
			c.fault(p, "the scope is also written out on line %d; keep one of the two", c.line(at))
		}
		before := len(c.faults)
		c.secretScope(p, scope, &from)
		s.Scopes[scope] = from
		if len(c.faults) > before {
			at := c.places[p]
			at.bad = true
			c.places[p] = at
		}
	}
}

func (c *checker) secretStore(s *SecretStore) {
	const p = "secrets.store"
	switch s.In {
	case "", InFolder:
	case InLake:
		if c.given(p + ".file") {
			c.fault(p+".file", "it is for a store in a folder; what is in the lake needs none")
		}
	default:
		c.fault(p+".in", "want folder or lake, got %s", c.text(p+".in"))
	}
}

func (c *checker) secretScope(p, scope string, s *SecretScope) {
	switch s.From {
	case FromEnv:
		c.envScope(p, scope, s)
	case FromFiles:
		if s.Folder == "" && !c.given(p+".folder") {
			s.Folder = secretsFolder + "/" + scope
		}
		c.required(p+".folder", s.Folder)
	case FromStore:
	case FromAWS:
		c.awsScope(p, scope, s)
	case "":
		c.fault(p+".from", "say where the scope's secrets are: env, files, store or aws")
	default:
		c.fault(p+".from", "want env, files, store or aws, got %s", c.text(p+".from"))
	}
	for key, of := range map[string]SecretSource{
		"prefix": FromEnv, "folder": FromFiles, "name": FromAWS, "region": FromAWS, "endpoint": FromAWS, "refresh": FromAWS,
	} {
		if c.given(p+"."+key) && s.From != of && !c.bad(p+".from") {
			c.fault(p+"."+key, "it is for a scope with from: %s", of)
		}
	}
}

func (c *checker) envScope(p, scope string, s *SecretScope) {
	given := c.given(p + ".prefix")
	if !given {
		s.Prefix = secret.EnvName(scope + "_")
	}
	switch {
	case s.Prefix == "" || envPrefix.MatchString(s.Prefix):
	case given:
		c.fault(p+".prefix", "want what the name of an environment variable may begin with: letters, digits and '_', no digit first; got %s", c.text(p+".prefix"))
	default:
		c.fault(p+".prefix", "say what the names of the variables begin with: %s is nothing that one may begin with", s.Prefix)
	}
}

func (c *checker) awsScope(p, scope string, s *SecretScope) {
	if s.Name == "" && !c.given(p+".name") {
		s.Name = scope
	}
	if c.required(p+".name", s.Name) && !awsName.MatchString(strings.ReplaceAll(s.Name, "{key}", "key")) {
		c.fault(p+".name", "want the name or ARN of a secret in AWS Secrets Manager, with {key} in it for one secret per key; got %s", c.text(p+".name"))
	}
	if s.Region != "" && !awsRegion.MatchString(s.Region) {
		c.fault(p+".region", "want a region such as eu-central-1, got %s", c.text(p+".region"))
	}
	if u, err := url.Parse(s.Endpoint); s.Endpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil) {
		c.fault(p+".endpoint", "want an address such as https://vpce-1.secretsmanager.eu-central-1.vpce.amazonaws.com") // not shown: it may hold a password
	}
	if !c.given(p + ".refresh") {
		s.Refresh = defaultRefresh
	}
	within(c, p+".refresh", s.Refresh, time.Second, 24*time.Hour)
}
