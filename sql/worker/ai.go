package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/lakegate/lakegate/sql/aifunc"
	"github.com/lakegate/lakegate/sql/protocol"
)

// asks are the model calls under way: each waits for the parent's Answer of its number.
type asks struct {
	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan *protocol.Answer
}

func (a *asks) begin() (uint64, chan *protocol.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[uint64]chan *protocol.Answer{}
	}
	a.next++
	ch := make(chan *protocol.Answer, 1)
	a.waiting[a.next] = ch
	return a.next, ch
}

func (a *asks) end(id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
}

// deliver passes an answer to the call that waits for it, if one still does.
func (a *asks) deliver(m *protocol.Answer) {
	a.mu.Lock()
	ch := a.waiting[m.ID]
	delete(a.waiting, m.ID)
	a.mu.Unlock()
	if ch != nil {
		ch <- m
	}
}

// asker makes calls over the pipe.
func (a *asks) asker(conn *protocol.Conn) aifunc.Asker {
	return func(ctx context.Context, c aifunc.Call) (string, error) {
		options, err := c.Options()
		if err != nil {
			return "", err
		}
		id, ch := a.begin()
		defer a.end(id)
		if err := conn.Send(&protocol.Message{Ask: &protocol.Ask{ID: id, Endpoint: c.Endpoint, Prompt: c.Prompt, Params: options}}); err != nil {
			return "", err
		}
		select {
		case m := <-ch:
			if m.Error != "" {
				return "", errors.New(m.Error)
			}
			return m.Text, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

type batchKey struct{}

func withBatch(ctx context.Context, b *aifunc.Batch) context.Context {
	return context.WithValue(ctx, batchKey{}, b)
}

// aiFunction is ai_query as the engine sees it: a chunk of rows in, the chunk's answers out. It
// is not volatile, so that equal calls of a row are made once.
type aiFunction struct {
	config duckdb.ScalarFuncConfig
	try    bool
}

func registerAI(c *sql.Conn) error {
	text, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return fmt.Errorf("register ai_query: %w", err)
	}
	config := duckdb.ScalarFuncConfig{
		InputTypeInfos: []duckdb.TypeInfo{text, text, text, text}, ResultTypeInfo: text, SpecialNullHandling: true,
	}
	if err := duckdb.RegisterScalarUDF(c, aifunc.Function, &aiFunction{config, false}); err != nil {
		return fmt.Errorf("register ai_query: %w", err)
	}
	if err := duckdb.RegisterScalarUDF(c, aifunc.TryFunction, &aiFunction{config, true}); err != nil {
		return fmt.Errorf("register ai_query: %w", err)
	}
	return nil
}

// Config implements duckdb.ScalarFunc.
func (f *aiFunction) Config() duckdb.ScalarFuncConfig { return f.config }

// Executor implements duckdb.ScalarFunc.
func (f *aiFunction) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{ChunkContextExecutor: f.chunk}
}

// modelError marks an error as a model call's.
type modelError struct{ err error }

func (e *modelError) Error() string { return modelErrorMark + e.err.Error() }

// modelErrorMark survives the engine, which passes on only the text of an error.
const modelErrorMark = "lg_model_error: "

// chunk goes over the rows twice: once to read the calls, once to write the answers. A panic in
// a callback would end the process without a word.
func (f *aiFunction) chunk(ctx context.Context, rows *duckdb.ChunkIteratorState) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &modelError{fmt.Errorf("internal error in ai_query")}
		}
	}()
	batch, _ := ctx.Value(batchKey{}).(*aifunc.Batch)
	if batch == nil {
		return &modelError{fmt.Errorf("ai_query is not available here")}
	}
	var calls []*aifunc.Call
	for row, err := range rows.Rows() {
		if err != nil {
			return err
		}
		calls = append(calls, readCall(row))
	}
	results, err := batch.Run(ctx, calls, !f.try)
	if err != nil {
		return &modelError{err}
	}
	i := 0
	for row, err := range rows.Rows() {
		if err != nil {
			return err
		}
		if err := row.SetResult(f.result(calls[i], results[i])); err != nil {
			return err
		}
		i++
	}
	return nil
}

func (f *aiFunction) result(c *aifunc.Call, r aifunc.Result) any {
	switch {
	case c == nil:
		return nil
	case f.try:
		return aifunc.Answer(r.Text, r.Err)
	default:
		return r.Text
	}
}

// readCall returns the call of a row, nil when the endpoint or the request is NULL.
func readCall(row *duckdb.ChunkIteratorState) *aifunc.Call {
	text := func(i int) (string, bool) {
		s, ok := (*row.GetValuePtr(i)).(string)
		return s, ok
	}
	endpoint, ok1 := text(0)
	prompt, ok2 := text(1)
	if !ok1 || !ok2 {
		return nil
	}
	params, _ := text(2)
	format, _ := text(3)
	return &aifunc.Call{Endpoint: endpoint, Prompt: prompt, Params: params, Format: format}
}
