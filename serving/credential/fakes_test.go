package credential

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// hidden is in every secret of the tests: where it shows, a secret leaked.
const hidden = "hunter2-"

// tokens is a token server: an http.RoundTripper that gives out tokens with numbers.
type tokens struct {
	takes time.Duration // for an answer
	lasts int           // seconds, in the answer

	mu    sync.Mutex
	asked []asked
	down  error  // there is no answer
	says  string // instead of a token, with status 401
}

type asked struct {
	url  string
	form url.Values
}

func (t *tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.asked = append(t.asked, asked{r.URL.String(), form})
	n, down, says := len(t.asked), t.down, t.says
	t.mu.Unlock()
	select {
	case <-time.After(t.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if down != nil {
		return nil, down
	}
	status, body := 200, fmt.Sprintf(`{"access_token":"%stoken-%d","token_type":"Bearer","expires_in":%d}`, hidden, n, t.lasts)
	if says != "" {
		status, body = 401, says
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func (t *tokens) set(down error, says string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down, t.says = down, says
}

func (t *tokens) calls() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.asked)
}

func (t *tokens) client() *http.Client { return &http.Client{Transport: t} }

var entra = Entra{Tenant: "contoso", Client: "app", Secret: secret.New(hidden + "secret")}

// use applies a credential and returns the header it set.
func use(t *testing.T, a endpoint.Auth) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://provider.example/v1", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	err = a.Apply(t.Context(), r, nil)
	if err != nil && strings.Contains(err.Error(), hidden) {
		t.Errorf("a secret is in the error: %v", err)
	}
	return strings.ReplaceAll(r.Header.Get("Authorization"), hidden, ""), err
}

// token applies a credential that has to work and returns the token it set.
func token(t *testing.T, a endpoint.Auth) string {
	t.Helper()
	h, err := use(t, a)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(h, "Bearer ")
}

// applyWithin is use within a time of the caller's.
func applyWithin(ctx context.Context, a endpoint.Auth) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://provider.example/v1", http.NoBody)
	if err != nil {
		return err
	}
	return a.Apply(ctx, r, nil)
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// document returns a service account's key, with some of its members changed.
func document(t *testing.T, change map[string]string) secret.String {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey())
	if err != nil {
		t.Fatal(err)
	}
	d := map[string]string{
		"type": "service_account", "client_email": "gw@p.iam.gserviceaccount.com", "private_key_id": "key-1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   "https://tokens.example/token",
	}
	for k, v := range change {
		d[k] = v
	}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(string(b))
}
