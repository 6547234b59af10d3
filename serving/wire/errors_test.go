package wire

import (
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
)

// TestParseError: errors as providers write them, and the dialects they can be passed on in.
func TestParseError(t *testing.T) {
	const oa, an, g, c = apierr.OpenAI, apierr.Anthropic, apierr.Google, apierr.Cohere
	tests := []struct {
		in, message, code string
		in1               []apierr.Dialect
	}{
		{`{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, "too long", "context_length_exceeded", []apierr.Dialect{oa}},
		{`{"error":{"code":"rate_limit_exceeded","message":"slow","type":"tokens"}}`, "slow", "rate_limit_exceeded", []apierr.Dialect{oa}},
		{`{"error":{"message":"x","type":"server_error","code":null}}`, "x", "server_error", []apierr.Dialect{oa}},
		{`{"error":"model not found"}`, "model not found", "", nil},
		{`{"object":"error","message":"bad","type":"BadRequestError"}`, "bad", "BadRequestError", []apierr.Dialect{c}},
		{`{"detail":"Not Found"}`, "Not Found", "", nil},
		{`{"error_code":"BAD_REQUEST","message":"no"}`, "no", "BAD_REQUEST", []apierr.Dialect{c}},
		{`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}`, "Overloaded", "overloaded_error", []apierr.Dialect{an}},
		{`{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[]}}`, "Quota", "RESOURCE_EXHAUSTED", []apierr.Dialect{oa, g}},
		{` [{"error":{"code":400,"message":"API key","status":"INVALID_ARGUMENT"}}]`, "API key", "INVALID_ARGUMENT", []apierr.Dialect{oa, g}},
		{`{"message":"The security token is invalid"}`, "The security token is invalid", "", []apierr.Dialect{c}},
		{`{"Message":"denied","__type":"AccessDeniedException"}`, "denied", "AccessDeniedException", nil},
		{`{}`, "", "", nil},
	}
	for _, tt := range tests {
		got, ok := ParseError([]byte(tt.in))
		if !ok || got.Message != tt.message || got.Code != tt.code {
			t.Errorf("ParseError(%s) = %+v, %v", tt.in, got, ok)
		}
		var in []apierr.Dialect
		for d := apierr.Databricks; d <= apierr.Cohere; d++ {
			if got.In(d) {
				in = append(in, d)
			}
		}
		if len(in) != len(tt.in1) || len(in) > 0 && in[0] != tt.in1[0] {
			t.Errorf("%s is in dialects %v, want %v", tt.in, in, tt.in1)
		}
	}
	for _, bad := range []string{"<html>", "", "[", "[1]", `["a"]`, `[{"a":`} {
		if e, ok := ParseError([]byte(bad)); ok {
			t.Errorf("%q passed for an error: %+v", bad, e)
		}
	}
}
