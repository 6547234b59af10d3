package awssecrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/vault"
)

// hidden is in every secret: where it shows, a secret leaked.
const hidden = "hunter2-"

// fakeServer answers GetSecretValue in AWS's JSON protocol, by the secret's name.
func fakeServer(t *testing.T) *httptest.Server {
	t.Helper()
	fail := func(w http.ResponseWriter, status int, kind string) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%q,"Message":"about %s"}`, kind, hidden)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ SecretId string }
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			t.Error(err)
		}
		if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/secretsmanager/aws4_request") {
			t.Errorf("headers %v", r.Header)
		}
		switch ask.SecretId {
		case "text":
			fmt.Fprintf(w, `{"Name":"text","VersionId":"v1","SecretString":"{\"api-key\":\"%s\"}","VersionStages":["AWSCURRENT"]}`, hidden)
		case "binary":
			fmt.Fprint(w, `{"Name":"binary","SecretBinary":"aHVudGVyMi0="}`)
		case "denied":
			fail(w, 400, "AccessDeniedException")
		case "deleted":
			fail(w, 400, "InvalidRequestException")
		case "sealed":
			fail(w, 400, "DecryptionFailure")
		case "odd":
			fail(w, 400, "SomethingElse")
		default:
			fail(w, 400, "ResourceNotFoundException")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func credentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", hidden+"aws")
	t.Setenv("AWS_CONFIG_FILE", "/nowhere")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
}

func TestFetch(t *testing.T) {
	credentials(t)
	s, m := fakeServer(t), New()
	for name, want := range map[string]string{"text": `{"api-key":"hunter2-"}`, "binary": hidden} {
		v, err := m.Fetch(t.Context(), "eu-central-1", s.URL, name)
		if err != nil || v.Reveal() != want {
			t.Errorf("%s: %v; right value %v", name, err, v.Reveal() == want)
		}
	}
	for name, want := range map[string]string{
		"none":    "there is no such secret in this account and region",
		"deleted": "marked for deletion",
		"denied":  "secretsmanager:GetSecretValue",
		"sealed":  "kms:Decrypt",
		"odd":     `AWS answered "SomethingElse"`,
	} {
		_, err := m.Fetch(t.Context(), "eu-central-1", s.URL, name)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), hidden) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want %q", name, err, want)
		}
		if errors.Is(err, vault.ErrGone) != (name == "none" || name == "deleted") {
			t.Errorf("%s: is it gone? %v", name, err)
		}
	}
}

func TestAWSIsAway(t *testing.T) {
	credentials(t)
	s := fakeServer(t)
	s.Close()
	if _, err := New().Fetch(t.Context(), "eu-central-1", s.URL, "text"); err == nil || errors.Is(err, vault.ErrGone) || !strings.Contains(err.Error(), "can't be asked") {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := New().Fetch(t.Context(), "", s.URL, "text"); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("no region: %v", err)
	}
	ended, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	if _, err := New().Fetch(ended, "eu-central-1", s.URL, "text"); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("no time: %v", err)
	}
}
