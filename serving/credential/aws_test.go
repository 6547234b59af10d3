package credential

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/lakegate/lakegate/internal/secret"
)

func signed(t *testing.T, a AWS, body string) http.Header {
	t.Helper()
	x := NewSet(nil).AWS(a)
	url := "https://bedrock-runtime.eu-central-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if err := x.Apply(context.WithoutCancel(t.Context()), r, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != body {
		t.Errorf("the body is %q now, %v", b, err)
	}
	return r.Header
}

var awsAccount = AWS{Region: "eu-central-1", Service: "bedrock", KeyID: secret.New("AKIDEXAMPLE"), Key: secret.New(hidden + "key")}

// The clock of the bubble stands at 2000-01-01, so the signature is always the same. It was
// compared with what botocore makes of the same request.
func TestAWSSigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := signed(t, awsAccount, `{"messages":[]}`)
		if h.Get("X-Amz-Date") != "20000101T000000Z" {
			t.Errorf("date %s", h.Get("X-Amz-Date"))
		}
		const want = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20000101/eu-central-1/bedrock/aws4_request, " +
			"SignedHeaders=content-length;content-type;host;x-amz-date, " +
			"Signature=5f8a12e039a3378a24255c8cb319b9b4370170a57925baf1130a805dfd7c956e"
		if got := h.Get("Authorization"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if other := signed(t, awsAccount, `{"messages":[1]}`); other.Get("Authorization") == h.Get("Authorization") {
			t.Error("another body has the same signature")
		}
	})
}

func TestAWSKeysFromTheSDKsChain(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDFROMENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", hidden+"env")
	t.Setenv("AWS_SESSION_TOKEN", hidden+"session")
	h := signed(t, AWS{Region: "us-east-1", Service: "bedrock"}, "{}")
	if !strings.Contains(h.Get("Authorization"), "Credential=AKIDFROMENV/") || h.Get("X-Amz-Security-Token") != hidden+"session" {
		t.Errorf("header %v", h)
	}
}

func TestNoAWSKeysAnywhere(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none")
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_WEB_IDENTITY_TOKEN_FILE": "",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
	} {
		t.Setenv(k, v)
	}
	_, err := use(t, NewSet(nil).AWS(AWS{Region: "us-east-1", Service: "bedrock"}))
	if err == nil || !strings.HasPrefix(err.Error(), "the AWS SDK gave no credential: ") {
		t.Errorf("error = %v", err)
	}
}

func TestAWSSecrets(t *testing.T) {
	x := NewSet(nil).AWS(awsAccount)
	x.Refused() // keys that were given are all there are
	if got := x.Secrets(); len(got) != 1 || got[0] != hidden+"key" {
		t.Errorf("secrets = %v", got)
	}
}
