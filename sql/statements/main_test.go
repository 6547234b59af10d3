package statements

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeRunner hands each query to the test, and does what the test says.
type fakeRunner func(ctx context.Context, q warehouse.Query) (*warehouse.Result, error)

func (f fakeRunner) Query(ctx context.Context, q warehouse.Query) (*warehouse.Result, error) {
	return f(ctx, q)
}

// gives answers every query the same.
func gives(res *warehouse.Result, err error) fakeRunner {
	return func(context.Context, warehouse.Query) (*warehouse.Result, error) { return res, err }
}

// hangs runs every query until its context ends.
func hangs(ctx context.Context, _ warehouse.Query) (*warehouse.Result, error) {
	<-ctx.Done()
	return nil, &protocol.Failure{Class: protocol.Cancelled, Message: "the query was cancelled"}
}

// server is an API behind echo.
type server struct {
	t    *testing.T
	api  *API
	echo *echo.Echo
	log  *bytes.Buffer
}

// tokens are the keys there are: two of ann, one of bob.
var tokens = map[string]inference.Principal{
	"ann-1": {Name: "ann@example.com", Kind: inference.User, KeyID: "ann-wide"},
	"ann-2": {Name: "ann@example.com", Kind: inference.User, KeyID: "ann-narrow"},
	"bob":   {Name: "bob@example.com", Kind: inference.User, KeyID: "bob"},
}

func serve(t *testing.T, r Runner, change func(*Config)) *server {
	t.Helper()
	cfg := DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	s := &server{t: t, echo: echo.New(), log: &bytes.Buffer{}}
	api, err := New(cfg, Deps{
		Warehouse: r, Logger: slog.New(slog.NewTextHandler(s.log, nil)),
		Authenticate: func(token string) (inference.Principal, func(string) bool, bool) {
			p, ok := tokens[token]
			return p, func(table string) bool { return table == "of."+p.KeyID }, ok
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	api.newID = func() string { n++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
	api.Register(s.echo)
	s.api = api
	return s
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func (s *server) close() {
	s.t.Helper()
	if err := s.api.Close(s.t.Context()); err != nil {
		s.t.Errorf("Close: %v", err)
	}
}

// request sends one request as the holder of token.
func (s *server) request(ctx context.Context, token, method, path, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.echo.ServeHTTP(w, req)
	return w
}

// do sends a request of ann's that must be answered with status.
func (s *server) do(status int, method, path, body string) string {
	s.t.Helper()
	return s.as("ann-1", status, method, path, body)
}

func (s *server) as(token string, status int, method, path, body string) string {
	s.t.Helper()
	w := s.request(s.t.Context(), token, method, path, body)
	if w.Code != status {
		s.t.Fatalf("%s %s = %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		s.t.Errorf("%s %s: content type %q", method, path, ct)
	}
	if status != http.StatusOK {
		var e struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == "" || e.Message == "" {
			s.t.Errorf("%s %s: not an error of Databricks: %s", method, path, w.Body)
		}
	}
	return w.Body.String()
}

// run sends a statement of ann's.
func (s *server) run(body string) string {
	s.t.Helper()
	return s.do(http.StatusOK, http.MethodPost, statementsPath, body)
}

// stateIn returns the state an answer tells.
func stateIn(t *testing.T, body string) state {
	t.Helper()
	var b statementBody
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return b.Status.State
}

func (s *server) wantState(n int, want state) {
	s.t.Helper()
	if got := stateIn(s.t, s.do(http.StatusOK, http.MethodGet, statementsPath+"/"+id(n), "")); got != want {
		s.t.Errorf("statement %d is %s, want %s", n, got, want)
	}
}

func (s *server) wantGone(n int) {
	s.t.Helper()
	s.do(http.StatusNotFound, http.MethodGet, statementsPath+"/"+id(n), "")
}

// golden compares an answer with a file of testdata, both indented.
func golden(t *testing.T, name, body string) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func cell(s string) *string { return &s }

// numbers is a result of the numbers from 0, one to a row.
func numbers(n int) *warehouse.Result {
	r := &warehouse.Result{Columns: []warehouse.Column{{Name: "n", TypeName: "LONG", TypeText: "BIGINT"}}}
	for i := range n {
		r.Rows = append(r.Rows, []*string{cell(fmt.Sprint(i))})
	}
	return r
}

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
