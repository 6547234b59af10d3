package statements

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/sql/warehouse"
)

func TestBadBodies(t *testing.T) {
	ran := func(context.Context, warehouse.Query) (*warehouse.Result, error) {
		t.Error("a wrong request ran")
		return numbers(0), nil
	}
	s := serve(t, fakeRunner(ran), func(c *Config) { c.MaxBodyBytes = 4096 })
	defer s.close()
	for _, tt := range []struct {
		body, want string // want is in the answer
		status     int
	}{
		{``, `BAD_REQUEST`, 400},
		{`null`, `must be a JSON object`, 400},
		{`[]`, `must be a JSON object`, 400},
		{`"SELECT 1"`, `must be a JSON object`, 400},
		{`{"statement":"SELECT 1"`, `not valid JSON`, 400},
		{`{"statement":"SELECT 1"} {}`, `not valid JSON`, 400},
		{`{}`, `INVALID_PARAMETER_VALUE`, 400},
		{`{"statement":""}`, `statement is empty`, 400},
		{`{"statement":" \n\t"}`, `statement is empty`, 400},
		{`{"statement":null}`, `statement is empty`, 400},
		{`{"statement":1}`, `statement can't be a JSON number`, 400},
		{`{"statement":["SELECT 1"]}`, `statement can't be a JSON array`, 400},
		{`{"statement":"SELECT 1","disposition":"EXTERNAL_LINKS"}`, `supported is INLINE`, 400},
		{`{"statement":"SELECT 1","format":"ARROW_STREAM"}`, `supported is JSON_ARRAY`, 400},
		{`{"statement":"SELECT 1","format":"CSV"}`, `supported is JSON_ARRAY`, 400},
		{`{"statement":"SELECT 1","format":"csv"}`, `supported is JSON_ARRAY`, 400},
		{`{"statement":"SELECT 1","wait_timeout":"4s"}`, `neither 0s nor from 5s to 50s`, 400},
		{`{"statement":"SELECT 1","wait_timeout":"51s"}`, `neither 0s nor from 5s to 50s`, 400},
		{`{"statement":"SELECT 1","wait_timeout":"-5s"}`, `neither 0s nor from 5s to 50s`, 400},
		{`{"statement":"SELECT 1","wait_timeout":"10"}`, `neither 0s nor from 5s to 50s`, 400},
		{`{"statement":"SELECT 1","wait_timeout":10}`, `wait_timeout can't be a JSON number`, 400},
		{`{"statement":"SELECT 1","on_wait_timeout":"STOP"}`, `neither CONTINUE nor CANCEL`, 400},
		{`{"statement":"SELECT 1","row_limit":0}`, `row_limit \"0\"`, 400},
		{`{"statement":"SELECT 1","row_limit":-1}`, `above zero`, 400},
		{`{"statement":"SELECT 1","row_limit":1.5}`, `above zero`, 400},
		{`{"statement":"SELECT 1","row_limit":"many"}`, `row_limit \"many\"`, 400},
		{`{"statement":"SELECT 1","row_limit":-99999999999999999999}`, `above zero`, 400},
		{`{"statement":"SELECT 1","byte_limit":{}}`, `byte_limit \"{}\"`, 400},
		{`{"statement":"SELECT 1","parameters":{"a":1}}`, `parameters can't be a JSON object`, 400},
		{`{"statement":"SELECT 1","parameters":[{"value":"1"}]}`, `parameters[0] has no name`, 400},
		{`{"statement":"SELECT 1","parameters":[{"name":"a"},{"name":"A"}]}`, `\"A\" is given twice`, 400},
		{`{"statement":"SELECT 1","parameters":[{"name":"a","value":[1]}]}`, `must be a string or null`, 400},
		{`{"statement":"SELECT 1","parameters":[{"name":"a","value":{}}]}`, `must be a string or null`, 400},
		{`{"statement":"` + strings.Repeat("x", 5000) + `"}`, `REQUEST_TOO_LARGE`, 413},
		{`{"statement":"SELECT 1","format":"` + strings.Repeat("ü", 1000) + `"}`, strings.Repeat("ü", 60) + `…`, 400},
	} {
		if got := s.do(tt.status, http.MethodPost, statementsPath, tt.body); !strings.Contains(got, tt.want) || len(got) > 500 {
			t.Errorf("%.200s\n = %s\nwant %s", tt.body, got, tt.want)
		}
	}
	golden(t, "bad_format", s.do(400, http.MethodPost, statementsPath, `{"statement":"SELECT 1","format":"ARROW_STREAM"}`))
}

func TestGoodBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want warehouse.Query
	}{
		"least":   {`{"statement":"SELECT 1"}`, warehouse.Query{SQL: "SELECT 1"}},
		"nulls":   {`{"statement":"SELECT 1","catalog":null,"schema":null,"parameters":null,"row_limit":null,"wait_timeout":null,"format":null}`, warehouse.Query{SQL: "SELECT 1"}},
		"unknown": {` {"statement":"SELECT 1","warehouse_id":"w","query_tags":[{"key":"a"}],"new":{"x":[1]}} `, warehouse.Query{SQL: "SELECT 1"}},
		"names":   {`{"statement":"SELECT 1","catalog":"c","schema":"größe"}`, warehouse.Query{SQL: "SELECT 1", Catalog: "c", Schema: "größe"}},
		"said":    {`{"statement":"SELECT 1","disposition":"INLINE","format":"JSON_ARRAY","wait_timeout":"50s","on_wait_timeout":"CANCEL"}`, warehouse.Query{SQL: "SELECT 1"}},
		"limits":  {`{"statement":"SELECT 1","row_limit":10,"byte_limit":"2048"}`, warehouse.Query{SQL: "SELECT 1", RowLimit: 10, ByteLimit: 2048}},
		"huge":    {`{"statement":"SELECT 1","row_limit":99999999999999999999,"byte_limit":9223372036854775807}`, warehouse.Query{SQL: "SELECT 1", RowLimit: 1<<31 - 1, ByteLimit: 1<<31 - 1}},
		"text":    {`{"statement":"  SELECT '\u00fc🦆' -- \u2028\n"}`, warehouse.Query{SQL: "  SELECT 'ü🦆' -- \u2028\n"}},
		"parameters": {
			`{"statement":"SELECT :a","parameters":[{"name":"a","value":"1","type":"INT"},{"name":"b","value":null},{"name":"c"},{"name":"d","value":""},{"name":"e","value":12.50},{"name":"f","value":true},{"name":"g.min","value":"2026-01-01","type":"DATE"}]}`,
			warehouse.Query{SQL: "SELECT :a", Params: []warehouse.Param{
				{Name: "a", Type: "INT", Value: cell("1")},
				{Name: "b"},
				{Name: "c"},
				{Name: "d", Value: cell("")},
				{Name: "e", Value: cell("12.50")},
				{Name: "f", Value: cell("true")},
				{Name: "g.min", Type: "DATE", Value: cell("2026-01-01")},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got warehouse.Query
			s := serve(t, fakeRunner(func(_ context.Context, q warehouse.Query) (*warehouse.Result, error) {
				got = q
				return numbers(1), nil
			}), nil)
			defer s.close()
			if st := stateIn(t, s.do(http.StatusOK, http.MethodPost, statementsPath+"/", tt.body)); st != succeeded {
				t.Fatalf("state %s", st)
			}
			if got.Principal.KeyID != "ann-wide" || !got.Allow("of.ann-wide") || got.Allow("of.bob") {
				t.Errorf("it runs as %+v", got.Principal)
			}
			tt.want.Principal, got.Allow = got.Principal, nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAuthentication(t *testing.T) {
	s := serve(t, gives(numbers(1), nil), nil)
	defer s.close()
	s.run(`{"statement":"SELECT 1"}`)
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic ann-1", "ann-1", "Bearer ann-1 x"} {
		for _, r := range [][2]string{
			{http.MethodPost, statementsPath},
			{http.MethodGet, statementsPath + "/" + id(1)},
			{http.MethodGet, statementsPath + "/" + id(1) + "/result/chunks/0"},
			{http.MethodPost, statementsPath + "/" + id(1) + "/cancel"},
			{http.MethodGet, warehousesPath},
			{http.MethodGet, statementsPath + "/a/b"},
		} {
			req := httptest.NewRequest(r[0], r[1], strings.NewReader(`{"statement":"SELECT 1"}`))
			req.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			s.echo.ServeHTTP(w, req)
			if w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" || !strings.Contains(w.Body.String(), `"error_code":"UNAUTHENTICATED"`) {
				t.Errorf("%q %s %s = %d %s", header, r[0], r[1], w.Code, w.Body)
			}
		}
	}
}

// The router's own errors are in Databricks' shape too; do checks that.
func TestPathsAndMethods(t *testing.T) {
	s := serve(t, gives(numbers(1), nil), nil)
	defer s.close()
	for _, r := range [][2]string{
		{http.MethodGet, statementsPath},
		{http.MethodPut, statementsPath + "/"},
		{http.MethodDelete, statementsPath + "/" + id(1)},
		{http.MethodGet, statementsPath + "/" + id(1) + "/cancel"},
		{http.MethodPost, statementsPath + "/" + id(1) + "/result/chunks/0"},
		{http.MethodPost, warehousesPath},
		{http.MethodDelete, warehousesPath + "/lakegate"},
	} {
		s.do(http.StatusMethodNotAllowed, r[0], r[1], "")
	}
	for _, path := range []string{"/" + id(1), "/a/b", "/a/result", "/a/result/chunks/0/1", "/a/cancel/b"} {
		s.do(http.StatusNotFound, http.MethodGet, statementsPath+path, "")
	}
	s.do(http.StatusNotFound, http.MethodPost, warehousesPath+"/lakegate/stop", "")
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	err := Config{}.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("faults of an empty configuration: %v", err)
	}
	if _, err := New(Config{}, Deps{}); err == nil {
		t.Error("New took an empty configuration")
	}
	if _, err := New(DefaultConfig(), Deps{Logger: discard(), Now: time.Now}); err == nil {
		t.Error("New took no warehouse")
	}
}
