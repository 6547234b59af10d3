package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/dashboards/monthclose"
	"github.com/lakegate/lakegate/dashboards/report"
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/auth"
)

// statementsPath is lakegate's own API; docs/chargeback.md describes it.
const statementsPath = "/api/lakegate/1.0/statements"

const maxCloseBody = 64 << 10

// registerStatements adds the statements to the gateway's routes. Administrators close months; who
// may read the usage table may read statements.
func (a *app) registerStatements(e *echo.Echo) {
	land := func(ctx context.Context) []string {
		if err := a.lake.Flush(ctx); err != nil {
			return []string{"this gateway has rows that could not be landed now: " + err.Error()}
		}
		return nil
	}
	b := newBooks(a.docs, usageLedger{a.query, a.store}, a.lake.Stats().LogID, land)
	g := e.Group(statementsPath)
	g.GET("", a.statement(false, func(c echo.Context, _ *auth.Key) (any, error) {
		all, err := b.List(c.Request().Context())
		for _, s := range all {
			s.Lines, s.Late, s.Replaces = nil, nil, nil // a list of heads
		}
		return all, err
	}))
	g.GET("/:month", a.statement(false, func(c echo.Context, _ *auth.Key) (any, error) {
		revision, err := revisionOf(c)
		if err != nil {
			return nil, err
		}
		return b.Get(c.Request().Context(), c.Param("month"), revision)
	}))
	g.GET("/:month/check", a.statement(false, func(c echo.Context, _ *auth.Key) (any, error) {
		revision, err := revisionOf(c)
		if err != nil {
			return nil, err
		}
		return b.Check(c.Request().Context(), b.ledger, c.Param("month"), revision)
	}))
	g.POST("", a.statement(true, func(c echo.Context, k *auth.Key) (any, error) {
		var q closeRequest
		d := json.NewDecoder(io.LimitReader(c.Request().Body, maxCloseBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&q); err != nil {
			return nil, apierr.New(apierr.BadRequest, "the body is not what closes a month: %s", err)
		}
		return b.close(c.Request().Context(), q, k.Principal.Name)
	}))
}

func revisionOf(c echo.Context) (int, error) {
	text := c.QueryParam("revision")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, apierr.New(apierr.InvalidParameter, "revision %q: want a number from 1", text).At("revision")
	}
	return n, nil
}

// statement wraps a handler: who may, and how answers and errors are sent.
func (a *app) statement(adminOnly bool, h func(echo.Context, *auth.Key) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, _ := strings.CutPrefix(c.Request().Header.Get("Authorization"), "Bearer ")
		k, ok := a.gwLive.Load().Keys.Lookup(token)
		var out any
		var err error
		switch {
		case !ok:
			err = apierr.New(apierr.Unauthenticated, "send a valid API key as Authorization: Bearer")
		case adminOnly && !k.Admin:
			err = apierr.New(apierr.PermissionDenied, "only administrators may close a month: the key %q is none (admin: true in the config file)", k.Name)
		case !k.MayRead(report.Ledger):
			err = apierr.New(apierr.PermissionDenied, "the key %q may not read %s", k.Name, report.Ledger)
		default:
			out, err = h(c, k)
		}
		if err != nil {
			e := statementFault(err)
			if e.Code == apierr.Internal {
				a.logger.Error("a statement could not be made or shown", "error", err)
			}
			return c.JSONBlob(e.Status, e.Body(apierr.Databricks))
		}
		return c.JSON(http.StatusOK, out)
	}
}

// statementFault says what a client is told. The texts of monthclose and report are made for it.
func statementFault(err error) *apierr.Error {
	var known *apierr.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, monthclose.ErrNotClosed):
		return apierr.New(apierr.ResourceNotFound, "%v", err)
	case errors.Is(err, monthclose.ErrClosed), errors.Is(err, monthclose.ErrSame):
		return apierr.New(apierr.AlreadyExists, "%v", err)
	case errors.Is(err, monthclose.ErrTooEarly), errors.Is(err, monthclose.ErrTampered):
		return apierr.New(apierr.Conflict, "%v", err)
	case errors.Is(err, monthclose.ErrRequest):
		return apierr.New(apierr.InvalidParameter, "%v", err)
	}
	return apierr.New(apierr.Internal, "something went wrong inside lakegate; its log says what").Because(err)
}

// remoteBook asks a running gateway.
type remoteBook struct{ *remote }

func (r remoteBook) close(ctx context.Context, q closeRequest) (*monthclose.Statement, error) {
	s := &monthclose.Statement{}
	return s, r.ask(ctx, http.MethodPost, "", q, s)
}

func (r remoteBook) list(ctx context.Context) ([]*monthclose.Statement, error) {
	var all []*monthclose.Statement
	return all, r.ask(ctx, http.MethodGet, "", nil, &all)
}

func (r remoteBook) get(ctx context.Context, month string, revision int) (*monthclose.Statement, error) {
	s := &monthclose.Statement{}
	return s, r.ask(ctx, http.MethodGet, monthPath(month, "", revision), nil, s)
}

func (r remoteBook) check(ctx context.Context, month string, revision int) (*monthclose.Check, error) {
	c := &monthclose.Check{}
	return c, r.ask(ctx, http.MethodGet, monthPath(month, "/check", revision), nil, c)
}

func (r remoteBook) ask(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return r.call(ctx, method, statementsPath+path, in, out)
}

func monthPath(month, what string, revision int) string {
	path := "/" + url.PathEscape(month) + what
	if revision > 0 {
		path += fmt.Sprintf("?revision=%d", revision)
	}
	return path
}
