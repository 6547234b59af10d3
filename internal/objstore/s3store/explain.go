package s3store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/lakegate/lakegate/internal/objstore"
)

// failed says which call failed, why, and what to do about it.
func (s *Store) failed(op, key string, err error) error {
	if hint := s.hint(err); hint != "" {
		return fmt.Errorf("%s %s in %s: %s: %w", op, key, s, hint, short(err))
	}
	return fmt.Errorf("%s %s in %s: %w", op, key, s, short(err))
}

// unknown is failed for a write that may have happened.
func (s *Store) unknown(op, key string, err error) error {
	return fmt.Errorf("%w: %w", objstore.ErrUnknown, s.failed(op, key, err))
}

// hint is what a person should do about an error, or "".
func (s *Store) hint(err error) string {
	var api smithy.APIError
	var dial *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	code, status := "", 0
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	re := answered(err)
	if re != nil {
		status = re.HTTPStatusCode()
	}
	switch {
	case code == "NoSuchBucket":
		return fmt.Sprintf("there is no bucket %s: create it, or correct the lake's URL", s.cfg.Bucket)
	case code == "InvalidAccessKeyId" || code == "XAdminUserNotFound": // versitygw's word for it
		return "the store doesn't know the access key: correct access_key_id, or what the environment gives"
	case code == "SignatureDoesNotMatch":
		return "the secret access key doesn't fit the access key: correct secret_access_key, or what the environment gives"
	case code == "ExpiredToken":
		return "the credentials have expired: renew them"
	case code == "RequestTimeTooSkewed":
		return "this machine's clock is wrong: set it"
	case code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" || code == "IllegalLocationConstraintException" || status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect:
		return fmt.Sprintf("the bucket is in another region than %s%s: set the lake's region", s.api.Options().Region, foundRegion(re))
	case status == http.StatusForbidden:
		return "access denied: allow s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload on the objects and s3:ListBucket on the bucket"
	case code == "NotImplemented" || status == http.StatusNotImplemented:
		return "the store can't do this: lakegate needs conditional writes"
	case errors.As(err, &dns):
		return fmt.Sprintf("no such host %s: correct the endpoint%s", dns.Name, s.stylish())
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Sprintf("can't connect to %s: is the endpoint right, the store up and the way open", dial.Addr)
	case errors.As(err, &cert):
		return "the store's certificate isn't trusted here: install its authority, or correct the endpoint"
	case errors.Is(err, errStalled):
		return "the store doesn't answer"
	case status == 0 && code == "" && isCredentials(err):
		return "no credentials: set access_key_id and secret_access_key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role"
	}
	return ""
}

func foundRegion(re *smithyhttp.ResponseError) string {
	if re == nil || re.Response.Header.Get("X-Amz-Bucket-Region") == "" {
		return ""
	}
	return " (it is in " + re.Response.Header.Get("X-Amz-Bucket-Region") + ")"
}

func (s *Store) stylish() string {
	if s.cfg.Endpoint == "" || s.cfg.PathStyle {
		return ""
	}
	return ", or set path_style"
}

// isCredentials says whether a request failed before it was signed.
func isCredentials(err error) bool {
	var op *smithy.OperationError
	var send *smithyhttp.RequestSendError
	var cancelled *smithy.CanceledError
	return errors.As(err, &op) && !errors.As(err, &send) && !errors.As(err, &cancelled) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// short drops what the SDK puts before the reason ("operation error S3: PutObject, https response
// error StatusCode: 0, RequestID: , ...").
func short(err error) error {
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) && answered(err) == nil {
		return send.Err // there was no answer, so nothing to say of it
	}
	var op *smithy.OperationError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// noKey says whether a 404 is about the object, and not about the bucket or the caller.
func noKey(err error) bool { return hasCode(err, "NoSuchKey", "NotFound") }

// hasCode says whether the store named one of these reasons.
func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
