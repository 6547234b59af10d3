package statements

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// The bounds of wait_timeout, and what it is when it is not sent.
const (
	minWait     = 5 * time.Second
	maxWait     = 50 * time.Second
	defaultWait = 10 * time.Second
)

// request is the body of a statement to run. Fields it does not name are ignored: warehouse_id
// because there is one warehouse, query_tags and what newer clients send because the answer is the
// same without.
type request struct {
	Statement     string          `json:"statement"`
	Catalog       string          `json:"catalog"`
	Schema        string          `json:"schema"`
	Parameters    []parameter     `json:"parameters"`
	RowLimit      json.RawMessage `json:"row_limit"` // a number, or its text: some clients send 64 bits that way
	ByteLimit     json.RawMessage `json:"byte_limit"`
	WaitTimeout   string          `json:"wait_timeout"`
	OnWaitTimeout string          `json:"on_wait_timeout"`
	Disposition   string          `json:"disposition"`
	Format        string          `json:"format"`
}

type parameter struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// order is a request that makes sense.
type order struct {
	query  warehouse.Query // without the principal
	wait   time.Duration
	cancel bool // when wait is over
}

// readRequest decodes and checks a body.
func readRequest(c echo.Context, maxBytes int64) (*order, *apierr.Error) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, apierr.New(apierr.TooLarge, "the request is larger than %d bytes", maxBytes)
	case err != nil:
		return nil, apierr.New(apierr.BadRequest, "the request could not be read to its end").Because(err)
	}
	var r request
	if e := decode(raw, &r); e != nil {
		return nil, e
	}
	return r.order()
}

func decode(raw []byte, r *request) *apierr.Error {
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return apierr.New(apierr.BadRequest, "the request must be a JSON object with the SQL in the field statement")
	}
	err := json.Unmarshal(raw, r)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return invalid(wrong.Field, "%s can't be a JSON %s", wrong.Field, wrong.Value)
	default:
		return apierr.New(apierr.BadRequest, "the request is not valid JSON: %s", err).Because(err)
	}
}

func invalid(field, format string, args ...any) *apierr.Error {
	return apierr.New(apierr.InvalidParameter, format, args...).At(field)
}

func (r *request) order() (*order, *apierr.Error) {
	if strings.TrimSpace(r.Statement) == "" {
		return nil, invalid("statement", "statement is empty; send the SQL to run")
	}
	if r.Disposition != "" && r.Disposition != "INLINE" {
		return nil, invalid("disposition", "disposition %s is not supported; supported is INLINE", quoted(r.Disposition))
	}
	if r.Format != "" && r.Format != "JSON_ARRAY" {
		return nil, invalid("format", "format %s is not supported; supported is JSON_ARRAY", quoted(r.Format))
	}
	o := &order{query: warehouse.Query{SQL: r.Statement, Catalog: r.Catalog, Schema: r.Schema}}
	var errs [4]*apierr.Error
	o.wait, o.cancel, errs[0] = r.patience()
	o.query.RowLimit, errs[1] = limit("row_limit", r.RowLimit)
	o.query.ByteLimit, errs[2] = limit("byte_limit", r.ByteLimit)
	o.query.Params, errs[3] = params(r.Parameters)
	for _, e := range errs {
		if e != nil {
			return nil, e
		}
	}
	return o, nil
}

// patience reads how long to wait, and whether to cancel then. With a wait of zero there is nothing
// to cancel after, as at Databricks.
func (r *request) patience() (wait time.Duration, cancel bool, e *apierr.Error) {
	switch r.OnWaitTimeout {
	case "", "CONTINUE":
	case "CANCEL":
		cancel = true
	default:
		return 0, false, invalid("on_wait_timeout", "on_wait_timeout %s is neither CONTINUE nor CANCEL", quoted(r.OnWaitTimeout))
	}
	if r.WaitTimeout == "" {
		return defaultWait, cancel, nil
	}
	wait, err := time.ParseDuration(r.WaitTimeout)
	if err != nil || (wait != 0 && (wait < minWait || wait > maxWait)) {
		return 0, false, invalid("wait_timeout", "wait_timeout %s is neither 0s nor from 5s to 50s", quoted(r.WaitTimeout))
	}
	return wait, cancel && wait > 0, nil
}

// limit reads a row or byte limit; 0 is none.
func limit(field string, raw json.RawMessage) (int, *apierr.Error) {
	s, ok := text(raw)
	if ok && s == nil {
		return 0, nil
	}
	var n int64
	if ok {
		n, _ = strconv.ParseInt(*s, 10, 64) // a number out of range is the nearest in it, what is no number is 0
	}
	if n < 1 {
		return 0, invalid(field, "%s %s is not a whole number above zero", field, quoted(string(raw)))
	}
	return int(min(n, math.MaxInt32)), nil
}

// params reads the values of the statement's markers. Names compare without case, as in the text.
func params(in []parameter) ([]warehouse.Param, *apierr.Error) {
	var out []warehouse.Param
	seen := map[string]bool{}
	for i, p := range in {
		low := strings.ToLower(p.Name)
		if low == "" {
			return nil, invalid("parameters", "parameters[%d] has no name; only named markers, :name, are supported", i)
		}
		if seen[low] {
			return nil, invalid("parameters", "the parameter %s is given twice", quoted(p.Name))
		}
		seen[low] = true
		value, ok := text(p.Value)
		if !ok {
			return nil, invalid("parameters", "the value of the parameter %s must be a string or null", quoted(p.Name))
		}
		out = append(out, warehouse.Param{Name: p.Name, Type: p.Type, Value: value})
	}
	return out, nil
}

// text returns a parameter's value, nil for NULL. Numbers and booleans count as their text.
func text(raw json.RawMessage) (value *string, ok bool) {
	s := string(raw)
	switch {
	case s == "" || s == "null":
		return nil, true
	case s[0] == '"':
		if json.Unmarshal(raw, &s) != nil {
			return nil, false
		}
		return &s, true
	default:
		return &s, s[0] != '{' && s[0] != '['
	}
}

// quoted shows a caller's own value back, cut to a length that fits into a message.
func quoted(s string) string {
	s = strings.Trim(s, `"`)
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return `"` + s + `"`
}
