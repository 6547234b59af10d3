package s3store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/lakegate/lakegate/internal/objstore"
)

// List implements objstore.Store, a page of a thousand at a time. Objects whose names end in '/',
// with which some tools mark folders, are left out.
func (s *Store) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	return func(yield func(objstore.Info, error) bool) {
		if err := objstore.ValidPrefix(prefix); err != nil {
			yield(objstore.Info{}, err)
			return
		}
		in := &s3.ListObjectsV2Input{Bucket: &s.cfg.Bucket, Prefix: aws.String(s.prefix + prefix)}
		if startAfter != "" {
			in.StartAfter = aws.String(s.prefix + startAfter)
		}
		last := ""
		for {
			page, err := s.page(ctx, in)
			if err != nil {
				yield(objstore.Info{}, s.failed("list", prefix, err))
				return
			}
			for _, o := range page.Contents {
				name := aws.ToString(o.Key)
				if name <= last {
					yield(objstore.Info{}, fmt.Errorf("list %s in %s: %w: %q comes after %q (directory buckets don't sort)", prefix, s, objstore.ErrUnsafe, name, last))
					return
				}
				last = name
				key := strings.TrimPrefix(name, s.prefix)
				if strings.HasSuffix(key, "/") || key == "" {
					continue
				}
				if !yield(infoOf(key, aws.ToInt64(o.Size), nil, o.LastModified), nil) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			in.ContinuationToken = page.NextContinuationToken
		}
	}
}

func (s *Store) page(ctx context.Context, in *s3.ListObjectsV2Input) (page *s3.ListObjectsV2Output, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	_, err = try(ctx, func(ctx context.Context) (err error) {
		page, err = s.api.ListObjectsV2(ctx, in)
		return err
	})
	if err == nil && aws.ToBool(page.IsTruncated) && aws.ToString(page.NextContinuationToken) == "" {
		return nil, errors.New("a page says there is more, but not where")
	}
	return page, err
}
