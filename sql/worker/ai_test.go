package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// model is an Asker that shouts back, and remembers who asked for what.
type model struct {
	mu    sync.Mutex
	calls []string
}

func (m *model) ask(_ context.Context, p inference.Principal, endpoint, prompt string, params json.RawMessage) (string, error) {
	m.mu.Lock()
	m.calls = append(m.calls, p.Name+" "+endpoint+" "+prompt+" "+string(params))
	m.mu.Unlock()
	switch {
	case strings.HasPrefix(prompt, "FAIL"):
		return "", apierr.New(apierr.RequestLimit, "endpoint %s: rate limit exceeded", endpoint)
	case strings.HasPrefix(prompt, "{"):
		return prompt, nil
	default:
		return strings.ToUpper(prompt), nil
	}
}

func (m *model) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.calls)
}

func TestAIQuery(t *testing.T) {
	l := newLake(t)
	w := start(t, l, nil)
	for _, c := range []struct {
		name, sql, want string
		calls           int
	}{
		{"one call", "SELECT ai_query('chat', 'hello')", "HELLO\n", 1},
		{"by name", "SELECT ai_query(request => 'hello', endpoint => 'chat')", "HELLO\n", 1},
		{"a row each", "SELECT ai_query('chat', databricks_request_id) AS a FROM system.serving.endpoint_usage ORDER BY a LIMIT 2", "R00\nR01\n", 12},
		{"equal calls once", "SELECT count(ai_query('chat', requester)) FROM system.serving.endpoint_usage", "12\n", 3},
		{"twice in a row once", "SELECT ai_query('chat', x), length(ai_query('chat', x)) FROM VALUES ('a'), ('b') AS t(x) ORDER BY 1", "A|1\nB|1\n", 2},
		{"NULL asks nobody", "SELECT ai_query('chat', NULL), ai_query(NULL, 'x')", "NULL|NULL\n", 0},
		{"guarded rows", "SELECT CASE WHEN x > 1 THEN ai_query('chat', 'n' || x) END AS a FROM VALUES (1), (2) AS t(x) ORDER BY x", "NULL\nN2\n", 1},
		{"a nested call", "SELECT ai_query('chat', ai_query('chat', 'a') || 'b')", "AB\n", 2},
		{
			"errors as rows", "SELECT x, ai_query('chat', x, failOnError => false).result AS r, ai_query('chat', x, failOnError => false).errorMessage AS e FROM VALUES ('FAIL'), ('ok') AS t(x) ORDER BY x",
			"FAIL|NULL|endpoint chat: rate limit exceeded\nok|OK|NULL\n", 2,
		},
		{"a struct with both", "SELECT ai_query('chat', 'x', failOnError => false)", `{"result":"X","errorMessage":null}` + "\n", 1},
		{"a type", "SELECT ai_query('chat', ' 42 ', returnType => 'INT') + 1", "43\n", 1},
		{"a struct", `SELECT ai_query('chat', '{"label": "spam", "score": 0.5, "more": 1}', returnType => 'STRUCT<label: STRING, score: DOUBLE>').label`, "spam\n", 1},
		{"a struct as the request", "SELECT ai_query('custom', named_struct('a', 1, 'b', 'x'))", `{"a":1,"b":"x"}` + "\n", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &model{}
			l.answer = m.ask
			r, err := ask(w, c.sql)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if m.count() != c.calls {
				t.Errorf("%d calls, want %d: %q", m.count(), c.calls, m.calls)
			}
			for _, call := range m.calls {
				if !strings.HasPrefix(call, "alice@example.com ") {
					t.Errorf("asked as somebody else: %s", call)
				}
			}
		})
	}
}

func TestAIQueryParameters(t *testing.T) {
	l := newLake(t)
	m := &model{}
	l.answer = m.ask
	w := start(t, l, nil)
	if _, err := ask(w, `SELECT ai_query('chat', 'x', modelParameters => named_struct('max_tokens', 10, 'temperature', 0.5), responseFormat => '{"type": "json_object"}')`); err != nil {
		t.Fatal(err)
	}
	want := `alice@example.com chat x {"max_tokens":10,"response_format":{"type":"json_object"},"temperature":0.5}`
	if len(m.calls) != 1 || m.calls[0] != want {
		t.Errorf("got %q, want %q", m.calls, want)
	}
}

func TestAIQueryErrors(t *testing.T) {
	l := newLake(t)
	m := &model{}
	l.answer = m.ask
	w := start(t, l, func(c *warehouse.Config) { c.AICalls = 5 })
	for _, c := range []struct{ name, sql, class, message string }{
		{"the model's", "SELECT ai_query('chat', 'FAIL now')", "model", "endpoint chat: rate limit exceeded"},
		{"one of many", "SELECT ai_query('chat', x) FROM VALUES ('a'), ('FAIL') AS t(x)", "model", "endpoint chat: rate limit exceeded"},
		{"too many", "SELECT ai_query('chat', databricks_request_id) FROM system.serving.endpoint_usage", "model", "too many ai_query calls in one statement: at most 5"},
		{"no request", "SELECT ai_query('chat')", "invalid", "ai_query takes an endpoint and a request"},
		{"an unknown argument", "SELECT ai_query('chat', 'x', colour => 1)", "invalid", ""},
		{"a type that is none", "SELECT ai_query('chat', 'x', returnType => 'NONSENSE')", "invalid", ""},
		{"parameters that are none", "SELECT ai_query('chat', 'x', modelParameters => 'hot')", "model", ""},
		{"a format that is none", "SELECT ai_query('chat', 'x', responseFormat => 'STRUCT<a: INT>')", "model", ""},
		{"over a window", "SELECT ai_query('chat', 'x') OVER ()", "invalid", ""},
		{"no number", "SELECT ai_query('chat', 'x', returnType => 'INT')", "invalid", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ask(w, c.sql)
			var public *apierr.Error
			if !errors.As(err, &public) {
				t.Fatalf("got %v", err)
			}
			if class := string(warehouse.ClassOf(err)); class != c.class {
				t.Errorf("class %s, want %s: %s", class, c.class, public.Message)
			}
			if c.message != "" && public.Message != c.message {
				t.Errorf("got %q, want %q", public.Message, c.message)
			}
		})
	}
	if _, err := ask(w, "SELECT 1"); err != nil {
		t.Errorf("after all of them: %v", err)
	}
}

// TestAIQueryTogether has calls that end only when many are under way at once.
func TestAIQueryTogether(t *testing.T) {
	const together = 8
	l := newLake(t)
	var under atomic.Int64
	full := make(chan struct{})
	l.answer = func(ctx context.Context, _ inference.Principal, _, prompt string, _ json.RawMessage) (string, error) {
		if under.Add(1) == together {
			close(full)
		}
		select {
		case <-full:
			return prompt, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	w := start(t, l, func(c *warehouse.Config) { c.AIWidth = together })
	r, err := ask(w, fmt.Sprintf("SELECT count(ai_query('chat', 'p' || range)) FROM range(%d)", together))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(r); got != fmt.Sprintf("%d\n", together) {
		t.Errorf("got %q", got)
	}
}

// TestAIQueryCancel checks that the calls of a caller who leaves end.
func TestAIQueryCancel(t *testing.T) {
	l := newLake(t)
	asked, ended := make(chan struct{}), make(chan struct{})
	l.answer = func(ctx context.Context, _ inference.Principal, _, _ string, _ json.RawMessage) (string, error) {
		close(asked)
		defer close(ended)
		<-ctx.Done()
		return "", ctx.Err()
	}
	w := start(t, l, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := w.Query(ctx, warehouse.Query{SQL: "SELECT ai_query('chat', 'never')", Allow: notOther})
	if warehouse.ClassOf(err) != "cancelled" {
		t.Errorf("got %v", err)
	}
	select {
	case <-ended:
	default:
		t.Error("the query ended before its model call")
	}
}

func TestAIQueryWithoutModels(t *testing.T) {
	l := newLake(t)
	w := startWithout(t, l)
	if _, err := ask(w, "SELECT ai_query('chat', 'x')"); warehouse.ClassOf(err) != "unsupported" {
		t.Errorf("got %v", err)
	}
}
