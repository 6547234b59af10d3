package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/dashboards/library"
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

// fakeRunner answers every query with do, or with one row.
type fakeRunner struct {
	mu    sync.Mutex
	asked []Query
	as    []inference.Principal
	do    func(ctx context.Context, p inference.Principal, q Query) (*Result, error)
}

func (f *fakeRunner) Query(ctx context.Context, p inference.Principal, q Query) (*Result, error) {
	f.mu.Lock()
	f.asked, f.as = append(f.asked, q), append(f.as, p)
	do := f.do
	f.mu.Unlock()
	if do != nil {
		return do(ctx, p, q)
	}
	one := "1"
	return &Result{Columns: []Column{{"n", "LONG"}}, Rows: [][]*string{{&one}}}, nil
}

// fixture is a console with the keys "ann-key" (a user), "bob-key" (another) and "root-key" (an admin).
type fixture struct {
	t      *testing.T
	e      *echo.Echo
	c      *Console
	runner *fakeRunner
	keys   map[string]inference.Principal
	now    time.Time
	log    *strings.Builder
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, e: echo.New(), runner: &fakeRunner{}, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), log: &strings.Builder{}}
	f.keys = map[string]inference.Principal{
		"ann-key":  {Name: "ann", Kind: inference.User, KeyID: "k1"},
		"bob-key":  {Name: "bob", Kind: inference.User, KeyID: "k2"},
		"root-key": {Name: "root", Kind: inference.User, KeyID: "k3", Groups: []string{"admins"}},
	}
	clock := func() time.Time { return f.now }
	c, err := New(DefaultConfig(), Deps{
		Library: library.New(&library.Memory{}, clock), Runner: f.runner, Now: clock,
		Logger:       slog.New(slog.NewTextHandler(f.log, nil)),
		Authenticate: func(token string) (inference.Principal, bool) { p, ok := f.keys[token]; return p, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.c = c
	c.Register(f.e)
	return f
}

type answer struct {
	code   int
	header http.Header
	body   string
}

// call sends a request; headers come in pairs.
func (f *fixture) call(method, path, body string, headers ...string) answer {
	f.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, path, r)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	f.e.ServeHTTP(rec, req)
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

// signIn returns the cookie of a new session.
func (f *fixture) signIn(key string) string {
	f.t.Helper()
	a := f.call("POST", "/ui/api/session", `{"key":"`+key+`"}`, writeHeader, "1")
	if a.code != 200 {
		f.t.Fatalf("sign in: %d %s", a.code, a.body)
	}
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return cookie
}

// ui calls the console's API with a session.
func (f *fixture) ui(cookie, method, path, body string) answer {
	f.t.Helper()
	return f.call(method, "/ui/api"+path, body, "Cookie", cookie, writeHeader, "1")
}

func (f *fixture) want(a answer, code int, contains ...string) {
	f.t.Helper()
	if a.code != code {
		f.t.Fatalf("got %d %s, want %d", a.code, a.body, code)
	}
	for _, s := range contains {
		if !strings.Contains(a.body, s) {
			f.t.Fatalf("the answer lacks %q: %s", s, a.body)
		}
	}
}

const small = `{"datasets":[{"name":"d","query":"SELECT n, m FROM t WHERE x = :x","parameters":[{"keyword":"x","dataType":"STRING"}]}],
"pages":[{"name":"p","displayName":"P","layout":[
{"position":{"x":0,"y":0,"width":6,"height":2},"widget":{"name":"w","queries":[{"name":"main_query","query":{"datasetName":"d","fields":[{"name":"n","expression":"` + "`n`" + `"}],"disaggregated":true}}],"spec":{"widgetType":"table","version":2}}},
{"position":{"x":0,"y":2,"width":6,"height":2},"widget":{"name":"f","queries":[{"name":"q","query":{"datasetName":"d","fields":[{"name":"m","expression":"` + "`m`" + `"}]}}],"spec":{"widgetType":"filter-multi-select","encodings":{"fields":[{"fieldName":"m","queryName":"q"}]}}}},
{"position":{"x":0,"y":4,"width":6,"height":2},"widget":{"name":"t","textbox_spec":"hi"}},
{"position":{"x":0,"y":6,"width":6,"height":2},"widget":{"name":"bad","queries":[{"name":"main_query","query":{"datasetName":"d"}}],"spec":{"widgetType":"pie"}}}]}]}`

// importSmall stores the small dashboard and returns its id.
func (f *fixture) importSmall(cookie string) string {
	f.t.Helper()
	body, _ := json.Marshal(map[string]string{"name": "Small", "file": small})
	a := f.ui(cookie, "POST", "/dashboards", string(body))
	f.want(a, 200)
	var out struct{ ID string }
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || out.ID == "" {
		f.t.Fatalf("no id in %s", a.body)
	}
	return out.ID
}

func TestWidgetQueryRunsAsTheViewer(t *testing.T) {
	f := newFixture(t)
	cookie := f.signIn("bob-key")
	id := f.importSmall(cookie)
	a := f.ui(cookie, "POST", "/dashboards/"+id+"/query", `{"widget":"w","filters":{"f":{"values":["a",null]}}}`)
	f.want(a, 200, `"rows":[["1"]]`, `"columns":[{"name":"n","type":"LONG"}]`, `"as_of":"2026-11-20T12:00:00Z"`)
	if n := len(f.runner.asked); n != 1 || f.runner.as[0].Name != "bob" {
		t.Fatalf("%d queries as %+v", n, f.runner.as)
	}
	q := f.runner.asked[0]
	if !strings.Contains(q.SQL, "CAST(`m` AS STRING) IN (:lg_1) OR `m` IS NULL") || q.Params[0].Value != "a" || q.RowLimit != 10_000 {
		t.Fatalf("it ran %+v", q)
	}
}

func TestWidgetQueryFailures(t *testing.T) {
	f := newFixture(t)
	cookie := f.signIn("ann-key")
	id := f.importSmall(cookie)
	at := "/dashboards/" + id + "/query"
	f.want(f.ui(cookie, "POST", at, `{"widget":"nope"}`), 404, `no widget \"nope\"`)
	f.want(f.ui(cookie, "POST", at, `{"widget":"t"}`), 400, "has no data to fetch")
	f.want(f.ui(cookie, "POST", at, `{"widget":"bad"}`), 400, "a pie needs a field for its angle")
	f.want(f.ui(cookie, "POST", at, `{`), 400, "the body is not JSON")
	f.want(f.ui(cookie, "POST", at, `{"widget":7}`), 400, `the field \"widget\" is a number`)
	f.want(f.ui(cookie, "POST", at, strings.Repeat("x", 2<<20)), 413)
	f.want(f.ui(cookie, "POST", "/dashboards/none/query", `{"widget":"w"}`), 404)
	f.want(f.call("POST", "/ui/api"+at, `{"widget":"w"}`, writeHeader, "1"), 401)

	f.runner.do = func(context.Context, inference.Principal, Query) (*Result, error) {
		return nil, apierr.New(apierr.PermissionDenied, "you may not read t")
	}
	f.want(f.ui(cookie, "POST", at, `{"widget":"w"}`), 403, "you may not read t")
	f.runner.do = func(context.Context, inference.Principal, Query) (*Result, error) {
		return nil, errors.New("secret detail")
	}
	a := f.ui(cookie, "POST", at, `{"widget":"w"}`)
	f.want(a, 500)
	if strings.Contains(a.body, "secret") || !strings.Contains(f.log.String(), "secret detail") {
		t.Errorf("told %s, logged %s", a.body, f.log)
	}
	f.runner.do = func(context.Context, inference.Principal, Query) (*Result, error) {
		return nil, context.DeadlineExceeded
	}
	f.want(f.ui(cookie, "POST", at, `{"widget":"w"}`), 504, "took too long")
}

func TestImportShowExportTrash(t *testing.T) {
	f := newFixture(t)
	ann, bob, root := f.signIn("ann-key"), f.signIn("bob-key"), f.signIn("root-key")
	body, _ := json.Marshal(map[string]string{"file": small})
	f.want(f.ui(ann, "POST", "/check", string(body)), 200, `"state":"broken"`, `"tables":["t"]`)
	f.want(f.ui(ann, "POST", "/check", `{"file":"{\n \"pages\": 7}"}`), 400, "line 2: pages: expected a list, found a number")

	id := f.importSmall(ann)
	f.want(f.ui(bob, "GET", "/dashboards/"+id, ""), 200, `"mine":false`, `"broken":{"message":`)
	f.want(f.ui(ann, "GET", "/dashboards", ""), 200, `"id":"ai_gateway"`, `"id":"`+id+`"`)
	export := f.ui(bob, "GET", "/dashboards/"+id+"/export", "")
	f.want(export, 200)
	if export.body != small {
		t.Error("the export is not the file")
	}
	if got := export.header.Get("Content-Disposition"); got != `attachment; filename=Small.lvdash.json` {
		t.Errorf("Content-Disposition %q", got)
	}
	f.want(f.ui(bob, "DELETE", "/dashboards/"+id, ""), 403)
	f.want(f.ui(root, "DELETE", "/dashboards/ai_gateway", ""), 403, "bundled")
	f.want(f.ui(root, "DELETE", "/dashboards/"+id, ""), 204)
	f.want(f.ui(ann, "GET", "/dashboards/"+id, ""), 404)
}

func TestPagesAndAssets(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/ui/", "/ui/d/ai_gateway", "/ui/d/ai_gateway/overview"} {
		a := f.call("GET", path, "")
		f.want(a, 200, `type="module"`, "/ui/assets/"+f.c.assets.version+"/dist/app.js")
		if strings.Contains(a.body, "{{") {
			t.Error("a placeholder is left in the page")
		}
		csp := a.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("policy %q", csp)
		}
		if a.header.Get("Cache-Control") != "no-cache" {
			t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
		}
		if b := f.call("GET", path, "", "If-None-Match", a.header.Get("Etag")); b.code != 304 {
			t.Errorf("asked again: %d", b.code)
		}
	}
	at := "/ui/assets/" + f.c.assets.version
	plain := f.call("GET", at+"/dist/app.js", "")
	f.want(plain, 200)
	zipped := f.call("GET", at+"/dist/app.js", "", "Accept-Encoding", "br, gzip")
	if zipped.header.Get("Content-Encoding") != "gzip" || len(zipped.body) >= len(plain.body) {
		t.Errorf("%s, %d bytes against %d", zipped.header.Get("Content-Encoding"), len(zipped.body), len(plain.body))
	}
	for name, a := range map[string]answer{"plain": plain, "gzip": zipped} {
		if got := a.header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if got := a.header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", name, got)
		}
	}
	f.want(f.call("GET", at+"/../console.go", ""), 404)
	f.want(f.call("GET", "/ui/assets/0000/dist/app.js", ""), 404)
	if a := f.call("GET", "/ui", ""); a.code != 308 || a.header.Get("Location") != "/ui/" {
		t.Errorf("/ui gave %d to %s", a.code, a.header.Get("Location"))
	}
}

func TestConfigIsChecked(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	err := Config{}.Validate()
	for _, name := range []string{"SessionTTL", "LinkTTL", "RowLimit", "QueryTimeout", "MaxImport"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("an empty config is not refused for %s: %v", name, err)
		}
	}
}
