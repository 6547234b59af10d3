// Package objstore is objects by key, with conditional create and conditional replace.
//
// It is the one seam between lakegate and where its tables live: fsstore keeps objects in a
// folder, s3store in a bucket of S3 or whatever speaks its language, memstore in memory for tests.
// Keys are slash-separated, relative and clean, made of [0-9A-Za-z=._/-]. Every method may be called
// from many goroutines and many processes at once. The suite in objstoretest runs on every
// implementation, and SelfTest asks a running store whether it keeps the promises that tables
// depend on.
package objstore

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Errors to test for with errors.Is.
var (
	// ErrNotFound says there is no object under the key.
	ErrNotFound = errors.New("object not found")
	// ErrExists says a conditional create found an object there. It may be the caller's own, from
	// an earlier try whose answer was lost.
	ErrExists = errors.New("object exists")
	// ErrChanged says a conditional replace found another version than the one named.
	ErrChanged = errors.New("object has changed")
	// ErrUnknown says a write may or may not have happened. Read the object back to find out.
	ErrUnknown = errors.New("outcome of the write is unknown")
)

// Info describes an object.
type Info struct {
	Key      string
	Size     int64
	Modified time.Time
	// ETag names this version of the object; "" in listings. Two versions of the same bytes may
	// share one: who replaces by ETag and cares writes something that differs, a number or a time.
	ETag string
}

// Store is a flat space of objects. Nil from a write means: durable and visible to all readers,
// whole. No reader ever sees half an object.
type Store interface {
	// Get returns the object. The caller owns the bytes.
	Get(ctx context.Context, key string) ([]byte, Info, error)
	// GetRange returns the bytes from offset on, at most length: fewer at the object's end, none
	// past it. The Info is the whole object's. The caller owns the bytes.
	GetRange(ctx context.Context, key string, offset, length int64) ([]byte, Info, error)
	// Stat returns what is known of the object without its bytes.
	Stat(ctx context.Context, key string) (Info, error)
	// Put writes or overwrites the object.
	Put(ctx context.Context, key string, data []byte) (Info, error)
	// Create writes the object only if there is none: ErrExists otherwise, ErrUnknown when it
	// cannot be told. Of many callers at once exactly one gets nil.
	Create(ctx context.Context, key string, data []byte) (Info, error)
	// Replace overwrites the object only if its ETag is still etag: ErrChanged otherwise.
	Replace(ctx context.Context, key, etag string, data []byte) (Info, error)
	// Delete removes the object. Removing what is not there is no error.
	Delete(ctx context.Context, key string) error
	// List yields the objects whose keys start with prefix and sort after startAfter ("" for all),
	// in key order, and stops after the first error. A listing is not a snapshot: objects that appear while it runs may be missing.
	List(ctx context.Context, prefix, startAfter string) iter.Seq2[Info, error]
}

// Local is implemented by stores whose objects are files that other programs can open.
type Local interface {
	// LocalPath returns the absolute path of the object's file, whether or not it exists.
	LocalPath(key string) string
}
