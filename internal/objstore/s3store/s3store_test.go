package s3store_test

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/objstoretest"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

// config is for the server, with parts small enough for the suite's large objects to need several.
func config(server *s3test.Server, prefix string) s3store.Config {
	return s3store.Config{
		Bucket: s3test.Bucket, Prefix: prefix, Region: s3test.Region, Endpoint: server.Endpoint, PathStyle: true,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey, PartBytes: s3store.MinPartBytes,
	}
}

func open(t *testing.T, cfg s3store.Config) *s3store.Store {
	t.Helper()
	s, err := s3store.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	server := s3test.New(t)
	var n atomic.Int64
	objstoretest.Run(t, func(t *testing.T) objstore.Store {
		return open(t, config(server, fmt.Sprintf("deep/er_/p=1/%d", n.Add(1))))
	})
}
