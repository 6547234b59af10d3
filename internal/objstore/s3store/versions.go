package s3store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// KeepsVersions reports whether the bucket keeps what is overwritten and deleted, or did and may have
// some left. The lake needs none of it.
func (s *Store) KeepsVersions(ctx context.Context) (bool, error) {
	out, err := s.api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: aws.String(s.cfg.Bucket)})
	if err != nil {
		return false, fmt.Errorf("ask whether bucket %s keeps versions: %w", s.cfg.Bucket, err)
	}
	return out.Status == types.BucketVersioningStatusEnabled || out.Status == types.BucketVersioningStatusSuspended, nil
}
