package config

import (
	"maps"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/secret"
)

var (
	usagePath  = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,15}$`)
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
)

// providerConfig checks the block of a provider that there is.
func (c *checker) providerConfig(m *ExternalModel, p string) {
	own := providers[m.Provider]
	blocks := make([]string, 0, len(providers))
	for k := range maps.Values(providers) {
		blocks = append(blocks, k.block)
	}
	slices.Sort(blocks)
	for _, block := range blocks {
		if block != own.block && c.given(join(p, block)) {
			c.fault(join(p, block), "the provider is %s, which takes %s", m.Provider, own.block)
		}
	}
	p = join(p, own.block)
	switch m.Provider {
	case OpenAI:
		m.OpenAI = orNew(m.OpenAI)
		c.openAI(m.OpenAI, m, p)
	case Bedrock:
		m.Bedrock = orNew(m.Bedrock)
		c.bedrock(m.Bedrock, p)
	case Vertex:
		m.Vertex = orNew(m.Vertex)
		c.vertex(m.Vertex, p)
	case Databricks:
		m.Databricks = orNew(m.Databricks)
		c.databricks(m.Databricks, p)
	case Custom:
		if m.Custom == nil {
			c.fault(p, "it is required: it says where the provider is")
			return
		}
		c.custom(m.Custom, p)
	default:
		c.keyConfig(m.keyConfig(true), own, p)
	}
}

func orNew[T any](v *T) *T {
	if v == nil {
		return new(T)
	}
	return v
}

// keyConfig checks the block of a provider that wants a key and nothing else.
func (c *checker) keyConfig(k *KeyConfig, own kind, p string) {
	name := strings.TrimSuffix(own.block, "_config")
	at := join(p, name+"_api_base")
	if !c.given(at) {
		k.APIBase = own.base
	}
	c.url(at, k.APIBase)
	key, ok := c.secretValue(p, name+"_api_key", k.APIKey, k.APIKeyPlaintext)
	if ok && key.IsZero() && k.APIBase == own.base && !own.own {
		c.fault(join(p, name+"_api_key"), "it is required, as long as %s_api_base is the provider's own", name)
	}
	k.APIKey, k.APIKeyPlaintext = key, secret.String{}
	c.moreKeys(join(p, name+"_api_key"), key, k.APIKeys)
}

func (c *checker) databricks(d *DatabricksConfig, p string) {
	if c.required(p+".databricks_workspace_url", d.WorkspaceURL) {
		c.url(p+".databricks_workspace_url", d.WorkspaceURL)
	}
	d.Token = c.requiredSecret(p, "databricks_api_token", d.Token, d.TokenPlaintext)
	d.TokenPlaintext = secret.String{}
}

func (c *checker) custom(x *CustomConfig, p string) {
	if c.required(p+".custom_provider_url", x.URL) {
		c.url(p+".custom_provider_url", x.URL)
	}
	if x.Usage != nil {
		c.usagePaths(x.Usage, p+".usage_paths")
	}
	if x.APIKey != nil && x.Bearer != nil {
		c.fault(p+".bearer_token_auth", "give either api_key_auth or bearer_token_auth, not both")
		return
	}
	if a := x.APIKey; a != nil {
		at := p + ".api_key_auth"
		if c.required(at+".key", a.Key) {
			c.header(at+".key", a.Key)
		}
		a.Value = c.requiredSecret(at, "value", a.Value, a.ValuePlaintext)
		a.ValuePlaintext = secret.String{}
	}
	if a := x.Bearer; a != nil {
		a.Token = c.requiredSecret(p+".bearer_token_auth", "token", a.Token, a.TokenPlaintext)
		a.TokenPlaintext = secret.String{}
	}
}

// usagePaths checks where the counts are. A path is not an expression: no brackets, no $.
func (c *checker) usagePaths(u *UsagePaths, p string) {
	if *u == (UsagePaths{}) {
		c.fault(p, "it says nothing: give input, output, total, cached_input, reasoning or model, such as output: meta.tokens.out")
	}
	for name, path := range u.given() {
		if at := join(p, name); !usagePath.MatchString(path) {
			c.fault(at, "want names of members joined by dots, such as meta.tokens.out, got %s", c.text(at))
		}
	}
}

func (c *checker) requiredSecret(p, name string, value, plaintext secret.String) secret.String {
	s, ok := c.secretValue(p, name, value, plaintext)
	if ok && s.IsZero() {
		c.fault(join(p, name), "it is required")
	}
	return s
}

// header checks the name of the header a key is sent in. It is not shown: people mix up key and
// value.
func (c *checker) header(path, name string) {
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Accept", "Accept-Encoding":
		c.fault(path, "%s is not a header a key can be sent in", c.text(path))
		return
	}
	if !headerName.MatchString(name) {
		c.fault(path, "want the name of the header that carries the key, such as X-Api-Key")
	}
}

// url checks the address of a provider. It is not shown: it may hold a password by mistake.
func (c *checker) url(path, s string) {
	u, err := url.Parse(s)
	switch {
	case strings.TrimSpace(s) != s || strings.ContainsFunc(s, isControl):
		c.fault(path, "it has spaces or line breaks")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		c.fault(path, "want an address such as https://host/v1")
	case u.User != nil:
		c.fault(path, "it holds a user or password; give the key in the provider's configuration instead")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		c.fault(path, "it must end before ? and #; if the key was there, give it in the provider's configuration instead")
	}
}
