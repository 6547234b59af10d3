package credential

import (
	"context"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// EntraAuthority is who gives out tokens in Azure's public cloud.
const EntraAuthority = "https://login.microsoftonline.com"

// Entra is an application that may use Azure's OpenAI.
type Entra struct {
	Authority string // "" for EntraAuthority
	Tenant    string
	Client    string
	Secret    secret.String
}

// Entra returns the credential of an application: the grant client_credentials.
func (s *Set) Entra(e Entra) endpoint.Auth {
	if e.Authority == "" {
		e.Authority = EntraAuthority
	}
	identity := []string{"entra", e.Authority, e.Tenant, e.Client, e.Secret.Reveal()}
	return s.keep(identity, func() endpoint.Auth {
		c := clientcredentials.Config{
			ClientID:     e.Client,
			ClientSecret: e.Secret.Reveal(),
			TokenURL:     strings.TrimRight(e.Authority, "/") + "/" + url.PathEscape(e.Tenant) + "/oauth2/v2.0/token",
			Scopes:       []string{entraScope(e.Authority)},
			AuthStyle:    oauth2.AuthStyleInParams,
		}
		return &bearer{
			own: []secret.String{e.Secret},
			token: kept[secret.String]{fetch: func(ctx context.Context) (secret.String, time.Duration, error) {
				return fetchToken(ctx, "Microsoft Entra", s.client, c.Token)
			}},
		}
	})
}

// entraScope returns what the token is for, which each of Microsoft's clouds calls differently.
func entraScope(authority string) string {
	switch u, _ := url.Parse(authority); {
	case u != nil && strings.HasSuffix(u.Hostname(), ".us"):
		return "https://cognitiveservices.azure.us/.default"
	case u != nil && strings.HasSuffix(u.Hostname(), ".cn"):
		return "https://cognitiveservices.azure.cn/.default"
	default:
		return "https://cognitiveservices.azure.com/.default"
	}
}
