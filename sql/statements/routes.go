package statements

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

const (
	statementsPath = "/api/2.0/sql/statements"
	warehousesPath = "/api/2.0/sql/warehouses"
)

// caller is who sends a request.
type caller struct {
	principal inference.Principal
	allow     func(table string) bool
}

func (c caller) owner() owner { return ownerOf(c.principal) }

// handler answers a request with a JSON value, or with an error.
type handler func(c echo.Context, by caller) (any, *apierr.Error)

// Register adds the API's routes, each also with a slash at the end. Their errors are in Databricks'
// shape whatever e's own error handler does.
func (a *API) Register(e *echo.Echo) {
	for path, methods := range map[string]map[string]handler{
		statementsPath:                             {http.MethodPost: a.execute},
		statementsPath + "/:id":                    {http.MethodGet: a.get},
		statementsPath + "/:id/cancel":             {http.MethodPost: a.cancel},
		statementsPath + "/:id/result/chunks/:nth": {http.MethodGet: a.chunk},
		warehousesPath:                             {http.MethodGet: a.warehouses},
		warehousesPath + "/:id":                    {http.MethodGet: a.warehouse},
	} {
		h := a.route(methods)
		e.Any(path, h)
		e.Any(path+"/", h)
	}
	nothing := a.route(nil)
	e.Any(statementsPath+"/*", nothing)
	e.Any(warehousesPath+"/*", nothing)
}

// route makes an echo handler of the handlers of a path, by method; nil for a path with nothing.
func (a *API) route(methods map[string]handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := a.answer(c, methods)
		if err != nil {
			return writeError(c, err)
		}
		b, encodeErr := encode(v)
		if encodeErr != nil {
			a.deps.Logger.Error("render a statement's answer", "error", encodeErr)
			return writeError(c, apierr.New(apierr.Internal, "internal error"))
		}
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, b)
	}
}

func (a *API) answer(c echo.Context, methods map[string]handler) (any, *apierr.Error) {
	by, err := a.authenticate(c.Request())
	if err != nil {
		return nil, err
	}
	if methods == nil {
		return nil, apierr.New(apierr.ResourceNotFound, "there is nothing at this path")
	}
	h := methods[c.Request().Method]
	if h == nil {
		for m := range methods { // each path has one
			c.Response().Header().Set(echo.HeaderAllow, m)
		}
		return nil, apierr.New(apierr.MethodNotAllowed, "%s is not allowed here", c.Request().Method)
	}
	return h(c, by)
}

func (a *API) authenticate(r *http.Request) (caller, *apierr.Error) {
	scheme, token, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return caller{}, apierr.New(apierr.Unauthenticated, "the request has no API key; send one as \"Authorization: Bearer <key>\"")
	}
	p, allow, ok := a.deps.Authenticate(token)
	if !ok {
		return caller{}, apierr.New(apierr.Unauthenticated, "the API key is not valid")
	}
	return caller{p, allow}, nil
}

func writeError(c echo.Context, e *apierr.Error) error {
	h := c.Response().Header()
	if v := e.RetryAfterHeader(); v != "" {
		h.Set(echo.HeaderRetryAfter, v)
	}
	if e.Status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	return c.Blob(e.Status, echo.MIMEApplicationJSON, e.Body(apierr.Databricks))
}

// execute starts a statement and waits for it as long as the caller wants to.
func (a *API) execute(c echo.Context, by caller) (any, *apierr.Error) {
	o, err := readRequest(c, a.cfg.MaxBodyBytes)
	if err != nil {
		return nil, err
	}
	o.query.Principal, o.query.Allow = by.principal, by.allow
	st, err := a.start(by.owner(), o.query)
	if err != nil {
		return nil, err
	}
	if gone := wait(c.Request().Context(), st, o.wait); gone != nil || o.cancel {
		if o.cancel {
			a.shelf.end(st, &outcome{state: canceled, fault: cancelFault})
		}
		if gone != nil {
			return nil, apierr.New(apierr.ClientClosed, "the client went away").Because(gone)
		}
	}
	return answer(st.id, a.shelf.outcomeOf(st)), nil
}

// wait returns when the statement has ended or the time is over, and ctx's error when ctx ends first.
func wait(ctx context.Context, st *statement, d time.Duration) error {
	if d == 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-st.done:
		return nil
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// find returns the caller's statement. Another's gets the same answer as none.
func (a *API) find(c echo.Context, by caller) (*statement, *apierr.Error) {
	st := a.shelf.get(c.Param("id"), by.owner())
	if st == nil {
		return nil, apierr.New(apierr.ResourceNotFound, "there is no such statement, or it is not kept any more: statements are kept for %s after their end, and less when memory is short", a.cfg.ResultTTL)
	}
	return st, nil
}

func (a *API) get(c echo.Context, by caller) (any, *apierr.Error) {
	st, err := a.find(c, by)
	if err != nil {
		return nil, err
	}
	return answer(st.id, a.shelf.outcomeOf(st)), nil
}

// cancel ends a statement; one that has ended stays as it is.
func (a *API) cancel(c echo.Context, by caller) (any, *apierr.Error) {
	st, err := a.find(c, by)
	if err != nil {
		return nil, err
	}
	a.shelf.end(st, &outcome{state: canceled, fault: cancelFault})
	return struct{}{}, nil
}

func (a *API) chunk(c echo.Context, by caller) (any, *apierr.Error) {
	st, err := a.find(c, by)
	if err != nil {
		return nil, err
	}
	o := a.shelf.outcomeOf(st)
	if o == nil || o.result == nil {
		return nil, apierr.New(apierr.BadRequest, "the statement has no result: its state is %s", answer(st.id, o).Status.State)
	}
	n, bad := strconv.Atoi(c.Param("nth"))
	if bad != nil || n < 0 || n >= len(o.result.chunks) {
		return nil, invalid("chunk_index", "there is no chunk %s: the result's chunks are 0 to %d", quoted(c.Param("nth")), len(o.result.chunks)-1)
	}
	return o.result.chunk(st.id, n), nil
}
