package config

import (
	"regexp"
	"strings"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/credential"
)

// What openai_api_type may be.
const (
	plainOpenAI = "openai"
	azureKey    = "azure"
	azureEntra  = "azuread"
)

var (
	azureVersion = regexp.MustCompile(`^(v1|preview|\d{4}-\d{2}-\d{2}(-preview)?)$`)
	deployment   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)
	entraName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$`)
	cloudName    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	projectName  = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,127}$`)
)

func (c *checker) openAI(o *OpenAIConfig, m *ExternalModel, p string) {
	switch o.APIType {
	case "":
		o.APIType = plainOpenAI
	case plainOpenAI, azureKey, azureEntra:
	default:
		types := []string{plainOpenAI, azureKey, azureEntra}
		c.fault(p+".openai_api_type", "want %s, got %s%s", strings.Join(types, ", "), c.text(p+".openai_api_type"), didYouMean(o.APIType, types))
		return
	}
	c.openAIFields(o, p)
	if o.APIType == plainOpenAI {
		c.plainOpenAI(o, p)
	} else {
		c.azure(o, m, p)
	}
	c.moreKeys(p+".openai_api_key", o.APIKey, o.APIKeys)
}

// openAIFields finds fields that say nothing for the type: better a fault than a field nobody reads.
func (c *checker) openAIFields(o *OpenAIConfig, p string) {
	refuse := func(message string, keys ...string) {
		for _, key := range keys {
			if c.given(join(p, key)) {
				c.fault(join(p, key), "%s", message)
			}
		}
	}
	if o.APIType == plainOpenAI {
		refuse("it is for openai_api_type azure and azuread", "openai_api_version", "openai_deployment_name")
	} else {
		refuse("Azure has no organizations; remove it", "openai_organization")
	}
	if o.APIType == azureEntra {
		refuse("openai_api_type azuread takes microsoft_entra_tenant_id, _client_id and _client_secret instead of a key",
			"openai_api_key", "openai_api_key_plaintext", "openai_api_keys")
	} else {
		refuse("it is for openai_api_type azuread", "microsoft_entra_tenant_id", "microsoft_entra_client_id",
			"microsoft_entra_client_secret", "microsoft_entra_client_secret_plaintext", "microsoft_entra_authority")
	}
}

func (c *checker) plainOpenAI(o *OpenAIConfig, p string) {
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

func (c *checker) azure(o *OpenAIConfig, m *ExternalModel, p string) {
	if c.required(p+".openai_api_base", o.APIBase) {
		c.url(p+".openai_api_base", o.APIBase)
	}
	if !c.given(p + ".openai_api_version") {
		o.APIVersion = "v1"
	}
	if !azureVersion.MatchString(o.APIVersion) {
		c.fault(p+".openai_api_version", "want v1, preview, or a date such as 2024-10-21, got %s", c.text(p+".openai_api_version"))
	}
	at := p + ".openai_deployment_name"
	if !c.given(at) {
		o.DeploymentName = m.Name
	}
	switch {
	case c.given(at) && !c.required(at, o.DeploymentName):
	case o.DeploymentName == "": // that the model has no name has been said
	case !deployment.MatchString(o.DeploymentName):
		c.fault(at, "want the name of a deployment: letters, digits, '_', '.' or '-'")
	}
	if o.APIType == azureKey {
		o.APIKey = c.requiredSecret(p, "openai_api_key", o.APIKey, o.APIKeyPlaintext)
		o.APIKeyPlaintext = secret.String{}
		return
	}
	c.entra(o, p)
}

func (c *checker) entra(o *OpenAIConfig, p string) {
	for _, f := range []struct{ name, value string }{
		{"microsoft_entra_tenant_id", o.EntraTenant}, {"microsoft_entra_client_id", o.EntraClient},
	} {
		at := join(p, f.name)
		if c.required(at, f.value) && !entraName.MatchString(f.value) {
			c.fault(at, "want an id such as 11111111-2222-3333-4444-555555555555")
		}
	}
	o.EntraSecret = c.requiredSecret(p, "microsoft_entra_client_secret", o.EntraSecret, o.EntraSecretPlaintext)
	o.EntraSecretPlaintext = secret.String{}
	if !c.given(p + ".microsoft_entra_authority") {
		o.EntraAuthority = credential.EntraAuthority
	}
	c.url(p+".microsoft_entra_authority", o.EntraAuthority)
}

func (c *checker) vertex(v *VertexConfig, p string) {
	if c.required(p+".project_id", v.Project) && !projectName.MatchString(v.Project) {
		c.fault(p+".project_id", "want the id of a Google Cloud project, such as my-project-123, got %s", c.text(p+".project_id"))
	}
	if c.required(p+".region", v.Region) && !cloudName.MatchString(v.Region) {
		c.fault(p+".region", "want a region such as europe-west4, or global, got %s", c.text(p+".region"))
	}
	if !c.given(p + ".vertex_api_base") {
		v.APIBase = vertexBase(v.Region)
	}
	if !c.bad(p+".region") && v.Region != "" {
		c.url(p+".vertex_api_base", v.APIBase)
	}
	c.serviceAccount(v, p)
}

// vertexBase returns where a region of Vertex AI is called.
func vertexBase(region string) string {
	switch region {
	case "global":
		return "https://aiplatform.googleapis.com"
	case "us", "eu":
		return "https://aiplatform." + region + ".rep.googleapis.com"
	default:
		return "https://" + region + "-aiplatform.googleapis.com"
	}
}

// serviceAccount checks the key of a service account, which is a document and so has line breaks.
func (c *checker) serviceAccount(v *VertexConfig, p string) {
	key, at, ok := c.secretText(p, "private_key", v.PrivateKey, v.PrivateKeyPlaintext)
	v.PrivateKey, v.PrivateKeyPlaintext = key, secret.String{}
	switch {
	case !ok:
	case key.IsZero():
		c.fault(at, "it is required: the JSON key of a service account")
	case strings.HasPrefix(key.Reveal(), unsetSecret):
	default:
		if _, err := credential.ParseServiceAccount(key); err != nil {
			c.fault(at, "%v", err)
		}
	}
}

// vendors are whose models Bedrock had when this was written. It may have others.
var vendors = []string{
	"ai21labs", "amazon", "anthropic", "cohere", "deepseek", "luma", "meta", "mistral", "openai", "qwen", "stability", "writer",
}

func (c *checker) bedrock(b *BedrockConfig, p string) {
	if c.required(p+".aws_region", b.Region) && !cloudName.MatchString(b.Region) {
		c.fault(p+".aws_region", "want a region such as eu-central-1, got %s", c.text(p+".aws_region"))
	}
	at := p + ".bedrock_provider"
	if v := strings.ToLower(b.Provider); c.required(at, v) {
		b.Provider = v
		if near, typo := nearest(v, vendors); typo && near != v || !cloudName.MatchString(v) {
			c.fault(at, "want whose model it is, such as %s, got %s%s", strings.Join(vendors, ", "), c.text(at), didYouMean(v, vendors))
		}
	}
	if !c.given(p + ".bedrock_api_base") {
		b.APIBase = "https://bedrock-runtime." + b.Region + ".amazonaws.com"
		if strings.HasPrefix(b.Region, "cn-") {
			b.APIBase += ".cn"
		}
	}
	if !c.bad(p+".aws_region") && b.Region != "" {
		c.url(p+".bedrock_api_base", b.APIBase)
	}
	id, ok := c.secretValue(p, "aws_access_key_id", b.AccessKey, b.AccessKeyPlaintext)
	key, alsoOK := c.secretValue(p, "aws_secret_access_key", b.SecretKey, b.SecretKeyPlaintext)
	if ok && alsoOK && id.IsZero() != key.IsZero() {
		c.fault(p, "give both aws_access_key_id and aws_secret_access_key, or neither: then the AWS SDK looks at the environment, its shared files and the role of the pod or machine")
	}
	b.AccessKey, b.AccessKeyPlaintext, b.SecretKey, b.SecretKeyPlaintext = id, secret.String{}, key, secret.String{}
}
