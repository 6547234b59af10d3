package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// Ends of a path that people leave at an address, the longest first. Databricks wants the whole
// URL of a custom provider and the SDKs the base, so both are accepted.
var (
	openAIEnds = []string{
		"/chat/completions", "/completions", "/embeddings", "/responses", "/images/generations", "/audio/speech",
		"/audio/transcriptions", "/moderations", "/rerank",
	}
	azureEnds      = []string{"/openai/v1", "/openai"}
	anthropicEnds  = []string{"/v1/messages", "/v1"}
	geminiEnds     = []string{"/v1beta", "/v1"}
	cohereEnds     = []string{"/v2/chat", "/v2/embed", "/v2/rerank", "/v2", "/v1"}
	databricksEnds = []string{"/serving-endpoints"}
	vertexEnds     = []string{"/v1beta1", "/v1"}
)

func compileEntity(s *ServedEntity, keep *credential.Set) (*endpoint.Entity, error) {
	m := &s.ExternalModel
	x := &endpoint.Entity{
		Name: s.Name, Model: m.Name, Task: m.Task, Provider: m.Provider, Block: providers[m.Provider].block,
	}
	k := m.keyConfig(false)
	switch {
	case m.Provider == OpenAI && m.OpenAI != nil:
		return x, compileOpenAI(x, m.OpenAI, keep)
	case m.Provider == Vertex && m.Vertex != nil:
		return x, compileVertex(x, m.Vertex, keep)
	case m.Provider == Bedrock && m.Bedrock != nil:
		return x, compileBedrock(x, m.Bedrock, keep)
	case m.Provider == Databricks && m.Databricks != nil:
		bearer(x, m.Databricks.Token)
		return x, locate(x, m.Databricks.WorkspaceURL, "databricks_workspace_url", databricksEnds)
	case m.Provider == Custom && m.Custom != nil:
		return x, compileCustom(x, m.Custom)
	case k != nil:
		return x, compileKey(x, k)
	default:
		return nil, fmt.Errorf("provider %q has no configuration", m.Provider)
	}
}

// compileKey compiles a provider that wants a key and nothing else.
func compileKey(x *endpoint.Entity, k *KeyConfig) error {
	ends := openAIEnds
	switch x.Provider {
	case Anthropic:
		ends = anthropicEnds
		header(x, "X-Api-Key", k.APIKey)
	case Gemini:
		ends = geminiEnds
		header(x, "X-Goog-Api-Key", k.APIKey)
	case Cohere:
		ends = cohereEnds
		bearer(x, k.APIKey)
	default:
		bearer(x, k.APIKey)
	}
	compileKeys(x, k.APIKeys)
	return locate(x, k.APIBase, strings.TrimSuffix(x.Block, "_config")+"_api_base", ends)
}

func compileOpenAI(x *endpoint.Entity, o *OpenAIConfig, keep *credential.Set) error {
	show(x, "openai_api_type", o.APIType)
	if o.APIType == plainOpenAI {
		bearer(x, o.APIKey)
		compileKeys(x, o.APIKeys)
		x.Organization = o.Organization
		show(x, "openai_organization", o.Organization)
		return locate(x, o.APIBase, "openai_api_base", openAIEnds)
	}
	x.Deployment, x.APIVersion = o.DeploymentName, o.APIVersion
	show(x, "openai_deployment_name", o.DeploymentName)
	show(x, "openai_api_version", o.APIVersion)
	if o.APIType == azureKey {
		header(x, "Api-Key", o.APIKey)
		compileKeys(x, o.APIKeys)
		return locate(x, o.APIBase, "openai_api_base", azureEnds)
	}
	x.Auth = keep.Entra(credential.Entra{
		Authority: o.EntraAuthority, Tenant: o.EntraTenant, Client: o.EntraClient, Secret: o.EntraSecret,
	})
	show(x, "microsoft_entra_tenant_id", o.EntraTenant)
	show(x, "microsoft_entra_client_id", o.EntraClient)
	show(x, "microsoft_entra_authority", o.EntraAuthority)
	return locate(x, o.APIBase, "openai_api_base", azureEnds)
}

func compileVertex(x *endpoint.Entity, v *VertexConfig, keep *credential.Set) error {
	account, err := credential.ParseServiceAccount(v.PrivateKey)
	if err != nil {
		return err
	}
	x.Auth = keep.ServiceAccount(account)
	x.Project, x.Region = v.Project, v.Region
	show(x, "project_id", v.Project)
	show(x, "region", v.Region)
	return locate(x, v.APIBase, "vertex_api_base", vertexEnds)
}

func compileBedrock(x *endpoint.Entity, b *BedrockConfig, keep *credential.Set) error {
	x.Auth = keep.AWS(credential.AWS{Region: b.Region, Service: "bedrock", KeyID: b.AccessKey, Key: b.SecretKey})
	x.Region, x.Vendor = b.Region, b.Provider
	show(x, "aws_region", b.Region)
	show(x, "bedrock_provider", b.Provider)
	return locate(x, b.APIBase, "bedrock_api_base", nil)
}

func compileCustom(x *endpoint.Entity, c *CustomConfig) error {
	if a := c.APIKey; a != nil {
		header(x, a.Key, a.Value)
		showAll(x, "api_key_auth", map[string]string{"key": a.Key})
	}
	if a := c.Bearer; a != nil {
		bearer(x, a.Token)
	}
	if u := c.Usage; u != nil {
		x.Usage = &endpoint.UsagePaths{
			Input: u.Input, Output: u.Output, Total: u.Total, CachedInput: u.CachedInput, Reasoning: u.Reasoning, Model: u.Model,
		}
		showAll(x, "usage_paths", u.given())
	}
	return locate(x, c.URL, "custom_provider_url", openAIEnds)
}

// show puts a setting that is no secret among those that may be shown.
func show(x *endpoint.Entity, name, value string) {
	if value != "" {
		showAll(x, name, value)
	}
}

func showAll(x *endpoint.Entity, name string, value any) {
	if x.Settings == nil {
		x.Settings = map[string]any{}
	}
	x.Settings[name] = value
}

func bearer(x *endpoint.Entity, token secret.String) {
	if !token.IsZero() {
		x.AuthHeader, x.AuthValue = "Authorization", secret.New("Bearer "+token.Reveal())
	}
}

func header(x *endpoint.Entity, name string, value secret.String) {
	if !value.IsZero() {
		x.AuthHeader, x.AuthValue = http.CanonicalHeaderKey(name), value
	}
}

// locate sets where the provider is, without the ends of paths that are not part of its base.
func locate(x *endpoint.Entity, address, name string, ends []string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("its base URL can't be parsed") // the cause would quote it
	}
	show(x, name, address)
	path := strings.TrimRight(u.Path, "/")
	for _, end := range ends {
		if rest, ok := strings.CutSuffix(path, end); ok {
			path = strings.TrimRight(rest, "/")
			break
		}
	}
	u.Path, u.RawPath = path, ""
	x.BaseURL = u
	return nil
}
