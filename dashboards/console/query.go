package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/dashboards/library"
	"github.com/lakegate/lakegate/dashboards/lvdash"
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

// widgetQuery is what a page asks for one widget.
type widgetQuery struct {
	Widget  string                      `json:"widget"`
	Filters map[string]lvdash.Selection `json:"filters"`
}

// widgetData is the answer.
type widgetData struct {
	Columns   []columnData `json:"columns"`
	Rows      [][]*string  `json:"rows"`
	Truncated bool         `json:"truncated,omitempty"`
	AsOf      time.Time    `json:"as_of"`
	ElapsedMS int64        `json:"elapsed_ms"`
	SQL       string       `json:"sql"`
	Params    []Param      `json:"params,omitempty"`
}

type columnData struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// queryWidget compiles and runs one widget as the viewer.
func (c *Console) queryWidget(ec echo.Context, p inference.Principal) error {
	var in widgetQuery
	if e := readJSON(ec, &in, 1<<20); e != nil {
		return reply(ec, e)
	}
	ctx := ec.Request().Context()
	entry, d, err := c.deps.Library.Open(ctx, ec.Param("id"))
	if err != nil {
		return c.fail(ec, "open dashboard", err)
	}
	w, ok := d.Widget(in.Widget)
	if !ok {
		return reply(ec, apierr.New(apierr.ResourceNotFound, "the dashboard has no widget %q", in.Widget))
	}
	st, err := d.Compile(w, inputs(entry, in.Filters, c.deps.Now()))
	if errors.Is(err, lvdash.ErrNoQuery) {
		return reply(ec, apierr.New(apierr.InvalidParameter, "the widget %q has no data to fetch", in.Widget))
	}
	if err != nil {
		return reply(ec, apierr.New(apierr.InvalidParameter, "%s", err))
	}
	start := c.deps.Now()
	res, err := c.run(ctx, p, st)
	if err != nil {
		return c.fail(ec, "query widget "+in.Widget, queryError(err))
	}
	out := widgetData{
		AsOf: start.UTC(), ElapsedMS: c.deps.Now().Sub(start).Milliseconds(),
		Truncated: res.Truncated, SQL: st.SQL, Params: st.Params,
	}
	out.Columns, out.Rows = project(res, st.Columns)
	return ec.JSON(http.StatusOK, out)
}

func inputs(e *library.Entry, chosen map[string]lvdash.Selection, now time.Time) lvdash.Inputs {
	return lvdash.Inputs{Chosen: chosen, Now: now, Values: e.Values, Catalog: e.Catalog, Schema: e.Schema}
}

func queryError(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return apierr.New(apierr.UpstreamTimeout, "the query took too long and was stopped").Because(err)
	case errors.Is(err, context.Canceled):
		return apierr.New(apierr.ClientClosed, "the query was cancelled").Because(err)
	}
	return err
}

// run executes a statement, together with whoever asks the same right now with the same key.
func (c *Console) run(ctx context.Context, p inference.Principal, st *lvdash.Statement) (*Result, error) {
	q := Query{SQL: st.SQL, Params: st.Params, Catalog: st.Catalog, Schema: st.Schema, RowLimit: c.cfg.RowLimit}
	key, err := json.Marshal([]any{p.Name, p.Kind, p.KeyID, p.Groups, p.KeyTags, q})
	if err != nil {
		return nil, err
	}
	return c.flights.do(ctx, string(key), func(ctx context.Context) (*Result, error) {
		return c.deps.Runner.Query(ctx, p, q)
	})
}

// project keeps the named columns in their order; nil keeps all. A column that isn't there is left
// out, and the widget says what it misses.
func project(res *Result, names []string) ([]columnData, [][]*string) {
	var at []int
	for _, n := range names {
		i := slices.IndexFunc(res.Columns, func(c Column) bool { return strings.EqualFold(c.Name, n) })
		if i >= 0 {
			at = append(at, i)
		}
	}
	if names == nil {
		for i := range res.Columns {
			at = append(at, i)
		}
	}
	cols := make([]columnData, len(at))
	for j, i := range at {
		cols[j] = columnData{res.Columns[i].Name, res.Columns[i].Type}
		if names != nil {
			cols[j].Name = names[slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, res.Columns[i].Name) })]
		}
	}
	rows := make([][]*string, len(res.Rows))
	for r, row := range res.Rows {
		rows[r] = make([]*string, len(at))
		for j, i := range at {
			rows[r][j] = row[i]
		}
	}
	return cols, rows
}
