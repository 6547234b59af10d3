package serving

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
)

// hostConfig is what Databricks' SDKs and command line ask a host for before anything else.
type hostConfig struct {
	OIDC        string `json:"oidc_endpoint"`
	AccountID   string `json:"account_id,omitempty"`
	WorkspaceID string `json:"workspace_id,omitempty"`
	HostType    string `json:"host_type"`
}

// discovery are the paths by which clients find out what this host is. They ask without a key.
func (s *Server) discovery() {
	s.echo.GET("/.well-known/databricks-config", func(c echo.Context) error {
		base := c.Scheme() + "://" + c.Request().Host
		return c.JSON(http.StatusOK, hostConfig{base + "/oidc", s.config.AccountID, s.config.WorkspaceID, "WORKSPACE_HOST"})
	})
	s.echo.Any("/oidc/*", func(echo.Context) error {
		return apierr.New(apierr.NotImplemented, "there is no sign-in by OAuth here: use an API key of the gateway as the token (DATABRICKS_TOKEN, or auth_type = pat)")
	})
}
