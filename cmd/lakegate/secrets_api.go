package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/secretstore"
	"github.com/lakegate/lakegate/serving/auth"
)

// secretsPath is Databricks' API of secrets, here over the store of this gateway or its lake; docs/secrets.md says what differs.
const secretsPath = "/api/2.0/secrets"

// maxSecretBody is room for a value in base64, or escaped.
const maxSecretBody = 1 << 20

// secretRequest is the body of every call that has one.
type secretRequest struct {
	Scope            string  `json:"scope"`
	Key              string  `json:"key"`
	StringValue      *string `json:"string_value"`
	BytesValue       *string `json:"bytes_value"`
	ScopeBackendType string  `json:"scope_backend_type"`
	InitialPrincipal string  `json:"initial_manage_principal"`
	KeyVault         any     `json:"backend_azure_keyvault"`
}

// secretCall is one call of an administrator.
type secretCall struct {
	store *secretstore.Store
	cfg   *config.Config
	secretRequest
}

// registerSecrets adds Databricks' API of secrets to the gateway's routes, for administrators. Values go in
// and never come out.
func (a *app) registerSecrets(e *echo.Echo) {
	g := e.Group(secretsPath)
	g.GET("/scopes/list", a.secrets("", listScopes))
	g.POST("/scopes/create", a.secrets("a scope of secrets was made", createScope))
	g.POST("/scopes/delete", a.secrets("a scope of secrets was deleted", func(ctx context.Context, c *secretCall) (any, error) {
		return struct{}{}, c.store.DeleteScope(ctx, c.Scope)
	}))
	g.GET("/list", a.secrets("", listSecrets))
	g.POST("/put", a.secrets("a secret was stored", putSecret))
	g.POST("/delete", a.secrets("a secret was deleted", func(ctx context.Context, c *secretCall) (any, error) {
		return struct{}{}, c.store.Delete(ctx, secretstore.Name{Scope: c.Scope, Key: c.Key})
	}))
	g.GET("/get", a.secrets("", func(context.Context, *secretCall) (any, error) {
		return nil, apierr.New(apierr.PermissionDenied, "values of secrets don't come back: endpoints refer to them as {{secrets/scope/key}}")
	}))
}

// secrets wraps a handler: who may, what is asked, how answers and errors are sent. done is logged with who
// did it; "" for calls that change nothing.
func (a *app) secrets(done string, h func(context.Context, *secretCall) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		k, err := a.admin(c)
		var out any
		ctx, cancel := context.WithTimeout(c.Request().Context(), memoryTimeout)
		defer cancel()
		call := &secretCall{cfg: a.live.config()}
		if err == nil {
			call.secretRequest, err = readSecretRequest(c)
		}
		if err == nil && c.Path() != secretsPath+"/scopes/list" {
			err = call.checkNames()
		}
		if err == nil {
			call.store, err = a.secretStore()
		}
		if err == nil {
			out, err = h(ctx, call)
		}
		if err != nil {
			e := secretFault(err, call)
			if e.Code == apierr.Internal || errors.Is(err, secretstore.ErrAway) {
				a.logger.Error("the store of secrets can't be used", "error", err)
			}
			return c.JSONBlob(e.Status, e.Body(apierr.Databricks))
		}
		if done != "" {
			a.logger.Info(done, "scope", call.Scope, "key", call.Key, "by", k.Principal.Name, "key_id", k.Name)
		}
		return c.JSON(http.StatusOK, out)
	}
}

// admin returns the key of a call, which must be an administrator's.
func (a *app) admin(c echo.Context) (*auth.Key, error) {
	token, _ := strings.CutPrefix(c.Request().Header.Get("Authorization"), "Bearer ")
	k, ok := a.gwLive.Load().Keys.Lookup(token)
	switch {
	case !ok:
		return nil, apierr.New(apierr.Unauthenticated, "send a valid API key as Authorization: Bearer")
	case !k.Admin:
		return nil, apierr.New(apierr.PermissionDenied, "secrets are for administrators: the key %q is none (admin: true in the config file)", k.Name)
	}
	return k, nil
}

// readSecretRequest reads the query or the body. Errors don't repeat the body: it has a value.
func readSecretRequest(c echo.Context) (q secretRequest, err error) {
	if c.Request().Method == http.MethodGet {
		return secretRequest{Scope: c.QueryParam("scope"), Key: c.QueryParam("key")}, nil
	}
	b, err := io.ReadAll(io.LimitReader(c.Request().Body, maxSecretBody+1))
	if err != nil {
		return q, apierr.New(apierr.BadRequest, "the body can't be read")
	}
	if len(b) > maxSecretBody {
		return q, apierr.New(apierr.TooLarge, "the body is larger than %d bytes", maxSecretBody)
	}
	if json.Unmarshal(b, &q) != nil {
		return q, apierr.New(apierr.BadRequest, "the body is no JSON object of scope, key and string_value or bytes_value")
	}
	return q, nil
}

func listScopes(ctx context.Context, c *secretCall) (any, error) {
	type scope struct {
		Name    string `json:"name"`
		Backend string `json:"backend_type"`
	}
	names, err := c.store.Scopes(ctx)
	all := make([]scope, len(names))
	for i, name := range names {
		all[i] = scope{name, "DATABRICKS"}
	}
	return map[string]any{"scopes": all}, err
}

func createScope(ctx context.Context, c *secretCall) (any, error) {
	switch {
	case c.KeyVault != nil, c.ScopeBackendType != "" && c.ScopeBackendType != "DATABRICKS":
		return nil, apierr.New(apierr.InvalidParameter, "scopes are in the store of the gateway: leave out scope_backend_type and backend_azure_keyvault").At("scope_backend_type")
	case c.InitialPrincipal != "" && c.InitialPrincipal != "users":
		return nil, apierr.New(apierr.InvalidParameter, "want users, or nothing: administrators manage every scope").At("initial_manage_principal")
	}
	if err := c.elsewhere(); err != nil {
		return nil, err
	}
	return struct{}{}, c.store.AddScope(ctx, c.Scope)
}

func listSecrets(ctx context.Context, c *secretCall) (any, error) {
	type metadata struct {
		Key     string `json:"key"`
		Updated int64  `json:"last_updated_timestamp"`
	}
	if err := c.there(ctx); err != nil {
		return nil, err
	}
	entries, err := c.store.List(ctx)
	all := []metadata{}
	for _, e := range entries {
		if e.Scope == c.Scope {
			all = append(all, metadata{e.Key, e.Updated.UnixMilli()})
		}
	}
	return map[string]any{"secrets": all}, err
}

func putSecret(ctx context.Context, c *secretCall) (any, error) {
	var value secret.String
	switch {
	case (c.StringValue == nil) == (c.BytesValue == nil):
		return nil, apierr.New(apierr.InvalidParameter, "give one of string_value and bytes_value")
	case c.StringValue != nil:
		value = secret.New(*c.StringValue)
	default:
		b, err := base64.StdEncoding.DecodeString(*c.BytesValue)
		if err != nil {
			return nil, apierr.New(apierr.InvalidParameter, "bytes_value is not base64").At("bytes_value")
		}
		value = secret.New(string(b))
	}
	if err := c.elsewhere(); err != nil {
		return nil, err
	}
	if c.Key == "" {
		return nil, apierr.New(apierr.InvalidParameter, "it is required").At("key")
	}
	if err := secretstore.CheckValue(value); err != nil {
		return nil, apierr.New(apierr.InvalidParameter, "%v", err)
	}
	if err := c.there(ctx); err != nil {
		return nil, err
	}
	_, err := c.store.Put(ctx, secretstore.Name{Scope: c.Scope, Key: c.Key}, value, time.Now())
	return struct{}{}, err
}

// checkNames checks what the client says of scope and key, before anything repeats it.
func (c *secretCall) checkNames() error {
	if err := secretstore.CheckName("scope", c.Scope); err != nil {
		return apierr.New(apierr.InvalidParameter, "%v", err).At("scope")
	}
	if c.Key == "" {
		return nil
	}
	if err := secretstore.CheckName("key", c.Key); err != nil {
		return apierr.New(apierr.InvalidParameter, "%v", err).At("key")
	}
	return nil
}

// elsewhere refuses a scope that the config file has elsewhere: it would never be looked for in the store. It
// refuses the one, too, whose secrets come and go with endpoints.
func (c *secretCall) elsewhere() error {
	if c.Scope == secret.Given {
		return apierr.New(apierr.BadRequest, "%s", errGivenScope).At("scope")
	}
	if from, ok := c.cfg.Secrets.Scopes[c.Scope]; ok && from.From != config.FromStore {
		return apierr.New(apierr.BadRequest, "the config file says that scope %s is from: %s; change it there", c.Scope, from.From)
	}
	return nil
}

// there checks that the store has the scope.
func (c *secretCall) there(ctx context.Context) error {
	names, err := c.store.Scopes(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == c.Scope {
			return nil
		}
	}
	return secretstore.ErrNoScope
}

// secretFault says what a client is told.
func secretFault(err error, c *secretCall) *apierr.Error {
	var known *apierr.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, secretstore.ErrNoStore), errors.Is(err, secretstore.ErrNoScope):
		return apierr.New(apierr.ResourceNotFound, "Scope %s does not exist!", c.Scope)
	case errors.Is(err, secretstore.ErrNoSecret):
		return apierr.New(apierr.ResourceNotFound, "Secret does not exist with scope: %s and key: %s", c.Scope, c.Key)
	case errors.Is(err, secretstore.ErrScope):
		e := apierr.New(apierr.AlreadyExists, "Scope %s already exists!", c.Scope)
		e.Status = http.StatusBadRequest // as Databricks has it
		return e
	case errors.Is(err, secretstore.ErrAway):
		return apierr.New(apierr.Unavailable, "the lake, where the store of secrets is, can't be reached; calls go on with the secrets there were, try again later").Because(err)
	case errors.Is(err, secretstore.ErrBusy):
		return apierr.New(apierr.Conflict, "%v", secretstore.ErrBusy)
	}
	return apierr.New(apierr.Internal, "the store of secrets can't be used: %v", err).Because(err) // who reads it is an administrator
}
