package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/objstore"
)

// writeID is the metadata that says which write made an object.
const writeID = "lakegate-write"

// write is one Put, Create or Replace, over as many requests as it takes.
type write struct {
	s       *Store
	op, key string
	name    *string // in the bucket
	data    []byte
	id      string

	// The condition: at most one. unmet is what its refusal means.
	ifNoneMatch, ifMatch *string
	unmet                error
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return s.write(ctx, write{op: "put", key: key, data: data})
}

// Create implements objstore.Store.
func (s *Store) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return s.write(ctx, write{op: "create", key: key, data: data, ifNoneMatch: aws.String("*"), unmet: objstore.ErrExists})
}

// Replace implements objstore.Store.
func (s *Store) Replace(ctx context.Context, key, etag string, data []byte) (objstore.Info, error) {
	w := write{op: "replace", key: key, data: data, ifMatch: &etag, unmet: objstore.ErrChanged}
	if etag == "" && objstore.ValidKey(key) == nil && ctx.Err() == nil {
		return objstore.Info{}, w.refused() // "" would be no condition
	}
	return s.write(ctx, w)
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	name, err := s.name(ctx, key)
	if err != nil {
		return err
	}
	v, err := try(ctx, func(ctx context.Context) error {
		_, err := s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.cfg.Bucket, Key: name})
		return err
	})
	switch {
	case v == done, v == missing && noKey(err):
		return nil
	case v == doubtful:
		return s.unknown("delete", key, err)
	}
	return s.failed("delete", key, err)
}

func (s *Store) write(ctx context.Context, w write) (objstore.Info, error) {
	var err error
	if w.name, err = s.name(ctx, w.key); err != nil {
		return objstore.Info{}, err
	}
	w.s, w.id = s, uuid.NewString()
	if len(w.data) > s.cfg.PartBytes {
		return w.inParts(ctx)
	}
	return w.send(ctx, w.whole)
}

// send sends the request that makes the object until its outcome is known or the tries are used up.
func (w *write) send(ctx context.Context, request func(context.Context) (objstore.Info, error)) (objstore.Info, error) {
	doubt := false // an earlier request may have been carried out
	for n := 1; ; n++ {
		var info objstore.Info
		v, err := attempt(ctx, func(ctx context.Context) (err error) { info, err = request(ctx); return err })
		if v == missing && w.ifMatch != nil && noKey(err) {
			v = unmet
		}
		doubt = doubt || v == doubtful
		switch {
		case v == done:
			return info, nil
		case v.again(n) && pause(ctx, n):
			continue
		case doubt:
			return w.settle(ctx, v, err)
		case v == unmet:
			return objstore.Info{}, w.refused()
		}
		return objstore.Info{}, w.s.failed(w.op, w.key, err)
	}
}

func (w *write) refused() error { return fmt.Errorf("%s %s: %w", w.op, w.key, w.unmet) }

// whole sends the object in one request.
func (w *write) whole(ctx context.Context) (objstore.Info, error) {
	out, err := w.s.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &w.s.cfg.Bucket, Key: w.name, Body: bytes.NewReader(w.data), ContentLength: aws.Int64(int64(len(w.data))),
		IfNoneMatch: w.ifNoneMatch, IfMatch: w.ifMatch, Metadata: w.metadata(),
	})
	if err != nil {
		return objstore.Info{}, err
	}
	return w.info(out.ETag, out.ResultMetadata), nil
}

func (w *write) metadata() map[string]string { return map[string]string{writeID: w.id} }

// info describes the object that an answer says was written. Its date is that of the answer.
func (w *write) info(etag *string, answer middleware.Metadata) objstore.Info {
	at, ok := awsmiddleware.GetServerTime(answer)
	if !ok {
		at = time.Now()
	}
	return infoOf(w.key, int64(len(w.data)), etag, &at)
}

// settle finds out what became of a write whose answer got lost. last is what was heard last.
func (w *write) settle(ctx context.Context, last verdict, cause error) (objstore.Info, error) {
	if ctx.Err() != nil {
		return objstore.Info{}, w.s.unknown(w.op, w.key, errors.Join(ctx.Err(), cause))
	}
	info, id, err := w.s.look(ctx, w.key)
	switch {
	case err == nil && id == w.id:
		return info, nil
	// Somebody's object is there. Ours may have been, before it; a create has lost either way.
	case err == nil && last == unmet && w.ifNoneMatch != nil:
		return objstore.Info{}, w.refused()
	}
	return objstore.Info{}, w.s.unknown(w.op, w.key, cause)
}

// look is stat with one try: the call has waited long enough.
func (s *Store) look(ctx context.Context, key string) (info objstore.Info, id string, err error) {
	out, err := s.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.cfg.Bucket, Key: aws.String(s.prefix + key)})
	if err != nil {
		return info, "", err
	}
	return infoOf(key, aws.ToInt64(out.ContentLength), out.ETag, out.LastModified), out.Metadata[writeID], nil
}
