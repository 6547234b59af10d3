package console

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/dashboards/library"
	"github.com/lakegate/lakegate/dashboards/lvdash"
	"github.com/lakegate/lakegate/internal/apierr"
)

// reply writes an error in Databricks' dialect.
func reply(ec echo.Context, e *apierr.Error) error {
	return ec.JSONBlob(e.Status, e.Body(apierr.Databricks))
}

// fail writes any error: those with a text for clients as they are, the others as internal, logged.
func (c *Console) fail(ec echo.Context, doing string, err error) error {
	e := public(err)
	if e.Code == apierr.Internal {
		c.deps.Logger.Error("dashboards", "doing", doing, "err", err)
	}
	return reply(ec, e)
}

func public(err error) *apierr.Error {
	var known *apierr.Error
	var faults lvdash.Faults
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &faults):
		return apierr.New(apierr.InvalidParameter, "this is not a dashboard lakegate can read: %s", faults).At("serialized_dashboard")
	case errors.Is(err, library.ErrNotFound):
		return apierr.New(apierr.ResourceNotFound, "there is no such dashboard")
	case errors.Is(err, library.ErrChanged):
		return apierr.New(apierr.Conflict, "%s: read it again and repeat the change", library.ErrChanged)
	case errors.Is(err, library.ErrForbidden):
		return apierr.New(apierr.PermissionDenied, "%s", library.ErrForbidden)
	case errors.Is(err, library.ErrReadOnly):
		return apierr.New(apierr.PermissionDenied, "%s", library.ErrReadOnly)
	case errors.Is(err, library.ErrName):
		return apierr.New(apierr.InvalidParameter, "%s", library.ErrName).At("display_name")
	}
	return apierr.New(apierr.Internal, "something went wrong inside lakegate; its log says what").Because(err)
}

// readBody reads a body of at most max bytes.
func readBody(ec echo.Context, max int64) ([]byte, *apierr.Error) {
	b, err := io.ReadAll(http.MaxBytesReader(ec.Response(), ec.Request().Body, max))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, apierr.New(apierr.TooLarge, "the body is larger than %d bytes", max)
	case err != nil:
		return nil, apierr.New(apierr.BadRequest, "the body could not be read").Because(err)
	}
	return b, nil
}

// readJSON decodes a body; unknown fields are left alone, as Databricks does.
func readJSON(ec echo.Context, into any, max int64) *apierr.Error {
	b, e := readBody(ec, max)
	if e != nil {
		return e
	}
	err := json.Unmarshal(b, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return apierr.New(apierr.InvalidParameter, "the field %q is a %s, which it can't be", wrong.Field, wrong.Value).At(wrong.Field)
	case err != nil:
		return apierr.New(apierr.BadRequest, "the body is not JSON: %s", err)
	}
	return nil
}
