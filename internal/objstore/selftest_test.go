package objstore_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// The ways in which a store can fail the self-test.
type (
	overwrites struct{ objstore.Store } // ignores If-None-Match
	forgetful  struct{ objstore.Store } // ignores If-Match
	rewinds    struct{ objstore.Store } // ignores StartAfter
	unranged   struct{ objstore.Store } // ignores Range
)

func (s overwrites) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return s.Put(ctx, key, data)
}

func (s forgetful) Replace(ctx context.Context, key, _ string, data []byte) (objstore.Info, error) {
	return s.Put(ctx, key, data)
}

func (s rewinds) List(ctx context.Context, prefix, _ string) iter.Seq2[objstore.Info, error] {
	return s.Store.List(ctx, prefix, "")
}

func (s unranged) GetRange(ctx context.Context, key string, _, _ int64) ([]byte, objstore.Info, error) {
	return s.Get(ctx, key)
}

func TestSelfTestRefusesUnsafeStores(t *testing.T) {
	mem := memstore.New()
	for _, c := range []struct {
		store objstore.Store
		says  string
	}{
		{overwrites{mem}, "If-None-Match is ignored"},
		{forgetful{mem}, "If-Match is ignored"},
		{rewinds{mem}, "a listing after"},
		{unranged{mem}, "bytes 3 and up"},
	} {
		err := objstore.SelfTest(t.Context(), c.store)
		if !errors.Is(err, objstore.ErrUnsafe) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%T: %v, want it refused: %s", c.store, err, c.says)
		}
	}
	if err := objstore.SelfTest(t.Context(), mem); err != nil {
		t.Error(err)
	}
	for info := range mem.List(t.Context(), "", "") {
		t.Errorf("left behind: %s", info.Key)
	}
}

// What can't be found out is not called unsafe: the store may be fine tomorrow.
func TestSelfTestTellsDownFromUnsafe(t *testing.T) {
	mem := memstore.New()
	down := errors.New("connection refused")
	for _, f := range []memstore.Fault{{Before: down}, {After: objstore.ErrUnknown}} {
		mem.Inject(func(memstore.Call) memstore.Fault { return f })
		if err := objstore.SelfTest(t.Context(), mem); err == nil || errors.Is(err, objstore.ErrUnsafe) {
			t.Errorf("%v: %v", f, err)
		}
	}
}
