package credential

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/lakegate/lakegate/internal/secret"
)

// bearer sends an access token as Authorization: Bearer.
type bearer struct {
	token kept[secret.String]
	own   []secret.String // what the token is got with
}

// Apply implements endpoint.Auth.
func (b *bearer) Apply(ctx context.Context, r *http.Request, _ []byte) error {
	t, err := b.token.get(ctx)
	if err != nil {
		return err
	}
	r.Header["Authorization"] = []string{"Bearer " + t.Reveal()}
	return nil
}

// Refused implements endpoint.Auth.
func (b *bearer) Refused() { b.token.renew() }

// Secrets implements endpoint.Auth.
func (b *bearer) Secrets() []string {
	var all []string
	for _, s := range b.own {
		all = append(all, s.Reveal())
	}
	if t, ok := b.token.peek(); ok {
		all = append(all, t.Reveal())
	}
	return all
}

// fetchToken asks a token server of OAuth 2.0.
func fetchToken(ctx context.Context, from string, client *http.Client, ask func(context.Context) (*oauth2.Token, error)) (secret.String, time.Duration, error) {
	start := time.Now()
	t, err := ask(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return secret.String{}, 0, &Error{From: from, Why: why(err)}
	}
	lasts := time.Hour // what nobody says, but both do
	if !t.Expiry.IsZero() {
		lasts = t.Expiry.Sub(start)
	}
	return secret.New(t.AccessToken), max(lasts, 1), nil
}

// why says in a line why a token server gave no token. Of what it answered only the fields that
// the protocol has for this are told, and no address: it may be long.
func why(err error) string {
	var answered *oauth2.RetrieveError
	var failed *url.Error
	var dns *net.DNSError
	switch {
	case errors.As(err, &answered):
		text := "it answered with status " + answered.Response.Status
		if answered.ErrorCode != "" {
			text += ": " + clip(answered.ErrorCode)
		}
		if answered.ErrorDescription != "" {
			text += ", " + clip(answered.ErrorDescription)
		}
		return text
	case errors.Is(err, context.DeadlineExceeded):
		return "it did not answer in time"
	case errors.As(err, &dns):
		return "its address can't be found"
	case errors.As(err, &failed):
		return "it can't be reached: " + clip(failed.Err.Error())
	default:
		return "its answer is no token"
	}
}

// clip returns the first line of a text, shortened.
func clip(s string) string {
	const most = 200
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}
