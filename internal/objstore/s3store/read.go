package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Stat implements objstore.Store.
func (s *Store) Stat(ctx context.Context, key string) (objstore.Info, error) {
	info, _, err := s.stat(ctx, key)
	return info, err
}

// stat also returns the id of the write that made the object, "" if it wasn't ours.
func (s *Store) stat(ctx context.Context, key string) (info objstore.Info, id string, err error) {
	name, err := s.name(ctx, key)
	if err != nil {
		return info, "", err
	}
	var out *s3.HeadObjectOutput
	v, err := try(ctx, func(ctx context.Context) (err error) {
		out, err = s.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.cfg.Bucket, Key: name})
		return err
	})
	switch {
	case v == done:
		return infoOf(key, aws.ToInt64(out.ContentLength), out.ETag, out.LastModified), out.Metadata[writeID], nil
	case v == missing && noKey(err):
		return info, "", fmt.Errorf("stat %s in %s: %w", key, s, objstore.ErrNotFound)
	}
	return info, "", s.failed("stat", key, err)
}

func infoOf(key string, size int64, etag *string, modified *time.Time) objstore.Info {
	return objstore.Info{Key: key, Size: size, ETag: aws.ToString(etag), Modified: aws.ToTime(modified).Truncate(time.Second)}
}

// Get implements objstore.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	r := &reading{s: s, op: "get", key: key, length: math.MaxInt64, whole: true}
	return r.run(ctx)
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, objstore.Info, error) {
	if err := objstore.ValidRange(offset, length); err != nil {
		return nil, objstore.Info{}, fmt.Errorf("get range of %s: %w", key, err)
	}
	if length == 0 || offset == math.MaxInt64 {
		info, err := s.Stat(ctx, key)
		return []byte{}, info, err
	}
	r := &reading{s: s, op: "get range of", key: key, offset: offset, length: min(length, math.MaxInt64-offset)}
	return r.run(ctx)
}

// reading is one Get or GetRange, over as many requests as it takes.
type reading struct {
	s              *Store
	op, key        string
	offset, length int64 // what is asked for; there may be less
	whole          bool  // all there is

	info objstore.Info // once an answer has begun
	data []byte        // of the size that is to be had; nil before the first answer
	got  int           // bytes of data that are there
}

// maxResumes bounds how often a body is taken up again after it broke off.
const maxResumes = 20

func (r *reading) run(ctx context.Context) ([]byte, objstore.Info, error) {
	name, err := r.s.name(ctx, r.key)
	if err != nil {
		return nil, objstore.Info{}, err
	}
	left := tries
	for range maxResumes {
		before := r.got
		var v verdict
		v, err = attempt(ctx, func(ctx context.Context) error { return r.once(ctx, name) })
		switch {
		case v == done:
			return r.data, r.info, nil
		case v == missing && noKey(err):
			return nil, objstore.Info{}, fmt.Errorf("%s %s in %s: %w", r.op, r.key, r.s, objstore.ErrNotFound)
		case v == refused && beyond(err):
			info, err := r.s.Stat(ctx, r.key)
			return []byte{}, info, err
		case v == unmet: // it has changed since the first part came
			r.data, r.got = nil, 0
		case v == refused, v == missing:
			return nil, objstore.Info{}, r.s.failed(r.op, r.key, err)
		}
		if r.got > before {
			left = tries
		} else {
			left--
		}
		if left == 0 || !pause(ctx, tries-left+1) {
			break
		}
	}
	return nil, objstore.Info{}, r.s.failed(r.op, r.key, err)
}

// once sends one request for what is still to come, and reads it.
func (r *reading) once(ctx context.Context, name *string) error {
	in := &s3.GetObjectInput{Bucket: &r.s.cfg.Bucket, Key: name}
	if !r.whole || r.got > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", r.offset+int64(r.got), r.offset+r.length-1))
	}
	if r.got > 0 {
		in.IfMatch = &r.info.ETag
	}
	out, err := r.s.api.GetObject(ctx, in)
	if err != nil {
		return err
	}
	defer out.Body.Close()
	if r.data == nil {
		if err := r.begin(in, out); err != nil {
			return err
		}
	} else if _, err := total(out); err != nil {
		return err
	}
	return r.body(out.Body)
}

// begin takes from the first answer how much there is.
func (r *reading) begin(in *s3.GetObjectInput, out *s3.GetObjectOutput) error {
	size := aws.ToInt64(out.ContentLength)
	if in.Range != nil {
		var err error
		if size, err = total(out); err != nil {
			return err
		}
	}
	if out.ContentLength == nil {
		return errors.New("the answer doesn't say how long it is")
	}
	r.info = infoOf(r.key, size, out.ETag, out.LastModified)
	r.data = make([]byte, max(0, min(r.length, size-r.offset)))
	return nil
}

// body reads what an answer has. The end is read too: that is when checksums are compared.
func (r *reading) body(body io.Reader) error {
	n, err := io.ReadFull(body, r.data[r.got:])
	r.got += n
	if err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", r.got, len(r.data), err)
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(body, 1)); err != nil || n > 0 {
		r.data, r.got = nil, 0
		if n > 0 {
			return errors.New("the answer is longer than the object")
		}
		return fmt.Errorf("at the end of %d bytes: %w", r.info.Size, err)
	}
	return nil
}

// total is the object's size, out of an answer with a range of it.
func total(out *s3.GetObjectOutput) (int64, error) {
	_, after, ok := strings.Cut(aws.ToString(out.ContentRange), "/")
	if !ok {
		return 0, errors.New("the store ignores ranges: it can't be used")
	}
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("content range %q: %w", *out.ContentRange, err)
	}
	return n, nil
}

// beyond says whether a range began at or past the object's end.
func beyond(err error) bool {
	var re *smithyhttp.ResponseError
	return errors.As(err, &re) && re.HTTPStatusCode() == http.StatusRequestedRangeNotSatisfiable
}
