package s3store_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

func TestConfigFaults(t *testing.T) {
	good := s3store.Config{Bucket: "b", Region: "us-east-1"}
	for _, c := range []struct {
		change func(*s3store.Config)
		says   string
	}{
		{func(c *s3store.Config) { c.Bucket = "" }, "bucket"},
		{func(c *s3store.Config) { c.Bucket = "b/c" }, "bucket"},
		{func(c *s3store.Config) { c.Prefix = "a b" }, "prefix"},
		{func(c *s3store.Config) { c.Prefix = "a/../b" }, "prefix"},
		{func(c *s3store.Config) { c.Endpoint = "localhost:9000" }, "endpoint"},
		{func(c *s3store.Config) { c.Endpoint = "http://localhost:9000/bucket" }, "endpoint"},
		{func(c *s3store.Config) { c.AccessKeyID = "a" }, "both"},
		{func(c *s3store.Config) { c.SessionToken = "a" }, "session token"},
		{func(c *s3store.Config) { c.Timeout = -1 }, "timeout"},
		{func(c *s3store.Config) { c.PartBytes = 1 }, "part size"},
	} {
		cfg := good
		c.change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want a fault about %s", cfg, err, c.says)
		}
		if _, err := s3store.Open(t.Context(), cfg, nil); err == nil {
			t.Errorf("%+v was opened", cfg)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	err := s3store.Config{PartBytes: 1, Timeout: -1}.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v, want all three faults", err)
	}
}

// Open says nothing about the store; the first call, and so the self-test, does.
func TestWrongSettingsAreExplained(t *testing.T) {
	server := s3test.New(t)
	nobody, err := launch.Addr()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*s3store.Config)
		says   string
	}{
		{func(c *s3store.Config) { c.Bucket = "elsewhere" }, "there is no bucket elsewhere"},
		{func(c *s3store.Config) { c.AccessKeyID = "stranger" }, "doesn't know the access key"},
		{func(c *s3store.Config) { c.SecretAccessKey = "wrong" }, "secret access key doesn't fit"},
		{func(c *s3store.Config) { c.Region = "eu-west-3" }, "another region than eu-west-3"},
		{func(c *s3store.Config) { c.Endpoint = "http://" + nobody }, "can't connect to " + nobody},
		{func(c *s3store.Config) { c.Endpoint, c.PathStyle = "http://s3.invalid", false }, "no such host lake.s3.invalid"},
	} {
		cfg := config(server, "")
		c.change(&cfg)
		err := objstore.SelfTest(t.Context(), open(t, cfg))
		if err == nil || errors.Is(err, objstore.ErrUnsafe) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v\nwant %q", err, c.says)
		}
		if _, err := open(t, cfg).Put(t.Context(), "k", nil); err == nil || errors.Is(err, objstore.ErrUnknown) {
			t.Errorf("put with %s: %v, want it known that nothing was written", c.says, err)
		}
		if _, _, err := open(t, cfg).Get(t.Context(), "k"); err == nil || errors.Is(err, objstore.ErrNotFound) {
			t.Errorf("get with %s: %v, want no word about the object", c.says, err)
		}
	}
}

// Whoever has no keys of his own asks the SDK's chain; nobody there has any either.
func TestNoCredentials(t *testing.T) {
	server := s3test.New(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	cfg := config(server, "")
	cfg.AccessKeyID, cfg.SecretAccessKey = "", ""
	_, err := open(t, cfg).Put(t.Context(), "k", nil)
	if err == nil || errors.Is(err, objstore.ErrUnknown) || !strings.Contains(err.Error(), "no credentials: set") {
		t.Error(err)
	}
	for _, v := range server.Env() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	if _, err := open(t, cfg).Put(t.Context(), "k", nil); err != nil {
		t.Error(err)
	}
}

func TestPrefixesAreApart(t *testing.T) {
	server := s3test.New(t)
	a, ab, all := open(t, config(server, "/a/")), open(t, config(server, "ab")), open(t, config(server, ""))
	for _, s := range []objstore.Store{a, ab} {
		if _, err := s.Create(t.Context(), "k", []byte(fmt.Sprint(s))); err != nil {
			t.Error(err)
		}
	}
	var got []string
	for info, err := range all.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Key)
	}
	if fmt.Sprint(got) != "[a/k ab/k]" || a.String() != "s3://lake/a" || all.String() != "s3://lake" {
		t.Errorf("%v in %s and %s", got, a, all)
	}
	if _, err := ab.Put(t.Context(), strings.Repeat("k/", 511)+"k", nil); err == nil || !strings.Contains(err.Error(), "with the prefix") {
		t.Errorf("a key that is too long with its prefix: %v", err)
	}
}

// What was acknowledged is there, and whole, however often the server dies; what is there twice, or
// by halves, would not be.
func TestServerDiesUnderWriters(t *testing.T) {
	const writers, kills = 6, 5
	server := s3test.New(t)
	cfg := config(server, "lake")
	cfg.Timeout = 4 * time.Second
	store := open(t, cfg)
	body := func(key string) []byte { return bytes.Repeat([]byte(key), 2000) }
	var mu sync.Mutex
	acked := map[string]int{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				// Two writers to a key: the race goes on while the server comes and goes.
				key := fmt.Sprintf("t/%d-%d", w/2, i)
				if _, err := store.Create(t.Context(), key, body(key)); err == nil {
					mu.Lock()
					acked[key]++
					mu.Unlock()
				}
			}
		})
	}
	for range kills {
		mu.Lock()
		before := len(acked)
		mu.Unlock()
		waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) > before+20 })
		server.Kill()
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	for key, n := range acked {
		got, _, err := store.Get(t.Context(), key)
		if n != 1 || err != nil || !bytes.Equal(got, body(key)) {
			t.Errorf("%s: %d winners, %d bytes, %v", key, n, len(got), err)
		}
	}
	for info, err := range store.List(t.Context(), "t/", "") {
		if err != nil || info.Size != int64(len(body(info.Key))) {
			t.Errorf("half an object: %+v, %v", info, err)
		}
	}
}

// waitFor polls until something is true.
func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it doesn't happen")
		}
	}
}
