// Package apierr is the one error that may reach a client, rendered in the dialect of the API
// that was called.
//
// Its Message is written by hand for the caller to read: what was wrong and what to do. It never
// holds a secret, a prompt or another tenant's name; the cause, for the log, is Err. An Error is
// immutable and safe for concurrent use.
package apierr

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Code is the reason in Databricks' words; each dialect renders it in its own.
type Code string

// The codes, with the HTTP status each one has by default.
const (
	BadRequest       Code = "BAD_REQUEST"             // 400
	InvalidParameter Code = "INVALID_PARAMETER_VALUE" // 400
	Unauthenticated  Code = "UNAUTHENTICATED"         // 401
	PermissionDenied Code = "PERMISSION_DENIED"       // 403
	EndpointNotFound Code = "ENDPOINT_NOT_FOUND"      // 404
	ResourceNotFound Code = "RESOURCE_DOES_NOT_EXIST" // 404
	MethodNotAllowed Code = "METHOD_NOT_ALLOWED"      // 405
	AlreadyExists    Code = "RESOURCE_ALREADY_EXISTS" // 409
	Conflict         Code = "RESOURCE_CONFLICT"       // 409
	TooLarge         Code = "REQUEST_TOO_LARGE"       // 413
	RequestLimit     Code = "REQUEST_LIMIT_EXCEEDED"  // 429
	ClientClosed     Code = "CLIENT_CLOSED_REQUEST"   // 499
	Internal         Code = "INTERNAL_ERROR"          // 500
	NotImplemented   Code = "NOT_IMPLEMENTED"         // 501
	BadGateway       Code = "BAD_GATEWAY"             // 502, the provider answered nonsense
	Unavailable      Code = "TEMPORARILY_UNAVAILABLE" // 503
	UpstreamTimeout  Code = "DEADLINE_EXCEEDED"       // 504
	ProviderError    Code = "EXTERNAL_MODEL_ERROR"    // status is the provider's
)

var statusOf = map[Code]int{
	BadRequest: 400, InvalidParameter: 400, Unauthenticated: 401, PermissionDenied: 403,
	EndpointNotFound: 404, ResourceNotFound: 404, MethodNotAllowed: 405, AlreadyExists: 409,
	Conflict: 409, TooLarge: 413, RequestLimit: 429, ClientClosed: 499, Internal: 500,
	NotImplemented: 501, BadGateway: 502, Unavailable: 503, UpstreamTimeout: 504,
}

// Error is what a client is told.
type Error struct {
	Status     int // HTTP status
	Code       Code
	Message    string
	Param      string        // the field at fault, when one is
	RetryAfter time.Duration // > 0 sends Retry-After, rounded up to whole seconds
	Err        error         // cause, for the log only
}

// New returns an error with the code's own status.
func New(code Code, format string, args ...any) *Error {
	s, ok := statusOf[code]
	if !ok {
		s = http.StatusInternalServerError
	}
	return &Error{Status: s, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e with its cause.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// At returns a copy of e that names the field at fault.
func (e *Error) At(param string) *Error {
	c := *e
	c.Param = param
	return &c
}

// Error implements error, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Dialect is the shape of error bodies of an API.
type Dialect int

// The dialects.
const (
	Databricks Dialect = iota // {"error_code":"...","message":"..."}
	OpenAI                    // {"error":{"message","type","param","code"}}
	Anthropic                 // {"type":"error","error":{"type","message"},"request_id"}
	Google                    // {"error":{"code","message","status","details"}}
	Cohere                    // {"message"}
)

// RetryAfterHeader returns the value of Retry-After, or "" when there is none to send.
func (e *Error) RetryAfterHeader() string {
	if e.RetryAfter <= 0 {
		return ""
	}
	return strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10)
}
