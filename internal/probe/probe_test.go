package probe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/probe"
)

// liar is a gateway with tables, that can be made to lie.
type liar struct {
	mu       sync.Mutex
	rows     map[string][]string // id: status, outcome, input, output, cost
	payloads map[string][2]string
	looks    int

	late     int                                  // looks before rows are there
	change   func(name string, row []string) bool // false: the row gets lost
	twice    bool
	keeps    bool
	sampling string
	queryErr error
	answer   func(w http.ResponseWriter, name string) bool // true: it has answered
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		fmt.Fprintf(w, `{"name":"chat","ai_gateway":{"inference_table_config":{"enabled":%v,"catalog_name":"main","schema_name":"ai","table_name_prefix":"chat"}}}`, l.keeps)
		return
	}
	b, _ := io.ReadAll(r.Body)
	var ask struct {
		Model  string
		Stream bool
		Tags   struct{ Probe string } `json:"usage_context"`
	}
	_ = json.Unmarshal(b, &ask)
	name := ask.Tags.Probe
	if r.Header.Get("Authorization") != "Bearer key" || l.answer != nil && l.answer(w, name) {
		return
	}
	id := uuid.NewString()
	w.Header().Set("X-Request-Id", id)
	row := []string{"200", "ok", "5", "7", "120"}
	if ask.Model != "chat" {
		row = []string{"404", "refused", "", "", ""}
		defer w.WriteHeader(404)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.change == nil || l.change(name, row) {
		l.rows[id] = row
	}
	l.payloads[id] = [2]string{string(b), `{"choices":[{"message":{"content":"pong \"it\" is"}}]}`}
	if ask.Model != "chat" {
		return
	}
	if !ask.Stream {
		fmt.Fprint(w, `{"choices":[{"message":{"content":"pong \"it\" is"}}],"usage":{"prompt_tokens":5,"completion_tokens":7}}`)
		return
	}
	fmt.Fprint(w, ": a comment\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"po\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"ng\"}}]}\n\n"+
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n")
}

func (l *liar) query(_ context.Context, sql string) ([][]*string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.looks++; l.queryErr != nil {
		return nil, l.queryErr
	}
	if l.looks <= l.late {
		return nil, nil
	}
	var out [][]*string
	if strings.Contains(sql, "min(sampling_fraction)") {
		return [][]*string{{&l.sampling}}, nil
	}
	if strings.Contains(sql, "`main`.`ai`.`chat_payload`") {
		for id, p := range l.payloads {
			if strings.Contains(sql, id) {
				out = append(out, []*string{&id, &p[0], &p[1]})
			}
		}
		return out, nil
	}
	for id, row := range l.rows {
		if !strings.Contains(sql, id) {
			continue
		}
		cells := []*string{&id}
		for _, v := range row {
			if v == "" {
				cells = append(cells, nil)
				continue
			}
			cells = append(cells, &v)
		}
		if out = append(out, cells); l.twice {
			out = append(out, cells)
		}
	}
	return out, nil
}

// round is what a round comes to, a line per check.
func round(t *testing.T, l *liar, change ...func(*probe.Config)) (string, []probe.Check) {
	t.Helper()
	l.rows, l.payloads = map[string][]string{}, map[string][2]string{}
	srv := httptest.NewServer(l)
	t.Cleanup(srv.Close)
	c := probe.DefaultConfig()
	c.URL, c.Key, c.Endpoint, c.Within, c.Every = srv.URL+"/", "key", "chat", 20*time.Millisecond, time.Millisecond
	for _, f := range change {
		f(&c)
	}
	p, err := probe.New(c, l.query, srv.Client())
	if err != nil {
		t.Fatal(err)
	}
	checks := p.Round(context.Background())
	var bad []string
	for _, c := range checks {
		if !c.OK {
			bad = append(bad, c.Call+" "+c.Name+": "+c.Detail)
		}
	}
	if (len(bad) > 0) != probe.Failed(checks) {
		t.Errorf("failed: %v, bad %q", probe.Failed(checks), bad)
	}
	return strings.Join(bad, "\n"), checks
}

func TestAnHonestGateway(t *testing.T) {
	patient := func(c *probe.Config) { c.Within = time.Minute } // and never that long
	bad, checks := round(t, &liar{keeps: true, late: 3}, patient)
	if bad != "" {
		t.Errorf("bad:\n%s", bad)
	}
	var names []string
	for _, c := range checks {
		names = append(names, c.Call+" "+c.Name)
	}
	want := "whole answer, stream answer, error answer, left answer, whole row, stream row, error row, left row, " +
		"whole outcome, whole tokens, whole cost, stream outcome, stream tokens, stream cost, error outcome, error cost, " +
		"left outcome, left tokens, left cost, whole payload, stream payload, left payload"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("checks:\n%s\nwant:\n%s", got, want)
	}
	if bad, _ := round(t, &liar{}, patient); bad != "" {
		t.Errorf("without payloads, bad:\n%s", bad)
	}
}

// TestLies: each way in which a gateway can be wrong fails the check that is about it, and says what.
func TestLies(t *testing.T) {
	one := func(name string, i int, v string) func(string, []string) bool {
		return func(n string, row []string) bool {
			if n == name {
				row[i] = v
			}
			return true
		}
	}
	tests := map[string]struct {
		liar *liar
		want []string // in the bad lines, one each
	}{
		"a lost row":          {&liar{change: func(n string, _ []string) bool { return n != "stream" }}, []string{"stream row: "}},
		"a doubled row":       {&liar{twice: true}, []string{"whole row: ", "stream row: ", "error row: ", "left row: "}},
		"wrong tokens":        {&liar{change: one("whole", 2, "6")}, []string{"whole tokens: 6 in, 7 out; the answer told 5 in, 7 out"}},
		"no tokens":           {&liar{change: one("stream", 3, "")}, []string{"stream tokens: 5 in, NULL out"}},
		"tokens not read on":  {&liar{change: one("left", 2, "")}, []string{"left tokens: unknown"}},
		"no cost":             {&liar{change: one("whole", 4, "")}, []string{"whole cost: no cost"}},
		"a refusal that cost": {&liar{change: one("error", 4, "1")}, []string{"error cost: a call that was refused"}},
		"another outcome":     {&liar{change: one("whole", 1, "timeout")}, []string{"whole outcome: timeout"}},
		"another status":      {&liar{change: one("error", 0, "500")}, []string{"error outcome: refused, status 500"}},
		"no SQL":              {&liar{queryErr: errors.New("the engine is away")}, []string{"whole row: the tables could not be asked: the engine is away", "stream row", "error row", "left row"}},
		"an error": {&liar{answer: func(w http.ResponseWriter, n string) bool {
			if n == "whole" {
				w.Header().Set("X-Request-Id", uuid.NewString())
				w.WriteHeader(503)
			}
			return n == "whole"
		}}, []string{"whole answer: 503", "whole row: "}},
		"a stream that breaks off": {&liar{answer: func(w http.ResponseWriter, n string) bool {
			if n == "stream" {
				fmt.Fprint(w, "data: {}\n\n")
			}
			return n == "stream"
		}}, []string{"stream answer: the stream ended without [DONE]"}},
		"an error within a stream": {&liar{answer: func(w http.ResponseWriter, n string) bool {
			if n == "stream" {
				fmt.Fprint(w, "data: {\"error\":{\"message\":\"away\"}}\n\n")
			}
			return n == "stream"
		}}, []string{`stream answer: the answer is an error: {"message":"away"}`}},
		"another server": {&liar{answer: func(w http.ResponseWriter, _ string) bool {
			fmt.Fprint(w, "data: {}\n\ndata: [DONE]\n\n")
			return true
		}}, []string{"whole answer: the answer is not what", "stream answer: 200 without", "error answer: 200 without", "left answer: 200 without"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bad, _ := round(t, tt.liar)
			lines := strings.Split(bad, "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("bad:\n%s\nwant %q", bad, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("%q, want %q", lines[i], want)
				}
			}
		})
	}
}

func TestPayloads(t *testing.T) {
	forget := func(l *liar) *liar {
		l.change = func(string, []string) bool { l.payloads = nil; l.payloads = map[string][2]string{}; return true }
		return l
	}
	if bad, _ := round(t, forget(&liar{keeps: true, sampling: "1"})); !strings.Contains(bad, "whole payload: ") {
		t.Errorf("lost payloads: %s", bad)
	}
	if bad, _ := round(t, forget(&liar{keeps: true, sampling: "0.5"})); bad != "" {
		t.Errorf("payloads that sampling left out: %s", bad)
	}
	mix := &liar{keeps: true}
	mix.answer = func(http.ResponseWriter, string) bool { // called before each call is kept
		for id, p := range mix.payloads {
			mix.payloads[id] = [2]string{strings.ReplaceAll(p[0], "probe", "prone"), "{}"}
		}
		return false
	}
	if bad, _ := round(t, mix); !strings.Contains(bad, "whole payload: what is kept is not") {
		t.Errorf("somebody else's payload: %s", bad)
	}
}

func TestUnpriced(t *testing.T) {
	free := func(_ string, row []string) bool { row[4] = ""; return true }
	if bad, _ := round(t, &liar{change: free}, func(c *probe.Config) { c.Unpriced = true }); bad != "" {
		t.Errorf("bad:\n%s", bad)
	}
}

func TestConfig(t *testing.T) {
	_, err := probe.New(probe.Config{URL: "localhost:8080"}, nil, nil)
	for _, want := range []string{"want http://HOST", "API key", "endpoint", "times"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
