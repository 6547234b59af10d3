package config

import (
	"fmt"
	"maps"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

var (
	entityName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./:@-]{0,127}$`)
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
)

func (c *checker) entities(ec *EndpointConfig, p string) {
	at := p + ".served_entities"
	switch n := len(ec.ServedEntities); {
	case n == 0:
		c.fault(at, "an endpoint needs at least one served entity")
	case n > maxEntities:
		c.fault(at, "want at most %d served entities, got %d", maxEntities, n)
	}
	names := map[string]string{}
	for i := range ec.ServedEntities {
		s, sp := &ec.ServedEntities[i], index(at, i)
		c.externalModel(&s.ExternalModel, sp+".external_model")
		c.entityName(s, sp)
		c.unique(names, s.Name, sp+".name", "name")
		first, task := &ec.ServedEntities[0].ExternalModel, sp+".external_model.task"
		if i > 0 && s.ExternalModel.Task != first.Task && !c.bad(index(at, 0)+".external_model.task") {
			c.fault(task, "all entities of an endpoint have the same task, and the first has another")
		}
	}
}

// entityName checks a served entity's name, which is the model's unless the file says otherwise.
func (c *checker) entityName(s *ServedEntity, p string) {
	from := p + ".name"
	if !c.given(from) {
		s.Name, from = s.ExternalModel.Name, p+".external_model.name"
	}
	if s.Name == "" && !c.given(p+".name") {
		return // the model has no name either, which has been said
	}
	if !entityName.MatchString(s.Name) {
		c.fault(p+".name", "want 1 to 128 letters, digits or any of _ . / : @ -, the first a letter or digit, got %s", c.text(from))
	}
}

func (c *checker) externalModel(m *ExternalModel, p string) {
	if !c.given(p) {
		c.fault(p, "it is required: name, provider, task and the provider's configuration")
		return
	}
	c.label(p+".name", m.Name)
	tasks := []string{endpoint.Chat, endpoint.Completions, endpoint.Embeddings}
	if c.required(p+".task", m.Task) && !slices.Contains(tasks, m.Task) {
		c.fault(p+".task", "want %s, got %s%s", strings.Join(tasks, ", "), c.text(p+".task"), didYouMean(m.Task, tasks))
	}
	if !c.provider(m, p) {
		return
	}
	own := providers[m.Provider]
	for _, key := range slices.Sorted(maps.Values(providers)) {
		if key != own && c.given(join(p, key)) {
			c.fault(join(p, key), "the provider is %s, which takes %s", m.Provider, own)
		}
	}
	switch m.Provider {
	case OpenAI:
		if m.OpenAI == nil {
			m.OpenAI = &OpenAIConfig{}
		}
		c.openAI(m.OpenAI, p+".openai_config")
	case Custom:
		if m.Custom == nil {
			c.fault(p+".custom_provider_config", "it is required: it says where the provider is")
			return
		}
		c.custom(m.Custom, p+".custom_provider_config")
	}
}

// provider reports whether the provider is one of this version.
func (c *checker) provider(m *ExternalModel, p string) bool {
	at := p + ".provider"
	if !c.required(at, m.Provider) {
		return false
	}
	if m.Provider == OpenAI || m.Provider == Custom {
		return true
	}
	if _, known := providers[m.Provider]; known {
		c.fault(at, "provider %s is known but not supported yet; this version supports openai and custom", c.text(at))
		return false
	}
	names := slices.Sorted(maps.Keys(providers))
	c.fault(at, "there is no provider %s%s; this version supports openai and custom, others known are %s",
		c.text(at), didYouMean(m.Provider, names), strings.Join(slices.DeleteFunc(names, func(s string) bool {
			return s == OpenAI || s == Custom
		}), ", "))
	return false
}

func (c *checker) openAI(o *OpenAIConfig, p string) {
	switch o.APIType {
	case "", "openai":
	case "azure", "azuread":
		c.fault(p+".openai_api_type", "%s is known but not supported yet; this version supports openai", c.text(p+".openai_api_type"))
	default:
		c.fault(p+".openai_api_type", "want openai, got %s", c.text(p+".openai_api_type"))
	}
	if !c.given(p + ".openai_api_base") {
		o.APIBase = OpenAIBase
	}
	c.url(p+".openai_api_base", o.APIBase)
	if strings.ContainsFunc(o.Organization, isControl) {
		c.fault(p+".openai_organization", "want one line of text")
	}
	key, ok := c.secretValue(p, "openai_api_key", o.APIKey, o.APIKeyPlaintext)
	if ok && key.IsZero() && o.APIBase == OpenAIBase {
		c.fault(p+".openai_api_key", "it is required, as long as openai_api_base is OpenAI's own")
	}
	o.APIKey, o.APIKeyPlaintext = key, secret.String{}
}

func (c *checker) custom(x *CustomConfig, p string) {
	if c.required(p+".custom_provider_url", x.URL) {
		c.url(p+".custom_provider_url", x.URL)
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

// traffic checks the routes, and fills in the one of an endpoint with one entity.
func (c *checker) traffic(ec *EndpointConfig, p string) {
	at := p + ".traffic_config.routes"
	entities := ec.ServedEntities
	if len(entities) == 1 && len(ec.TrafficConfig.Routes) == 0 {
		all := 100
		ec.TrafficConfig.Routes = []Route{{ServedEntityName: entities[0].Name, TrafficPercentage: &all}}
		return
	}
	if len(entities) == 0 || c.bad(at) {
		return
	}
	if len(ec.TrafficConfig.Routes) == 0 {
		c.fault(p+".traffic_config", "it is required: with %d entities, say how the traffic is split", len(entities))
		return
	}
	names := make([]string, len(entities))
	for i, s := range entities {
		names[i] = s.Name
	}
	routed := c.routes(ec.TrafficConfig.Routes, at, names)
	for i, n := range names {
		entity := fmt.Sprintf("%s.served_entities[%d]", p, i)
		if _, ok := routed[n]; !ok && n != "" && !c.bad(entity+".name") {
			c.fault(entity, "it has no route in traffic_config; give it one, with 0 to use it only as a fallback")
		}
	}
}

// routes checks each route and their sum. It returns where each entity has its route.
func (c *checker) routes(routes []Route, at string, names []string) map[string]string {
	routed, sum, complete := map[string]string{}, 0, true
	for i, r := range routes {
		rp := index(at, i)
		name := rp + ".served_entity_name"
		if c.required(name, r.ServedEntityName) && !slices.Contains(names, r.ServedEntityName) {
			c.fault(name, "there is no served entity %s in this endpoint", c.text(name))
		}
		c.unique(routed, r.ServedEntityName, name, "entity")
		percent := rp + ".traffic_percentage"
		if r.TrafficPercentage == nil {
			c.fault(percent, "it is required")
			complete = false
			continue
		}
		within(c, percent, *r.TrafficPercentage, 0, 100)
		complete = complete && !c.bad(percent)
		sum += *r.TrafficPercentage
	}
	if complete && sum != 100 {
		c.fault(at, "the percentages add up to %d, want 100", sum)
	}
	return routed
}
