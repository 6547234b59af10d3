package s3store

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/lakegate/lakegate/internal/objstore"
)

const (
	partsAtOnce  = 4
	abortTimeout = 10 * time.Second
)

// inParts sends the object in parts, with the condition on the last request. Unless that succeeds
// the parts are taken back, also when its outcome is unknown: a finished upload doesn't mind.
func (w *write) inParts(ctx context.Context) (info objstore.Info, err error) {
	var up *s3.CreateMultipartUploadOutput
	if _, err := try(ctx, func(ctx context.Context) (err error) {
		up, err = w.s.api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &w.s.cfg.Bucket, Key: w.name, Metadata: w.metadata(), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
		return err
	}); err != nil {
		return info, w.s.failed(w.op, w.key, err)
	}
	defer func() {
		if err != nil {
			w.abort(ctx, up.UploadId)
		}
	}()
	sent, err := w.sendParts(ctx, up.UploadId)
	if err != nil {
		return info, w.s.failed(w.op, w.key, err)
	}
	return w.send(ctx, func(ctx context.Context) (objstore.Info, error) {
		out, err := w.s.api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &w.s.cfg.Bucket, Key: w.name, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: sent},
			IfNoneMatch: w.ifNoneMatch, IfMatch: w.ifMatch,
		})
		if err != nil {
			return objstore.Info{}, err
		}
		return w.info(out.ETag, out.ResultMetadata), nil
	})
}

// sendParts sends the parts, a few at a time. The first one that fails ends the others.
func (w *write) sendParts(ctx context.Context, upload *string) ([]types.CompletedPart, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	size := w.s.cfg.PartBytes
	sent := make([]types.CompletedPart, (len(w.data)+size-1)/size)
	slots := make(chan struct{}, partsAtOnce)
	var wg sync.WaitGroup
	for i := range sent {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			part := w.data[i*size : min((i+1)*size, len(w.data))]
			var err error
			if sent[i], err = w.sendPart(ctx, upload, int32(i+1), part); err != nil {
				cancel(fmt.Errorf("part %d of %d: %w", i+1, len(sent), err))
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return sent, nil
}

func (w *write) sendPart(ctx context.Context, upload *string, number int32, part []byte) (types.CompletedPart, error) {
	var out *s3.UploadPartOutput
	_, err := try(ctx, func(ctx context.Context) (err error) {
		out, err = w.s.api.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &w.s.cfg.Bucket, Key: w.name, UploadId: upload, PartNumber: aws.Int32(number),
			Body: bytes.NewReader(part), ContentLength: aws.Int64(int64(len(part))), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
		return err
	})
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(number), ChecksumCRC32: out.ChecksumCRC32}, nil
}

// abort takes the parts back, also for a caller that is gone.
func (w *write) abort(ctx context.Context, upload *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	v, err := attempt(ctx, func(ctx context.Context) error {
		_, err := w.s.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &w.s.cfg.Bucket, Key: w.name, UploadId: upload})
		return err
	})
	if v != done && v != missing {
		w.s.logger.Warn("parts of an upload are left in the bucket: a lifecycle rule should remove incomplete uploads", "key", w.key, "error", err)
	}
}
