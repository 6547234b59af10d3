package credential

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

const (
	googleTokens = "https://oauth2.googleapis.com/token"
	googleScope  = "https://www.googleapis.com/auth/cloud-platform"
)

// ServiceAccount is the key of one of Google Cloud's service accounts.
type ServiceAccount struct {
	Email    string
	KeyID    string
	Key      secret.String // PEM
	TokenURL string
}

// ParseServiceAccount reads the JSON document that Google Cloud gives out as a key. Errors say
// what is wrong with it and hold nothing of it.
func ParseServiceAccount(document secret.String) (ServiceAccount, error) {
	var d struct {
		Type     string `json:"type"`
		Email    string `json:"client_email"`
		KeyID    string `json:"private_key_id"`
		Key      string `json:"private_key"`
		TokenURL string `json:"token_uri"`
	}
	text := strings.TrimSpace(document.Reveal())
	switch err := json.Unmarshal([]byte(text), &d); {
	case strings.HasPrefix(text, "-----BEGIN"):
		return ServiceAccount{}, errors.New("it is a private key alone, which does not say whose it is; want the service account's whole JSON document")
	case err != nil:
		return ServiceAccount{}, errors.New("it is not the JSON document of a service account's key")
	case d.Type != "service_account":
		return ServiceAccount{}, errors.New(`it is JSON, but no service account's key: its type is not "service_account"`)
	case d.Email == "" || d.Key == "":
		return ServiceAccount{}, errors.New("it is a service account's document without client_email or private_key")
	}
	if err := checkKey(d.Key); err != nil {
		return ServiceAccount{}, err
	}
	if d.TokenURL == "" {
		d.TokenURL = googleTokens
	}
	if u, err := url.Parse(d.TokenURL); err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ServiceAccount{}, errors.New("its token_uri is not an address such as " + googleTokens)
	}
	return ServiceAccount{Email: d.Email, KeyID: d.KeyID, Key: secret.New(d.Key), TokenURL: d.TokenURL}, nil
}

func checkKey(text string) error {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return errors.New(`its private_key is not PEM ("-----BEGIN PRIVATE KEY-----", with line breaks)`)
	}
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return nil
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
		return errors.New("its private_key can't be read") // the cause might quote it
	}
	return nil
}

// ServiceAccount returns the credential of a service account: a JWT that it signs, changed for an
// access token.
func (s *Set) ServiceAccount(a ServiceAccount) endpoint.Auth {
	identity := []string{"google", a.Email, a.KeyID, a.Key.Reveal(), a.TokenURL}
	return s.keep(identity, func() endpoint.Auth {
		c := jwt.Config{
			Email: a.Email, PrivateKey: []byte(a.Key.Reveal()), PrivateKeyID: a.KeyID,
			Scopes: []string{googleScope}, TokenURL: a.TokenURL,
		}
		return &bearer{
			own: []secret.String{a.Key},
			token: kept[secret.String]{fetch: func(ctx context.Context) (secret.String, time.Duration, error) {
				return fetchToken(ctx, "Google", s.client, func(ctx context.Context) (*oauth2.Token, error) {
					return c.TokenSource(ctx).Token()
				})
			}},
		}
	})
}
