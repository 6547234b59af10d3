package aifunc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Call is one model call. Params is a JSON object of model parameters, "" for none; Format is
// 'text', a JSON document or nothing.
type Call struct {
	Endpoint, Prompt, Params, Format string
}

// Options returns the call's parameters as one JSON object, nil for none: the model parameters,
// and response_format when a format other than text was asked for.
func (c Call) Options() (json.RawMessage, error) {
	options := map[string]json.RawMessage{}
	if c.Params != "" {
		if err := json.Unmarshal([]byte(c.Params), &options); err != nil {
			return nil, fmt.Errorf("modelParameters must be a struct: named_struct('max_tokens', 100)")
		}
	}
	if f := strings.TrimSpace(c.Format); f != "" && !strings.EqualFold(f, "text") {
		if !json.Valid([]byte(f)) {
			return nil, fmt.Errorf("responseFormat must be 'text' or a JSON document; a type is not supported yet")
		}
		options["response_format"] = json.RawMessage(f)
	}
	if len(options) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("encode model parameters: %w", err)
	}
	return b, nil
}

// Asker makes one call. Its error is text for the caller. It must return soon after ctx ends.
type Asker func(ctx context.Context, c Call) (string, error)

// Result is what became of one call.
type Result struct {
	Text string
	Err  error
}

// ErrTooMany reports that a query asked for more distinct calls than it may.
var ErrTooMany = errors.New("too many ai_query calls in one statement")

// Batch makes the calls of one query.
type Batch struct {
	ask   Asker
	limit int
	slots chan struct{}

	mu   sync.Mutex
	memo map[Call]*entry
}

type entry struct {
	done   chan struct{}
	result Result
}

// NewBatch returns a Batch of at most limit distinct calls, width of them at a time.
func NewBatch(ask Asker, limit, width int) *Batch {
	return &Batch{ask: ask, limit: limit, slots: make(chan struct{}, max(width, 1)), memo: map[Call]*entry{}}
}

// Calls returns how many distinct calls were begun.
func (b *Batch) Calls() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.memo)
}

// Run makes calls, of which nil ones are skipped, and returns their results in order. With
// failFast the first error cancels the rest and is returned; without, errors are results, except
// for ErrTooMany and the end of ctx. It starts goroutines and returns after the last has ended.
func (b *Batch) Run(ctx context.Context, calls []*Call, failFast bool) ([]Result, error) {
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	entries := make([]*entry, len(calls))
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, c := range calls {
		if c == nil {
			continue
		}
		e, fresh, err := b.entry(*c)
		if err != nil {
			cancel(err)
			return nil, err
		}
		entries[i] = e
		if fresh {
			wg.Go(func() { b.make(run, *c, e, failFast, cancel) })
		}
	}
	results := make([]Result, len(calls))
	for i, e := range entries {
		if e == nil {
			continue
		}
		select {
		case <-e.done:
		case <-run.Done():
			return nil, context.Cause(run)
		}
		if results[i] = e.result; failFast && e.result.Err != nil {
			cancel(e.result.Err)
			return nil, context.Cause(run) // the first error, not the cancellations it caused
		}
	}
	return results, nil
}

// entry finds or begins the memo of a call.
func (b *Batch) entry(c Call) (e *entry, fresh bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.memo[c]; ok {
		return e, false, nil
	}
	if len(b.memo) >= b.limit {
		return nil, false, fmt.Errorf("%w: at most %d", ErrTooMany, b.limit)
	}
	e = &entry{done: make(chan struct{})}
	b.memo[c] = e
	return e, true, nil
}

func (b *Batch) make(ctx context.Context, c Call, e *entry, failFast bool, cancel context.CancelCauseFunc) {
	defer close(e.done)
	defer func() {
		if r := recover(); r != nil {
			e.result = Result{Err: fmt.Errorf("ai_query: internal error")}
		}
		if failFast && e.result.Err != nil {
			cancel(e.result.Err)
		}
	}()
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-ctx.Done():
		e.result.Err = context.Cause(ctx)
		return
	}
	if ctx.Err() != nil {
		e.result.Err = context.Cause(ctx)
		return
	}
	e.result.Text, e.result.Err = b.ask(ctx, c)
}
