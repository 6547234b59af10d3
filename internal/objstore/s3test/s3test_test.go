package s3test_test

import (
	"net/http"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

func status(t *testing.T, s *s3test.Server) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Endpoint+"/"+s3test.Bucket, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestServerComesAndGoes(t *testing.T) {
	s := s3test.New(t)
	for _, end := range []func(){s.Kill, func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}} {
		if got := status(t, s); got != http.StatusForbidden {
			t.Errorf("running: status %d, want strangers refused", got)
		}
		if err := s.Restart(t.Context()); err == nil {
			t.Error("restarted a running server")
		}
		end()
		end()
		if got := status(t, s); got != 0 {
			t.Errorf("ended: status %d, want none", got)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
