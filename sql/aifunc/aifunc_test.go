package aifunc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/sql/aifunc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func call(prompt string) *aifunc.Call { return &aifunc.Call{Endpoint: "e", Prompt: prompt} }

func TestBatch(t *testing.T) {
	var asked atomic.Int64
	b := aifunc.NewBatch(func(_ context.Context, c aifunc.Call) (string, error) {
		asked.Add(1)
		return strings.ToUpper(c.Prompt), nil
	}, 10, 4)
	for range 2 { // the second time everything is known
		r, err := b.Run(t.Context(), []*aifunc.Call{call("a"), nil, call("b"), call("a")}, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r); got != "[{A <nil>} { <nil>} {B <nil>} {A <nil>}]" {
			t.Errorf("got %s", got)
		}
	}
	if asked.Load() != 2 || b.Calls() != 2 {
		t.Errorf("asked %d times, counted %d; want 2", asked.Load(), b.Calls())
	}
}

func TestBatchLimit(t *testing.T) {
	b := aifunc.NewBatch(func(context.Context, aifunc.Call) (string, error) { return "", nil }, 2, 1)
	_, err := b.Run(t.Context(), []*aifunc.Call{call("a"), call("b"), call("c")}, false)
	if !errors.Is(err, aifunc.ErrTooMany) {
		t.Errorf("got %v", err)
	}
}

func TestBatchErrors(t *testing.T) {
	boom := errors.New("boom")
	ask := func(ctx context.Context, c aifunc.Call) (string, error) {
		switch c.Prompt {
		case "fail":
			return "", boom
		case "wait":
			<-ctx.Done()
			return "", ctx.Err()
		case "panic":
			panic("oops")
		}
		return "ok", nil
	}
	// Fail fast: the first error ends those that wait, and is the one that is told.
	_, err := aifunc.NewBatch(ask, 10, 4).Run(t.Context(), []*aifunc.Call{call("wait"), call("fail")}, true)
	if !errors.Is(err, boom) {
		t.Errorf("fail fast: got %v", err)
	}
	r, err := aifunc.NewBatch(ask, 10, 4).Run(t.Context(), []*aifunc.Call{call("a"), call("fail"), call("panic")}, false)
	if err != nil || r[0].Text != "ok" || !errors.Is(r[1].Err, boom) || r[2].Err == nil {
		t.Errorf("errors as results: got %v %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := aifunc.NewBatch(ask, 10, 4).Run(ctx, []*aifunc.Call{call("wait")}, false); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestBatchWidth(t *testing.T) {
	var now, most atomic.Int64
	b := aifunc.NewBatch(func(context.Context, aifunc.Call) (string, error) {
		n := now.Add(1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		now.Add(-1)
		return "", nil
	}, 1000, 3)
	var calls []*aifunc.Call
	for i := range 500 {
		calls = append(calls, call(fmt.Sprint(i)))
	}
	if _, err := b.Run(t.Context(), calls, true); err != nil {
		t.Fatal(err)
	}
	if most.Load() > 3 {
		t.Errorf("%d calls at a time, want at most 3", most.Load())
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct{ params, format, want, fault string }{
		{"", "", "", ""},
		{"", "text", "", ""},
		{`{"b":1,"a":0.5}`, "", `{"a":0.5,"b":1}`, ""},
		{`{"a":1}`, `{"type":"json_object"}`, `{"a":1,"response_format":{"type":"json_object"}}`, ""},
		{`[1]`, "", "", "modelParameters must be a struct"},
		{"", "STRUCT<a: INT>", "", "a type is not supported yet"},
	} {
		got, err := aifunc.Call{Params: c.params, Format: c.format}.Options()
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%+v: got %v", c, err)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%+v: got %s %v", c, got, err)
		}
	}
}

func TestAnswer(t *testing.T) {
	if got := aifunc.Answer("x<", nil); got != `{"result":"x\u003c","errorMessage":null}` {
		t.Errorf("got %s", got)
	}
	if got := aifunc.Answer("", errors.New("no")); got != `{"result":null,"errorMessage":"no"}` {
		t.Errorf("got %s", got)
	}
}
