package main

import (
	"context"
	"errors"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/control"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// newPlane joins the control plane with the lake and with what is in force.
func (a *app) newPlane() *control.Plane {
	return control.New(control.Deps{
		Store:   a.live.stored.store,
		Check:   a.live.check,
		Judge:   a.live.judge,
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
	read, done := l.reader(cfg, given)
	defer done()
	e, err := read(spec)
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

// judge says what is wrong with endpoints that are to be as specs say, all at once, while others go.
func (l *live) judge(specs [][]byte, gone []string) [][]control.Fault {
	cfg := l.config()
	read, done := l.reader(cfg, nil)
	defer done()
	fitter := cfg.Fitter()
	for _, name := range gone {
		fitter.Remove(name)
	}
	all := make([][]control.Fault, len(specs))
	made := make([]*config.Endpoint, len(specs))
	for i, spec := range specs {
		e, err := read(spec)
		var faults config.Faults
		switch {
		case errors.As(err, &faults):
			for _, f := range faults {
				all[i] = append(all[i], control.Fault{Path: f.Path, Message: f.Message})
			}
		case err != nil:
			all[i] = []control.Fault{{Message: err.Error()}}
		default:
			made[i] = e
			fitter.Remove(e.Name) // what it has now, another may get
		}
	}
	for i, e := range made {
		if e == nil {
			continue
		}
		if err := fitter.Add(e); err != nil {
			all[i] = []control.Fault{{Path: "name", Message: err.Error()}}
		}
	}
	return all
}

// reader returns what reads endpoints of the API by cfg; done ends it.
func (l *live) reader(cfg *config.Config, given map[string]secret.String) (read func(spec []byte) (*config.Endpoint, error), done func()) {
	var find config.Vault
	ctx, cancel := context.WithTimeout(context.Background(), memoryTimeout)
	if l.secrets != nil {
		find = withGiven(given, l.secrets.find(ctx, l.secrets.vault.Round(false)))
	}
	return func(spec []byte) (*config.Endpoint, error) { return cfg.ParseEndpoint(spec, find, &endpoint.Origin{}) }, cancel
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
