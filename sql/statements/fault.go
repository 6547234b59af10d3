package statements

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// The error codes of a statement, of the list Databricks has for them.
const (
	codeBadRequest  = "BAD_REQUEST"
	codeCancelled   = "CANCELLED"
	codeDeadline    = "DEADLINE_EXCEEDED"
	codeExhausted   = "RESOURCE_EXHAUSTED"
	codeInternal    = "INTERNAL_ERROR"
	codeUnavailable = "TEMPORARILY_UNAVAILABLE"
)

// fault is why a statement has no result. It is immutable.
type fault struct {
	Code     string `json:"error_code"`
	Message  string `json:"message"`
	sqlState string
}

var (
	cancelFault   = &fault{codeCancelled, "the statement was cancelled", "57014"}
	timeoutFault  = &fault{codeDeadline, "the statement took too long and was stopped", "57014"}
	shutdownFault = &fault{codeUnavailable, "the server is shutting down; run the statement again", "57P01"}
	internalFault = &fault{codeInternal, "the statement could not be run", "XX000"}
)

// byClass says how the warehouse's failures are called here. What would fail again is BAD_REQUEST,
// as at Databricks, where clients retry some of the others.
var byClass = map[protocol.Class]struct{ code, sqlState string }{
	protocol.Syntax:      {codeBadRequest, "42601"},
	protocol.Refused:     {codeBadRequest, "42501"},
	protocol.NotFound:    {codeBadRequest, "42P01"},
	protocol.Unsupported: {codeBadRequest, "0A000"},
	protocol.Invalid:     {codeBadRequest, "42000"},
	protocol.TooLarge:    {codeBadRequest, "54000"},
	protocol.Memory:      {codeExhausted, "53200"},
	protocol.Timeout:     {codeDeadline, "57014"},
	protocol.Cancelled:   {codeCancelled, "57014"},
	protocol.Model:       {codeBadRequest, "38000"},
	protocol.Busy:        {codeUnavailable, "53000"},
	protocol.Internal:    {codeInternal, "XX000"},
}

// byCode is for errors that say nothing of a query's failure.
var byCode = map[apierr.Code]struct{ code, sqlState string }{
	apierr.BadRequest:       {codeBadRequest, "42000"},
	apierr.InvalidParameter: {codeBadRequest, "42000"},
	apierr.PermissionDenied: {codeBadRequest, "42501"},
	apierr.ResourceNotFound: {codeBadRequest, "42P01"},
	apierr.NotImplemented:   {codeBadRequest, "0A000"},
	apierr.TooLarge:         {codeBadRequest, "54000"},
	apierr.RequestLimit:     {codeExhausted, "53000"},
	apierr.ClientClosed:     {codeCancelled, "57014"},
	apierr.Unavailable:      {codeUnavailable, "53000"},
	apierr.UpstreamTimeout:  {codeDeadline, "57014"},
}

// faultOf returns what the caller is told of a query's error. Only texts written for callers get
// through: those of *apierr.Error and *protocol.Failure.
func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	var known *protocol.Failure
	if errors.As(err, &known) {
		if c, ok := byClass[warehouse.ClassOf(err)]; ok {
			return &fault{c.code, placed(known), c.sqlState}
		}
	}
	var public *apierr.Error
	if !errors.As(err, &public) {
		return internalFault
	}
	c, ok := byCode[public.Code]
	if !ok {
		return &fault{codeInternal, public.Message, internalFault.sqlState}
	}
	return &fault{c.code, public.Message, c.sqlState}
}

// placed is a failure's text with the place in the statement, which some texts have already.
func placed(f *protocol.Failure) string {
	if f.Line <= 0 || strings.Contains(f.Message, "(line ") {
		return f.Message
	}
	return fmt.Sprintf("%s (line %d, column %d)", f.Message, f.Line, f.Column)
}

// Error implements error.
func (f *fault) Error() string { return f.Code + ": " + f.Message }
