package launch_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/launch"
)

// role makes this test binary a child that serves one URL.
const role = "LAUNCH_TEST_ADDR"

func TestMain(m *testing.M) {
	if addr := os.Getenv(role); addr != "" {
		child(addr)
		return
	}
	goleak.VerifyTestMain(m)
}

func child(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		os.Exit(3)
	}
	if os.Getenv("STUBBORN") != "" {
		signal.Ignore(syscall.SIGTERM)
	}
	_, _ = os.Stdout.WriteString("hello from the child\n")
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
}

func start(t *testing.T, addr string, env ...string) *launch.Process {
	t.Helper()
	p, err := launch.Start(launch.Spec{Path: os.Args[0], Env: append(env, role+"="+addr)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func addr(t *testing.T) string {
	t.Helper()
	a, err := launch.Addr()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestReadyUseAndStop(t *testing.T) {
	a := addr(t)
	p := start(t, a)
	if err := p.Ready(t.Context(), "http://"+a+"/"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Output(), "hello from the child") {
		t.Errorf("output %q", p.Output())
	}
	if runtime.GOOS == "linux" {
		u, err := p.UseWithChildren()
		if err != nil || u.RSS < 1<<20 || u.Peak < u.RSS {
			t.Errorf("use %+v, %v", u, err)
		}
	}
	if err := p.Stop(time.Minute); err != nil {
		t.Errorf("stop: %v", err)
	}
	<-p.Done()
}

func TestChildThatEndsIsNotReady(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := start(t, l.Addr().String()) // taken: the child ends
	gone := addr(t)
	if err := p.Ready(t.Context(), "http://"+gone+"/"); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("ready: %v", err)
	}
	if err := p.Stop(time.Minute); err == nil {
		t.Error("exit status 3 is no good end")
	}
}

func TestStopKillsAStubbornChild(t *testing.T) {
	a := addr(t)
	p := start(t, a, "STUBBORN=1")
	if err := p.Ready(t.Context(), "http://"+a+"/"); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(time.Millisecond); err == nil {
		t.Error("it stopped by itself")
	}
	<-p.Done()
}

func TestReadyEndsWithItsContext(t *testing.T) {
	p := start(t, addr(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Ready(ctx, "http://"+addr(t)+"/"); err == nil {
		t.Error("ready without an answer")
	}
}

func TestSQL(t *testing.T) {
	answers := map[string]struct {
		status int
		body   string
	}{
		"ok":    {200, `{"status":{"state":"SUCCEEDED"},"manifest":{"total_chunk_count":1},"result":{"data_array":[["1",null],["2","x"]]}}`},
		"bad":   {200, `{"status":{"state":"FAILED","error":{"error_code":"BAD_REQUEST","message":"no such column"}}}`},
		"cut":   {200, `{"status":{"state":"SUCCEEDED"},"manifest":{"truncated":true},"result":{}}`},
		"who":   {401, `{"error_code":"UNAUTHENTICATED","message":"no key"}`},
		"html":  {502, `<html>`},
		"empty": {200, `{"status":{"state":"SUCCEEDED"},"result":{}}`},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(b)
		_, rest, _ := strings.Cut(string(b), `"statement":"`)
		name, _, _ := strings.Cut(rest, `"`)
		if r.Header.Get("Authorization") != "Bearer t" {
			t.Errorf("authorization %q", r.Header.Get("Authorization"))
		}
		w.WriteHeader(answers[name].status)
		_, _ = w.Write([]byte(answers[name].body))
	}))
	defer s.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	db := launch.SQL{URL: s.URL, Token: "t"}
	rows, err := db.Query(t.Context(), "ok")
	if err != nil || len(rows) != 2 || rows[0].Text(0) != "1" || rows[0][1] != nil || rows[0].Text(1) != "" || rows[1].Text(1) != "x" {
		t.Errorf("rows %v, %v", rows, err)
	}
	for name, want := range map[string]string{"bad": "no such column", "cut": "does not fit", "who": "no key", "html": "502"} {
		if _, err := db.Query(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if rows, err := db.Query(t.Context(), "empty"); err != nil || len(rows) != 0 {
		t.Errorf("empty: %v, %v", rows, err)
	}
}
