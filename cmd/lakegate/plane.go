package main

import (
	"context"
	"errors"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/control"
)

// newPlane joins the control plane with the lake and with what is in force.
func (a *app) newPlane() *control.Plane {
	return control.New(control.Deps{
		Store:   a.live.stored.store,
		Check:   a.live.check,
		Secrets: a.givenSecrets(),
		InFile:  func(name string) bool { return a.live.config().InFile(name) },
		Follow:  a.live.follow,
		Record:  func(row *inference.Audit) error { return a.lake.Audit(row) },
		Logger:  a.logger,
	})
}

// check decides whether an endpoint may be made or changed to spec.
func (l *live) check(spec []byte, given map[string]secret.String) error {
	cfg := l.config()
	var find config.Vault
	if l.secrets != nil {
		ctx, cancel := context.WithTimeout(context.Background(), memoryTimeout)
		defer cancel()
		find = withGiven(given, l.secrets.find(ctx, l.secrets.vault.Round(false)))
	}
	e, err := cfg.ParseEndpoint(spec, find, nil)
	var faults config.Faults
	if errors.As(err, &faults) {
		return refusal(faults)
	}
	if err != nil {
		return err
	}
	if err := cfg.Fits(e); err != nil {
		return apierr.New(apierr.InvalidParameter, "%s", err)
	}
	return nil
}

// withGiven finds the secrets of a request before they are stored.
func withGiven(given map[string]secret.String, find config.Vault) config.Vault {
	return func(c *config.Config, from config.SecretScope, scope, key string) (secret.String, string, error) {
		if value, ok := given[key]; ok && scope == secret.Given {
			return value, "the request", nil
		}
		return find(c, from, scope, key)
	}
}

// refusal says in Databricks' words what is wrong with an endpoint: an unknown field alone, since it
// may be a misspelt one that others miss; else everything, a line each.
func refusal(faults config.Faults) error {
	for _, f := range faults {
		if f.Unknown != "" {
			e := apierr.New(apierr.BadRequest, "Bad request: json: unknown field %q (%s)", f.Unknown, f)
			return e.At(f.Path)
		}
	}
	return apierr.New(apierr.InvalidParameter, "Invalid endpoint: %s", faults).At(faults[0].Path)
}
