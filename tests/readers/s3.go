package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/tests/suite"
)

// runS3 has delta-rs, which creates versions under a condition as we do, write to a table on a real
// S3 server.
func runS3(ctx context.Context, s *suite.Suite, e *engines, dir string, seed uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	server, err := s3test.Start(ctx, dir)
	if errors.Is(err, s3test.ErrUnavailable) {
		s.Skip("S3", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	defer server.Kill()
	store, err := s3store.Open(ctx, s3store.Config{
		Bucket: s3test.Bucket, Prefix: "readers", Region: s3test.Region, Endpoint: server.Endpoint, PathStyle: true,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	at := place{address: "s3://" + s3test.Bucket + "/readers", options: map[string]string{
		"aws_endpoint": server.Endpoint, "aws_region": s3test.Region, "aws_allow_http": "true", "aws_virtual_hosted_style_request": "false",
		"aws_access_key_id": s3test.AccessKey, "aws_secret_access_key": s3test.SecretKey, "aws_conditional_put": "etag",
	}}
	return runForeignDeltaRS(ctx, s, e, store, at, seed)
}
