package statements

import (
	"context"
	"errors"
	"fmt"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// errTooLong is the cause of a run's end at MaxRuntime.
var errTooLong = errors.New("the statement ran longer than it may")

// start begins to run a query; nobody needs to wait for it.
func (a *API) start(by owner, q warehouse.Query) (*statement, *apierr.Error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), a.cfg.MaxRuntime, errTooLong)
	st := &statement{id: a.newID(), owner: by, cancel: cancel, done: make(chan struct{})}
	e := a.shelf.add(st, func() {
		a.runs.Go(func() { // ends with the query
			defer cancel()
			a.shelf.leave(st, a.run(ctx, st, q))
		})
	})
	if e != nil {
		cancel()
		return nil, e
	}
	return st, nil
}

// run runs a query to its end and makes its rows ready to send.
func (a *API) run(ctx context.Context, st *statement, q warehouse.Query) (o *outcome) {
	defer func() {
		if p := recover(); p != nil {
			a.deps.Logger.Error("panic in a SQL statement", "statement", st.id, "panic", fmt.Sprint(p))
			o = &outcome{state: failed, fault: internalFault}
		}
	}()
	res, err := a.deps.Warehouse.Query(ctx, q)
	if err != nil {
		return a.failure(ctx, st, err)
	}
	r, err := newResult(ctx, res, a.cfg)
	if err != nil {
		return a.failure(ctx, st, err)
	}
	return &outcome{state: succeeded, result: r}
}

func (a *API) failure(ctx context.Context, st *statement, err error) *outcome {
	switch {
	case errors.Is(context.Cause(ctx), errTooLong):
		return &outcome{state: failed, fault: timeoutFault}
	case ctx.Err() != nil: // whoever ended it has said why
		return &outcome{state: canceled, fault: cancelFault}
	}
	f := faultOf(err)
	if f.Code == codeInternal {
		a.deps.Logger.Error("a SQL statement failed", "statement", st.id, "error", err)
	}
	if f.Code == codeCancelled {
		return &outcome{state: canceled, fault: f}
	}
	return &outcome{state: failed, fault: f}
}
