package serving_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/gateway"
)

// Databricks' clients find a workspace here without a key, and are told what to sign in with.
func TestDiscovery(t *testing.T) {
	l := newLab(t, provide, func(c *serving.Config, _ *gateway.Config) { c.AccountID, c.WorkspaceID = "acme", "7" })
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := l.client.Get(l.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, strings.TrimSpace(string(b))
	}
	want := `{"oidc_endpoint":"` + l.url + `/oidc","account_id":"acme","workspace_id":"7","host_type":"WORKSPACE_HOST"}`
	if status, body := get("/.well-known/databricks-config"); status != http.StatusOK || body != want {
		t.Errorf("databricks-config: %d %s", status, body)
	}
	if status, body := get("/oidc/.well-known/oauth-authorization-server"); status != http.StatusNotImplemented || !strings.Contains(body, "use an API key of the gateway as the token") {
		t.Errorf("oidc: %d %s", status, body)
	}
}
