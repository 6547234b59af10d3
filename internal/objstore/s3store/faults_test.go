package s3store_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

// stage is a store behind a proxy, and the same store without it.
type stage struct {
	*proxy
	store, direct *s3store.Store
}

func newStage(t *testing.T) *stage {
	server := s3test.New(t)
	p := newProxy(t, server)
	return &stage{p, open(t, p.config("lake")), open(t, config(server, "lake"))}
}

func (s *stage) wantObject(key, want string) {
	s.t.Helper()
	got, _, err := s.direct.Get(s.t.Context(), key)
	if err != nil || string(got) != want {
		s.t.Errorf("%s is %.40q, %v, want %.40q", key, got, err, want)
	}
}

func (s *stage) wantNone(key string) {
	s.t.Helper()
	if _, err := s.direct.Stat(s.t.Context(), key); !errors.Is(err, objstore.ErrNotFound) {
		s.t.Errorf("%s: %v, want none", key, err)
	}
}

func TestLostAnswers(t *testing.T) {
	s := newStage(t)
	lost := fault{drop: true}
	t.Run("create", func(t *testing.T) {
		s.script(http.MethodPut, lost)
		info, err := s.store.Create(t.Context(), "once", []byte("mine"))
		if err != nil || info.ETag == "" {
			t.Errorf("%+v, %v, want our own success found", info, err)
		}
		if got := s.methods(); !slices.Equal(got, []string{"PUT", "PUT", "HEAD"}) {
			t.Errorf("requests %v", got)
		}
		s.wantObject("once", "mine")
	})
	t.Run("create, each time", func(t *testing.T) {
		s.script(http.MethodPut, lost, lost, lost, lost)
		if _, err := s.store.Create(t.Context(), "always", []byte("mine")); err != nil {
			t.Error(err)
		}
		s.wantObject("always", "mine")
	})
	t.Run("create, and nothing to read back", func(t *testing.T) {
		s.inject(func(*http.Request) fault { return lost })
		if _, err := s.store.Create(t.Context(), "unknown", []byte("mine")); !errors.Is(err, objstore.ErrUnknown) {
			t.Errorf("%v, want unknown", err)
		}
		s.wantObject("unknown", "mine")
	})
	t.Run("create, though a rival was first", func(t *testing.T) {
		if _, err := s.direct.Create(t.Context(), "rival", []byte("same")); err != nil {
			t.Fatal(err)
		}
		s.script(http.MethodPut, lost)
		if _, err := s.store.Create(t.Context(), "rival", []byte("same")); !errors.Is(err, objstore.ErrExists) {
			t.Errorf("%v, want it known for the rival's, though the bytes are the same", err)
		}
	})
	t.Run("replace", func(t *testing.T) {
		first, err := s.direct.Create(t.Context(), "replaced", []byte("1"))
		if err != nil {
			t.Fatal(err)
		}
		s.script(http.MethodPut, lost)
		second, err := s.store.Replace(t.Context(), "replaced", first.ETag, []byte("2"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.direct.Replace(t.Context(), "replaced", second.ETag, []byte("3")); err != nil {
			t.Error(err)
		}
	})
	t.Run("replace, and somebody went on from there", func(t *testing.T) {
		first, err := s.direct.Create(t.Context(), "overtaken", []byte("1"))
		if err != nil {
			t.Fatal(err)
		}
		s.script(http.MethodPut, lost, fault{during: func(*http.Request) {
			if _, err := s.direct.Put(t.Context(), "overtaken", []byte("3")); err != nil {
				t.Error(err)
			}
		}})
		if _, err := s.store.Replace(t.Context(), "overtaken", first.ETag, []byte("2")); !errors.Is(err, objstore.ErrUnknown) {
			t.Errorf("%v, want unknown: it happened, and is gone", err)
		}
	})
	t.Run("put and delete", func(t *testing.T) {
		s.script(http.MethodPut, lost)
		if _, err := s.store.Put(t.Context(), "put", []byte("1")); err != nil {
			t.Error(err)
		}
		s.script(http.MethodDelete, lost)
		if err := s.store.Delete(t.Context(), "put"); err != nil {
			t.Error(err)
		}
		s.wantNone("put")
	})
}

func TestRefusalsThatPass(t *testing.T) {
	s := newStage(t)
	for _, f := range []fault{
		{status: 500, code: "InternalError"},
		{status: 503, code: "SlowDown"},
		{status: 409, code: "ConditionalRequestConflict"},
		{status: 429, code: "TooManyRequests"},
	} {
		key := f.code
		s.script(http.MethodPut, f)
		if _, err := s.store.Create(t.Context(), key, []byte("x")); err != nil {
			t.Errorf("create after %s: %v", f.code, err)
		}
		s.script(http.MethodGet, f, f)
		if got, _, err := s.store.Get(t.Context(), key); err != nil || string(got) != "x" {
			t.Errorf("get after two of %s: %q, %v", f.code, got, err)
		}
		s.script(http.MethodGet, f)
		n := 0
		for _, err := range s.store.List(t.Context(), key, "") {
			if n++; err != nil {
				t.Errorf("list after %s: %v", f.code, err)
			}
		}
		if n != 1 {
			t.Errorf("listed %d objects after %s, want 1", n, f.code)
		}
	}
}

func TestRefusalsThatStay(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		fault   fault
		unknown bool // for a write
		says    string
	}{
		{fault{status: 409, code: "ConditionalRequestConflict"}, false, "ConditionalRequestConflict"},
		{fault{status: 503, code: "SlowDown"}, true, "SlowDown"},
		{fault{status: 429, code: "SlowDown"}, false, "SlowDown"},
		{fault{status: 403, code: "AccessDenied"}, false, "s3:PutObject"},
		{fault{status: 404, code: "NoSuchBucket"}, false, "there is no bucket lake"},
		{fault{status: 501, code: "NotImplemented"}, true, "conditional writes"},
		{fault{status: 301, code: "PermanentRedirect", header: map[string]string{"X-Amz-Bucket-Region": "eu-west-3"}}, false, "(it is in eu-west-3)"},
		{fault{status: 400, code: "AuthorizationHeaderMalformed"}, false, "another region than us-east-1"},
		{fault{status: 400, code: "ExpiredToken"}, false, "have expired"},
		{fault{status: 403, code: "RequestTimeTooSkewed"}, false, "clock"},
	} {
		s.inject(func(*http.Request) fault { return c.fault })
		_, createErr := s.store.Create(t.Context(), "k", []byte("x"))
		_, replaceErr := s.store.Replace(t.Context(), "k", `"e"`, []byte("x"))
		for _, err := range []error{createErr, replaceErr} {
			if err == nil || errors.Is(err, objstore.ErrUnknown) != c.unknown || errors.Is(err, objstore.ErrExists) || errors.Is(err, objstore.ErrChanged) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("write at %s: %v, want unknown %v and %q", c.fault.code, err, c.unknown, c.says)
			}
		}
		if _, _, err := s.store.Get(t.Context(), "k"); err == nil || errors.Is(err, objstore.ErrNotFound) || errors.Is(err, objstore.ErrUnknown) {
			t.Errorf("get at %s: %v", c.fault.code, err)
		}
	}
	s.wantNone("k")
}

func TestBrokenAnswers(t *testing.T) {
	s := newStage(t)
	text := strings.Repeat("0123456789abcdef", 1<<14)
	if _, err := s.direct.Put(t.Context(), "k", []byte(text)); err != nil {
		t.Fatal(err)
	}
	t.Run("resumed", func(t *testing.T) {
		s.script(http.MethodGet, fault{truncate: 100_000}, fault{truncate: 50_001}, fault{drop: true}, fault{truncate: 1})
		if got, info, err := s.store.Get(t.Context(), "k"); err != nil || string(got) != text || info.Size != int64(len(text)) {
			t.Errorf("%d bytes, %+v, %v", len(got), info, err)
		}
		if n := len(s.methods()); n != 5 {
			t.Errorf("%d requests, want 5", n)
		}
	})
	t.Run("a range resumed", func(t *testing.T) {
		s.script(http.MethodGet, fault{truncate: 10}, fault{truncate: 20})
		if got, info, err := s.store.GetRange(t.Context(), "k", 5, 100); err != nil || string(got) != text[5:105] || info.Size != int64(len(text)) {
			t.Errorf("%q, %+v, %v", got, info, err)
		}
	})
	t.Run("changed in between", func(t *testing.T) {
		next := strings.ToUpper(text)
		s.script(http.MethodGet, fault{truncate: 1000}, fault{during: func(*http.Request) {
			if _, err := s.direct.Put(t.Context(), "k", []byte(next)); err != nil {
				t.Error(err)
			}
		}})
		if got, _, err := s.store.Get(t.Context(), "k"); err != nil || string(got) != next {
			t.Errorf("%d bytes, %v, want the next version, whole", len(got), err)
		}
	})
	t.Run("damaged", func(t *testing.T) {
		s.script(http.MethodGet, fault{change: func(b []byte) { b[len(b)/2] ^= 1 }})
		if got, _, err := s.store.Get(t.Context(), "k"); err != nil || !bytes.EqualFold(got, []byte(text)) {
			t.Errorf("%d bytes, %v, want the damage noticed and read again", len(got), err)
		}
		if n := len(s.methods()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
	t.Run("never whole", func(t *testing.T) {
		s.inject(func(*http.Request) fault { return fault{truncate: 1} })
		if _, _, err := s.store.Get(t.Context(), "k"); err == nil {
			t.Error("no error")
		}
	})
}

func TestHangingStore(t *testing.T) {
	s := newStage(t)
	cfg := s.config("lake")
	cfg.Timeout = 400 * time.Millisecond
	store := open(t, cfg)
	s.inject(func(*http.Request) fault { return fault{hang: true} })
	calls := map[string]func() error{
		"get":    func() error { _, _, err := store.Get(t.Context(), "k"); return err },
		"range":  func() error { _, _, err := store.GetRange(t.Context(), "k", 1, 2); return err },
		"stat":   func() error { _, err := store.Stat(t.Context(), "k"); return err },
		"put":    func() error { _, err := store.Put(t.Context(), "k", []byte("x")); return err },
		"create": func() error { _, err := store.Create(t.Context(), "k", []byte("x")); return err },
		"delete": func() error { return store.Delete(t.Context(), "k") },
		"list": func() error {
			for _, err := range store.List(t.Context(), "", "") {
				return err
			}
			return nil
		},
	}
	for name, call := range calls {
		err := call() // that it comes back is the point
		write := name == "put" || name == "create" || name == "delete"
		if err == nil || errors.Is(err, objstore.ErrUnknown) != write || !strings.Contains(err.Error(), "doesn't answer") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.wantNone("k")
}

func TestCallerLeaves(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.inject(func(*http.Request) fault { return fault{during: func(*http.Request) { cancel() }, hang: true} })
	_, err := s.store.Create(ctx, "k", []byte("x"))
	if !errors.Is(err, objstore.ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want it unknown and cancelled", err)
	}
	if n := len(s.methods()); n != 1 {
		t.Errorf("%d requests for a caller that is gone", n)
	}
}

// A writer that dies halfway, by the server's lights.
func TestCutUpload(t *testing.T) {
	s := newStage(t)
	data := bytes.Repeat([]byte("x"), 4<<20)
	s.inject(func(r *http.Request) fault {
		if r.Method == http.MethodPut {
			return fault{upload: 3 << 20}
		}
		return fault{}
	})
	if _, err := s.store.Put(t.Context(), "k", data); !errors.Is(err, objstore.ErrUnknown) {
		t.Errorf("%v, want unknown", err)
	}
	s.wantNone("k")
}

func TestLargeObjects(t *testing.T) {
	s := newStage(t)
	data := strings.Repeat("0123456789abcdef", (2*s3store.MinPartBytes+1000)/16)
	t.Run("parts fail now and then", func(t *testing.T) {
		s.script(http.MethodPut, fault{drop: true}, fault{status: 503, code: "SlowDown"}, fault{upload: 1000})
		if _, err := s.store.Create(t.Context(), "now-and-then", []byte(data)); err != nil {
			t.Error(err)
		}
		s.wantObject("now-and-then", data)
	})
	t.Run("last answer lost", func(t *testing.T) {
		s.inject(last(fault{drop: true}))
		if _, err := s.store.Create(t.Context(), "last", []byte(data)); err != nil {
			t.Error(err)
		}
		s.wantObject("last", data)
	})
	t.Run("a part fails for good", func(t *testing.T) {
		s.inject(func(r *http.Request) fault {
			if r.URL.Query().Get("partNumber") == "2" {
				return fault{status: 500, code: "InternalError"}
			}
			return fault{}
		})
		if _, err := s.store.Create(t.Context(), "part", []byte(data)); err == nil || errors.Is(err, objstore.ErrUnknown) {
			t.Errorf("%v, want it known that nothing was written", err)
		}
		s.wantNone("part")
	})
	t.Run("a rival is first", func(t *testing.T) {
		s.inject(last(fault{during: func(*http.Request) {
			if _, err := s.direct.Create(t.Context(), "rival", []byte("small")); err != nil && !errors.Is(err, objstore.ErrExists) {
				t.Error(err)
			}
		}}))
		if _, err := s.store.Create(t.Context(), "rival", []byte(data)); !errors.Is(err, objstore.ErrExists) {
			t.Errorf("%v, want that it exists", err)
		}
		s.wantObject("rival", "small")
	})
	s.wantNoParts()
}

// last has the fault befall the request that ends an upload, the first time.
func last(f fault) func(*http.Request) fault {
	return func(r *http.Request) fault {
		if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
			g := f
			f = fault{}
			return g
		}
		return fault{}
	}
}

// wantNoParts looks where the server keeps parts of unfinished uploads.
func (s *stage) wantNoParts() {
	s.t.Helper()
	root := filepath.Join(s.server.Dir, s3test.Bucket, ".sgwtmp")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.Contains(path, "multipart") {
			s.t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

// rclone's server ignores conditions; so do proxies that drop headers they don't know.
func TestSelfTestRefusesStrippedConditions(t *testing.T) {
	s := newStage(t)
	for _, header := range []string{"If-None-Match", "If-Match"} {
		s.inject(func(*http.Request) fault { return fault{strip: header} })
		err := objstore.SelfTest(t.Context(), s.store)
		if !errors.Is(err, objstore.ErrUnsafe) || !strings.Contains(err.Error(), header+" is ignored") {
			t.Errorf("without %s: %v", header, err)
		}
	}
	s.inject(nil)
	if err := objstore.SelfTest(t.Context(), s.store); err != nil {
		t.Error(err)
	}
}
