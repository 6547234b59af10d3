package apierr

import (
	"errors"
	"testing"
	"time"
)

func TestBody(t *testing.T) {
	tests := []struct {
		err                *Error
		status             int
		databricks, openAI string
	}{
		{
			New(EndpointNotFound, "endpoint %q does not exist", "chat"), 404,
			`{"error_code":"ENDPOINT_NOT_FOUND","message":"endpoint \"chat\" does not exist"}`,
			`{"error":{"code":"model_not_found","message":"endpoint \"chat\" does not exist","param":null,"type":"invalid_request_error"}}`,
		},
		{
			New(Unauthenticated, "no <key>"), 401,
			`{"error_code":"UNAUTHENTICATED","message":"no <key>"}`,
			`{"error":{"code":"invalid_api_key","message":"no <key>","param":null,"type":"authentication_error"}}`,
		},
		{
			New(InvalidParameter, "bad").At("stream"), 400,
			`{"error_code":"INVALID_PARAMETER_VALUE","message":"bad"}`,
			`{"error":{"code":"INVALID_PARAMETER_VALUE","message":"bad","param":"stream","type":"invalid_request_error"}}`,
		},
		{
			New(RequestLimit, "slow down"), 429,
			`{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow down"}`,
			`{"error":{"code":"rate_limit_exceeded","message":"slow down","param":null,"type":"rate_limit_error"}}`,
		},
		{
			New(PermissionDenied, "no").Because(errors.New("secret cause")), 403,
			`{"error_code":"PERMISSION_DENIED","message":"no"}`,
			`{"error":{"code":"PERMISSION_DENIED","message":"no","param":null,"type":"permission_error"}}`,
		},
		{
			New(Unavailable, "later"), 503,
			`{"error_code":"TEMPORARILY_UNAVAILABLE","message":"later"}`,
			`{"error":{"code":"TEMPORARILY_UNAVAILABLE","message":"later","param":null,"type":"server_error"}}`,
		},
	}
	for _, tt := range tests {
		if tt.err.Status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.err.Code, tt.err.Status, tt.status)
		}
		if got := string(tt.err.Body(Databricks)); got != tt.databricks {
			t.Errorf("databricks body\n got %s\nwant %s", got, tt.databricks)
		}
		if got := string(tt.err.Body(OpenAI)); got != tt.openAI {
			t.Errorf("openai body\n got %s\nwant %s", got, tt.openAI)
		}
	}
}

// TestOtherDialects: the types and status words that Anthropic's, Google's and Cohere's SDKs know.
func TestOtherDialects(t *testing.T) {
	slow := New(RequestLimit, "slow down")
	overloaded := &Error{Status: 529, Code: ProviderError, Message: "busy"}
	for _, tt := range []struct {
		err  *Error
		d    Dialect
		want string
	}{
		{slow, Anthropic, `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`},
		{slow, Google, `{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}`},
		{slow, Cohere, `{"message":"slow down"}`},
		{overloaded, Anthropic, `{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`},
		{overloaded, Google, `{"error":{"code":529,"message":"busy","status":"INTERNAL"}}`},
		{New(TooLarge, "big"), Anthropic, `{"type":"error","error":{"type":"request_too_large","message":"big"}}`},
		{New(MethodNotAllowed, "no"), Anthropic, `{"type":"error","error":{"type":"invalid_request_error","message":"no"}}`},
		{New(BadGateway, "no"), Anthropic, `{"type":"error","error":{"type":"api_error","message":"no"}}`},
		{New(EndpointNotFound, "no"), Google, `{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}`},
		{New(AlreadyExists, "no"), Google, `{"error":{"code":409,"message":"no","status":"ALREADY_EXISTS"}}`},
		{New(MethodNotAllowed, "no"), Google, `{"error":{"code":405,"message":"no","status":"INVALID_ARGUMENT"}}`},
	} {
		if got := string(tt.err.Body(tt.d)); got != tt.want {
			t.Errorf("got %s\nwant %s", got, tt.want)
		}
	}
}

func TestRetryAfterRoundsUp(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "", -time.Second: "", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Minute: "60",
	} {
		e := New(RequestLimit, "x")
		e.RetryAfter = d
		if got := e.RetryAfterHeader(); got != want {
			t.Errorf("RetryAfter %v renders %q, want %q", d, got, want)
		}
	}
}

func TestBecauseKeepsTheCauseAndTheOriginal(t *testing.T) {
	cause := errors.New("disk full")
	base := New(Unavailable, "the log is full")
	e := base.Because(cause)
	if !errors.Is(e, cause) {
		t.Error("the cause is lost")
	}
	if base.Err != nil {
		t.Error("Because changed the original")
	}
	if got := e.Error(); got != "TEMPORARILY_UNAVAILABLE: the log is full: disk full" {
		t.Errorf("Error() = %q", got)
	}
}
