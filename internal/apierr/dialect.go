package apierr

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// Body renders the error in a dialect, as JSON.
func (e *Error) Body(d Dialect) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // people read these messages
	if err := enc.Encode(e.in(d)); err != nil {
		panic(err) // strings always marshal
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (e *Error) in(d Dialect) any {
	switch d {
	case OpenAI:
		return map[string]any{"error": map[string]any{
			"message": e.Message, "type": e.openAIType(), "param": nullable(e.Param), "code": e.openAICode(),
		}}
	case Anthropic:
		type inner struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		}
		return struct {
			Type  string `json:"type"`
			Error inner  `json:"error"`
		}{"error", inner{e.anthropicType(), e.Message}}
	case Google:
		type inner struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
			Status  string `json:"status"`
		}
		return struct {
			Error inner `json:"error"`
		}{inner{e.Status, e.Message, e.googleStatus()}}
	case Cohere:
		return struct {
			Message string `json:"message"`
		}{e.Message}
	default:
		return struct {
			ErrorCode Code   `json:"error_code"`
			Message   string `json:"message"`
		}{e.Code, e.Message}
	}
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// openAIType names the class of the error as OpenAI's API does.
func (e *Error) openAIType() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "authentication_error"
	case e.Status == http.StatusForbidden:
		return "permission_error"
	case e.Status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case e.Status >= 500:
		return "server_error"
	default:
		return "invalid_request_error"
	}
}

func (e *Error) openAICode() string {
	switch e.Code {
	case Unauthenticated:
		return "invalid_api_key"
	case EndpointNotFound:
		return "model_not_found"
	case RequestLimit:
		return "rate_limit_exceeded"
	default:
		return string(e.Code)
	}
}

// anthropicTypes are the types of Anthropic's API by status.
var anthropicTypes = map[int]string{
	400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
	404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error",
	503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
}

func (e *Error) anthropicType() string {
	switch t := anthropicTypes[e.Status]; {
	case t != "":
		return t
	case e.Status >= 500:
		return "api_error"
	default:
		return "invalid_request_error"
	}
}

// googleStatuses are the canonical codes of Google's APIs by HTTP status.
var googleStatuses = map[int]string{
	400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
	408: "DEADLINE_EXCEEDED", 409: "ABORTED", 413: "OUT_OF_RANGE", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED",
	500: "INTERNAL", 501: "UNIMPLEMENTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}

func (e *Error) googleStatus() string {
	switch s := googleStatuses[e.Status]; {
	case e.Code == AlreadyExists:
		return "ALREADY_EXISTS"
	case s != "":
		return s
	case e.Status >= 500:
		return "INTERNAL"
	default:
		return "INVALID_ARGUMENT"
	}
}
