package warehouse

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/sql/protocol"
)

// codes says what a failure is called towards clients. Queries that are wrong are the caller's
// fault (400), so that a retry is not tried.
var codes = map[protocol.Class]apierr.Code{
	protocol.Syntax:      apierr.BadRequest,
	protocol.Refused:     apierr.PermissionDenied,
	protocol.NotFound:    apierr.ResourceNotFound,
	protocol.Unsupported: apierr.NotImplemented,
	protocol.Invalid:     apierr.BadRequest,
	protocol.TooLarge:    apierr.TooLarge,
	protocol.Memory:      apierr.BadRequest,
	protocol.Timeout:     apierr.UpstreamTimeout,
	protocol.Cancelled:   apierr.ClientClosed,
	protocol.Model:       apierr.BadRequest,
	protocol.Busy:        apierr.Unavailable,
	protocol.Internal:    apierr.Internal,
}

// publicError makes an *apierr.Error of what a query ended with.
func (w *Warehouse) publicError(ctx context.Context, err error) error {
	var ready *apierr.Error
	if errors.As(err, &ready) {
		return ready
	}
	var f *protocol.Failure
	if !errors.As(err, &f) {
		if ctx.Err() != nil {
			return apierr.New(apierr.ClientClosed, "the query was cancelled").Because(err)
		}
		return apierr.New(apierr.Internal, "the query could not be run").Because(err)
	}
	switch f.Class {
	case protocol.Timeout:
		w.stats.timeouts.Add(1)
	case protocol.Refused, protocol.NotFound:
		w.stats.refused.Add(1)
	}
	code, ok := codes[f.Class]
	if !ok {
		code = apierr.Internal
	}
	return apierr.New(code, "%s", f.Message).Because(f)
}

// ClassOf returns what kind of failure an error of Query or Stream is, "" for none.
func ClassOf(err error) protocol.Class {
	var f *protocol.Failure
	if errors.As(err, &f) {
		return f.Class
	}
	return ""
}

// errorText is what a person sees of a model call's error.
func errorText(err error) string {
	var e *apierr.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

func isClosedPipe(err error) bool {
	return errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE)
}
